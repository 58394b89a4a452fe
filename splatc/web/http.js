/** A file on a server: its ranges where the server gives them (RFC 9110, section 14), else all of it at once. */
import { ChangedFileError, LimitError, NetworkError, SplatError } from "./errors.js";
import { PART_HEAD, partsOf } from "./multipart.js";
import { covers, merge, sizeOf, without } from "./ranges.js";

/** Answers that will not be others if one asks again. */
const FINAL = [400, 401, 403, 404, 405, 410, 451];

/**
 * @typedef {import("./source.js").Opened} Opened
 * @typedef {import("./source.js").Keep} Keep
 * @typedef {import("./ranges.js").Range} Range
 *
 * @typedef {object} Remote a file of which something is known
 * @property {string} url
 * @property {number} length
 * @property {string} version what distinguishes it from others that the server had, or has, at this address
 * @property {boolean} [isPlain] whether its server gives one range at a time
 */

/**
 * @param {string} url
 * @param {{first: number, most: number, signal?: AbortSignal}} options bytes that are asked for at once, and that the file may have
 */
export const openUrl = (url, options) => twice(() => openOnce(url, options), options.signal);

/**
 * @param {string} url
 * @param {{first: number, most: number, signal?: AbortSignal}} options
 * @returns {Promise<Opened>}
 */
async function openOnce(url, { first, most, signal }) {
  const response = await get(url, [[0, first]], signal);
  if (response.status === 416 && /\/0$/.test(response.headers.get("content-range") ?? "")) return { length: 0, whole: new Uint8Array() };
  const range = rangeOf(response);
  if (range && range.start === 0) {
    const remote = { url, length: range.length, version: versionOf(response) };
    const head = await bodyOf(response, url, Math.min(range.length, first), signal);
    return { length: range.length, head, read: (...given) => readPart(remote, ...given), readSeveral: (...given) => readSeveral(remote, ...given) };
  }
  const isUseless = response.status === 206 || response.status === 416; // a range that says too little of itself, or none at all
  if (isUseless) await response.body?.cancel();
  return openWhole(isUseless ? await get(url, null, signal) : response, url, most, signal);
}

/**
 * A file of a server that gives no ranges. If its length is known, its bytes come while the first are looked at.
 * @param {Response} response
 * @param {string} url
 * @param {number} most
 * @param {AbortSignal} [signal]
 * @returns {Promise<Opened>}
 */
async function openWhole(response, url, most, signal) {
  checkStatus(response, url, response.status === 200);
  const stated = response.headers.get("content-length");
  if (Number(stated ?? 0) > most) {
    await response.body?.cancel();
    throw new LimitError(`${url} has ${stated} bytes, this decoder reads at most ${most}`);
  }
  if (stated === null || response.headers.has("content-encoding")) {
    const whole = await bodyOf(response, url, most, signal, { isExact: false });
    return { length: whole.length, whole };
  }
  const remote = { url, length: Number(stated), version: versionOf(response) };
  /** @type {Response | null} what is read first */
  let first = response;
  /** @type {NonNullable<Opened["read"]>} */
  const read = async (_range, keep, stop) => {
    let kept = 0; // bytes that an earlier try has brought
    await twice(async () => {
      const answer = first ?? (await get(url, null, stop));
      first = null;
      checkStatus(answer, url, answer.status === 200);
      checkSame(answer, remote, Number(answer.headers.get("content-length")));
      let at = 0;
      await receive(answer, url, remote.length, stop, (bytes) => {
        const fresh = bytes.subarray(Math.max(0, kept - at));
        at += bytes.length;
        if (fresh.length) keep(at - fresh.length, fresh);
        kept = Math.max(kept, at);
      });
    }, stop);
  };
  return { length: remote.length, read, isUndivided: true };
}

/**
 * The bytes of a range. What a dropped connection has cost is asked for once more.
 * @param {Remote} remote
 * @param {Range} range
 * @param {Keep} keep
 * @param {AbortSignal} signal
 * @param {boolean} isAlone
 */
async function readPart(remote, [start, end], keep, signal, isAlone) {
  const { url } = remote;
  // Chromium lets one request after the other of an address into its cache, which would take the time of all (tests/test_web_browser.py).
  const cache = isAlone ? "default" : "no-store";
  let at = start;
  await twice(async () => {
    const response = await get(url, [[at, end]], signal, cache);
    const range = rangeOf(response);
    if (range) checkSame(response, remote, range.length);
    checkStatus(response, url, range?.start === at, `a request for bytes ${at} to ${end - 1}`);
    await receive(response, url, end - at, signal, (bytes) => {
      keep(at, bytes);
      at += bytes.length;
    });
  }, signal);
}

/**
 * The bytes of several ranges by one request, or, of a server that gives one range at a time, by one each.
 * @param {Remote} remote
 * @param {Range[]} ranges
 * @param {Keep} keep
 * @param {AbortSignal} signal
 */
async function readSeveral(remote, ranges, keep, signal) {
  const isPlain = remote.isPlain || isElsewhere(remote.url);
  const come = isPlain ? [] : await readTogether(remote, ranges, keep, signal).catch((error) => {
    if (error instanceof ChangedFileError || signal.aborted) throw error;
    return []; // each is asked for once more
  });
  const left = without(ranges, come);
  remote.isPlain ||= left.length > 0;
  await Promise.all(left.map((range) => readPart(remote, range, keep, signal, false)));
}

/**
 * Asks for several ranges at once; which of them have come. Throws as readPart does.
 * @param {Remote} remote
 * @param {Range[]} ranges
 * @param {Keep} keep
 * @param {AbortSignal} signal
 */
async function readTogether(remote, ranges, keep, signal) {
  const { url } = remote;
  const response = await get(url, ranges, signal, "no-store");
  const boundary = /^multipart\/byteranges;.*boundary="?([^";]+)/i.exec(response.headers.get("content-type") ?? "")?.[1];
  if (response.status !== 206 || !boundary) {
    await response.body?.cancel();
    return [];
  }
  checkSame(response, remote, remote.length);
  const most = sizeOf(ranges) + PART_HEAD * (ranges.length + 1);
  const parts = partsOf(await bodyOf(response, url, most, signal, { isExact: false }), boundary);
  const wanted = parts.filter(({ start, bytes, length }) => length === remote.length && covers([[start, start + bytes.length]], ranges));
  for (const { start, bytes } of wanted) keep(start, bytes);
  return merge(wanted.map(({ start, bytes }) => [start, start + bytes.length]));
}

/** @param {string} url of another origin, whose server would have to be asked first whether it takes such a request */
const isElsewhere = (url) => typeof location !== "undefined" && new URL(url, location.href).origin !== location.origin;

/**
 * Does something again if the network is why it has failed.
 * @template T
 * @param {() => Promise<T>} work
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
async function twice(work, signal) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NetworkError) || error.isFinal || signal?.aborted) throw error;
    return work();
  }
}

/**
 * @param {string} url
 * @param {Range[] | null} ranges null: the whole file
 * @param {AbortSignal} [signal]
 * @param {RequestCache} [cache]
 */
async function get(url, ranges, signal, cache) {
  try {
    const Range = ranges?.map(([start, end]) => `${start}-${end - 1}`).join();
    return await fetch(url, { signal, cache, headers: Range ? { Range: `bytes=${Range}` } : {} });
  } catch (error) {
    throw signal?.aborted ? error : new NetworkError(`${url} cannot be fetched: ${reasonOf(error)}`);
  }
}

/** @param {unknown} error */
const reasonOf = (error) => (error instanceof Error ? String(/** @type {any} */ (error).cause?.message ?? error.message) : String(error));

/**
 * Throws NetworkError for an answer that is another than it should be, and lets go of it.
 * @param {Response} response
 * @param {string} url
 * @param {boolean} isRight
 * @param {string} [question] what it answers
 */
function checkStatus(response, url, isRight, question) {
  if (isRight) return;
  response.body?.cancel().catch(() => {});
  const answer = `${url}: the server answered ${response.status} ${response.statusText}`.trim();
  throw new NetworkError(question ? `${answer} to ${question}` : answer, FINAL.includes(response.status));
}

/**
 * Throws ChangedFileError for an answer of another file than before.
 * @param {Response} response
 * @param {Remote} remote
 * @param {number} length that it states
 */
function checkSame(response, { url, length: expected, version }, length) {
  if (length === expected && versionOf(response) === version) return;
  response.body?.cancel().catch(() => {});
  throw new ChangedFileError(`${url}: the file has changed on the server: open it again`);
}

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
 * The body of an answer, a piece at a time. Throws NetworkError if it has another length than expected.
 * @param {Response} response
 * @param {string} url
 * @param {number} expected bytes
 * @param {AbortSignal | undefined} signal
 * @param {(bytes: Uint8Array) => void} take
 * @param {{isExact?: boolean}} [options] else there may be fewer bytes, and more are beyond a limit
 */
async function receive(response, url, expected, signal, take, { isExact = true } = {}) {
  const Excess = isExact ? NetworkError : LimitError;
  let length = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || !value) break;
      length += value.length;
      if (length > expected) throw new Excess(`${url}: the server sends more than the ${expected} bytes that were asked for or are allowed`);
      take(value);
    }
  } catch (error) {
    reader?.cancel().catch(() => {});
    if (error instanceof SplatError || signal?.aborted) throw error;
    throw new NetworkError(`${url}: the connection ended after ${length} bytes (${reasonOf(error)})`);
  }
  if (isExact && length < expected) throw new NetworkError(`${url}: the server sent ${length} bytes instead of ${expected}`);
}

/**
 * All of the body of an answer.
 * @param {Response} response
 * @param {string} url
 * @param {number} expected bytes
 * @param {AbortSignal} [signal]
 * @param {{isExact?: boolean}} [options] as for `receive`
 */
async function bodyOf(response, url, expected, signal, options) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  await receive(response, url, expected, signal, (bytes) => pieces.push(bytes), options);
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((start, piece) => (whole.set(piece, start), start + piece.length), 0);
  return whole;
}
