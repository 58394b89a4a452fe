/**
 * The bytes of a `.splat2d` file -> its header and its chunks (spec/container.md, spec/header.md, spec/limits.md).
 *
 * All numbers of a file are below 2^53 when they are compared with a limit, so that they are exact here.
 */
import { corrupt, CorruptFileError, LimitError, TruncatedFileError, UnsupportedFileError } from "./errors.js";

/**
 * @typedef {object} Header spec/header.md; the names in `quantizer` are those of core_header in core.h
 * @property {number} width px
 * @property {number} height px
 * @property {number} channels 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha
 * @property {8 | 16} depth bits of a sample
 * @property {boolean} normalized the blend; else sum
 * @property {number[]} background (channels) 0..255
 * @property {Record<string, number>} quantizer
 * @property {number[]} levelCounts Gaussians of each level, coarse to fine: the last is level 0
 * @property {number} count Gaussians
 *
 * @typedef {object} Chunk
 * @property {string} type four letters
 * @property {number} length bytes of payload
 * @property {number} start where the chunk starts in the file
 * @property {number} offset where its payload starts
 */

const VERSION = [1, 0];
export const SIGNATURE = [0x8b, 0x53, 0x32, 0x44, 0x0d, 0x0a, 0x1a, 0x0a];
export const SMALLEST_CHUNK = 9;
const SINGLE_CHUNKS = ["HEAD", "INDX", "GAUS", "iccp", "exif", "xmpd"];
export const MAX_CHUNKS = 1024;
/** Bytes of a HEAD payload that are looked at; its fields take some hundred. */
export const MAX_HEADER = 4096;
export const MAX_SIDE = 2 ** 20;
const MAX_PIXELS = 2 ** 32;
const MAX_GAUSSIANS = 2 ** 26;
const MAX_GRID_SIDE = 2 ** 26;
const FREE_GAUSSIANS = 64;
const GAUSSIANS_PER_BYTE = 2;
const MAX_GAUSSIAN_BYTES = 512;
/** Bytes whose CRC is computed at once: some 3 ms. */
const PIECE = 2 ** 20;

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32 as in PNG, of several pieces one behind the other.
 * @param {...ArrayLike<number>} pieces
 */
export const crc32 = (...pieces) => ~pieces.reduce(addToCrc, -1) >>> 0;

/**
 * What a CRC-32 has come to behind one more piece: -1 before the first, and its complement is the CRC.
 * @param {number} value
 * @param {ArrayLike<number>} bytes
 */
export function addToCrc(value, bytes) {
  for (let i = 0; i < bytes.length; i++) value = CRC_TABLE[(value ^ bytes[i]) & 255] ^ (value >>> 8);
  return value;
}

/** Reads numbers from bytes, one after the other (spec/header.md, "Encodings"). */
export class Numbers {
  /**
   * @param {Uint8Array} bytes
   * @param {string} where what they are, for messages
   */
  constructor(bytes, where, position = 0) {
    this.bytes = bytes;
    this.where = where;
    this.position = position;
  }

  u8() {
    if (this.position >= this.bytes.length) throw corrupt(`${this.where} ends too early, after ${this.bytes.length} bytes`);
    return this.bytes[this.position++];
  }

  i8() {
    return (this.u8() << 24) >> 24;
  }

  u32() {
    return (this.u8() | (this.u8() << 8) | (this.u8() << 16) | (this.u8() << 24)) >>> 0;
  }

  varint() {
    let value = 0;
    for (let unit = 1; unit < 2 ** 35; unit *= 128) {
      const group = this.u8();
      value += (group & 127) * unit;
      if (group >= 128) continue;
      if (group === 0 && unit > 1) throw this.#wrong("is not in its shortest form");
      return value;
    }
    throw this.#wrong("is longer than five bytes");
  }

  /** @param {string} what */
  #wrong(what) {
    return corrupt(`the number that ends at byte ${this.position} of ${this.where} ${what}`);
  }

  end() {
    if (this.position !== this.bytes.length) throw corrupt(`${this.where} has ${this.bytes.length} bytes, expected ${this.position}`);
  }
}

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
 */
function checkType(chunk, earlier) {
  const { type, start } = chunk;
  if (type[0] < "a" && !["HEAD", "INDX", "GAUS"].includes(type))
    throw new UnsupportedFileError(`the file needs chunk ${type} (at byte ${start}), which this decoder does not know`);
  if (SINGLE_CHUNKS.includes(type) && earlier.some((each) => each.type === type))
    throw corrupt(`a second ${type} chunk at byte ${start}; only one is allowed`);
  if (type === "INDX" && earlier.some((each) => each.type === "GAUS"))
    throw corrupt(`the INDX chunk at byte ${start} follows GAUS, it must stand before it`);
}

/**
 * The header of a file. Throws SplatError.
 * @param {Uint8Array} bytes of a file, at least up to the end of the HEAD chunk
 */
export function readHeader(bytes) {
  return parseHeader(payload(bytes, headerChunk(bytes)));
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
  for (;;) {
    const last = chunks[chunks.length - 1];
    const start = last.offset + last.length + 4;
    if (start >= bytes.length) break;
    if (chunks.length === MAX_CHUNKS) throw corrupt(`the file has more than ${MAX_CHUNKS} chunks`);
    try {
      const chunk = chunkAt(bytes, start);
      checkType(chunk, chunks);
      chunks.push(chunk);
      checkComplete(bytes, chunk);
    } catch (error) {
      if (error instanceof TruncatedFileError) return { chunks, truncation: error };
      throw error;
    }
  }
  const missing = !chunks.some((chunk) => chunk.type === "GAUS");
  return { chunks, truncation: missing ? new TruncatedFileError("the GAUS chunk is missing: the file is truncated") : null };
}

/**
 * A number of the HEAD payload in its range.
 * @param {Numbers} numbers
 * @param {"u8" | "i8" | "varint"} encoding
 * @param {string} name
 * @param {number} low
 * @param {number} high
 */
function headField(numbers, encoding, name, low, high) {
  const value = numbers[encoding]();
  if (value >= low && value <= high) return value;
  const Kind = encoding === "varint" && value > high ? LimitError : CorruptFileError;
  throw new Kind(`${name} in the HEAD chunk is ${value}, it must be ${low}..${high}`);
}

/**
 * @param {Uint8Array} bytes
 * @returns {Header}
 */
function parseHeader(bytes) {
  const numbers = new Numbers(bytes, "the HEAD chunk");
  const field = headField.bind(null, numbers);
  const step = (/** @type {string} */ name) => field("u8", name, 0, 191);
  const slope = (/** @type {string} */ name) => field("i8", name, -128, 127);
  const repeat = (/** @type {number} */ times, /** @type {() => number} */ read) => Array.from({ length: times }, read);
  const [major, minor] = [numbers.u8(), numbers.u8()];
  if (major !== VERSION[0] || minor > VERSION[1])
    throw new UnsupportedFileError(`the file has format version ${major}.${minor}, this decoder reads ${VERSION.join(".")}`);
  const flags = field("u8", "flags", 0, 15);
  const channels = ((flags >> 1) & 3) + 1;
  const width = field("varint", "width", 1, MAX_SIDE);
  const height = field("varint", "height", 1, MAX_SIDE);
  const background = repeat(channels, () => numbers.u8());
  const quantizer = {
    position: step("position"),
    position_slope: slope("position_slope"),
    log_scales: field("u8", "sizes", 1, 32),
    aspect: step("anisotropy"),
    angle: step("angle"),
    angle_slope: slope("angle_slope"),
    luma: step("luma"),
    chroma: step("chroma"),
    colour_slope: slope("colour_slope"),
  };
  const levelCounts = repeat(field("u8", "levels", 0, 16), () => field("varint", "level_counts", 0, MAX_GAUSSIANS));
  numbers.end();
  if (levelCounts[0] === 0) throw corrupt("the top level of the HEAD chunk has no Gaussian");
  const count = levelCounts.reduce((sum, each) => sum + each, 0);
  const [depth, normalized] = [/** @type {8 | 16} */ (flags & 8 ? 16 : 8), (flags & 1) === 1];
  const header = { width, height, channels, depth, normalized, background, quantizer, levelCounts, count };
  checkLimits(header);
  return header;
}

/** @param {Header} header */
function checkLimits(header) {
  const { width, height, count } = header;
  if (width * height > MAX_PIXELS)
    throw new LimitError(`the picture has ${width} x ${height} px, the format allows at most ${MAX_PIXELS} in all`);
  if (count > MAX_GAUSSIANS) throw new LimitError(`${count} Gaussians, the format allows at most ${MAX_GAUSSIANS}`);
  for (let level = 0; level < header.levelCounts.length; level++)
    if (gridSide(header, level, Math.max(width, height)) > MAX_GRID_SIDE)
      throw new LimitError(
        `the position grid of level ${level} has more than ${MAX_GRID_SIDE} cells a side: the position step is too fine for this picture`,
      );
}

export const STEP8 = [65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194];

/**
 * Side of a cell of the position grid, px over 2^32 (spec/quantization.md).
 * @param {Header} header
 * @param {number} level
 */
export function positionStep(header, level) {
  const { position, position_slope: slope } = header.quantizer;
  const index = Math.min(Math.max(position + slope * level, 0), 191);
  return STEP8[index & 7] * 2 ** (index >> 3);
}

/**
 * Cells of the position grid along a side of `extent` px. Exact: a quotient of two integers below 2^53 rounds to no integer that it is not.
 * @param {Header} header
 * @param {number} level
 * @param {number} extent
 */
export const gridSide = (header, level, extent) => Math.ceil((extent * 2 ** 32) / positionStep(header, level));

/**
 * The fewest bytes of a stream that may hold so many Gaussians.
 * @param {number} count
 */
export const minimumPayload = (count) => Math.max(0, Math.ceil((count - FREE_GAUSSIANS) / GAUSSIANS_PER_BYTE));

/**
 * @param {number} count Gaussians
 * @param {number} length bytes of the stream that is to hold them
 */
export function checkPlausible(count, length) {
  if (length < minimumPayload(count))
    throw corrupt(`${count} Gaussians are promised, but the GAUS chunk has only ${length} bytes for them: the file is damaged`);
}

/**
 * More bytes than a stream of so many Gaussians can have that ends where its last one does.
 * @param {number} count
 */
export const maximumPayload = (count) => FREE_GAUSSIANS + MAX_GAUSSIAN_BYTES * count;
