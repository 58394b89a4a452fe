/**
 * Where the bytes of a file come from: memory, a Blob, or a server. Only what was asked for is fetched, each byte once, into an array of
 * the length of the file that is 0 where nothing has come yet.
 */
import { LimitError } from "./errors.js";
import { openUrl } from "./http.js";
import { isLocal, lengthOfLocal, readLocal } from "./local.js";

/** Longer files are refused by every reader (spec/limits.md). */
export const MAX_FILE_BYTES = 2 ** 30;
/** Bytes between two ranges that are rather fetched than left out: a request of its own costs more. */
const GAP = 4096;

/**
 * @typedef {[number, number]} Range [start, end), bytes of the file
 *
 * @typedef {object} Opened
 * @property {number} length of the file
 * @property {Uint8Array} [whole] all of its bytes, where they lie in memory already
 * @property {Uint8Array} [head] its first bytes
 * @property {(range: Range, signal?: AbortSignal) => Promise<Uint8Array>} [read] bytes of a range, as many as it has
 */

/** @param {number} length of a file */
function checkLength(length) {
  if (length > MAX_FILE_BYTES) throw new LimitError(`the file has ${length} bytes, this decoder reads at most ${MAX_FILE_BYTES}`);
}

/**
 * @param {unknown} given
 * @param {AbortSignal} [signal]
 * @returns {Promise<Opened>}
 */
async function openGiven(given, signal) {
  if (given instanceof ArrayBuffer) return { length: given.byteLength, whole: new Uint8Array(given) };
  if (ArrayBuffer.isView(given))
    return { length: given.byteLength, whole: new Uint8Array(given.buffer, given.byteOffset, given.byteLength) };
  if (typeof Blob !== "undefined" && given instanceof Blob) {
    const read = async (/** @type {Range} */ [start, end]) => new Uint8Array(await given.slice(start, end).arrayBuffer());
    return { length: given.size, read };
  }
  if (typeof given === "string" || given instanceof URL) return openUrlOrPath(String(given), signal);
  throw new TypeError("a source is an ArrayBuffer, a typed array, a Blob, a File or a URL");
}

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<Opened>}
 */
async function openUrlOrPath(url, signal) {
  if (!isLocal(url)) return openUrl(url, MAX_FILE_BYTES, signal);
  checkLength(await lengthOfLocal(url));
  const whole = await readLocal(url);
  return { length: whole.length, whole };
}

/**
 * @param {unknown} given ArrayBuffer, typed array, Blob, File or URL
 * @param {AbortSignal} [signal]
 */
export async function openSource(given, signal) {
  const opened = await openGiven(given, signal);
  checkLength(opened.length);
  return new Source(opened);
}

export class Source {
  /** @param {Opened} opened */
  constructor({ length, whole, head, read }) {
    this.bytes = whole ?? allocate(length);
    /** @type {Range[]} what is there, ascending, with gaps between */
    this.loaded = whole ? [[0, length]] : [];
    this.read = read;
    /** @type {Promise<void>} ends when nothing is being fetched */
    this.idle = Promise.resolve();
    if (head) this.#keep(0, head);
  }

  /** Bytes that are there. */
  get bytesLoaded() {
    return this.loaded.reduce((sum, [start, end]) => sum + end - start, 0);
  }

  /**
   * Fetches what is not there yet of some ranges, as far as the file goes. Throws NetworkError, or the reason of the signal.
   * @param {Range[]} ranges
   * @param {AbortSignal} [signal]
   */
  async load(ranges, signal) {
    const before = this.idle;
    const work = before.then(async () => {
      signal?.throwIfAborted();
      const missing = merge(this.#missing(ranges), GAP);
      const fetched = await Promise.all(missing.map((range) => this.read?.(range, signal)));
      fetched.forEach((bytes, i) => bytes && this.#keep(missing[i][0], bytes));
    });
    this.idle = work.catch(() => {}); // reported to who asked for it
    await work;
  }

  /**
   * @param {number} start
   * @param {Uint8Array} bytes
   */
  #keep(start, bytes) {
    this.bytes.set(bytes, start);
    this.loaded = merge([...this.loaded, [start, start + bytes.length]], 0);
  }

  /**
   * @param {Range[]} ranges
   * @returns {Range[]}
   */
  #missing(ranges) {
    /** @type {Range[]} */
    const missing = [];
    for (const [from, to] of ranges) {
      const last = Math.min(to, this.bytes.length);
      let start = from;
      for (const [low, high] of this.loaded) {
        if (high <= start) continue;
        if (low >= last) break;
        if (low > start) missing.push([start, low]);
        start = high;
      }
      if (start < last) missing.push([start, last]);
    }
    return missing;
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

/**
 * Ranges in ascending order, those joined that are no further apart than `gap`.
 * @param {Range[]} ranges
 * @param {number} gap
 * @returns {Range[]}
 */
function merge(ranges, gap) {
  /** @type {Range[]} */
  const merged = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged[merged.length - 1];
    if (last && start <= last[1] + gap) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}
