/**
 * Where the bytes of a file come from: memory, a Blob, or a server. Only what was asked for is fetched, each byte once for all readers, into an
 * array of the length of the file that is 0 where nothing has come yet.
 */
import { LimitError } from "./errors.js";
import { openUrl } from "./http.js";
import { isLocal, lengthOfLocal, readLocal } from "./local.js";
import { covers, join, merge, sizeOf, without } from "./ranges.js";

/** Longer files are refused by every reader (spec/limits.md). */
export const MAX_FILE_BYTES = 2 ** 30;
/** Bytes of the first request where the whole picture will be shown: small ones come at once, of others the coarse levels. */
export const WHOLE_FIRST = 2 ** 14;
/** Requests that are made at once for what is missing: the last of them asks for several ranges, where there are more. */
const MOST_REQUESTS = 7;
/**
 * Which ranges are fetched as one, though the bytes between are not asked for. A window of 512 x 512 px of a 16K mosaic costs at most 1.24 times
 * its bytes; 6 in 100, across the corners of blocks, leave more ranges than requests, 15 at worst.
 */
const JOINED = { near: 512, most: MOST_REQUESTS, share: 0.23 };

/**
 * @typedef {import("./ranges.js").Range} Range
 *
 * @typedef {(start: number, bytes: Uint8Array) => void} Keep called with bytes of the file as they come
 *
 * @typedef {object} Opened
 * @property {number} length of the file
 * @property {Uint8Array} [whole] all of its bytes, where they lie in memory already
 * @property {Uint8Array} [head] its first bytes
 * @property {(range: Range, keep: Keep, signal: AbortSignal, isAlone: boolean) => Promise<void>} [read] gives the bytes of a range, of which
 *   others may be on their way
 * @property {(ranges: Range[], keep: Keep, signal: AbortSignal) => Promise<void>} [readSeveral] the same of several at once
 * @property {boolean} [isUndivided] `read` gives all bytes, whatever the range
 *
 * @typedef {object} Transfer bytes that are on their way
 * @property {number} start the first that has not come yet
 * @property {number} end
 * @property {Set<Request>} users who wait for some of them
 * @property {AbortController} controller
 */

/** @param {number} length of a file */
function checkLength(length) {
  if (length > MAX_FILE_BYTES) throw new LimitError(`the file has ${length} bytes, this decoder reads at most ${MAX_FILE_BYTES}`);
}

/**
 * @param {unknown} given
 * @param {number} first bytes that are asked for at once
 * @param {AbortSignal} [signal]
 * @returns {Promise<Opened>}
 */
async function openGiven(given, first, signal) {
  if (given instanceof ArrayBuffer) return { length: given.byteLength, whole: new Uint8Array(given) };
  if (ArrayBuffer.isView(given))
    return { length: given.byteLength, whole: new Uint8Array(given.buffer, given.byteOffset, given.byteLength) };
  if (typeof Blob !== "undefined" && given instanceof Blob) {
    const read = async (/** @type {Range} */ [start, end], /** @type {Keep} */ keep) =>
      keep(start, new Uint8Array(await given.slice(start, end).arrayBuffer()));
    return { length: given.size, read };
  }
  if (typeof given === "string" || given instanceof URL) return openUrlOrPath(String(given), first, signal);
  throw new TypeError("a source is an ArrayBuffer, a typed array, a Blob, a File or a URL");
}

/**
 * @param {string} url
 * @param {number} first
 * @param {AbortSignal} [signal]
 * @returns {Promise<Opened>}
 */
async function openUrlOrPath(url, first, signal) {
  if (!isLocal(url)) return openUrl(url, { first, most: MAX_FILE_BYTES, signal });
  checkLength(await lengthOfLocal(url));
  const whole = await readLocal(url);
  return { length: whole.length, whole };
}

/**
 * @param {unknown} given ArrayBuffer, typed array, Blob, File or URL
 * @param {number} first bytes that are asked for at once, of a server
 * @param {AbortSignal} [signal]
 */
export async function openSource(given, first, signal) {
  const opened = await openGiven(given, first, signal);
  checkLength(opened.length);
  return new Source(opened);
}

export class Source {
  /** @type {Opened["read"]} */
  #read;
  /** @type {Opened["readSeveral"]} */
  #readSeveral;
  /** @type {boolean} */
  #isUndivided;
  /** @type {Set<Transfer>} */
  #transfers = new Set();
  #closing = new AbortController();

  /** @param {Opened} opened */
  constructor({ length, whole, head, read, readSeveral, isUndivided = false }) {
    this.bytes = whole ?? allocate(length);
    /** @type {Range[]} what is there, merged */
    this.loaded = whole ? merge([[0, length]]) : [];
    this.#read = read;
    this.#readSeveral = readSeveral;
    this.#isUndivided = isUndivided;
    if (head) this.#keep(0, head);
  }

  /** Bytes that are there. */
  get bytesLoaded() {
    return sizeOf(this.loaded);
  }

  /** @param {Range[]} ranges of which the file may end before the last */
  has(ranges) {
    return covers(ranges.map((range) => this.#within(range)), this.loaded);
  }

  /**
   * Fetches what is not there yet of some ranges, as far as the file goes. Throws NetworkError, or the reason of the signal.
   * @param {Range[]} ranges
   * @param {AbortSignal} [signal]
   */
  async load(ranges, signal) {
    const request = this.request(ranges, signal);
    try {
      await request.arrival(ranges);
    } finally {
      request.end();
    }
  }

  /**
   * Begins to fetch what is neither there nor on its way. Who asks waits for what it needs next (`arrival`), and says when it needs no more
   * (`end`): what no reader needs any longer is not fetched to its end.
   * @param {Range[]} ranges
   * @param {AbortSignal} [signal]
   */
  request(ranges, signal) {
    signal?.throwIfAborted();
    const request = new Request((each) => this.has(each), (ended) => this.#release(ended), signal);
    const wanted = without(ranges.map((range) => this.#within(range)), this.loaded);
    const coming = merge([...this.#transfers].map(({ start, end }) => [start, end]));
    const taken = merge([...this.loaded, ...coming]);
    const missing = join(without(wanted, coming), taken, JOINED);
    if (missing.length) this.#closing.signal.throwIfAborted();
    this.#startAll(this.#isUndivided && missing.length ? merge([[0, this.bytes.length]]) : missing);
    for (const transfer of this.#transfers)
      if (wanted.some(([start, end]) => start < transfer.end && end > transfer.start)) transfer.users.add(request);
    return request;
  }

  /** @param {Range[]} ranges */
  #startAll(ranges) {
    const single = this.#readSeveral && ranges.length > MOST_REQUESTS ? MOST_REQUESTS - 1 : ranges.length;
    for (const range of ranges.slice(0, single)) this.#start([range]);
    if (single < ranges.length) this.#start(ranges.slice(single));
  }

  /** @param {Range[]} ranges of one request */
  #start(ranges) {
    const users = new Set(); // of a request all ranges go on, or none
    const controller = new AbortController();
    const transfers = ranges.map(([start, end]) => ({ start, end, users, controller }));
    const keep = (/** @type {number} */ at, /** @type {Uint8Array} */ bytes) => {
      this.#keep(at, bytes);
      const transfer = transfers.find(({ start, end }) => start <= at && at < end);
      if (transfer) transfer.start = at + bytes.length;
      for (const user of users) user.look();
    };
    const failed = (/** @type {unknown} */ error) => {
      for (const user of users) user.fail(error);
    };
    const isAlone = this.#transfers.size === 0;
    for (const transfer of transfers) this.#transfers.add(transfer);
    const { signal } = controller;
    const reading =
      ranges.length > 1
        ? /** @type {NonNullable<Opened["readSeveral"]>} */ (this.#readSeveral)(ranges, keep, signal)
        : /** @type {NonNullable<Opened["read"]>} */ (this.#read)(ranges[0], keep, signal, isAlone);
    reading
      .finally(() => transfers.forEach((transfer) => this.#transfers.delete(transfer)))
      .catch(failed);
  }

  /** Fetches no more, now and later: who waits for bytes gets an AbortError. */
  close() {
    this.#closing.abort();
    for (const { controller } of this.#transfers) controller.abort();
  }

  /** @param {Request} request */
  #release(request) {
    for (const transfer of this.#transfers) {
      transfer.users.delete(request);
      if (transfer.users.size || this.#isUndivided) continue; // a file that only comes whole would have to come again
      this.#transfers.delete(transfer);
      transfer.controller.abort();
    }
  }

  /** @type {Keep} */
  #keep(start, bytes) {
    this.bytes.set(bytes, start);
    this.loaded = merge([...this.loaded, [start, start + bytes.length]]);
  }

  /**
   * @param {Range} range
   * @returns {Range}
   */
  #within([start, end]) {
    return [start, Math.min(end, this.bytes.length)];
  }
}

/** What somebody needs of a source. */
export class Request {
  /** @type {{ranges: Range[], resolve: (nothing: void) => void, reject: (reason: unknown) => void}[]} */
  #waiting = [];
  /** @type {unknown[]} why something will not come */
  #failures = [];
  #ending = new AbortController(); // of the listener
  #has;
  #release;

  /**
   * @param {(ranges: Range[]) => boolean} has whether bytes are there
   * @param {(request: Request) => void} release called when no more is needed
   * @param {AbortSignal} [signal]
   */
  constructor(has, release, signal) {
    this.#has = has;
    this.#release = release;
    const stop = () => {
      this.end();
      this.fail(/** @type {AbortSignal} */ (signal).reason);
    };
    signal?.addEventListener("abort", stop, { signal: this.#ending.signal });
  }

  /**
   * Ends when bytes are there. Throws NetworkError, or the reason of the signal.
   * @param {Range[]} ranges
   * @returns {Promise<void>}
   */
  async arrival(ranges) {
    if (this.#has(ranges)) return;
    if (this.#failures.length) throw this.#failures[0];
    await new Promise((resolve, reject) => this.#waiting.push({ ranges, resolve, reject }));
  }

  /** Bytes have come. */
  look() {
    this.#waiting = this.#waiting.filter(({ ranges, resolve }) => !this.#has(ranges) || resolve());
  }

  /**
   * No more will come of some of the bytes.
   * @param {unknown} error
   */
  fail(error) {
    this.look();
    this.#failures.push(error);
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
  }

  /** No more is needed. */
  end() {
    this.#ending.abort();
    this.#release(this);
  }
}

/**
 * An array of zeros. A system gives memory to the parts of it that are written to.
 * @param {number} length
 */
function allocate(length) {
  try {
    return new Uint8Array(length);
  } catch {
    throw new LimitError(`the file has ${length} bytes, for which there is no memory`);
  }
}
