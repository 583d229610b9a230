// Saving on phones: the share sheet of the device puts pictures into its photo library, without a zip.

import { announce, say } from "./page.js";

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
  if (all && forms.length > 1) {
    all.hidden = false;
    whenPressed(all, "click", all, forms.filter((form) => form.dataset.save !== "earlier"));
  }
}

function canShareFiles() {
  const probe = new File([""], "photo.png", { type: "image/png" });
  return matchMedia("(pointer: coarse)").matches && Boolean(navigator.canShare?.({ files: [probe] }));
}

function whenPressed(target, kind, button, forms) {
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
    } catch (error) {
      if (error.name === "NotAllowedError") {
        // The fetch outlasted the permission that a press gives, so that one more press is needed.
        button.textContent = say("save_ready");
        announce(say("save_ready"));
      } else if (error.name !== "AbortError") {
        files = null;
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
