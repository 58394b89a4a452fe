/** Where the Gaussians of a section lie. */

/**
 * @typedef {object} Block
 * @property {number} column
 * @property {number} row
 * @property {number} block log2 of its side, px
 *
 * @typedef {Block & {reach: number}} Reaching and how far beyond it their ellipses go, px
 */

/** px that a box is widened by: more than a reach may be off. */
const MARGIN = 1;

/**
 * x0, y0, x1, y1 of the block of a section, px; the last ones may end outside of the picture.
 * @param {Block} section
 */
export function blockOf({ column, row, block }) {
  const side = 2 ** block;
  return [column * side, row * side, (column + 1) * side, (row + 1) * side];
}

/**
 * Whether Gaussians of a section may be seen in a box.
 * @param {Reaching} section
 * @param {[number, number, number, number]} box x0, y0, x1, y1, px
 */
export function touches(section, [x0, y0, x1, y1]) {
  const [left, upper, right, lower] = blockOf(section);
  const margin = section.reach + MARGIN;
  return x0 <= right + margin && x1 >= left - margin && y0 <= lower + margin && y1 >= upper - margin;
}
