// Saving on phones: the share sheet of the device puts pictures into its photo library, without a zip.

import { announce, say } from "./page.js";

// All pictures are in memory until they are shared; an order of more is saved as an archive.
const MOST_AT_ONCE = 20;

/** Have each `data-save` form, and the button for all of them, share files where the device can. */
export function saveToLibrary(root = document) {
  const forms = [...root.querySelectorAll("form[data-save]")];
  if (!canShareFiles()) {
    return; // The plain forms download.
  }
  for (const form of forms) {
    const button = form.querySelector("button");
    whenPressed(form, "submit", button, [form]);
  }
  const all = root.querySelector("[data-share-all]");
  const newest = forms.filter((form) => form.dataset.save !== "earlier");
  if (all && newest.length > 1 && newest.length <= MOST_AT_ONCE) {
    all.hidden = false;
    whenPressed(all, "click", all, newest);
  }
}

function canShareFiles() {
  const probe = new File([""], "photo.png", { type: "image/png" });
  return matchMedia("(pointer: coarse)").matches && Boolean(navigator.canShare?.({ files: [probe] }));
}

function whenPressed(target, kind, button, forms) {
  const [text, label] = [button.textContent, button.getAttribute("aria-label")];
  const name = (words, spoken) => {
    button.textContent = words;
    spoken ? button.setAttribute("aria-label", spoken) : button.removeAttribute("aria-label");
  };
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
        for (const form of forms) {
          files.push(await fetched(form));
        }
      }
      await navigator.share({ files });
      files = null;
      name(text, label);
    } catch (error) {
      if (error.name === "NotAllowedError") {
        // The fetch outlasted the permission that a press gives, so that one more press is needed.
        name(say("save_ready"), label && `${say("save_ready")}: ${label}`);
        announce(say("save_ready"));
      } else if (error.name !== "AbortError") {
        files = null;
        name(text, label);
        forms.length === 1 ? forms[0].submit() : announce(say("save_failed"));
      }
    } finally {
      isFetching = false;
      button.removeAttribute("aria-busy");
    }
  });
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
