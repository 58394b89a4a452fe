/** Header, chunks and index of a file of which only these are fetched. */
import { chunkAt, MAX_CHUNKS, MAX_DRAFT, MAX_HEADER, readHeader, SIGNATURE, SMALLEST_CHUNK } from "./container.js";
import { SplatError } from "./errors.js";
import { tableBytes } from "./latents.js";
import { checkBound } from "./options.js";
import { maximumIndex } from "./section_index.js";
import { readFile } from "./sections.js";

/**
 * @typedef {import("./source.js").Source} Source
 */

/** Bytes that are fetched at least: header and index of most files. */
const FIRST = 2048;
/** Bytes that are fetched where the next chunk starts: all of the metadata of most files. */
const NEXT = 4096;
/** Bytes of memory that a byte of the index takes (spec/limits.md). */
const INDEX_MEMORY = 100;

/**
 * Reads what `readFile` does; fetches only that. Throws as it does, LimitError for an index that would take more memory than is allowed,
 * NetworkError, or the reason of the signal.
 * @param {Source} source
 * @param {{maxMemory: number}} bounds
 * @param {AbortSignal} [signal]
 */
export async function loadStructure(source, { maxMemory }, signal) {
  await source.load([[0, FIRST]], signal);
  const { bytes } = source;
  let start = SIGNATURE.length;
  const first = chunkOrNothing(bytes, start);
  if (first && first.length <= MAX_HEADER) await source.load([[start, first.offset + first.length + 4 + MAX_DRAFT]], signal);
  const header = readHeader(bytes);
  for (let number = 0; number < MAX_CHUNKS && bytes.length - start >= SMALLEST_CHUNK; number++) {
    if (!source.has([[start, start + SMALLEST_CHUNK]])) await source.load([[start, start + NEXT]], signal);
    const chunk = chunkOrNothing(bytes, start);
    if (!chunk) break; // readFile says why
    start = chunk.offset + chunk.length + 4;
    if (chunk.type === "LATN") await source.load([[chunk.start, Math.min(chunk.offset + tableBytes(header), start)]], signal);
    if (chunk.type !== "INDX" || chunk.length > maximumIndex(header)) continue;
    checkBound(INDEX_MEMORY * chunk.length, maxMemory, `an index of ${chunk.length} bytes`, "bytes of memory", "maxMemory");
    await source.load([[chunk.start, start + SMALLEST_CHUNK]], signal); // and how long GAUS is
  }
  return readFile(bytes);
}

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
