/**
 * `<img src="photo.splat2d">` in any page: this module shows such pictures, those that are there and those that come later, also as `srcset` and
 * in `<picture>` (`type="image/x-splat2d"`). What an image element can do it goes on doing: layout, `load` and `error`, `loading="lazy"`.
 *
 *     <script type="module" src="splat2d/polyfill.js"></script>
 *
 * Pictures become PNG in memory (`blob:`, which a Content-Security-Policy has to allow for images). Not seen are images outside of the
 * document, in shadow roots, and in style sheets.
 */
import { contextOf, readAll, scaleToWidth } from "./canvas.js";
import { open } from "./splat2d.js";
import { WHOLE_FIRST } from "./source.js";

/**
 * @typedef {object} Replaced what is shown in the place of a file
 * @property {string} url of the file
 * @property {HTMLImageElement | HTMLSourceElement} element whose attributes name it
 * @property {[string | null, string | null, string | null]} attributes src, srcset and type as they were
 * @property {[string | null, string | null, string | null]} ours as they are now
 * @property {AbortController} controller
 * @property {string} blob
 */

export const TYPE = "image/x-splat2d";
const NAMES = ["src", "srcset", "type"];
/** Pixels of a PNG at most; larger pictures are shown as large as they are, but drawn with fewer. */
const MOST = 2 ** 24;
const MARGIN = "1250px";

/** @type {WeakMap<HTMLImageElement, Replaced>} */
const replaced = new WeakMap();

const nearby = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries)
    if (isIntersecting) {
      nearby.unobserve(target);
      show(/** @type {HTMLImageElement} */ (target));
    }
}, { rootMargin: MARGIN });

/** @param {string | null | undefined} url */
function isSplat(url) {
  try {
    return Boolean(url) && /\.splat2d$/i.test(new URL(/** @type {string} */ (url), document.baseURI).pathname);
  } catch {
    return false;
  }
}

/** @param {string | null} srcset */
const firstOf = (srcset) => srcset?.trim().split(/[\s,]/)[0] ?? "";

/**
 * The element that names the file of an image, and the file; nothing if the browser can show it itself.
 * @param {HTMLImageElement} image
 * @returns {{element: HTMLImageElement | HTMLSourceElement, url: string} | null}
 */
function fileOf(image) {
  const sources = image.parentElement instanceof HTMLPictureElement ? image.parentElement.children : [];
  for (const source of sources) {
    if (source === image) break;
    if (!(source instanceof HTMLSourceElement) || (source.media && !matchMedia(source.media).matches)) continue;
    const url = firstOf(source.getAttribute("srcset"));
    if (source.type === TYPE || (!source.type && isSplat(url))) return { element: source, url };
    if (!source.type || /^image\/(avif|gif|jpeg|png|svg\+xml|webp)$/.test(source.type)) return null;
  }
  const url = [image.currentSrc, image.getAttribute("src"), firstOf(image.getAttribute("srcset"))].find(isSplat);
  const hasOther = image.currentSrc && !isSplat(image.currentSrc);
  return url && !hasOther ? { element: image, url } : null;
}

/** @param {Element} element */
const attributesOf = (element) => /** @type {Replaced["attributes"]} */ (NAMES.map((name) => element.getAttribute(name)));

/**
 * @param {Element} element
 * @param {Replaced["attributes"]} values
 */
function setAttributes(element, values) {
  for (const [i, name] of NAMES.entries()) {
    const value = values[i];
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }
}

/**
 * Looks at an image that is new, or has changed.
 * @param {HTMLImageElement} image
 */
function consider(image) {
  const known = replaced.get(image);
  if (known && attributesOf(known.element).every((value, i) => value === known.ours[i])) return;
  if (known) forget(image, known);
  const found = fileOf(image);
  if (!found) return;
  const url = new URL(found.url, document.baseURI).href;
  const attributes = attributesOf(found.element);
  /** @type {Replaced["attributes"]} */
  const ours = [null, null, found.element === image ? attributes[2] : TYPE]; // so that the browser does not try it
  replaced.set(image, { url, element: found.element, attributes, ours, controller: new AbortController(), blob: "" });
  setAttributes(found.element, ours);
  if (image.loading === "lazy") nearby.observe(image);
  else show(image);
}

/**
 * @param {HTMLImageElement} image
 * @param {Replaced} known
 */
function forget(image, { controller, blob }) {
  controller.abort();
  nearby.unobserve(image);
  URL.revokeObjectURL(blob);
  replaced.delete(image);
}

/** @param {HTMLImageElement} image */
async function show(image) {
  const known = replaced.get(image);
  if (!known) return;
  const { signal } = known.controller;
  try {
    const blob = await blobOf(known.url, signal);
    if (signal.aborted) return;
    known.blob = URL.createObjectURL(blob);
    known.ours = known.element === image ? [known.blob, null, known.attributes[2]] : [null, known.blob, blob.type];
  } catch (error) {
    if (signal.aborted) return;
    console.warn(`${known.url}: ${error instanceof Error ? error.message : error}`);
    known.ours = known.attributes; // the browser will report that it cannot show it
  }
  setAttributes(known.element, known.ours);
}

/**
 * A picture in a format that browsers know.
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function blobOf(url, signal) {
  const picture = await open(url, { signal, firstBytes: WHOLE_FIRST });
  const image = await readAll(picture, { scale: scaleToWidth(picture, picture.width, MOST), signal });
  const png = await pngOf(contextOf(image).canvas);
  picture.close();
  return image.width === picture.width ? png : enlarged(png, picture);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
const pngOf = (canvas) =>
  new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("there is no memory for a PNG")))));

/**
 * A smaller picture that says that it is as large as the whole.
 * @param {Blob} png
 * @param {{width: number, height: number}} size
 */
async function enlarged(png, { width, height }) {
  const content = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(png);
  });
  const size = `width="${width}" height="${height}"`;
  const image = `<image ${size} preserveAspectRatio="none" href="${content}"/>`;
  return new Blob([`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${image}</svg>`], { type: "image/svg+xml" });
}

/** @param {Node} node */
function* imagesIn(node) {
  if (node instanceof HTMLImageElement) yield node;
  else if (node instanceof HTMLSourceElement) yield* node.parentElement?.querySelectorAll("img") ?? [];
  else if (node instanceof Element || node instanceof Document) yield* node.querySelectorAll("img");
}

new MutationObserver((records) => {
  for (const { type, target, addedNodes } of records)
    for (const node of type === "attributes" ? [target] : addedNodes) for (const image of imagesIn(node)) consider(image);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: NAMES });

// The browser's own error event stays here while the file is being shown.
addEventListener("error", (event) => {
  const image = event.target;
  if (!(image instanceof HTMLImageElement)) return;
  consider(image);
  const known = replaced.get(image);
  if (known && known.ours !== known.attributes) event.stopImmediatePropagation();
}, true);

for (const image of imagesIn(document)) consider(image);
