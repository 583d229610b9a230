// Keeps the screen of a phone on: one that locks itself would pause the upload. Where that is refused, the upload goes on
// when the phone is unlocked.

let isWanted = false;
let lock = null;

/** Keep the screen on, or no longer; browsers withdraw it whenever the page is hidden, so it is asked for again. */
export function stayAwake(wanted) {
  isWanted = wanted;
  if (!isWanted) {
    lock?.then((granted) => granted?.release());
    lock = null;
  } else if (!lock && !document.hidden && navigator.wakeLock) {
    const asked = navigator.wakeLock.request("screen").catch(() => null);
    const forget = () => {
      lock = lock === asked ? null : lock;
    };
    lock = asked;
    asked.then((granted) => (granted ? granted.addEventListener("release", forget) : forget()));
  }
}

document.addEventListener("visibilitychange", () => stayAwake(isWanted));
