/** Huffman codes of Zstandard (RFC 8878, 4.2): of literals, by the weights of their symbols. */
import { BackwardBits, readTable } from "./zstd_fse.js";

/**
 * @typedef {object} HuffmanTable
 * @property {number} width bits of the longest code
 * @property {Uint8Array} symbols by the next `width` bits
 * @property {Uint8Array} bits of their codes
 */

const MAX_WIDTH = 11;
const WEIGHTS_ACCURACY = 6;

/**
 * A table as it stands at the beginning of some bytes, and how many of them it takes. Throws RangeError if it is none.
 * @param {Uint8Array} bytes
 */
export function readHuffman(bytes) {
  if (bytes.length === 0) throw new RangeError("a table is missing");
  const length = bytes[0] < 128 ? bytes[0] : Math.ceil((bytes[0] - 127) / 2);
  if (1 + length > bytes.length) throw new RangeError("a table is cut off");
  const content = bytes.subarray(1, 1 + length);
  const plain = () => Array.from({ length: bytes[0] - 127 }, (_, i) => (content[i >> 1] >> (i % 2 ? 0 : 4)) & 15);
  const weights = bytes[0] < 128 ? codedWeights(content) : plain();
  return { table: tableOf(weights), end: 1 + length };
}

/**
 * Weights that two states give in turn until the bits are used up.
 * @param {Uint8Array} bytes
 */
function codedWeights(bytes) {
  const { table, end } = readTable(bytes, WEIGHTS_ACCURACY);
  const stream = new BackwardBits(bytes.subarray(end));
  const states = [stream.read(table.accuracy), stream.read(table.accuracy)];
  /** @type {number[]} */
  const weights = [];
  for (let turn = 0; weights.length < 255; turn = 1 - turn) {
    const state = states[turn];
    weights.push(table.symbols[state]);
    states[turn] = table.bases[state] + stream.read(table.bits[state]);
    if (stream.position >= 0) continue;
    weights.push(table.symbols[states[1 - turn]]);
    return weights;
  }
  throw new RangeError("a table has too many weights");
}

/**
 * @param {number[]} weights of all symbols but the last, which has what is left
 * @returns {HuffmanTable}
 */
function tableOf(weights) {
  if (weights.some((weight) => weight > MAX_WIDTH)) throw new RangeError("a code is too long");
  const sum = weights.reduce((total, weight) => total + (weight ? 2 ** (weight - 1) : 0), 0);
  if (sum < 1 || weights.length > 255) throw new RangeError("a table of codes is empty or too long");
  const width = 32 - Math.clz32(sum);
  const left = 2 ** width - sum;
  if (width > MAX_WIDTH || (left & (left - 1)) !== 0) throw new RangeError("a table of codes does not add up");
  const all = [...weights, 32 - Math.clz32(left)];
  const [symbols, bits] = [new Uint8Array(2 ** width), new Uint8Array(2 ** width)];
  let start = 0;
  for (let weight = 1; weight <= width; weight++)
    for (const [symbol, each] of all.entries()) {
      if (each !== weight) continue;
      const end = start + 2 ** (weight - 1);
      symbols.fill(symbol, start, end);
      bits.fill(width + 1 - weight, start, end);
      start = end;
    }
  return { width, symbols, bits };
}

/**
 * Symbols of one stream, or of four behind a table of their lengths. Throws RangeError where they do not end with their bits.
 * @param {HuffmanTable} table
 * @param {Uint8Array} bytes
 * @param {number} size symbols
 * @param {1 | 4} streams
 */
export function decodeHuffman(table, bytes, size, streams) {
  const out = new Uint8Array(size);
  if (streams === 1) {
    decodeStream(table, bytes, out);
    return out;
  }
  if (bytes.length < 10 || size < 6) throw new RangeError("four streams are too short");
  const part = Math.ceil(size / 4);
  for (let i = 0, at = 6; i < 4; i++) {
    const length = i < 3 ? bytes[2 * i] | (bytes[2 * i + 1] << 8) : bytes.length - at;
    if (length < 1 || at + length > bytes.length) throw new RangeError("a stream is cut off");
    decodeStream(table, bytes.subarray(at, at + length), out.subarray(i * part, Math.min(size, (i + 1) * part)));
    at += length;
  }
  return out;
}

/**
 * @param {HuffmanTable} table
 * @param {Uint8Array} bytes
 * @param {Uint8Array} out
 */
function decodeStream({ width, symbols, bits }, bytes, out) {
  const stream = new BackwardBits(bytes);
  const mask = 2 ** width - 1;
  let state = stream.read(width);
  for (let i = 0; i < out.length; i++) {
    out[i] = symbols[state];
    const count = bits[state];
    state = ((state << count) & mask) | stream.read(count);
  }
  if (stream.position !== -width) throw new RangeError("a stream does not end with its bits");
}
