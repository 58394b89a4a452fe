/** Gaussians of sections -> tiles of a picture at a scale: pixels, as `read` of the whole picture at that scale would give them. */
import { touches } from "./section_tile.js";
import { checkBound } from "./options.js";
import { pause } from "./pause.js";
import { allocateRgba, writeRgba } from "./pixels.js";
import { makeTileView, stripsOf } from "./view.js";

/**
 * @typedef {import("./core.js").Core} Core
 * @typedef {import("./core.js").Gaussians} Gaussians
 * @typedef {import("./header.js").Header} Header
 * @typedef {import("./view.js").View} View
 * @typedef {import("./section_tile.js").Bounded} Bounded
 *
 * @typedef {Bounded & {number: number, level: Int32Array, gaussians: Gaussians}} Part of a picture: a section
 *
 * @typedef {object} Tile output pixels of the picture at a scale
 * @property {[number, number]} scale numerator and denominator
 * @property {number} left
 * @property {number} top
 * @property {number} columns
 * @property {number} rows
 */

/** Standard deviations after which a Gaussian ends. */
const RADIUS = 3.5;
/** Points that a pair of a Gaussian and a tile of the core may take. */
const PAIR = 128 * 32;

/**
 * The Gaussians that may be seen in a box, in coding order.
 * @param {Part[]} parts in file order
 * @param {[number, number, number, number]} box x0, y0, x1, y1, px
 * @param {number} channels
 * @returns {Gaussians & {level: Int32Array}}
 */
export function gather(parts, box, channels) {
  const near = parts.filter((part) => touches(part, box)).map((part) => ({ part, chosen: within(part.gaussians, box) }));
  const count = near.reduce((sum, { chosen }) => sum + chosen.length, 0);
  const found = {
    level: new Int32Array(count), mean: new Float32Array(2 * count), scale: new Float32Array(2 * count), angle: new Float32Array(count),
    colour: new Float32Array(channels * count),
  };
  let to = 0;
  for (const { part, chosen } of near)
    for (const from of chosen) {
      const { mean, scale, angle, colour } = part.gaussians;
      found.level[to] = part.level[from];
      found.angle[to] = angle[from];
      for (let k = 0; k < 2; k++) {
        found.mean[2 * to + k] = mean[2 * from + k];
        found.scale[2 * to + k] = scale[2 * from + k];
      }
      for (let k = 0; k < channels; k++) found.colour[channels * to + k] = colour[channels * from + k];
      to++;
    }
  return found;
}

/**
 * Indices of those whose circle, wider than their ellipse, touches a box.
 * @param {Gaussians} gaussians
 * @param {[number, number, number, number]} box
 */
function within({ mean, scale, angle }, [x0, y0, x1, y1]) {
  const chosen = new Uint32Array(angle.length);
  let count = 0;
  for (let i = 0; i < angle.length; i++) {
    const [x, y] = [mean[2 * i], mean[2 * i + 1]];
    const radius = RADIUS * Math.max(scale[2 * i], scale[2 * i + 1]) + 1;
    if (x + radius >= x0 && x - radius <= x1 && y + radius >= y0 && y - radius <= y1) chosen[count++] = i;
  }
  return chosen.subarray(0, count);
}

/**
 * Draws a tile: RGBA, rows from the top, alpha not premultiplied. Throws LimitError where it is more work or memory than allowed, or the
 * reason of the signal.
 * @param {Core} core
 * @param {Header} header
 * @param {Part[]} parts in file order
 * @param {Tile} tile
 * @param {{maxWork: number, signal?: AbortSignal, slices?: boolean}} options slices: it pauses between strips
 */
export async function drawTile(core, header, parts, { scale, left, top, columns, rows }, { maxWork, signal, slices = false }) {
  const view = makeTileView(header.width, header.height, scale, [left, top, columns, rows]);
  const placed = core.place(header, gather(parts, view.box, header.channels), view);
  const work = placed.entries * PAIR;
  checkBound(work, maxWork, `drawing ${columns} x ${rows} pixels`, "evaluations of Gaussians", "maxWork");
  const data = allocateRgba(columns, rows);
  for (const [first, last] of slices ? stripsOf(view, 8 * Math.max(work, 1)) : [[0, rows]]) {
    if (slices) await pause(signal);
    writeRgba(core.draw(placed, { depth: 8, first, last }), header.channels, data, first * columns);
  }
  return data;
}
