/** The core beside these modules, compiled when it is first needed: one for all pictures, as a call holds its memory only while it runs. */
import { loadCore } from "./core.js";
import { isLocal, readLocal } from "./local.js";

/** @typedef {import("./core.js").Core} Core */

/** @type {Promise<WebAssembly.Module> | null} */
let compiled = null;
/** @type {Promise<Core> | null} */
let shared = null;

/**
 * core.wasm, compiled. What has failed is tried again by the next call.
 * @param {BufferSource | WebAssembly.Module} [given] it, where it is there already
 */
export function coreModule(given) {
  compiled ??= (given ? compile(given) : fetchModule()).catch((error) => {
    compiled = null;
    throw error;
  });
  return compiled;
}

/** @param {BufferSource | WebAssembly.Module} [given] as for `coreModule` */
export function sharedCore(given) {
  shared ??= coreModule(given).then(loadCore).catch((error) => {
    shared = null;
    throw error;
  });
  return shared;
}

/** @param {BufferSource | WebAssembly.Module} given */
const compile = async (given) => (given instanceof WebAssembly.Module ? given : WebAssembly.compile(given));

async function fetchModule() {
  const url = new URL("core.wasm", import.meta.url);
  if (isLocal(url.href)) return compile(await readLocal(url.href));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be fetched: ${response.status}`);
  if (/^application\/wasm\b/.test(response.headers.get("content-type") ?? "")) return WebAssembly.compileStreaming(response);
  return compile(await response.arrayBuffer()); // of a server that does not know the type
}
