/** Thumbnails, drawn from the coarse levels of files as they come into view, one at a time; of the rest of a file nothing is fetched. */
import { contextOf, readAll } from "./canvas.js";
import { open } from "./splat2d.js";

/** @typedef {import("./page.js").Listed} Listed */

/** Longest side of a thumbnail, CSS px. */
const SIDE = 240;
/** Evaluations of Gaussians (spec/limits.md, Work) that a thumbnail may take: a second or so. */
const MAX_WORK = 2 ** 33;

/**
 * @param {HTMLElement} element that the thumbnails replace
 * @param {Listed[]} files
 */
export function showGallery(element, files) {
  const list = document.createElement("ul");
  list.className = "splat-gallery";
  list.append(...files.map(itemOf));
  const main = document.createElement("main");
  main.append(list);
  element.replaceWith(main);
  drawWhatIsSeen(list, files);
}

/** @param {Listed} file */
function itemOf({ key, name }) {
  const link = document.createElement("a");
  link.href = `?file=${encodeURIComponent(key)}`;
  const title = document.createElement("bdi");
  title.textContent = name;
  link.append(document.createElement("canvas"), title); // a canvas to be replaced
  const item = document.createElement("li");
  item.append(link);
  return item;
}

/**
 * @param {HTMLElement} list
 * @param {Listed[]} files in its order
 */
function drawWhatIsSeen(list, files) {
  /** @type {Set<Element>} that are in view and not drawn yet */
  const waiting = new Set();
  const order = new Map([...list.children].map((item, i) => [item, files[i]]));
  let isDrawing = false;
  const drawNext = async () => {
    if (isDrawing) return;
    isDrawing = true;
    for (const item of waiting) {
      waiting.delete(item);
      observer.unobserve(item);
      await drawItem(item, /** @type {Listed} */ (order.get(item)));
    }
    isDrawing = false;
  };
  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) isIntersecting ? waiting.add(target) : waiting.delete(target);
      drawNext();
    },
    { rootMargin: "50%" },
  );
  for (const item of list.children) observer.observe(item);
}

/**
 * @param {Element} item
 * @param {Listed} file
 */
async function drawItem(item, { source }) {
  try {
    const picture = await open(await source(), { maxWork: MAX_WORK });
    const { canvas } = contextOf(await readAll(picture, coarse(picture)));
    picture.close();
    canvas.ariaHidden = "true"; // the name beside it says all that is known
    item.querySelector("canvas")?.replaceWith(canvas);
    item.className = "is-drawn";
  } catch (error) {
    item.className = "is-damaged";
    const note = document.createElement("small");
    note.textContent = error instanceof Error ? error.message : String(error);
    item.append(note);
  }
}

/**
 * The size of a thumbnail, and the finest level that is seen in it: Gaussians of finer ones are smaller than half of its pixels.
 * @param {{width: number, height: number, header: {levelCounts: readonly number[]}}} picture
 */
function coarse({ width, height, header }) {
  const reduction = Math.max(1, Math.ceil(Math.max(width, height) / (SIDE * Math.min(2, devicePixelRatio))));
  const finest = Math.max(0, Math.floor(Math.log2(reduction)) - 1);
  return { scale: /** @type {[number, number]} */ ([1, reduction]), maxLevel: Math.min(finest, Math.max(0, header.levelCounts.length - 1)) };
}
