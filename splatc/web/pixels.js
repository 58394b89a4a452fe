/** Samples of a file -> what a canvas takes: rows of RGBA, and the colour space that they are in. */

import { LimitError } from "./errors.js";

/**
 * Room for so many pixels. Throws LimitError where there is none.
 * @param {number} width
 * @param {number} height
 */
export function allocateRgba(width, height) {
  try {
    return new Uint8ClampedArray(4 * width * height);
  } catch {
    throw new LimitError(`there is no memory for ${width} x ${height} pixels: take a region or a smaller scale`);
  }
}

/**
 * Writes samples of 8 bits as RGBA.
 * @param {Uint8Array | Uint16Array | Float32Array} samples (N, channels)
 * @param {number} channels 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha
 * @param {Uint8ClampedArray} data (M, 4)
 * @param {number} first pixel to be written
 */
export function writeRgba(samples, channels, data, first) {
  if (channels === 4) return data.set(samples, 4 * first);
  const colours = channels === 3 ? [0, 1, 2] : [0, 0, 0];
  for (let from = 0, to = 4 * first; from < samples.length; from += channels, to += 4) {
    data[to] = samples[from];
    data[to + 1] = samples[from + colours[1]];
    data[to + 2] = samples[from + colours[2]];
    data[to + 3] = channels === 2 ? samples[from + 1] : 255;
  }
  return undefined;
}

/**
 * Pixels as an ImageData where there is one, of a colour space that it knows, else as an object of the same shape.
 * @param {Uint8ClampedArray} data
 * @param {number} width
 * @param {number} height
 * @param {"srgb" | "display-p3"} colorSpace
 */
export function imageOf(data, width, height, colorSpace) {
  if (typeof ImageData === "undefined") return { width, height, data, colorSpace };
  try {
    return new ImageData(data, width, height, { colorSpace });
  } catch {
    return new ImageData(data, width, height); // of a browser that does not know the colour space
  }
}

/**
 * The colour space of samples by their ICC profile, and what is to be said of it.
 * @param {Uint8Array} icc empty: none
 * @returns {{colorSpace: "srgb" | "display-p3", note: string}}
 */
export function colorSpaceOf(icc) {
  const name = icc.length ? profileName(icc) : "sRGB";
  if (/Display P3/i.test(name)) return { colorSpace: "display-p3", note: "" };
  const note = /sRGB/i.test(name) ? "" : `the colours are of the profile ${name || "without a name"}, and shown as sRGB`;
  return { colorSpace: "srgb", note };
}

/**
 * The description of an ICC profile (ICC.1, 9.2.41), or nothing.
 * @param {Uint8Array} icc
 */
export function profileName(icc) {
  const view = new DataView(icc.buffer, icc.byteOffset, icc.byteLength);
  const text = (/** @type {number} */ start, /** @type {number} */ length) => String.fromCharCode(...icc.subarray(start, start + length));
  try {
    for (let at = 132; at < 132 + 12 * Math.min(view.getUint32(128), 100); at += 12) {
      if (text(at, 4) !== "desc") continue;
      const start = view.getUint32(at + 4);
      if (text(start, 4) === "desc") return printable(text(start + 12, Math.min(view.getUint32(start + 8), 100)));
      // mluc: UTF-16, of which the first language is taken
      const [length, offset] = [view.getUint32(start + 20), view.getUint32(start + 24)];
      return printable(text(start + offset, Math.min(length, 200)));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a profile that is cut off
  }
  return "";
}

/** @param {string} text */
const printable = (text) => text.replace(/[^ -~]/g, "").trim();
