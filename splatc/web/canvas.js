/** Pictures on canvases: what elements, the polyfill and tile sources show. */

/**
 * @typedef {import("./splat2d.js").Picture} Picture
 */

/**
 * A canvas of pixels, in their colour space.
 * @param {ImageData} image
 */
export function contextOf(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d", { colorSpace: image.colorSpace });
  if (!context) throw new Error(`there is no memory for a canvas of ${image.width} x ${image.height} pixels`);
  context.putImageData(image, 0, 0);
  return context;
}

/**
 * A scale that `read` takes, so that the picture becomes some pixels wide, or as many as are allowed in all.
 * @param {{width: number, height: number}} picture
 * @param {number} columns
 * @param {number} mostPixels
 * @returns {number | [number, number]}
 */
export function scaleToWidth({ width, height }, columns, mostPixels) {
  const most = Math.sqrt((mostPixels / height) * width);
  const whole = Math.max(1, Math.floor(Math.min(Math.round(columns), most)));
  return width <= 65536 ? [whole, width] : whole / width;
}

/**
 * All of a picture; of a file that ends too early what it has.
 * @param {Picture} picture
 * @param {object} options
 * @param {number | [number, number]} options.scale
 * @param {AbortSignal} [options.signal]
 * @param {number} [options.maxLevel]
 */
export const readAll = async (picture, options) =>
  /** @type {ImageData} */ (await picture.read({ ...options, allowTruncated: picture.truncated }));
