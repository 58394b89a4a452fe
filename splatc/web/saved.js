/** A page that `splatc view --save` wrote: the files stand in it, in base64. */
import { showPage } from "./page.js";

/** @param {string} id of an element */
const textOf = (id) => document.getElementById(id)?.textContent ?? "";

/**
 * @param {string} id
 * @returns {Promise<Uint8Array>}
 */
async function bytesOf(id) {
  const response = await fetch(`data:application/octet-stream;base64,${textOf(id)}`); // faster than atob, and of any length
  return new Uint8Array(await response.arrayBuffer());
}

/** @type {{alone: boolean, files: {name: string, compare?: {type: string, name: string}}[]}} */
const { alone, files } = JSON.parse(textOf("files"));
showPage(files.map(listed), alone);

/**
 * @param {{name: string, compare?: {type: string, name: string}}} file
 * @param {number} number
 */
function listed({ name, compare }, number) {
  const compared = compare && { name: compare.name, source: `data:${compare.type};base64,${textOf("compare")}` };
  return { key: String(number), name, source: () => bytesOf(`file-${number}`), compare: compared };
}
