/**
 * Zstandard frames -> bytes (RFC 8878), for metadata: no dictionary, a content size that is stated. Browsers have no decoder of their own.
 *
 * What bounds it: nothing is written beyond the stated size, and each block takes three bytes at least. The checksum of a frame is not
 * compared, as the chunk around it has one.
 */
import { BackwardBits, defaultTable, ForwardBits, readTable, singleTable } from "./zstd_fse.js";
import { decodeHuffman, readHuffman } from "./zstd_huffman.js";

/**
 * @typedef {import("./zstd_fse.js").FseTable} FseTable
 * @typedef {import("./zstd_huffman.js").HuffmanTable} HuffmanTable
 *
 * @typedef {object} FrameHeader
 * @property {number | null} size of the content, bytes; null if it is not stated
 * @property {number} window bytes
 * @property {boolean} checksum
 * @property {number} end where the blocks begin
 */

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const MAX_BLOCK = 2 ** 17;

const range = (/** @type {number} */ first, /** @type {number} */ length) => Array.from({ length }, (_, i) => first + i);
const LENGTHS = [16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
const LENGTH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCHES = [35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539];
const MATCH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
/** Of literal lengths, offsets and match lengths: what a code stands for at least, the bits that follow it, and its table. */
const CODES = {
  literals: {
    base: [...range(0, 16), ...LENGTHS], bits: [...Array(16).fill(0), ...LENGTH_BITS], accuracy: 9,
    standard: defaultTable(6, [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1]),
  },
  offsets: {
    base: range(0, 32).map((code) => 2 ** code), bits: range(0, 32), accuracy: 8,
    standard: defaultTable(5, [1, 1, 1, 1, 1, 1, 2, 2, 2, ...Array(15).fill(1), -1, -1, -1, -1, -1]),
  },
  matches: {
    base: [...range(3, 32), ...MATCHES], bits: [...Array(32).fill(0), ...MATCH_BITS], accuracy: 9,
    standard: defaultTable(6, [1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array(37).fill(1), -1, -1, -1, -1, -1, -1, -1]),
  },
};
const KINDS = /** @type {const} */ (["literals", "offsets", "matches"]);

/** A frame that breaks the rules. */
export class ZstdError extends Error {}

/** @param {boolean} isTrue */
function check(isTrue) {
  if (!isTrue) throw new ZstdError("damaged");
}

/**
 * Throws ZstdError.
 * @param {Uint8Array} bytes
 * @returns {FrameHeader}
 */
export function readFrameHeader(bytes) {
  check(MAGIC.every((byte, i) => bytes[i] === byte) && bytes.length > 5);
  const flags = bytes[4];
  check((flags & 8) === 0);
  const isSingle = (flags & 32) !== 0;
  let at = 5;
  const number = (/** @type {number} */ length) => {
    check(at + length <= bytes.length);
    let value = 0;
    for (let i = length; i-- > 0; ) value = value * 256 + bytes[at + i];
    at += length;
    return value;
  };
  let window = 0;
  if (!isSingle) {
    const descriptor = number(1);
    window = (1 + (descriptor & 7) / 8) * 2 ** (10 + (descriptor >> 3));
  }
  check(number([0, 1, 2, 4][flags & 3]) === 0); // no dictionary
  const length = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6];
  const size = length === 0 ? null : number(length) + (length === 2 ? 256 : 0);
  return { size, window: isSingle ? size ?? 0 : window, checksum: (flags & 4) !== 0, end: at };
}

/**
 * The content of one frame, and where it ends. Throws ZstdError.
 * @param {Uint8Array} bytes
 * @param {FrameHeader} header which states the size
 */
export function decodeFrame(bytes, header) {
  const decoder = new Decoder(header.size ?? 0);
  let at = header.end;
  for (let isLast = false; !isLast; ) {
    check(at + 3 <= bytes.length);
    const block = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    const [type, size] = [(block >> 1) & 3, block >> 3];
    isLast = (block & 1) === 1;
    at += 3;
    const length = type === 1 ? 1 : size;
    check(type < 3 && size <= Math.min(MAX_BLOCK, header.window) && at + length <= bytes.length);
    const content = bytes.subarray(at, at + length);
    if (type === 0) decoder.append(content);
    else if (type === 1) decoder.append(new Uint8Array(size).fill(content[0]));
    else decoder.decodeBlock(content);
    at += length;
  }
  check(decoder.length === decoder.content.length);
  return { content: decoder.content, end: at + (header.checksum ? 4 : 0) };
}

/** What blocks of a frame hand on to the next. */
class Decoder {
  /** @param {number} size of the content */
  constructor(size) {
    this.content = new Uint8Array(size);
    this.length = 0;
    this.recent = [1, 4, 8];
    /** @type {HuffmanTable | null} */
    this.huffman = null;
    /** @type {Record<string, FseTable | null>} */
    this.tables = { literals: null, offsets: null, matches: null };
  }

  /** @param {Uint8Array} bytes */
  append(bytes) {
    check(this.length + bytes.length <= this.content.length);
    this.content.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** @param {Uint8Array} block */
  decodeBlock(block) {
    const before = this.length;
    const { literals, end } = this.#literals(block);
    const used = this.#sequences(block.subarray(end), literals);
    this.append(literals.subarray(used));
    check(this.length - before <= MAX_BLOCK);
  }

  /** @param {Uint8Array} block */
  #literals(block) {
    const bits = new ForwardBits(block);
    const [type, format] = [bits.read(2), bits.read(2)];
    if (type < 2) {
      // a size of 5, 12 or 20 bits; the first has one bit of `format`
      const size = format % 2 === 0 ? (bits.read(4) << 1) | (format >> 1) : bits.read(format === 1 ? 12 : 20);
      const start = bits.position / 8;
      check(size <= MAX_BLOCK && start + (type === 0 ? size : 1) <= block.length);
      if (type === 0) return { literals: block.subarray(start, start + size), end: start + size };
      return { literals: new Uint8Array(size).fill(block[start]), end: start + 1 };
    }
    const width = [10, 10, 14, 18][format];
    const [size, compressed] = [bits.read(width), bits.read(width)];
    const start = bits.position / 8;
    check(size <= MAX_BLOCK && start + compressed <= block.length);
    let streams = block.subarray(start, start + compressed);
    if (type === 2) {
      const { table, end } = readHuffman(streams);
      this.huffman = table;
      streams = streams.subarray(end);
    }
    if (!this.huffman) throw new ZstdError("damaged");
    return { literals: decodeHuffman(this.huffman, streams, size, format === 0 ? 1 : 4), end: start + compressed };
  }

  /**
   * Copies literals and matches; the number of literals that were used.
   * @param {Uint8Array} bytes
   * @param {Uint8Array} literals
   */
  #sequences(bytes, literals) {
    check(bytes.length > 0);
    let [count, at] = [bytes[0], 1];
    if (count > 127) [count, at] = count < 255 ? [((count - 128) << 8) + bytes[1], 2] : [bytes[1] + (bytes[2] << 8) + 0x7f00, 3];
    if (count === 0) {
      check(bytes.length === 1);
      return 0;
    }
    check(at < bytes.length && (bytes[at] & 3) === 0);
    const modes = bytes[at++];
    for (const [i, kind] of KINDS.entries()) at += this.#prepare(kind, (modes >> (6 - 2 * i)) & 3, bytes.subarray(at));
    const bits = new BackwardBits(bytes.subarray(at));
    const states = KINDS.map((kind) => bits.read(/** @type {FseTable} */ (this.tables[kind]).accuracy));
    let used = 0;
    for (let i = 0; i < count; i++) {
      const codes = KINDS.map((kind, k) => /** @type {FseTable} */ (this.tables[kind]).symbols[states[k]]);
      const value = (/** @type {1 | 0 | 2} */ k) => CODES[KINDS[k]].base[codes[k]] + bits.read(CODES[KINDS[k]].bits[codes[k]]);
      check(codes.every((code, k) => code < CODES[KINDS[k]].base.length));
      const [offset, match, literal] = [value(1), value(2), value(0)]; // as they stand in the stream
      check(bits.position >= 0 && used + literal <= literals.length);
      this.append(literals.subarray(used, used + literal));
      used += literal;
      this.#copy(this.#offsetOf(offset, literal), match);
      if (i + 1 < count)
        for (const k of [0, 2, 1]) {
          const table = /** @type {FseTable} */ (this.tables[KINDS[k]]);
          states[k] = table.bases[states[k]] + bits.read(table.bits[states[k]]);
        }
    }
    check(bits.position === 0);
    return used;
  }

  /**
   * Takes the table of a kind of codes; how many bytes it has.
   * @param {"literals" | "offsets" | "matches"} kind
   * @param {number} mode
   * @param {Uint8Array} bytes
   */
  #prepare(kind, mode, bytes) {
    if (mode === 0) this.tables[kind] = CODES[kind].standard;
    if (mode === 1) {
      check(bytes.length > 0);
      this.tables[kind] = singleTable(bytes[0]);
      return 1;
    }
    if (mode === 2) {
      const { table, end } = readTable(bytes, CODES[kind].accuracy);
      this.tables[kind] = table;
      return end;
    }
    check(this.tables[kind] !== null);
    return 0;
  }

  /**
   * How far back a match lies (RFC 8878, 3.1.2.5).
   * @param {number} value
   * @param {number} literal length of the literals before it
   */
  #offsetOf(value, literal) {
    const [first, second, third] = this.recent;
    if (value > 3) {
      this.recent = [value - 3, first, second];
      return value - 3;
    }
    const which = value - (literal === 0 ? 0 : 1);
    if (which === 0) return first;
    const offset = which === 1 ? second : which === 2 ? third : first - 1;
    this.recent = [offset, first, which === 1 ? third : second];
    return offset;
  }

  /**
   * @param {number} offset
   * @param {number} length
   */
  #copy(offset, length) {
    const { content } = this;
    check(offset > 0 && offset <= this.length && this.length + length <= content.length);
    for (const end = this.length + length; this.length < end; this.length++) content[this.length] = content[this.length - offset];
  }
}
