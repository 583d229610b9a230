// Keys of requests that may be repeated: the shop does once what has one key.

/** A new Idempotency-Key. Browsers have randomUUID() only on secure pages. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
