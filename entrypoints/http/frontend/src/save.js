// Saving on phones: the share sheet of the device puts pictures into its photo library, without a zip.

import { say } from "./page.js";

// Pictures are in memory until they are shared, so more are shared in parts, one press each.
const MOST_AT_ONCE = 20;
const KEPT_FOR_DOWNLOAD_MS = 60_000;

/** Have each `data-save` form, and the button for all of them, share files where the device can. */
export function saveToLibrary(root = document) {
  root.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && !navigator.onLine) {
      event.preventDefault(); // Without a line, the browser would show its own page instead of this one.
      tell(say("save_offline"));
    }
  });
  addEventListener("online", () => tell(""));
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

/**
 * Share the pictures of one part after the other, and then of the first again, each with a press.
 *
 * Pictures that were fetched are kept until they are shared, so that a press after a failure fetches the others only.
 */
function whenPressed(target, kind, button, parts) {
  const [text, label] = [button.textContent, button.getAttribute("aria-label")];
  const name = (shown, spoken) => {
    button.textContent = shown;
    spoken ? button.setAttribute("aria-label", spoken) : button.removeAttribute("aria-label");
  };
  let part = 0;
  const words = () => (parts.length > 1 ? say("save_part", bounds(parts, part)) : text);
  const kept = new Map(); // of forms
  let isFetching = false;
  target.addEventListener(kind, async (event) => {
    event.preventDefault();
    if (isFetching) {
      return;
    }
    const forms = parts[part];
    isFetching = true;
    const busy = ["aria-busy", "aria-disabled"];
    busy.forEach((state) => button.setAttribute(state, "true"));
    const obstacle = await fetchLacking(forms, kept);
    isFetching = false;
    busy.forEach((state) => button.removeAttribute(state));
    if (obstacle) {
      name(words(), label);
      tell(say(obstacle, { done: kept.size, total: forms.length }));
      return;
    }
    tell("");
    const files = forms.map((form) => kept.get(form));
    try {
      await navigator.share({ files });
    } catch (error) {
      if (error.name === "NotAllowedError") {
        // The fetch outlasted the permission that a press gives, so that one more press is needed.
        name(say("save_ready"), label && `${say("save_ready")}: ${label}`);
        tell(say("save_ready"));
        return;
      }
      if (error.name === "AbortError") {
        return;
      }
      files.length === 1 ? download(files[0]) : tell(say("save_failed"));
    }
    kept.clear();
    part = (part + 1) % parts.length;
    name(words(), label);
  });
  name(words(), label);
}

/** Fetch what is not kept yet; resolves with the phrase of what stood in the way. */
async function fetchLacking(forms, kept) {
  const lacking = forms.filter((form) => !kept.has(form));
  let obstacle = null;
  for (const form of lacking) {
    tell(say(forms.length > 1 ? "save_progress" : "save_fetching", { done: kept.size, total: forms.length }));
    try {
      const response = await fetch(form.action, { method: "POST" });
      if (response.ok) {
        kept.set(form, fileOf(form, await response.blob()));
      } else {
        obstacle = forms.length > 1 ? "save_incomplete" : "save_refused";
      }
    } catch {
      return "save_offline"; // The line broke: the next ones would find none either.
    }
  }
  return obstacle;
}

/** Say what saving has come to, for as long as it is so. */
function tell(sentence) {
  document.querySelector("[data-saving]").textContent = sentence;
}

/** Save without the share sheet; the page stays. */
function download(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_FOR_DOWNLOAD_MS);
}

function bounds(parts, part) {
  const first = part * MOST_AT_ONCE + 1;
  return { first, last: first + parts[part].length - 1, total: parts.flat().length };
}

function fileOf(form, picture) {
  const stem = form.dataset.name.replace(/\.[^.]+$/, "");
  return new File([picture], `${stem}.${picture.type.split("/").pop()}`, { type: picture.type });
}
