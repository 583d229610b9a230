// The gallery: before and after under one slider, full screen, saving on phones, a link to pass on.

import { announce, ready, say } from "./page.js";
import { saveToLibrary } from "./save.js";
import { compare } from "./slider.js";

compare();
saveToLibrary();

if (document.fullscreenEnabled) {
  let opener = null;
  show("[data-fullscreen]", (button) => {
    opener = button;
    return controlled(button).requestFullscreen();
  });
  show("[data-fullscreen-end]", () => document.exitFullscreen()); // A finger has no Escape key.
  document.addEventListener("fullscreenchange", () => document.fullscreenElement || opener?.focus());
}
if (navigator.share) {
  show("[data-pass-on]", (button) => navigator.share({ url: controlled(button).value }).catch(() => {})); // Cancelled.
}
if (navigator.clipboard) {
  show("[data-copy]", async (button) => {
    await navigator.clipboard.writeText(controlled(button).value);
    announce(say("copied"));
  });
}

ready();

/** Show the buttons that the device can serve. */
function show(buttons, pressed) {
  for (const button of document.querySelectorAll(buttons)) {
    button.hidden = false;
    button.addEventListener("click", () => pressed(button));
  }
}

function controlled(button) {
  return document.getElementById(button.getAttribute("aria-controls"));
}
