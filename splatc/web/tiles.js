/** The grid of tiles over a picture at a scale, and which of them a view takes, in order. */

/**
 * @typedef {import("./camera.js").Size} Size
 * @typedef {import("./painter.js").Tile} Tile
 */

/** Side, output pixels. */
export const TILE = 256;

/**
 * Pixels of a picture at a scale.
 * @param {Size} picture
 * @param {[number, number]} scale numerator and denominator
 * @returns {Size}
 */
export function scaledSize({ width, height }, [numerator, denominator]) {
  return { width: Math.ceil((width * numerator) / denominator), height: Math.ceil((height * numerator) / denominator) };
}

/**
 * The tiles that a view touches, and those around it up to `margin` pixels away: nearest to its middle first, those outside last.
 * @param {Size} picture
 * @param {[number, number]} scale
 * @param {[number, number]} origin where the corner of the picture lies in the view
 * @param {Size} view
 * @param {number} [margin]
 * @returns {{tile: Tile, isSeen: boolean}[]}
 */
export function tilesOf(picture, scale, [originX, originY], view, margin = 0) {
  const { width, height } = scaledSize(picture, scale);
  const [firstColumn, lastColumn] = cells(originX, view.width, width, margin);
  const [firstRow, lastRow] = cells(originY, view.height, height, margin);
  const found = [];
  for (let row = firstRow; row <= lastRow; row++)
    for (let column = firstColumn; column <= lastColumn; column++) {
      const [left, top] = [column * TILE, row * TILE];
      const tile = { scale, left, top, columns: Math.min(TILE, width - left), rows: Math.min(TILE, height - top) };
      const [x, y] = [originX + left, originY + top];
      const isSeen = x < view.width && y < view.height && x + tile.columns > 0 && y + tile.rows > 0;
      found.push({ tile, isSeen, distance: Math.hypot(x + tile.columns / 2 - view.width / 2, y + tile.rows / 2 - view.height / 2) });
    }
  found.sort((a, b) => Number(b.isSeen) - Number(a.isSeen) || a.distance - b.distance);
  return found.map(({ tile, isSeen }) => ({ tile, isSeen }));
}

/**
 * First and last cell of the grid along a side.
 * @param {number} origin
 * @param {number} extent of the view
 * @param {number} side of the picture, output pixels
 * @param {number} margin
 */
function cells(origin, extent, side, margin) {
  const last = Math.ceil(side / TILE) - 1;
  const at = (/** @type {number} */ place) => Math.floor((place - origin) / TILE);
  return [Math.max(0, at(-margin)), Math.min(last, at(extent + margin - 1))];
}

/**
 * A name that no other tile of a picture has.
 * @param {Tile} tile
 */
export const tileKey = ({ scale, left, top, columns }) => `${scale[0]}/${scale[1]} ${left} ${top} ${columns}`;

/**
 * x0, y0, x1, y1 of a tile, px.
 * @param {Tile} tile
 * @returns {[number, number, number, number]}
 */
export function boxOf({ scale, left, top, columns, rows }) {
  const unit = scale[1] / scale[0];
  return [left * unit, top * unit, (left + columns) * unit, (top + rows) * unit];
}
