/** The first worker of a page that is a viewer, started before the modules of the page have come: its own come meanwhile. */

/** @type {Worker | null} */
let early = null;
let hasFailed = false;

try {
  early = makeWorker();
  early.onerror = () => (hasFailed = true);
  early.postMessage({ type: "prepare" });
} catch {
  hasFailed = true; // of a page whose policy forbids workers
}

function makeWorker() {
  return new Worker(new URL("worker.js", import.meta.url), { type: "module" });
}

/** That worker, and others when it is asked for again. Throws where there are none. */
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
