/** Where the Gaussians of a section lie. */

/**
 * @typedef {object} SectionTile
 * @property {number} column
 * @property {number} row
 * @property {number} tileLog2 of its side, px
 *
 * @typedef {SectionTile & {margin: number}} Bounded and how far beyond it their ellipses go, px
 */

/** px that a box is widened by: more than a bounding margin may be off. */
const SLACK = 1;

/**
 * x0, y0, x1, y1 of the tile of a section, px; the last ones may end outside of the picture.
 * @param {SectionTile} section
 */
export function tileOf({ column, row, tileLog2 }) {
  const side = 2 ** tileLog2;
  return [column * side, row * side, (column + 1) * side, (row + 1) * side];
}

/**
 * Whether Gaussians of a section may be seen in a box.
 * @param {Bounded} section
 * @param {[number, number, number, number]} box x0, y0, x1, y1, px
 */
export function touches(section, [x0, y0, x1, y1]) {
  const [left, upper, right, lower] = tileOf(section);
  const margin = section.margin + SLACK;
  return x0 <= right + margin && x1 >= left - margin && y0 <= lower + margin && y1 >= upper - margin;
}
