/** The page of a server of `splatc view`, in which the files are listed. The first worker has started before this is evaluated. */
import { dropWorker, takeWorker } from "./workers.js";
import { showPage } from "./page.js";

/** @type {{alone: boolean, files: {key: string, name: string, source: string, compare?: string, compareName: string}[]}} */
const { alone, files } = JSON.parse(document.getElementById("files")?.textContent ?? "");
const isHere = Boolean(document.querySelector("link[rel=preload][href^=files]"));
const listed = files.map(({ source, compare, compareName, ...file }) => ({
  ...file, source: () => (isHere ? bytesOf(source) : source), compare: compare ? { source: compare, name: compareName } : undefined,
}));
queueMicrotask(() => showPage(listed, alone, takeWorker).finally(dropWorker)); // not below the whole script, which stack traces would have parsed again

/**
 * All of a small file, which the page has asked for before this script was there; where that fails, its address, for others to say why.
 * @param {string} address
 */
async function bytesOf(address) {
  const response = await fetch(address).catch(() => null);
  return response?.ok ? new Uint8Array(await response.arrayBuffer()) : address;
}
