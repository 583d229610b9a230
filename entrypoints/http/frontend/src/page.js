// What all pages share: sentences from the template, announcements, and a reload that keeps one's place.

/** The sentence that the page's template wrote under a key, with its {placeholders} filled. */
export function say(key, values = {}) {
  const sentences = JSON.parse(document.querySelector("template[data-texts]").content.textContent);
  return sentences[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Have screen readers read a sentence when they are done with the one before. */
export function announce(sentence) {
  const status = document.querySelector("[data-announce]");
  // The same sentence twice is read twice only if the element changes in between.
  status.textContent = "";
  requestAnimationFrame(() => {
    status.textContent = sentence;
  });
}

/** The HTML page at an address; throws unless the server answers with one. */
export async function fetchPage(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-cache" });
  if (!response.ok) {
    throw new Error(`The page was answered with ${response.status}.`);
  }
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

let running = null;
let isAgain = false;

/**
 * Load this page anew and take over its elements with `data-live` that differ; resolves with the new document.
 *
 * Calls while one runs are answered together by one more.
 */
export function refresh() {
  if (running) {
    isAgain = true;
    return running;
  }
  running = (async () => {
    try {
      let page;
      do {
        isAgain = false;
        page = await fetchPage(location.href);
      } while (isAgain);
      takeOver(page);
      return page;
    } finally {
      running = null;
    }
  })();
  return running;
}

/** Take over the heading of another document, and what differs in each live element. */
export function takeOver(page) {
  document.title = page.title;
  document.querySelector("h1").textContent = page.querySelector("h1").textContent;
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && !fresh.isEqualNode(old)) {
      replace(old, document.adoptNode(fresh));
    }
  }
}

function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  for (const opened of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${CSS.escape(opened.id)}`)?.setAttribute("open", "");
  }
  // A picture that was loaded stays the same element, so that it does not flicker.
  for (const picture of fresh.querySelectorAll("img")) {
    const loaded = [...old.querySelectorAll("img")].find((each) => each.isEqualNode(picture));
    if (loaded) {
      picture.replaceWith(loaded);
    }
  }
  old.replaceWith(fresh);
  if (focused) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
}
