/** The core beside these modules, compiled when it is first needed: one for all pictures, as a call holds its memory only while it runs. */
import { loadCore } from "./core.js";
import { NetworkError, UnsupportedFileError } from "./errors.js";
import { NETWORKS } from "./latents.js";
import { isLocal, readLocal } from "./local.js";
import { crc32 } from "./numbers.js";

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

const coreUrl = () => new URL("core.wasm", import.meta.url);

/** @type {Map<number, Promise<Uint8Array>>} */
const networks = new Map();

/**
 * The network of files with latents, which lies beside the core and is fetched when the first of them is read. What has failed is tried again.
 * @param {number} number
 */
export function sharedNetwork(number) {
  let network = networks.get(number);
  if (!network) {
    network = fetchNetwork(number);
    network.catch(() => networks.delete(number));
    networks.set(number, network);
  }
  return network;
}

/** @param {number} number */
async function fetchNetwork(number) {
  const base = coreUrl();
  if (base.protocol === "data:" || base.protocol === "blob:") throw new UnsupportedFileError("this page was saved without the network that latents need");
  const url = new URL(`latent_${number}.bin`, base);
  let bytes;
  if (isLocal(url.href)) bytes = await readLocal(url.href);
  else {
    const response = await fetch(url);
    if (!response.ok) throw new NetworkError(`${url} cannot be fetched: ${response.status}`);
    bytes = new Uint8Array(await response.arrayBuffer());
  }
  const known = NETWORKS[number];
  if (bytes.length !== known.bytes || crc32(bytes) !== known.crc) throw new NetworkError(`${url} is not network ${number}`);
  return bytes;
}

async function fetchModule() {
  const url = coreUrl();
  if (isLocal(url.href)) return compile(await readLocal(url.href));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be fetched: ${response.status}`);
  if (/^application\/wasm\b/.test(response.headers.get("content-type") ?? "")) return WebAssembly.compileStreaming(response);
  return compile(await response.arrayBuffer()); // of a server that does not know the type
}
