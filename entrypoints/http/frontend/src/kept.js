// Photos that were chosen and are not uploaded yet, kept by the browser so that a closed tab loses none of them.

import { createStore, delMany, entries, set } from "idb-keyval";

const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
let store = null;

function opened() {
  store ??= createStore("restoreclick", "chosen-photos");
  return store;
}

/** Keep a photo of a session; without storage, or when it is full, it is not kept. */
export async function keep(session, key, file) {
  await set([session, key], { file, at: Date.now() }, opened()).catch(() => {});
}

/** Forget a photo that is uploaded, refused or removed. */
export async function forget(session, key) {
  await delMany([[session, key]], opened()).catch(() => {});
}

/** The photos of a session that a closed tab left; those that are older than a week are forgotten. */
export async function kept(session) {
  await forgetOld();
  const all = await entries(opened()).catch(() => []);
  return all.filter(([key]) => key[0] === session).map(([, { file }]) => file);
}

/** Forget the photos of all sessions that are older than a week. */
export async function forgetOld() {
  await forgetWhere(([, { at }]) => at < Date.now() - KEPT_MS);
}

/** Forget all photos of a session. */
export async function forgetAll(session) {
  await forgetWhere(([[of]]) => of === session);
}

async function forgetWhere(isForgotten) {
  const all = await entries(opened()).catch(() => []);
  await delMany(all.filter(isForgotten).map(([key]) => key), opened()).catch(() => {});
}
