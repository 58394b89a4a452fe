/** A file on a server: its ranges where the server gives them (RFC 9110, section 14), else all of it at once. */
import { LimitError, NetworkError, SplatError } from "./errors.js";

/** Bytes of the first request: header and index of most files, and the coarse levels of small ones. */
export const FIRST = 16384;

/**
 * @typedef {import("./source.js").Opened} Opened
 * @typedef {import("./source.js").Range} Range
 */

/**
 * @param {string} url
 * @param {number} most bytes that the file may have
 * @param {AbortSignal} [signal]
 * @returns {Promise<Opened>}
 */
export async function openUrl(url, most, signal) {
  const response = await get(url, [0, FIRST], signal);
  if (response.status === 416 && /\/0$/.test(response.headers.get("content-range") ?? "")) return { length: 0, whole: new Uint8Array() };
  const range = rangeOf(response);
  if (range && range.start === 0) {
    const version = versionOf(response);
    const expected = Math.min(range.length, FIRST);
    const head = await bodyOf(response, url, expected, signal);
    if (head.length !== expected) throw new NetworkError(`${url}: the server sent ${head.length} bytes instead of ${expected}`);
    return { length: range.length, head, read: (part, stop) => readPart(url, part, version, range.length, stop) };
  }
  const isUseless = response.status === 206 || response.status === 416; // a range that says too little of itself, or none at all
  if (isUseless) await response.body?.cancel();
  const whole = isUseless ? await get(url, null, signal) : response;
  if (whole.status !== 200) throw new NetworkError(`${url}: the server answered ${whole.status} ${whole.statusText}`.trim());
  const stated = Number(whole.headers.get("content-length") ?? 0);
  if (stated > most) {
    await whole.body?.cancel();
    throw new LimitError(`${url} has ${stated} bytes, this decoder reads at most ${most}`);
  }
  const bytes = await bodyOf(whole, url, most, signal, LimitError);
  if (!whole.headers.has("content-encoding") && whole.headers.has("content-length") && bytes.length !== stated)
    throw new NetworkError(`${url}: the connection ended after ${bytes.length} of ${stated} bytes`);
  return { length: bytes.length, whole: bytes };
}

/**
 * A range of the file, which must still be the same. What a dropped connection has cost is asked for once more.
 * @param {string} url
 * @param {Range} part
 * @param {string} version
 * @param {number} length of the file
 * @param {AbortSignal} [signal]
 */
async function readPart(url, part, version, length, signal) {
  try {
    return await readOnce(url, part, version, length, signal);
  } catch (error) {
    if (!(error instanceof NetworkError) || signal?.aborted) throw error;
    return readOnce(url, part, version, length, signal);
  }
}

/**
 * @param {string} url
 * @param {Range} part
 * @param {string} version
 * @param {number} length
 * @param {AbortSignal} [signal]
 */
async function readOnce(url, part, version, length, signal) {
  const [start, end] = part;
  const response = await get(url, part, signal);
  const range = rangeOf(response);
  if (range && (range.length !== length || versionOf(response) !== version)) {
    await response.body?.cancel();
    throw new NetworkError(`${url}: the file has changed on the server: open it again`);
  }
  if (!range || range.start !== start) {
    await response.body?.cancel();
    throw new NetworkError(`${url}: the server answered ${response.status} to a request for bytes ${start} to ${end - 1}`);
  }
  const bytes = await bodyOf(response, url, end - start, signal);
  if (bytes.length !== end - start) throw new NetworkError(`${url}: the server sent ${bytes.length} bytes instead of ${end - start}`);
  return bytes;
}

/**
 * @param {string} url
 * @param {Range | null} range null: the whole file
 * @param {AbortSignal} [signal]
 */
async function get(url, range, signal) {
  try {
    return await fetch(url, { signal, headers: range ? { Range: `bytes=${range[0]}-${range[1] - 1}` } : {} });
  } catch (error) {
    throw signal?.aborted ? error : new NetworkError(`${url} cannot be fetched: ${reasonOf(error)}`);
  }
}

/** @param {unknown} error */
const reasonOf = (error) => (error instanceof Error ? String(/** @type {any} */ (error).cause?.message ?? error.message) : String(error));

/**
 * Where the body of an answer lies in the file; null if it is no range, or one of something else than the bytes of the file.
 * @param {Response} response
 */
function rangeOf(response) {
  const found = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (response.status !== 206 || !found || response.headers.has("content-encoding")) return null;
  return { start: Number(found[1]), length: Number(found[2]) };
}

/**
 * What distinguishes two versions of a file on a server.
 * @param {Response} response
 */
const versionOf = (response) => response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";

/**
 * The body of an answer, of which no more than `most` bytes are taken.
 * @param {Response} response
 * @param {string} url
 * @param {number} most
 * @param {AbortSignal} [signal]
 * @param {typeof NetworkError | typeof LimitError} [Excess] what it is if there are more
 */
async function bodyOf(response, url, most, signal, Excess = NetworkError) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  let length = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || !value) break;
      length += value.length;
      if (length > most) throw new Excess(`${url}: the server sends more than the ${most} bytes that were asked for or are allowed`);
      pieces.push(value);
    }
  } catch (error) {
    reader?.cancel().catch(() => {});
    if (error instanceof SplatError || signal?.aborted) throw error;
    throw new NetworkError(`${url}: the connection ended after ${length} bytes (${reasonOf(error)})`);
  }
  const bytes = new Uint8Array(length);
  pieces.reduce((start, piece) => (bytes.set(piece, start), start + piece.length), 0);
  return bytes;
}
