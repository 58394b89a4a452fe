/**
 * Where one looks at a picture, and how large it is: arithmetic without a page.
 *
 * x, y: px of the picture in the middle of the view; zoom: pixels of the screen per px. Views and places on them are pixels of the screen.
 *
 * @typedef {{x: number, y: number, zoom: number}} Camera
 * @typedef {{width: number, height: number}} Size
 */

/** Pixels of the screen per px at most. */
export const MAX_ZOOM = 64;
/** Zoom at least, as a part of that at which all is seen; one that is always allowed; what rounding may take away. */
const [SMALLEST, SMALL, ROUNDING] = [0.5, 1 / 8, 1e-9];

/**
 * The zoom at which all of a picture is seen, not larger than `most`.
 * @param {Size} picture
 * @param {Size} view
 * @param {number} [most] zoom
 */
export function fitZoom(picture, view, most = 1) {
  return Math.min(view.width / picture.width, view.height / picture.height, most);
}

/**
 * The nearest camera that is allowed: a picture that is larger than the view covers it, a smaller one is in its middle.
 * @param {Camera} camera
 * @param {Size} picture
 * @param {Size} view
 * @param {number} fit zoom at which all is seen
 * @returns {Camera}
 */
export function clampCamera({ x, y, zoom }, picture, view, fit) {
  const allowed = Math.min(Math.max(zoom, Math.min(fit * SMALLEST, SMALL)), Math.max(MAX_ZOOM, fit));
  const along = (/** @type {number} */ middle, /** @type {number} */ side, /** @type {number} */ extent) => {
    const half = extent / allowed / 2;
    return side <= 2 * half * (1 + ROUNDING) ? side / 2 : Math.min(Math.max(middle, half), side - half);
  };
  return { x: along(x, picture.width, view.width), y: along(y, picture.height, view.height), zoom: allowed };
}

/**
 * Zooms so that what is at a place of the view stays there.
 * @param {Camera} camera
 * @param {number} zoom
 * @param {[number, number]} place
 * @param {Size} view
 * @returns {Camera}
 */
export function zoomAt({ x, y, zoom: before }, zoom, [atX, atY], { width, height }) {
  const [fromX, fromY] = [atX - width / 2, atY - height / 2];
  return { x: x + fromX / before - fromX / zoom, y: y + fromY / before - fromY / zoom, zoom };
}

/**
 * Moves the picture below a view.
 * @param {Camera} camera
 * @param {number} across pixels of the screen to the right
 * @param {number} down
 * @returns {Camera}
 */
export const moveBy = ({ x, y, zoom }, across, down) => ({ x: x - across / zoom, y: y - down / zoom, zoom });

/**
 * Where the corner of the picture lies in a view: whole pixels, so that those of tiles are those of the screen.
 * @param {Camera} camera
 * @param {Size} view
 * @returns {[number, number]}
 */
export const originOf = ({ x, y, zoom }, { width, height }) => [Math.round(width / 2 - x * zoom), Math.round(height / 2 - y * zoom)];

/**
 * The camera on the way from one to another: zoom changes by a constant factor, and what stays in its place does so all the way.
 * @param {Camera} from
 * @param {Camera} to
 * @param {number} part 0..1
 * @returns {Camera}
 */
export function between(from, to, part) {
  const zoom = from.zoom * (to.zoom / from.zoom) ** part;
  const isSame = Math.abs(to.zoom / from.zoom - 1) < 1e-9;
  const weight = isSame ? part : (1 / from.zoom - 1 / zoom) / (1 / from.zoom - 1 / to.zoom);
  return { x: from.x + (to.x - from.x) * weight, y: from.y + (to.y - from.y) * weight, zoom };
}
