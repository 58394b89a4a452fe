/** The workers of a page that is a viewer: the first may be started before the viewer is there. */

/** @type {Worker | null} */
let early = null;
let hasFailed = false;

function makeWorker() {
  return new Worker(new URL("worker.js", import.meta.url), { type: "module" });
}

/**
 * Starts one, which fetches what it will need.
 * @param {string | null} source the address of the picture, if it is known; relative to the page
 */
export function startWorker(source) {
  try {
    early = makeWorker();
    early.onerror = () => (hasFailed = true);
    early.postMessage({ type: "prepare", source: source ? new URL(source, document.baseURI).href : undefined });
  } catch {
    hasFailed = true; // of a page whose policy forbids workers
  }
}

/** The one that was started, or another. Throws where there are none. */
export function takeWorker() {
  if (hasFailed) throw new Error("workers do not start here");
  const worker = early ?? makeWorker();
  early = null;
  return worker;
}

/** Ends that worker if it is not taken, as on a page of thumbnails. */
export function dropWorker() {
  early?.terminate();
  early = null;
}
