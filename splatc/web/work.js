/**
 * How much it is to read and draw a view, before either is begun: spec/limits.md, "Work". Every decoder comes to the same number.
 *
 * Integers below 2^53 are numbers here, sums that may be larger are bigints.
 */
import { positionStep, STEP8 } from "./header.js";

/**
 * @typedef {import("./header.js").Header} Header
 * @typedef {import("./plan.js").Columns} Columns
 * @typedef {import("./sections.js").SplatFile} SplatFile
 */

/** Evaluations that a Gaussian counts for as it is read, and for each that its section searches for neighbours. */
const [READ, SEARCHED] = [4096, 64];
/** And the latents of a cell. */
const CELL = 16384;
/** Grid points that each side of a box counts for besides, and evaluations that each point of the grid does. */
const [ROOM, GRID] = [32n, 16n];
const UNIT = 16;
/** Grid points of a tile, as in core.h. */
const TILE = [128, 32];
const QUARTER = [16384, 16305, 16069, 15679, 15137, 14449, 13623, 12665, 11585, 10394, 9102, 7723, 6270, 4756, 3196, 1606, 0];
/** Of i pi / 32, over 2^14 (spec/prediction.md, "Shape"). */
const COS = Array.from({ length: 64 }, (_, i) => (i <= 16 ? QUARTER[i] : i <= 32 ? -QUARTER[32 - i] : i <= 48 ? -QUARTER[i - 32] : QUARTER[64 - i]));
/** All that there may be: in a file with latents the header does not say which there are. */
const LEVELS = Array.from({ length: 16 }, (_, level) => level);
const DIRECTIONS = [256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

/**
 * Evaluations that it takes to read sections, their ancestors among them.
 * @param {SplatFile} file
 * @param {number[]} numbers ascending
 * @returns {{gaussians: number, work: number}}
 */
export function readingWork(file, numbers) {
  /** @type {Map<number, number>} */
  const chains = new Map();
  let [gaussians, searched] = [0, 0];
  for (const number of numbers) {
    const { count, parent } = file.sections[number];
    const chain = count + (parent < 0 ? 0 : chains.get(parent) ?? 0);
    chains.set(number, chain);
    gaussians += count;
    searched += chain;
  }
  return { gaussians, work: READ * gaussians + SEARCHED * searched };
}

/**
 * The same for the Gaussians of cells of a file with latents, no fewer than there are, and for the cells of the tiles that they need.
 * @param {number} gaussians
 * @param {number} cells
 */
export const cellsWork = (gaussians, cells) => READ * gaussians + CELL * cells;

/**
 * Evaluations that it takes to draw a view.
 * @param {Header} header
 * @param {Columns} columns
 * @param {object} view
 * @param {[number, number, number, number]} view.region x, y, width, height, px
 * @param {[number, number]} view.scale numerator and denominator, without a common divisor
 * @param {number} view.samples
 * @param {number} view.columns
 * @param {number} view.rows of the output
 */
export function drawingWork(header, columns, { region, scale, samples, columns: width, rows: height }) {
  const [gridScale, over] = [scale[0] * samples, scale[1]]; // points of the grid per px, a fraction
  const clip = [0, 1].map((axis) => {
    const margin = Math.ceil((UNIT * TILE[axis] * over) / gridScale);
    const start = UNIT * region[axis];
    const side = UNIT * (axis ? header.height : header.width);
    return [Math.max(start - margin, 0), Math.min(start + UNIT * region[axis + 2] + margin, side)];
  });
  const { count, sides, area } = boxes(header, columns, clip);
  const [p, q] = [BigInt(gridScale), BigInt(over)];
  const whole = 256n * q * q;
  const around = (p * p * area + p * q * 16n * ROOM * BigInt(sides) + whole - 1n) / whole;
  return around + ROOM * ROOM * BigInt(count) + GRID * BigInt(samples * samples) * BigInt(width) * BigInt(height);
}

/**
 * Sums over the boxes around the ellipses where Gaussians end, clipped, those that are not empty: 1/16 px.
 * @param {Header} header
 * @param {Columns} columns
 * @param {number[][]} clip
 */
function boxes(header, { level, x, y, log_scale: logScale, aspect, angle }, [[left, right], [upper, lower]]) {
  const steps = LEVELS.map((l) => positionStep(header, l));
  const shape = shapes(header);
  let [count, sides, low, area] = [0, 0, 0, 0n];
  for (let i = 0; i < level.length; i++) {
    const step = steps[level[i]];
    const [halfX, halfY] = shape(level[i], logScale[i], aspect[i], angle[i]);
    const middleX = Math.floor(((2 * x[i] + 1) * step) / 2 ** 29);
    const middleY = Math.floor(((2 * y[i] + 1) * step) / 2 ** 29);
    const across = Math.min(middleX + halfX, right) - Math.max(middleX - halfX, left);
    const down = Math.min(middleY + halfY, lower) - Math.max(middleY - halfY, upper);
    if (across <= 0 || down <= 0) continue;
    count++;
    sides += across + down;
    low += across * down; // below 2^48
    if (low >= 2 ** 52) [area, low] = [area + BigInt(low), 0];
  }
  return { count, sides, area: area + BigInt(low) };
}

/**
 * A function that says how far an ellipse reaches in x and y, 1/16 px, by the shape of spec/prediction.md.
 * @param {Header} header
 */
function shapes(header) {
  const { log_scales: logScales, aspect: aspectIndex, angle: angleIndex, angle_slope: slope } = header.quantizer;
  const aspectStep = stepOf(aspectIndex);
  const logAspects = Array.from({ length: 64 }, (_, i) => Math.min(Math.floor((i * aspectStep) / 65536), 262144));
  const directions = LEVELS.map((level) => logAspects.map((a) => directionsOf(a, stepOf(angleIndex + slope * level))));
  const side = (/** @type {number} */ variance) => Math.floor(Math.sqrt(Math.floor((49 * Math.max(variance, 0)) / 4))) + 1;
  const power = (/** @type {number} */ eighths) =>
    Math.floor((STEP8[((eighths % 8) + 8) % 8] * 2 ** Math.max(0, Math.floor(eighths / 8))) / 65536);
  return (/** @type {number} */ level, /** @type {number} */ logScale, /** @type {number} */ aspect, /** @type {number} */ angle) => {
    const k = 16 * level + 48 + Math.floor((8 * (2 * logScale + 1)) / logScales);
    const d = Math.floor((2955 * logAspects[aspect]) / 2 ** 24);
    const [large, small] = [power(k + d), power(k - d)];
    const many = directions[level][aspect];
    const cosine = COS[Math.floor((128 * angle + many) / (2 * many)) % 64];
    const [middle, apart] = [Math.floor((large + small) / 2), Math.floor((large - small) / 2)];
    const part = Math.floor(apart / 16384) * cosine + Math.floor(((apart % 16384) * cosine) / 16384);
    return [side(middle + part), side(middle - part)];
  };
}

/** @param {number} index of a step (spec/quantization.md, "Steps") */
function stepOf(index) {
  const clamped = Math.min(Math.max(index, 0), 191);
  return STEP8[clamped & 7] * 2 ** (clamped >> 3);
}

/**
 * Directions of a Gaussian (spec/quantization.md, "Angle").
 * @param {number} a log aspect ratio over 2^16
 * @param {number} angleStep
 */
function directionsOf(a, angleStep) {
  const t = Math.max(1, Math.floor(angleStep / 65536));
  const b = Math.floor((a * a) / 65536);
  const c = Math.floor((a * b) / 65536);
  const h = a + Math.floor(c / 6) + Math.floor(Math.floor((c * b) / 65536) / 120);
  const n = Math.floor((205887 * h) / (t * 65536));
  return DIRECTIONS.find((many) => many <= Math.max(1, n)) ?? 1;
}
