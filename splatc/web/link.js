/** Links to a place in a picture: #x,y,zoom, px of the picture in the middle of the view and pixels of the screen per px. */

/**
 * @param {string} hash of an address
 * @returns {import("./camera.js").Camera | null} null if it is none
 */
export function parseLink(hash) {
  const parts = hash.replace(/^#/, "").split(",");
  const numbers = parts.map((part) => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : NaN));
  if (numbers.length !== 3 || !numbers.every(Number.isFinite) || numbers[2] <= 0) return null;
  return { x: numbers[0], y: numbers[1], zoom: numbers[2] };
}

/**
 * As short as it is exact to a pixel of the screen.
 * @param {import("./camera.js").Camera} camera
 */
export function formatLink({ x, y, zoom }) {
  const digits = Math.max(0, Math.ceil(Math.log10(zoom)) + 1);
  const place = (/** @type {number} */ value) => String(Number(value.toFixed(Math.min(digits, 4))));
  const shown = zoom >= 0.001 ? Number(zoom.toPrecision(5)) : Number(zoom.toFixed(8));
  return `#${place(x)},${place(y)},${shown}`;
}
