// Runs before the first paint: the page is laid out for its script, and as a plain page if that does not start.

const PATIENCE_MS = 4_000;
const page = document.documentElement;

/** Whether the page's own script has started; it says so by the class `ready`. */
const isReady = () => page.classList.contains("ready");

const giveUp = () => {
  if (isReady() || !page.classList.contains("scripted")) {
    return;
  }
  page.classList.remove("scripted");
  const seconds = Number(document.querySelector("main")?.dataset.refresh);
  if (seconds) {
    setTimeout(() => isReady() || location.reload(), seconds * 1000);
  }
};

page.classList.add("scripted");
addEventListener(
  "error",
  ({ target }) => {
    if (target === window || target.localName === "script") {
      giveUp(); // Its file is blocked or broken.
    }
  },
  true, // Elements' errors do not bubble.
);
setTimeout(giveUp, PATIENCE_MS);
