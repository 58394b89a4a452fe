/** What callers of the decoder give, checked: regions, scales, levels, bounds. */
import { LimitError } from "./errors.js";

/**
 * @typedef {object} Bounds what decoding may cost (spec/limits.md, "Limits of splatc")
 * @property {number} maxPixels pixels of the output
 * @property {number} maxMemory bytes, as estimated
 * @property {number} maxWork evaluations of Gaussians (spec/limits.md)
 */

/** @type {Bounds} */
const DEFAULTS = { maxPixels: 2 ** 29, maxMemory: 2 ** 31, maxWork: 2 ** 37 };
/** Header and index of most files. */
const FIRST_BYTES = 2048;
const MAX_LEVEL = 15;
const FINEST_SCALE = 2 ** 16;

/**
 * @param {Partial<Bounds>} given
 * @returns {Bounds}
 */
export function boundsOf(given) {
  const bounds = { ...DEFAULTS };
  for (const name of /** @type {(keyof Bounds)[]} */ (Object.keys(DEFAULTS))) {
    const value = given[name] ?? DEFAULTS[name];
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} is ${value}, it must be a whole number from 1 on`);
    bounds[name] = value;
  }
  return bounds;
}

/**
 * Bytes of the first request: whole number, enough for a header.
 * @param {unknown} bytes
 */
export function firstBytesOf(bytes = FIRST_BYTES) {
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < FIRST_BYTES)
    throw new RangeError(`firstBytes is ${String(bytes)}, it must be a whole number from ${FIRST_BYTES} on`);
  return bytes;
}

/** @param {unknown} level */
export function levelOf(level) {
  const value = level ?? 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_LEVEL)
    throw new RangeError(`a level is a whole number of 0..${MAX_LEVEL}, not ${String(value)}`);
  return value;
}

/**
 * A scale as numerator and denominator without a common divisor. Numbers become the nearest fraction that has a denominator up to 65536.
 * @param {unknown} scale a number, "1/8", or [1, 8]
 * @returns {[number, number]}
 */
export function scaleOf(scale) {
  const text = typeof scale === "string" && /^(\d+)(?:\/(\d+))?$/.exec(scale);
  const parts = text ? [Number(text[1]), Number(text[2] ?? 1)] : scale;
  if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => Number.isSafeInteger(part) && part > 0)) {
    const divisor = commonDivisor(parts[0], parts[1]);
    return [parts[0] / divisor, parts[1] / divisor];
  }
  if (typeof parts === "number" && Number.isFinite(parts) && parts > 0) return fractionOf(parts);
  throw new RangeError(`${String(scale)} is no scale: a number above 0, "1/8" or [1, 8] (output pixels per pixel)`);
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
const commonDivisor = (a, b) => (b === 0 ? a : commonDivisor(b, a % b));

/**
 * By its continued fraction.
 * @param {number} value
 * @returns {[number, number]}
 */
function fractionOf(value) {
  let [before, last, rest] = [[0, 1], [1, 0], value];
  for (;;) {
    const whole = Math.floor(rest);
    const next = [whole * last[0] + before[0], whole * last[1] + before[1]];
    if (next[1] > FINEST_SCALE || !Number.isSafeInteger(next[0])) break;
    [before, last] = [last, next];
    if (Math.abs(last[0] / last[1] - value) <= value * 1e-12) break;
    rest = 1 / (rest - whole);
  }
  if (last[1] === 0 || last[0] === 0) throw new RangeError(`the scale ${value} is not within 1/${FINEST_SCALE} and 1024`);
  return [last[0], last[1]];
}

/**
 * @param {number} needed
 * @param {number} allowed
 * @param {string} what needs it
 * @param {string} unit
 * @param {string} option that raises what is allowed
 */
export function checkBound(needed, allowed, what, unit, option) {
  if (needed > allowed) throw new LimitError(`${what} would take ${needed} ${unit}, more than the ${allowed} of ${option}`);
}
