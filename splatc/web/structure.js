/** Header, chunks and index of a file of which only these are fetched. */
import { chunkAt, MAX_CHUNKS, readHeader, SIGNATURE, SMALLEST_CHUNK } from "./container.js";
import { SplatError } from "./errors.js";
import { FIRST } from "./http.js";
import { maximumIndex } from "./section_index.js";
import { readFile } from "./sections.js";

/**
 * @typedef {import("./source.js").Source} Source
 */

/** Bytes that are fetched where the next chunk starts: all of the metadata of most files. */
const NEXT = 4096;

/**
 * Reads what `readFile` does; fetches only that. Throws as it does, NetworkError, or the reason of the signal.
 * @param {Source} source
 * @param {AbortSignal} [signal]
 */
export async function loadStructure(source, signal) {
  await source.load([[0, FIRST]], signal); // the longest header lies within
  const { bytes } = source;
  const header = readHeader(bytes);
  let start = SIGNATURE.length;
  for (let number = 0; number < MAX_CHUNKS && bytes.length - start >= SMALLEST_CHUNK; number++) {
    if (!isLoaded(source, start, SMALLEST_CHUNK)) await source.load([[start, start + NEXT]], signal);
    const chunk = chunkOrNothing(bytes, start);
    if (!chunk) break; // readFile says why
    start = chunk.offset + chunk.length + 4;
    if (chunk.type === "INDX" && chunk.length <= maximumIndex(header)) await source.load([[chunk.start, start]], signal);
  }
  return readFile(bytes);
}

/**
 * @param {Source} source
 * @param {number} start
 * @param {number} length
 */
const isLoaded = (source, start, length) => source.loaded.some(([low, high]) => low <= start && start + length <= high);

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 */
function chunkOrNothing(bytes, start) {
  try {
    return chunkAt(bytes, start);
  } catch (error) {
    if (error instanceof SplatError) return null;
    throw error;
  }
}
