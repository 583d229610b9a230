// Saving on phones: the share sheet of the device puts pictures into its photo library, without a zip.

import { announce, say } from "./page.js";

// Pictures are in memory until they are shared, so more are shared in parts, one press each.
const MOST_AT_ONCE = 20;

/** Have each `data-save` form, and the button for all of them, share files where the device can. */
export function saveToLibrary(root = document) {
  const forms = [...root.querySelectorAll("form[data-save]")];
  if (!canShareFiles()) {
    return; // The plain forms download.
  }
  for (const form of forms) {
    const button = form.querySelector("button");
    whenPressed(form, "submit", button, [[form]]);
  }
  const all = root.querySelector("[data-share-all]");
  const newest = forms.filter((form) => form.dataset.save !== "earlier");
  if (all && newest.length) {
    all.hidden = false;
    all.classList.remove("second");
    all.parentElement.prepend(all);
    root.querySelector("[data-save-all] button").classList.add("second"); // A zip is no use on a phone.
    whenPressed(all, "click", all, inParts(newest));
  }
}

function canShareFiles() {
  const probe = new File([""], "photo.png", { type: "image/png" });
  return matchMedia("(pointer: coarse)").matches && Boolean(navigator.canShare?.({ files: [probe] }));
}

function inParts(forms) {
  const count = Math.ceil(forms.length / MOST_AT_ONCE);
  return Array.from({ length: count }, (_, part) => forms.slice(part * MOST_AT_ONCE, (part + 1) * MOST_AT_ONCE));
}

/** Share the pictures of one part after the other, and then of the first again, each with a press. */
function whenPressed(target, kind, button, parts) {
  const [text, label] = [button.textContent, button.getAttribute("aria-label")];
  const name = (shown, spoken) => {
    button.textContent = shown;
    spoken ? button.setAttribute("aria-label", spoken) : button.removeAttribute("aria-label");
  };
  let part = 0;
  const words = () => (parts.length > 1 ? say("save_part", bounds(parts, part)) : text);
  let files = null;
  let isFetching = false;
  target.addEventListener(kind, async (event) => {
    event.preventDefault();
    if (isFetching) {
      return;
    }
    try {
      if (!files) {
        isFetching = true;
        button.setAttribute("aria-busy", "true");
        announce(say("save_fetching"));
        files = [];
        for (const form of parts[part]) {
          files.push(await fetched(form));
        }
      }
      await navigator.share({ files });
      files = null;
      part = (part + 1) % parts.length;
      name(words(), label);
    } catch (error) {
      if (error.name === "NotAllowedError") {
        // The fetch outlasted the permission that a press gives, so that one more press is needed.
        name(say("save_ready"), label && `${say("save_ready")}: ${label}`);
        announce(say("save_ready"));
      } else if (error.name !== "AbortError") {
        files = null;
        name(words(), label);
        target === button ? announce(say("save_failed")) : target.submit();
      }
    } finally {
      isFetching = false;
      button.removeAttribute("aria-busy");
    }
  });
  name(words(), label);
}

function bounds(parts, part) {
  const first = part * MOST_AT_ONCE + 1;
  return { first, last: first + parts[part].length - 1, total: parts.flat().length };
}

async function fetched(form) {
  const response = await fetch(form.action, { method: "POST" });
  if (!response.ok) {
    throw new Error(`The picture was answered with ${response.status}.`);
  }
  const picture = await response.blob();
  const stem = form.dataset.name.replace(/\.[^.]+$/, "");
  return new File([picture], `${stem}.${picture.type.split("/").pop()}`, { type: picture.type });
}
