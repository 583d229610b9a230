// One photo on its way to the shop by tus: it goes on where it was when a line, a phone or a tab comes back.

import { Upload, defaultOptions } from "tus-js-client";

import { newKey } from "./idempotency.js";

// The first piece, and each after a break, arrives soon on a slow line too: a proxy may pass on nothing but whole pieces.
// On a fast line pieces grow, because each costs the shop a look at the session and an object in its storage.
const FIRST_PIECE_BYTES = 1024 * 1024;
const LARGEST_PIECE_BYTES = 8 * 1024 * 1024;
const FAST_PIECE_MS = 1_500;
const GROWTH = 4;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
// An offset that differs, or a lock, is over after the next look; what conflicts for longer is a refusal.
const CONFLICTS = 3;
const { urlStorage } = defaultOptions;

/** The size of the next piece of any photo, as the line was last. */
let pieceBytes = FIRST_PIECE_BYTES;

/** What tells a chosen file from another one of its session. */
export function keyOf(file) {
  return [file.name, file.type, file.size, file.lastModified].join("-");
}

/** The names of a session's photos whose upload began in this browser and did not end, by key. */
export async function begun(session) {
  const prefix = `tus::${session}/`;
  const all = (await urlStorage.findAllUploads()).filter(({ urlStorageKey }) => urlStorageKey.startsWith(prefix));
  return new Map(
    all.map(({ urlStorageKey, metadata }) => [
      urlStorageKey.slice(prefix.length, urlStorageKey.lastIndexOf("::")),
      metadata.filename,
    ]),
  );
}

/** Forget the uploads of a session that began in this browser. */
export async function forgetBegun(session) {
  const all = await urlStorage.findAllUploads();
  for (const { urlStorageKey } of all.filter(({ urlStorageKey }) => urlStorageKey.startsWith(`tus::${session}/`))) {
    await urlStorage.removeUpload(urlStorageKey);
  }
}

/**
 * Uploads one file, however often the line breaks.
 *
 * `told` has a function for each thing that happens: `progress(share)`, `received()` while the shop looks at the photo,
 * `paused({ isAnswered, problem, until })` when it waits, with the time in milliseconds at which it goes on by itself, and one of `done(response)` and `refused(problem)` with the problem document, which ends it.
 */
export class Transfer {
  #told;
  #upload;
  #timer = null;
  #failures = 0;
  #isOver = false;
  #pieceBeganAt = 0;
  #key = newKey();

  constructor(file, { endpoint, session, told }) {
    this.#told = told;
    this.#upload = new Upload(file, {
      endpoint,
      chunkSize: pieceBytes,
      retryDelays: null, // Its own retries end after some; a line may be away for longer.
      headers: { "Accept-Language": document.documentElement.lang }, // Of refusals.
      metadata: { filename: file.name, filetype: file.type || "application/octet-stream" },
      removeFingerprintOnSuccess: true,
      fingerprint: async () => `${session}/${keyOf(file)}`,
      onBeforeRequest: (request) => {
        if (request.getMethod() === "POST") {
          request.setHeader("Idempotency-Key", this.#key); // Its answer may be lost: the upload is begun once.
        }
        this.#pieceBeganAt = performance.now();
      },
      onAfterResponse: (request, response) => {
        // The client would begin anew after any error, though only 404 and 410 say that the begun upload is gone.
        const status = response.getStatus();
        if (request.getMethod() === "HEAD" && status >= 400 && ![403, 404, 410].includes(status)) {
          throw new Error(`The offset was answered with ${status}.`);
        }
      },
      onProgress: (sent, total) => {
        sent < total ? told.progress(sent / total) : told.received();
      },
      onChunkComplete: () => {
        this.#failures = 0;
        const isFast = performance.now() - this.#pieceBeganAt < FAST_PIECE_MS;
        this.#setPieces(isFast ? Math.min(pieceBytes * GROWTH, LARGEST_PIECE_BYTES) : FIRST_PIECE_BYTES);
      },
      onSuccess: ({ lastResponse }) => {
        this.#end();
        told.done(lastResponse);
      },
      onError: (error) => this.#failed(error),
    });
  }

  /** Begin, or go on with what an earlier visit began. */
  async start() {
    addEventListener("online", this.#goOn);
    document.addEventListener("visibilitychange", this.#goOn);
    const [previous] = await this.#upload.findPreviousUploads();
    if (previous) {
      this.#upload.resumeFromPreviousUpload(previous);
    }
    if (!this.#isOver) {
      this.#upload.start();
    }
  }

  /** Stop, and have the shop forget what it has of the photo; throws if it could not be asked. */
  async cancel() {
    this.#end();
    try {
      await this.#upload.abort(true);
    } catch (error) {
      const status = error.originalResponse?.getStatus() ?? 0;
      if (status === 0 || status >= 500) {
        throw error;
      } // Else the shop has none any more, or its page says why it is kept.
    }
    await this.#forget();
  }

  #goOn = () => {
    if (this.#timer && navigator.onLine && !document.hidden) {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#upload.start();
    }
  };

  async #failed(error) {
    if (this.#isOver) {
      return;
    }
    const response = error.originalResponse;
    const status = response?.getStatus() ?? 0;
    const isTransient = status === 429 || (isConflict(response) && this.#failures < CONFLICTS);
    if (status >= 400 && status < 500 && !isTransient) {
      this.#end();
      await this.#forget();
      this.#told.refused(problemIn(response));
      return;
    }
    const asked = Number(response?.getHeader("Retry-After")) * 1000;
    const wait = asked || Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    this.#told.paused({
      isAnswered: status > 0,
      problem: response ? problemIn(response) : {},
      until: Date.now() + wait,
    });
    this.#failures += 1;
    this.#setPieces(FIRST_PIECE_BYTES);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#upload.start();
    }, wait);
  }

  #setPieces(bytes) {
    pieceBytes = bytes;
    this.#upload.options.chunkSize = bytes;
  }

  async #forget() {
    for (const { urlStorageKey } of await this.#upload.findPreviousUploads()) {
      await urlStorage.removeUpload(urlStorageKey);
    }
  }

  #end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#timer = null;
    removeEventListener("online", this.#goOn);
    document.removeEventListener("visibilitychange", this.#goOn);
  }
}

/** Whether an offset differs, or another request is at work; a session that is closed stays so. */
function isConflict(response) {
  return [409, 423].includes(response?.getStatus()) && !problemIn(response).type?.includes("/upload-session-");
}

/** The problem document of an answer; empty if it is none. */
function problemIn(response) {
  try {
    return JSON.parse(response.getBody());
  } catch {
    return {};
  }
}
