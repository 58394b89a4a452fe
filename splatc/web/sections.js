/** Which sections of a file a part of it needs, and their streams (spec/sections.md). */
import { touches } from "./section_tile.js";
import { isComplete, payload, readChunks, readHeader } from "./container.js";
import { corrupt } from "./errors.js";
import { checkPlausible, MAX_SIDE, maximumPayload, minimumPayload } from "./header.js";
import { cellsOfTile, rangesOfTiles, readLatents, tilesFor } from "./latents.js";
import { levelRanges, maximumIndex, readIndex } from "./section_index.js";
import { crc32 } from "./numbers.js";

/**
 * @typedef {import("./header.js").Header} Header
 * @typedef {import("./container.js").Chunk} Chunk
 * @typedef {import("./section_index.js").Section} Section
 * @typedef {import("./section_index.js").LevelRange} LevelRange
 *
 * @typedef {object} SplatFile
 * @property {Uint8Array} bytes
 * @property {Header} header
 * @property {Chunk[]} chunks
 * @property {Section[]} sections in file order; none if the file ends before they are known
 * @property {import("./latents.js").Latents | null} latents in place of Gaussians; sections are their tiles
 * @property {Error | null} truncation what is wrong if the file ends too early
 */

/**
 * Reads header, chunks and index. A file that ends too early, as one that is still arriving, can be read if its header is whole.
 * Throws SplatError: corrupt, unsupported or limit. CRCs of other chunks than HEAD and INDX are not looked at: `checkFile`.
 * @param {Uint8Array} bytes
 * @returns {SplatFile}
 */
export function readFile(bytes) {
  const header = readHeader(bytes);
  const { chunks, truncation } = readChunks(bytes);
  const [index, gaussians, latent] = ["INDX", "GAUS", "LATN"].map((type) => chunks.find((chunk) => chunk.type === type));
  /** @type {Section[]} */
  let sections = [];
  if (gaussians && index) {
    if (index.length > maximumIndex(header)) throw corrupt(`the INDX chunk has ${index.length} bytes, more than its fields can take`);
    sections = readIndex(payload(bytes, index), header, gaussians.length);
  } else if (gaussians) {
    checkPlausible(header.count, gaussians.length);
    sections = undivided(header, gaussians.length);
  }
  if (latent) return { bytes, header, chunks, truncation, ...readLatents(bytes, latent, header) };
  return { bytes, header, chunks, sections, latents: null, truncation };
}

/**
 * Checks that the file is whole, and the CRC of every chunk. Throws SplatError.
 * @param {SplatFile} file
 */
export function checkFile(file) {
  if (file.truncation) throw file.truncation;
  for (const chunk of file.chunks) payload(file.bytes, chunk);
}

/**
 * The one section of a file without an index, or none if it has no Gaussians.
 * @param {Header} header
 * @param {number} length of the payload of GAUS
 * @returns {Section[]}
 */
function undivided(header, length) {
  const { count, levelCounts: counts, width, height } = header;
  if (count === 0) {
    if (length > 0) throw corrupt(`the GAUS chunk has ${length} bytes, but the header declares no Gaussian`);
    return [];
  }
  const tileLog2 = 32 - Math.clz32(Math.max(width - 1, height - 1));
  const place = { number: 0, top: counts.length - 1, tileLog2, column: 0, row: 0, parent: -1, offset: 0 };
  return [{ ...place, counts, count, length, margin: MAX_SIDE, crc: null }];
}

/**
 * The numbers of the sections with levels >= `stopLevel` whose ellipses can touch a box, without their ancestors.
 * @param {SplatFile} file
 * @param {[number, number, number, number] | null} box x0, y0, x1, y1, px; null: all
 * @param {number} [stopLevel]
 */
export function sectionsIn(file, box, stopLevel = 0) {
  return file.sections.filter((section) => section.top >= stopLevel && (box === null || touches(section, box))).map((section) => section.number);
}

/**
 * The numbers of sections and of all their ancestors, ascending: parents come first.
 * @param {SplatFile} file
 * @param {Iterable<number>} wanted numbers of sections
 */
export function withAncestors(file, wanted) {
  /** @type {Set<number>} */
  const needed = new Set();
  for (let number of wanted) for (; number >= 0 && !needed.has(number); number = file.sections[number].parent) needed.add(number);
  return [...needed].sort((a, b) => a - b);
}

/**
 * The finest level of each layer, coarse to fine, and the byte of the file that is one past its last.
 * @param {SplatFile} file
 * @returns {{level: number, end: number}[]}
 */
export function layersOf(file) {
  /** @type {{level: number, end: number}[]} */
  const layers = [];
  let top = -1;
  for (const section of file.sections) {
    if (section.top !== top) layers.push({ level: section.top - section.counts.length + 1, end: 0 });
    top = section.top;
    layers[layers.length - 1].end = endOf(file, section);
  }
  return layers;
}

/**
 * @param {SplatFile} file
 * @param {Section} section
 */
const endOf = (file, { number }) => (file.latents ? rangesOfTiles : rangesOf)(file, [number])[0][1];

/**
 * Where the bytes lie that `streamsOf` looks at: [start, end) in the file, ascending.
 * @param {SplatFile} file
 * @param {Iterable<number>} numbers of sections
 * @returns {[number, number][]}
 */
export function rangesOf(file, numbers) {
  if (file.latents) return rangesOfTiles(file, new Set([...numbers].flatMap((number) => tilesFor(file, cellsOfTile(file.header, file.sections[number])))));
  const chunk = gaussiansChunk(file);
  if (!chunk) return [];
  return [...numbers].map((number) => {
    const { offset, length, crc } = file.sections[number];
    const start = chunk.offset + offset;
    return crc === null ? [chunk.start, start + length + 4] : [start, start + length];
  });
}

/**
 * Of sections and their ancestors those that are to be decoded: what is known already is left out, and of a file that ends too early what goes
 * on from a section that is not whole.
 * @param {SplatFile} file
 * @param {Iterable<number>} wanted numbers of sections
 * @param {{has(number: number): boolean}} [known]
 * @returns {number[]} in file order
 */
export function decodable(file, wanted, known = new Set()) {
  const left = file.bytes.length - (gaussiansChunk(file)?.offset ?? 0); // bytes of the file from the first stream on
  const whole = new Set();
  return withAncestors(file, wanted).filter((number) => {
    const { parent, offset, length } = file.sections[number];
    if (known.has(number) || (parent >= 0 && !known.has(parent) && !whole.has(parent))) return false;
    if (offset + length <= left) whole.add(number);
    return true;
  });
}

/**
 * The streams that it takes to decode sections: theirs and those of their ancestors, but for what is known already. Of a truncated file
 * a stream may be shorter than its section says, and those that go on from it are left out. Throws SplatError where a CRC is wrong.
 * @param {SplatFile} file
 * @param {Iterable<number>} wanted numbers of sections
 * @param {{has(number: number): boolean}} [known]
 * @returns {Map<number, Uint8Array>} in file order
 */
export const streamsOf = (file, wanted, known) => new Map(decodable(file, wanted, known).map((number) => [number, streamOf(file, number)]));

/** @param {SplatFile} file */
const gaussiansChunk = (file) => file.chunks.find((each) => each.type === "GAUS");

/**
 * The stream of a section, as much of it as the file has. Throws SplatError where its CRC is wrong.
 * @param {SplatFile} file
 * @param {number} number
 */
export function streamOf(file, number) {
  const [section, chunk] = [file.sections[number], gaussiansChunk(file)];
  if (!chunk) throw new Error("sections are known only where GAUS is");
  if (section.length > maximumPayload(section.count)) throw corrupt("a stream of the GAUS chunk is longer than its Gaussians can take");
  if (section.crc === null && isComplete(file.bytes, chunk)) return payload(file.bytes, chunk);
  const start = chunk.offset + section.offset;
  const stream = file.bytes.subarray(start, start + section.length);
  if (section.crc !== null && stream.length === section.length && crc32(stream) !== section.crc)
    throw corrupt(`the section at byte ${start} of the file is damaged: its CRC-32 is another`);
  return stream;
}

/**
 * The levels of a section that are wanted; of a stream that was cut off those for which there are bytes enough.
 * @param {Header} header
 * @param {Section} section
 * @param {number} length bytes of its stream that are there
 * @param {number} stopLevel
 */
export function readableLevels(header, section, length, stopLevel) {
  const levels = levelRanges(header, section).filter((each) => each.level >= stopLevel);
  return length === section.length ? levels : levels.filter((each) => minimumPayload(each.stop) <= length);
}
