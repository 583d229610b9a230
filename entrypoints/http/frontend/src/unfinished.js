// A customer who left before the payment and comes back to the home page finds the photos again.

import { forgetAll, forgetOld, kept } from "./kept.js";
import { say } from "./page.js";
import { forgetBegun } from "./transfer.js";

const KEY = "restoreclick.session";

/** Remember the session whose photos are chosen here; without storage, it is not. */
export function remember(session) {
  try {
    localStorage.setItem(KEY, session);
  } catch {
    // The link to it is then in the browser's history alone.
  }
}

/** Show the home page's link to photos that are not ordered yet, if there are any, and the button that removes them. */
export async function offerUnfinished() {
  await forgetOld();
  const offer = document.querySelector("[data-unfinished]");
  const session = stored();
  if (!offer || !session) {
    return;
  }
  const answer = await fetch(addressOf(`api/uploads/${session}`), { headers: { Accept: "application/json" } }).catch(() => null);
  const upload = answer?.ok ? await answer.json() : null;
  const number = (upload?.photos.length ?? 0) + (await kept(session)).length;
  if (["open", "checkout"].includes(upload?.status) && number) {
    const link = offer.querySelector("a");
    link.href = addressOf(`uploads/${session}`);
    link.textContent = say("go_on", { number });
    offer.querySelector("[data-forget]").addEventListener("click", () => removeAll(offer, session, upload));
    offer.hidden = false;
  } else if (upload || answer?.status === 404) {
    await forgetSession(session);
  }
}

/** Remove the photos from this browser, and from the shop unless a payment page is open for them. */
async function removeAll(offer, session, upload) {
  await forgetSession(session);
  for (const { photo_id: id } of upload.status === "open" ? upload.photos : []) {
    await fetch(addressOf(`api/uploads/${session}/photos/${id}`), { method: "DELETE" }).catch(() => {}); // They expire there.
  }
  offer.querySelector("[data-offer]").hidden = true;
  const removed = offer.querySelector("[data-removed]");
  removed.hidden = false;
  removed.focus();
}

/** By the form's address: after Forward the browser's own is another one for a moment, before its page is loaded. */
function addressOf(path) {
  return new URL(path, document.querySelector("[data-upload]").action).href;
}

async function forgetSession(session) {
  localStorage.removeItem(KEY);
  await forgetAll(session);
  await forgetBegun(session);
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
