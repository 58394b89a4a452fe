/** The page of `splatc view`: the viewer of one file, or thumbnails of many that lead to it. */
import { showGallery } from "./gallery.js";
import { SplatViewer } from "./viewer.js";

/**
 * @typedef {object} Listed a file of the page
 * @property {string} key which `?file=` of the address names
 * @property {string} name one line
 * @property {() => (string | Uint8Array | Promise<string | Uint8Array>)} source an address, or the bytes
 * @property {{source: string | Blob, name: string}} [compare] what is shown beside it
 */

/**
 * Fills the element #viewer, which is all of the page, or, with data-embedded, a part of one.
 * @param {Listed[]} files
 * @param {boolean} alone whether the one file is shown itself
 * @param {() => Worker} [makeWorker] of the viewer
 */
export async function showPage(files, alone, makeWorker) {
  const element = /** @type {HTMLElement} */ (document.getElementById("viewer"));
  const asked = new URLSearchParams(location.search).get("file");
  const file = alone ? files[0] : files.find((each) => each.key === asked);
  if (!file) {
    showGallery(element, files);
    return;
  }
  if (!alone) element.before(linkBack());
  document.title = file.name;
  const viewer = new SplatViewer(element, { link: !("embedded" in element.dataset), makeWorker });
  await viewer.open(await file.source(), { name: file.name, compare: file.compare }).catch(() => {}); // the viewer says it
}

/** To the thumbnails. */
function linkBack() {
  const link = document.createElement("a");
  link.href = "?";
  link.className = "splat-back";
  link.textContent = "\u2190";
  link.ariaLabel = "all pictures";
  return link;
}
