// Home and upload page: photos are on their way as soon as they are chosen, and stay so through tunnels and closed tabs.

import { stayAwake } from "./awake.js";
import { listen, listenToPage } from "./chooser.js";
import { newKey } from "./idempotency.js";
import { forget, keep, kept } from "./kept.js";
import { announce, fetchPage, ready, refresh, refreshRepeatedly, say } from "./page.js";
import { Row } from "./row.js";
import { compare } from "./slider.js";
import { Transfer, begun, keyOf } from "./transfer.js";
import { offerUnfinished, remember } from "./unfinished.js";

const AT_ONCE = 2;
const RETRY_MS = 5_000;

// The sentences for problems that the shop describes to programs; of an unreadable photo it writes for people.
const REFUSALS = {
  "body-empty": "empty",
  "body-too-large": "too_large",
  "too-many-photos": "too_many",
  "too-many-requests": "too_often",
  "too-many-uploads": "too_many",
};
// Why an upload waits although the line is there.
const WAITS = {
  "storage-nearly-full": "full",
  "too-many-requests": "throttled",
};
const FINAL = ["body-empty", "body-too-large", "photo-unreadable", "too-many-photos", "too-many-uploads"];

/** By key, each photo that is not in the shop yet. */
const photos = new Map();
let session = null;
let opening = null;
let running = 0;

compare();
listenToPage(choose);
takeOverPage();

/** Make the page's form and buttons work without loading another page. */
async function takeOverPage() {
  const form = document.querySelector("[data-upload]");
  if (!form) {
    refreshRepeatedly(); // Its payment is awaited.
    ready();
    return;
  }
  listen(form, choose);
  ready();
  session = form.dataset.session ?? null;
  if (!session) {
    await offerUnfinished();
  } else {
    // An answer to a form has the form's address, which cannot be loaded again.
    history.replaceState(history.state, "", form.dataset.page + location.hash);
    remember(session);
    document.addEventListener("submit", submitted);
    await goOn();
  }
}

/** Go on with what a closed tab left, and ask for what this browser could not keep. */
async function goOn() {
  const files = await kept(session);
  const missing = await begun(session);
  for (const file of files) {
    missing.delete(keyOf(file));
  }
  if (files.length) {
    await choose(files);
  }
  for (const name of missing.values()) {
    complain(say("resume", { name }));
  }
}

async function choose(files) {
  withdrawComplaints();
  if (!session && !(await theSession())) {
    return;
  }
  for (const file of files) {
    const key = keyOf(file);
    if (photos.get(key)?.state === "refused") {
      photos.get(key).row.remove(); // It is tried anew.
      photos.delete(key);
    }
    if (photos.has(key)) {
      complain(say("duplicate", { name: file.name }));
      continue;
    }
    const photo = { key, file, state: "waiting", row: null, transfer: null };
    photo.row = new Row(file, { remove: () => remove(photo), retry: () => retry(photo) });
    photos.set(key, photo);
    keep(session, key, file);
  }
  startNext();
}

/** Whether there is a session now; photos that are chosen while it is opened wait for the same one. */
function theSession() {
  const busy = document.querySelector("[data-busy]");
  busy.hidden = false;
  opening ??= openSession(document.querySelector("[data-upload]").action).finally(() => {
    opening = null;
    busy.hidden = true;
  });
  return opening;
}

/**
 * Open a session, and show its page in the place of the home page; `uploads` is what their addresses begin with.
 *
 * If its answer is lost, it is asked for again with the same key, which opens no second one.
 */
async function openSession(uploads, key = newKey()) {
  try {
    const headers = { Accept: "application/json", "Idempotency-Key": key };
    const response = await fetch(new URL("api/uploads", uploads), { method: "POST", headers });
    if (response.status === 409) {
      throw new Error("The request whose answer was lost is not over yet.");
    }
    const answer = await response.json();
    if (!response.ok) {
      complain(sentenceFor(answer));
      return false;
    }
    const address = `${uploads}/${answer.session_id}`;
    const { page } = await fetchPage(address);
    history.pushState(null, "", address);
    document.title = page.title;
    addEventListener("popstate", () => {
      if (location.href.split("#")[0] !== address) {
        location.reload(); // A link within the page leads to it, too.
      }
    });
    const main = document.adoptNode(page.querySelector("main"));
    document.querySelector("main").replaceWith(main);
    scrollTo(0, 0);
    main.focus();
    await takeOverPage();
    return true;
  } catch {
    complain(say("paused"));
    await backOnLine();
    withdrawComplaints();
    return openSession(uploads, key);
  }
}

/** Resolves when the line is back, or might be. */
function backOnLine() {
  return new Promise((resolve) => {
    addEventListener("online", resolve, { once: true });
    setTimeout(resolve, RETRY_MS);
  });
}

function startNext() {
  for (const photo of photos.values()) {
    if (running >= AT_ONCE) {
      break;
    }
    if (photo.state === "waiting") {
      running += 1;
      photo.state = "running";
      photo.transfer = new Transfer(photo.file, {
        endpoint: new URL(`../api/uploads/${session}/tus`, location.href).href,
        session,
        told: {
          progress: (share) => photo.row.progress(share),
          received: () => photo.row.received(),
          paused: (why) => paused(photo, ...reasonFor(why)),
          done: (response) => done(photo, response),
          refused: (problem) => refused(photo, problem),
        },
      });
      photo.transfer.start();
    }
  }
  showWhetherPayable();
}

async function done(photo, response) {
  running -= 1;
  photo.state = "done";
  forget(session, photo.key);
  startNext();
  photo.row.uploaded();
  await refreshAtLast();
  photo.row.remove();
  photos.delete(photo.key);
  if (response.getHeader("Upload-Duplicate") === "true") {
    complain(say("duplicate", { name: photo.file.name }));
  } else {
    announce(say("announce_done", { name: photo.file.name }));
  }
  showWhetherPayable();
}

/** Show what the shop has now; without a line, as soon as it is back. */
async function refreshAtLast() {
  try {
    await refresh();
  } catch {
    await backOnLine();
    await refreshAtLast();
  }
}

/** Say why a photo waits; a screen reader hears it when it begins. */
function paused(photo, why, values) {
  if (photo.row.paused(why, values)) {
    announce(say(why, values));
  }
}

function refused(photo, problem) {
  running -= 1;
  photo.state = "refused";
  const why = sentenceFor(problem);
  photo.row.refused(why, !FINAL.includes(kindOf(problem)));
  announce(say("announce_refused", { name: photo.file.name, why }));
  forget(session, photo.key);
  startNext();
  if (kindOf(problem).startsWith("upload-session-")) {
    location.reload(); // It has ended or is being paid, which its page explains.
  }
}

function kindOf(problem) {
  return (problem.type ?? "").split("/").pop();
}

function sentenceFor(problem) {
  const kind = kindOf(problem);
  return kind === "photo-unreadable" ? problem.detail : say(REFUSALS[kind] ?? "failed");
}

/** The key of the sentence for a wait, and its values. */
function reasonFor({ isAnswered, problem, until }) {
  const time = new Date(until).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
  return isAnswered ? [WAITS[kindOf(problem)] ?? "busy", { time }] : ["paused", {}];
}

async function remove(photo) {
  if (photo.state === "running") {
    running -= 1;
    photo.transfer.cancel();
  }
  photo.state = "removed";
  photos.delete(photo.key);
  photo.row.remove();
  announce(say("announce_removed", { name: photo.file.name }));
  forget(session, photo.key);
  startNext();
}

function retry(photo) {
  photo.state = "waiting";
  photo.row.waits();
  keep(session, photo.key, photo.file);
  startNext();
}

/** Photos on their way belong to the order, so its payment waits for them. */
function showWhetherPayable() {
  const isBusy = [...photos.values()].some(({ state }) => state === "waiting" || state === "running");
  document.querySelector("[data-pay]")?.setAttribute("aria-disabled", isBusy);
  const reason = document.querySelector("[data-pay-waits]");
  if (reason) {
    reason.hidden = !isBusy;
  }
  stayAwake(isBusy);
}

async function submitted(event) {
  const form = event.target;
  if (form.querySelector("[data-pay][aria-disabled=true]")) {
    event.preventDefault();
    announce(document.querySelector("[data-pay-waits]").textContent);
  } else if (form.hasAttribute("data-swap")) {
    event.preventDefault();
    await sendAtLast(form);
    showWhetherPayable();
  }
}

/** Send a form that may be sent twice, and show what became of it; without a line, as soon as it is back. */
async function sendAtLast(form) {
  try {
    const body = new URLSearchParams(new FormData(form));
    await fetch(form.action, { method: "POST", body, redirect: "manual" });
    await refresh();
  } catch {
    withdrawComplaints();
    complain(say("paused"));
    await backOnLine();
    withdrawComplaints();
    await sendAtLast(form);
  }
}

/** Say beside the form what the customer has to know, below what it says already. */
function complain(sentence) {
  const problem = document.querySelector("[data-problem]");
  problem.textContent = [problem.textContent, sentence].filter(Boolean).join("\n");
  problem.hidden = false;
}

function withdrawComplaints() {
  const problem = document.querySelector("[data-problem]");
  problem.textContent = "";
  problem.hidden = true;
}
