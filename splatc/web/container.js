/** The bytes of a `.splat2d` file -> its chunks (spec/container.md). */
import { corrupt, TruncatedFileError, UnsupportedFileError } from "./errors.js";
import { isDraft, parseHeader } from "./header.js";
import { addToCrc, crc32, Numbers } from "./numbers.js";

/**
 * @typedef {object} Chunk
 * @property {string} type four letters
 * @property {number} length bytes of payload
 * @property {number} start where the chunk starts in the file
 * @property {number} offset where its payload starts
 */

export const SIGNATURE = [0x8b, 0x53, 0x32, 0x44, 0x0d, 0x0a, 0x1a, 0x0a];
export const SMALLEST_CHUNK = 9;
const SINGLE_CHUNKS = ["HEAD", "DRFT", "INDX", "GAUS", "iccp", "exif", "xmpd"];
/** What a file has Gaussians of: latents, in a draft, or these. */
const CONTENTS = ["LATN", "INDX", "GAUS"];
export const MAX_CHUNKS = 1024;
/** Bytes of a HEAD payload that are looked at; its fields take some hundred. */
export const MAX_HEADER = 4096;
/** The draft of the next version that is read (spec/draft.md). */
const DRAFT = 1;
/** Bytes that a DRFT chunk takes at most. */
export const MAX_DRAFT = SMALLEST_CHUNK + 5;
/** Bytes whose CRC is computed at once: some 3 ms. */
const PIECE = 2 ** 20;

/** @param {Uint8Array} bytes of a file */
function checkSignature(bytes) {
  const same = SIGNATURE.findIndex((byte, i) => bytes[i] !== byte);
  if (same < 0) return;
  if (bytes.length === 0) throw corrupt("the file is empty (0 bytes)");
  if (same === bytes.length) throw corrupt(`the file ends within the signature, after ${same} bytes: it is truncated`);
  throw corrupt("not a .splat2d file: it starts with other bytes than the signature");
}

/**
 * The chunk at a byte of the file; neither is its CRC looked at nor whether all of it is there.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @returns {Chunk}
 */
export function chunkAt(bytes, start) {
  const left = bytes.length - start;
  if (left < SMALLEST_CHUNK)
    throw new TruncatedFileError(`${left} bytes at byte ${start} are too few for a chunk: the file is truncated or has extra bytes`);
  const type = String.fromCharCode(...bytes.subarray(start, start + 4));
  if (!/^[A-Za-z]{4}$/.test(type)) throw corrupt(`the bytes at byte ${start} are no chunk type (four ASCII letters)`);
  const numbers = new Numbers(bytes, "the file", start + 4);
  const length = numbers.varint();
  return { type, length, start, offset: numbers.position };
}

/**
 * @param {Uint8Array} bytes
 * @param {Chunk} chunk
 */
export const isComplete = (bytes, chunk) => chunk.offset + chunk.length + 4 <= bytes.length;

/**
 * @param {Uint8Array} bytes
 * @param {Chunk} chunk
 */
function checkComplete(bytes, chunk) {
  if (isComplete(bytes, chunk)) return;
  const available = Math.max(0, bytes.length - chunk.offset - 4);
  throw new TruncatedFileError(
    `chunk ${chunk.type} at byte ${chunk.start} claims ${chunk.length} bytes, but only ${available} follow: the file is truncated`,
  );
}

/**
 * The payload of a chunk, after its CRC was checked.
 * @param {Uint8Array} bytes
 * @param {Chunk} chunk
 */
export function payload(bytes, chunk) {
  checkComplete(bytes, chunk);
  const content = bytes.subarray(chunk.offset, chunk.offset + chunk.length);
  compareCrc(bytes, chunk, crc32(bytes.subarray(chunk.start, chunk.start + 4), content));
  return content;
}

/**
 * @param {Uint8Array} bytes
 * @param {Chunk} chunk
 * @param {number} found CRC of its type and payload
 */
function compareCrc(bytes, chunk, found) {
  if (new Numbers(bytes, "the file", chunk.offset + chunk.length).u32() !== found)
    throw corrupt(`chunk ${chunk.type} at byte ${chunk.start} is damaged: its CRC-32 is another`);
}

/**
 * Checks the CRC of a chunk of any length, with a pause behind each piece.
 * @param {Uint8Array} bytes
 * @param {Chunk} chunk
 * @param {() => Promise<void>} pause
 */
export async function checkChunk(bytes, chunk, pause) {
  checkComplete(bytes, chunk);
  const end = chunk.offset + chunk.length;
  let value = addToCrc(-1, bytes.subarray(chunk.start, chunk.start + 4));
  for (let at = chunk.offset; at < end; at += PIECE) {
    value = addToCrc(value, bytes.subarray(at, Math.min(at + PIECE, end)));
    await pause();
  }
  compareCrc(bytes, chunk, ~value >>> 0);
}

/**
 * Whether a chunk may follow those before it.
 * @param {Chunk} chunk
 * @param {Chunk[]} earlier
 * @param {boolean} isOfDraft
 */
function checkType(chunk, earlier, isOfDraft) {
  const { type, start } = chunk;
  const isLatents = type === "LATN" && isOfDraft;
  if ((SINGLE_CHUNKS.includes(type) || isLatents) && earlier.some((each) => each.type === type))
    throw corrupt(`a second ${type} chunk at byte ${start}; only one is allowed`);
  if (type[0] < "a" && !["HEAD", "INDX", "GAUS"].includes(type) && !isLatents)
    throw new UnsupportedFileError(`the file needs chunk ${type} (at byte ${start}), which this decoder does not know`);
  if (type === "INDX" && earlier.some((each) => each.type === "GAUS"))
    throw corrupt(`the INDX chunk at byte ${start} follows GAUS, it must stand before it`);
  if (CONTENTS.includes(type) && earlier.some((each) => CONTENTS.includes(each.type) && (each.type === "LATN") !== isLatents))
    throw corrupt(`the ${type} chunk at byte ${start} is in one file with latents and Gaussians`);
}

/**
 * The header of a file, after its draft was checked, for that says what a header is. Throws SplatError.
 * @param {Uint8Array} bytes of a file, at least up to the end of the HEAD chunk, and of DRFT where that follows
 */
export function readHeader(bytes) {
  const chunk = headerChunk(bytes);
  const head = payload(bytes, chunk);
  if (isDraft(head)) checkDraft(bytes, chunk);
  return parseHeader(head);
}

/**
 * @param {Uint8Array} bytes
 * @param {Chunk} head
 */
function checkDraft(bytes, head) {
  const chunk = chunkAt(bytes, head.offset + head.length + 4);
  checkDraftType(chunk);
  const numbers = new Numbers(payload(bytes, chunk), "the DRFT chunk");
  const number = numbers.varint();
  numbers.end();
  if (number !== DRAFT) throw new UnsupportedFileError(`the file is of draft ${number} of format 1.1; this decoder reads draft ${DRAFT}`);
}

/** @param {Chunk} chunk that follows HEAD in a file of a draft */
function checkDraftType({ type, length }) {
  if (type !== "DRFT") throw corrupt(`chunk ${type} follows HEAD in a file of a draft, expected DRFT`);
  if (length > 5) throw corrupt(`the DRFT chunk has ${length} bytes, its number takes 5 at most`);
}

/** @param {Uint8Array} bytes */
function headerChunk(bytes) {
  checkSignature(bytes);
  const chunk = chunkAt(bytes, SIGNATURE.length);
  if (chunk.type !== "HEAD") throw corrupt(`the first chunk is ${chunk.type}, expected HEAD`);
  checkComplete(bytes, chunk);
  if (chunk.length > MAX_HEADER) throw corrupt(`the HEAD chunk has ${chunk.length} bytes, its fields take ${MAX_HEADER} at most`);
  return chunk;
}

/**
 * All chunks in file order. If the file ends too early, `truncation` says so and the last chunk may be there in part. No CRC is looked at.
 * @param {Uint8Array} bytes
 * @returns {{chunks: Chunk[], truncation: TruncatedFileError | null}}
 */
export function readChunks(bytes) {
  const chunks = [headerChunk(bytes)];
  const draft = isDraft(bytes.subarray(chunks[0].offset, chunks[0].offset + chunks[0].length));
  for (;;) {
    const last = chunks[chunks.length - 1];
    const start = last.offset + last.length + 4;
    if (start >= bytes.length) break;
    if (chunks.length === MAX_CHUNKS) throw corrupt(`the file has more than ${MAX_CHUNKS} chunks`);
    try {
      const chunk = chunkAt(bytes, start);
      if (draft && chunks.length === 1) checkDraftType(chunk);
      else checkType(chunk, chunks, draft);
      chunks.push(chunk);
      checkComplete(bytes, chunk);
    } catch (error) {
      if (error instanceof TruncatedFileError) return { chunks, truncation: error };
      throw error;
    }
  }
  const missing = !chunks.some(({ type }) => type === "GAUS" || type === "LATN");
  return { chunks, truncation: missing ? new TruncatedFileError("the GAUS chunk is missing: the file is truncated") : null };
}
