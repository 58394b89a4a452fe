/**
 * Where a picture is sampled: the supersampling grid of a region at a rational scale (spec/picture.md, "Scaled drawing").
 *
 * All numerators and denominators are integers below 2^53, so that floor and ceil of their quotients are exact.
 */

/**
 * @typedef {object} View fields of core_view in core.h, but where the tiles lie, which follows from them
 * @property {number} grid_scale points of the supersampling grid per px
 * @property {number} shift_x
 * @property {number} shift_y of the grid against the corner of the picture, in its points
 * @property {number} variance added to that of each Gaussian, px^2
 * @property {number} samples grid points a side of an output pixel
 * @property {number} left
 * @property {number} top first output column and row, from the corner of the picture
 * @property {number} columns
 * @property {number} rows of the output
 * @property {number} end_x
 * @property {number} end_y one past the last grid point that counts
 * @property {number} tile_x
 * @property {number} tile_y the first tile
 * @property {number} tiles_x
 * @property {number} tiles_y
 * @property {[number, number, number, number]} box x0, y0, x1, y1, px: Gaussians whose ellipse does not touch it weigh nothing in the view
 */

const MAX_SAMPLES = 4;
const THUMBNAIL = 1 / 16;
const THUMBNAIL_SAMPLES = 8;
const FINEST_SCALE = 2 ** 16;
const MAX_SCALE = 2 ** 10;
const RADIUS = Math.sqrt(12.25);
/** Grid points of a tile, as in core.h. */
const TILE = [128, 32];

/**
 * A region of a picture at a scale. Throws RangeError for a region that is empty or leaves the picture, and for a scale that is none.
 * @param {number} width of the picture, px
 * @param {number} height
 * @param {[number, number, number, number]} [region] x, y, width, height, whole px
 * @param {[number, number]} [scale] output pixels per px: numerator, and denominator up to 65536
 * @returns {View}
 */
export function makeView(width, height, region = [0, 0, width, height], scale = [1, 1]) {
  const [x, y, w, h] = region;
  const [numerator, denominator] = scale;
  if (!region.every(Number.isInteger) || x < 0 || y < 0 || w < 1 || h < 1 || x + w > width || y + h > height)
    throw new RangeError(`the region ${region} does not lie inside of the picture, which has ${width} x ${height} px`);
  checkScale(scale);
  const along = (/** @type {number} */ start, /** @type {number} */ extent) => {
    const first = Math.floor((start * numerator) / denominator);
    return { first, count: Math.ceil((extent * numerator) / denominator), apart: start * numerator - first * denominator, start };
  };
  return viewOf(width, height, along(x, w), along(y, h), scale);
}

/**
 * Some of the output pixels of the whole picture at a scale. Throws RangeError for a scale that is none.
 * @param {number} width of the picture, px
 * @param {number} height
 * @param {[number, number]} scale as for `makeView`
 * @param {[number, number, number, number]} tile left, top, columns, rows, output pixels
 * @returns {View}
 */
export function makeTileView(width, height, scale, [left, top, columns, rows]) {
  checkScale(scale);
  const along = (/** @type {number} */ first, /** @type {number} */ count) => ({ first, count, apart: 0, start: (first * scale[1]) / scale[0] });
  return viewOf(width, height, along(left, columns), along(top, rows), scale);
}

/** @param {[number, number]} scale */
function checkScale(scale) {
  const isWhole = scale.every((part) => Number.isInteger(part) && part > 0);
  if (!isWhole || scale[1] > FINEST_SCALE || scale[0] > MAX_SCALE * scale[1])
    throw new RangeError(`${scale.join("/")} is no scale: whole numbers, the second up to ${FINEST_SCALE}, up to ${MAX_SCALE} in all`);
}

/**
 * @typedef {object} Span output pixels along a side
 * @property {number} first from the corner of the picture
 * @property {number} count
 * @property {number} apart how far behind the left side of the first one they start, px times the numerator of the scale
 * @property {number} start where they start, px
 *
 * @param {number} width
 * @param {number} height
 * @param {Span} across
 * @param {Span} down
 * @param {[number, number]} scale
 * @returns {View}
 */
function viewOf(width, height, across, down, scale) {
  const [numerator, denominator] = scale;
  const most = numerator / denominator > THUMBNAIL ? MAX_SAMPLES : THUMBNAIL_SAMPLES;
  const samples = Math.min(Math.ceil(denominator / numerator), most);
  const gridScale = numerator * samples; // over denominator: points of the grid per px
  const x = placed(across, width, Math.floor(TILE[0] / samples), scale, samples);
  const y = placed(down, height, Math.floor(TILE[1] / samples), scale, samples);
  const variance = Math.max(0, (denominator ** 2 - gridScale ** 2) / gridScale ** 2) / 12;
  const margin = RADIUS * Math.sqrt(variance) + (2 * denominator) / gridScale;
  const far = (/** @type {Span} */ { start, count }) => start + (count * denominator) / numerator + margin;
  return {
    grid_scale: gridScale / denominator, shift_x: x.shift, shift_y: y.shift, variance, samples, left: across.first, top: down.first,
    columns: across.count, rows: down.count, end_x: x.end, end_y: y.end, tile_x: x.tile, tile_y: y.tile,
    tiles_x: x.tiles, tiles_y: y.tiles, box: [across.start - margin, down.start - margin, far(across), far(down)],
  };
}

/**
 * A view along one side.
 * @param {Span} span
 * @param {number} side of the picture
 * @param {number} tile its output pixels
 * @param {[number, number]} scale
 * @param {number} samples
 */
function placed({ first, count, apart }, side, tile, [numerator, denominator], samples) {
  const shift = apart * samples; // over denominator
  const span = side * numerator * samples - shift; // of the grid up to the end of the picture, likewise
  const inside = Math.ceil((2 * span - denominator) / (2 * denominator));
  const lastPixel = Math.ceil(span / (denominator * samples)) - 1;
  const low = Math.floor(first / tile);
  return {
    shift: shift / denominator, end: Math.max(inside, lastPixel * samples + 1), tile: low, tiles: Math.ceil((first + count) / tile) - low,
  };
}

/** Evaluations that are done at once: some 100 ms. */
const STRIP = 2 ** 26;

/**
 * Rows of the output from top to bottom in strips that are drawn at once, each of whole tiles.
 * @param {View} view
 * @param {number} work that it is to draw all of it, evaluations
 * @returns {Generator<[number, number]>} first row, and one past the last
 */
export function* stripsOf({ top, rows, samples, tile_y: tile, tiles_y: tiles }, work) {
  const tileRows = Math.floor(TILE[1] / samples);
  const step = Math.max(1, Math.floor((tiles * STRIP) / work));
  for (let from = tile; from < tile + tiles; from += step)
    yield [Math.max(0, from * tileRows - top), Math.min(rows, (from + step) * tileRows - top)];
}
