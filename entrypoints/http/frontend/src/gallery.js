// The gallery: before and after under one slider, full screen, saving on phones, a link to pass on.

import { announce, ready, say } from "./page.js";
import { saveToLibrary } from "./save.js";
import { compare } from "./slider.js";

compare();
saveToLibrary();

if (document.fullscreenEnabled) {
  for (const button of document.querySelectorAll("[data-fullscreen]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (document.fullscreenElement) {
        document.exitFullscreen();
      } else {
        document.getElementById(button.getAttribute("aria-controls")).requestFullscreen();
      }
    });
  }
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.getAttribute("aria-controls")).value);
      announce(say("copied"));
    });
  }
}

ready();
