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
/** The address of what is shown, which differs from the browser's for a moment after Back or Forward. */
let shownAt = withoutHash(location.href);
let opening = null;
let running = 0;

compare();
listenToPage(choose);
takeOverPage();
// Entries of the history that this script made lead to no other document by themselves.
addEventListener("popstate", () => {
  if (withoutHash(location.href) !== shownAt) {
    location.reload(); // A link within the page leads to it, too.
  }
});

function withoutHash(address) {
  return address.split("#")[0];
}

/** Make the page's form and buttons work without loading another page. */
async function takeOverPage() {
  const form = document.querySelector("[data-upload]");
  if (!form) {
    refreshRepeatedly(); // Its payment is awaited.
    ready();
    await tellWhatIsLeftOut();
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
    shownAt = withoutHash(location.href);
    remember(session);
    document.addEventListener("submit", submitted);
    await goOn();
  }
}

/** Name photos that were chosen too late for the payment; they go on once the photos are changed. */
async function tellWhatIsLeftOut() {
  const notice = document.querySelector("[data-left-out]");
  const names = notice ? (await kept(notice.dataset.leftOut)).map((file) => file.name) : [];
  if (names.length) {
    notice.textContent = say("left_out", { name: names.join(", ") });
    notice.hidden = false;
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
    if (["refused", "removed"].includes(photos.get(key)?.state)) {
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
    shownAt = withoutHash(location.href);
    document.title = page.title;
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
  if (photo.state === "removed") {
    return;
  }
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
    showWhetherPayable(); // The button is the template's again.
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
  if (kindOf(problem).startsWith("upload-session-")) {
    location.reload(); // It is being paid or has ended, which its page explains; a kept photo goes on if it opens again.
    return;
  }
  forget(session, photo.key);
  startNext();
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
  const { state } = photo;
  if (state === "running") {
    running -= 1;
  }
  photo.state = "removed";
  photo.row.remove();
  announce(say("announce_removed", { name: photo.file.name }));
  forget(session, photo.key);
  startNext();
  await cancelAtLast(photo.transfer);
  if (state === "done") {
    await refreshAtLast(); // The list of the shop may have it already.
  }
  if (photos.get(photo.key) === photo) {
    photos.delete(photo.key);
  }
  showWhetherPayable();
}

/** Have the shop forget what it has of a photo; without a line, as soon as it is back. */
async function cancelAtLast(transfer) {
  try {
    await transfer?.cancel();
  } catch {
    await backOnLine();
    await cancelAtLast(transfer);
  }
}

function retry(photo) {
  photo.state = "waiting";
  photo.row.waits();
  keep(session, photo.key, photo.file);
  startNext();
}

/** The payment waits for each photo until the shop has it, or has it no more, and the page shows the price of that. */
function showWhetherPayable() {
  const isBusy = [...photos.values()].some(({ state }) => state !== "refused");
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
    await removeFromList(form);
  }
}

/** Remove a photo that the shop has; the focus moves to the line after it, or to the choice of photos. */
async function removeFromList(form) {
  // By ids: elements that the page no longer needs are used again for others.
  const line = form.closest("li");
  const { id } = form.querySelector("button");
  const nextId = (line.nextElementSibling ?? line.previousElementSibling)?.querySelector("button").id;
  const hadFocus = line.contains(document.activeElement);
  const name = line.querySelector(".name").textContent;
  await sendAtLast(form);
  if (document.getElementById(id)) {
    return; // The page says why it is still here.
  }
  announce(say("announce_removed", { name }));
  if (hadFocus) {
    (document.getElementById(nextId) ?? document.querySelector("[data-choose]")).focus();
  }
}

/** Send a form that may be sent twice, and show what became of it; without a line, as soon as it is back. */
async function sendAtLast(form) {
  try {
    const body = new URLSearchParams(new FormData(form));
    await fetch(form.action, { method: "POST", body, redirect: "manual" });
    await refresh();
    showWhetherPayable();
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
