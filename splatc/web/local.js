/** Files on this machine, which Node has no fetch for. A browser never comes here. */

/** @param {string} url */
export const isLocal = (url) => url.startsWith("file:") && typeof process !== "undefined" && Boolean(process.versions?.node);

/**
 * All bytes of a file.
 * @param {string} url file:
 * @returns {Promise<Uint8Array>}
 */
export async function readLocal(url) {
  const { readFile } = await import("node:fs/promises");
  return new Uint8Array(await readFile(new URL(url)));
}

/**
 * How many bytes a file has.
 * @param {string} url file:
 */
export async function lengthOfLocal(url) {
  const { stat } = await import("node:fs/promises");
  return (await stat(new URL(url))).size;
}
