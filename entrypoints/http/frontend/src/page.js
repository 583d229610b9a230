// What all pages share: sentences from the template, announcements, and a reload that keeps one's place.

import { Idiomorph } from "idiomorph";

/** The sentence that the page's template wrote under a key, with its {placeholders} filled. */
export function say(key, values = {}) {
  const sentences = JSON.parse(document.querySelector("template[data-texts]").content.textContent);
  return sentences[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const SHOWN_MS = 10_000;
let shown = null;

/** Have screen readers read a sentence when they are done with the one before; on some pages it is seen, for a while. */
export function announce(sentence) {
  const status = document.querySelector("[data-announce]");
  // The same sentence twice is read twice only if the element changes in between.
  status.textContent = "";
  requestAnimationFrame(() => {
    status.textContent = sentence;
  });
  clearTimeout(shown);
  shown = setTimeout(() => {
    status.textContent = "";
  }, SHOWN_MS);
}

/** The HTML page at an address; throws unless the server answers with one. */
export async function fetchPage(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-cache" });
  if (!response.ok) {
    throw new Error(`The page was answered with ${response.status}.`);
  }
  return { address: response.url, page: new DOMParser().parseFromString(await response.text(), "text/html") };
}

/** Say that this page's script has started, so that the page stays laid out for it. */
export function ready() {
  document.documentElement.classList.add("scripted", "ready");
}

let running = null;
let isAgain = false;

/**
 * Load this page anew and take over what differs; resolves with the new document.
 *
 * Calls while one runs are answered together by one more. A page that now leads elsewhere is followed.
 */
export function refresh() {
  isAgain = true;
  running ??= (async () => {
    try {
      let fetched;
      while (isAgain) {
        isAgain = false;
        fetched = await fetchPage(location.href);
      }
      if (fetched.address !== location.href.split("#")[0]) {
        location.replace(fetched.address);
      } else {
        takeOver(fetched.page);
      }
      return fetched.page;
    } finally {
      running = null;
    }
  })();
  return running;
}

/** Refresh for as long as `<main>` has `data-refresh`, every so many seconds. */
export function refreshRepeatedly() {
  const { refresh: seconds } = document.querySelector("main").dataset;
  if (seconds) {
    setTimeout(async () => {
      await refresh().catch(() => {}); // Without a line, the next one.
      refreshRepeatedly();
    }, seconds * 1000);
  }
}

/** Take over the title, the heading and each `data-live` of another document; what a person typed or opened stays. */
function takeOver(page) {
  document.title = page.title;
  document.querySelector("h1").textContent = page.querySelector("h1").textContent;
  document.querySelector("main").dataset.refresh = page.querySelector("main").dataset.refresh ?? "";
  for (const element of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(element.id);
    if (fresh && !fresh.isEqualNode(element)) {
      Idiomorph.morph(element, fresh, {
        callbacks: {
          beforeAttributeUpdated: (name, changed) => !(name === "open" && changed.localName === "details"),
          beforeNodeMorphed: (old) => !(old.localName === "input" && old.value !== old.defaultValue),
        },
      });
    }
  }
}
