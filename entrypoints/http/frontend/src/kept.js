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
  const all = await entries(opened()).catch(() => []);
  const old = all.filter(([, { at }]) => at < Date.now() - KEPT_MS).map(([key]) => key);
  await delMany(old, opened()).catch(() => {});
  return all.filter(([key]) => key[0] === session && !old.includes(key)).map(([, { file }]) => file);
}
