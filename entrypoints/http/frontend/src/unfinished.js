// A customer who left before the payment and comes back to the home page finds the photos again.

import { kept } from "./kept.js";
import { say } from "./page.js";

const KEY = "restoreclick.session";

/** Remember the session whose photos are chosen here; without storage, it is not. */
export function remember(session) {
  try {
    localStorage.setItem(KEY, session);
  } catch {
    // The link to it is then in the browser's history alone.
  }
}

/** Show the home page's link to photos that are not ordered yet, if there are any. */
export async function offerUnfinished() {
  const offer = document.querySelector("[data-unfinished]");
  const session = stored();
  if (!offer || !session) {
    return;
  }
  const answer = await fetch(`api/uploads/${session}`, { headers: { Accept: "application/json" } }).catch(() => null);
  const upload = answer?.ok ? await answer.json() : null;
  const number = (upload?.photos.length ?? 0) + (await kept(session)).length;
  if (["open", "checkout"].includes(upload?.status) && number) {
    const link = offer.querySelector("a");
    link.href = `uploads/${session}`;
    link.textContent = say("go_on", { number });
    offer.hidden = false;
  } else if (upload || answer?.status === 404) {
    localStorage.removeItem(KEY);
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
