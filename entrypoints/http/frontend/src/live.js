// Follows an order: server-sent events say that it changed, and the page takes over what the server renders.

import { announce, refresh } from "./page.js";

const POLL_MS = 5_000;
const PATIENT_POLL_MS = 60_000;

/** Keep the page up to date for as long as its `<main>` names a stream of events. */
export function follow() {
  const { events } = document.querySelector("main").dataset;
  if (!events) {
    return;
  }
  let poll = null;
  let etag = null;

  const update = async () => {
    const before = statusText();
    let page;
    try {
      page = await refresh();
    } catch {
      return; // The next event or poll tries again.
    }
    if (statusText() !== before) {
      announce(statusText());
    }
    if (!page.querySelector("main").dataset.events) {
      source.close();
      clearTimeout(poll);
      poll = null;
    }
  };

  const look = async () => {
    const headers = { Accept: "application/json", ...(etag && { "If-None-Match": etag }) };
    try {
      const response = await fetch(events.replace(/\/events$/, ""), { headers, cache: "no-store" });
      if (response.ok) {
        etag = response.headers.get("ETag");
        await update();
      }
    } catch {
      // Without a line there is nothing to show; the next look tries again.
    }
    if (poll) {
      poll = setTimeout(look, document.hidden ? PATIENT_POLL_MS : POLL_MS);
    }
  };

  const source = new EventSource(events);
  source.addEventListener("status", update);
  source.addEventListener("open", () => {
    clearTimeout(poll);
    poll = null;
  });
  source.addEventListener("error", () => {
    // A browser reconnects by itself with Last-Event-ID, unless the stream was refused.
    if (!poll) {
      poll = setTimeout(look, POLL_MS);
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (poll && !document.hidden) {
      clearTimeout(poll);
      poll = setTimeout(look, 0);
    }
  });
}

function statusText() {
  return document.querySelector("[data-status-text]")?.textContent.trim() ?? "";
}
