/** A page that is a viewer: of the picture that the page names, its address, or a file that is dropped on it. */
import { startWorker, takeWorker } from "./workers.js";
import { SplatViewer } from "./viewer.js";

const element = /** @type {HTMLElement} */ (document.getElementById("viewer"));
const asked = new URLSearchParams(location.search);
/** What a page that has all in itself has put here. */
const given = /** @type {any} */ (globalThis).splat2dPage ?? {};
const source = given.source ?? element.dataset.src ?? asked.get("src");
const name = given.name ?? element.dataset.name ?? asked.get("name") ?? undefined;
const compare = given.compare ?? element.dataset.compare ?? asked.get("compare");
if (typeof source === "string" && !("makeWorker" in given)) startWorker(source); // it starts while the viewer is made

export const viewer = new SplatViewer(element, { link: true, makeWorker: "makeWorker" in given ? given.makeWorker : takeWorker, core: given.core });
element.addEventListener("open", () => (document.title = viewer.name));
if (source) viewer.open(source, { name, compare: compare ? { source: compare } : undefined }).catch(() => {}); // the viewer says it
