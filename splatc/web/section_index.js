/** The INDX chunk: layers, and of each section its place, its counts and where its bytes are (spec/sections.md). */
import { corrupt } from "./errors.js";
import { checkPlausible, gridSide, MAX_SIDE, positionStep } from "./header.js";
import { Numbers } from "./numbers.js";

/**
 * @typedef {import("./header.js").Header} Header
 *
 * @typedef {object} Section the Gaussians of the levels of one layer whose means lie in one tile
 * @property {number} number of its place in the file
 * @property {number} top its coarsest level
 * @property {number[]} counts Gaussians of levels top, top - 1, ...
 * @property {number} count all of them
 * @property {number} tileLog2 log2 of the side of its tile, px
 * @property {number} column
 * @property {number} row
 * @property {number} parent the number of the section that it goes on from, or -1
 * @property {number} offset where its stream starts in the payload of GAUS
 * @property {number} length bytes of its stream
 * @property {number} margin no ellipse leaves its tile by more than this, px
 * @property {number | null} crc of its stream; null where that of the chunk says the same
 *
 * @typedef {object} LevelRange the Gaussians of one level in a section
 * @property {number} level
 * @property {number} stop one past its last in the section
 * @property {number} count
 * @property {number} x
 * @property {number} y the first cell of the level's position grid that lies in the tile
 * @property {number} columns
 * @property {number} rows
 */

const MAX_TILE_LOG2 = 20;
const MAX_LEVELS = 16;
const FREE_SECTIONS = 64;
const GAUSSIANS_PER_SECTION = 256;
const WORK = 64;

/**
 * More bytes than the payload of INDX can have: varints take five at most.
 * @param {Header} header
 */
export const maximumIndex = ({ count, levelCounts }) =>
  1 + 7 * MAX_LEVELS + (FREE_SECTIONS + Math.floor(count / GAUSSIANS_PER_SECTION)) * (19 + 5 * levelCounts.length);

/**
 * The sections in file order. Throws CorruptFileError.
 * @param {Uint8Array} bytes payload of INDX
 * @param {Header} header
 * @param {number} gaussiansLength bytes of the payload of GAUS
 */
export function readIndex(bytes, header, gaussiansLength) {
  const numbers = new Numbers(bytes, "the INDX chunk");
  const layers = readLayers(numbers, header);
  /** @type {Section[]} */
  const sections = [];
  /** @type {Map<number, number>[]} of each layer the numbers of its sections by tile */
  const places = [];
  let top = header.levelCounts.length - 1;
  let offset = 0;
  for (const layer of layers) {
    const columns = Math.ceil(header.width / 2 ** layer.tileLog2);
    const rows = Math.ceil(header.height / 2 ** layer.tileLog2);
    const many = numbers.varint();
    if (sections.length + many > FREE_SECTIONS + Math.floor(header.count / GAUSSIANS_PER_SECTION))
      throw corrupt(`the INDX chunk has too many sections for ${header.count} Gaussians: the file is damaged`);
    /** @type {Map<number, number>} */
    const here = new Map();
    for (let k = 0, code = -1; k < many; k++) {
      code += 1 + numbers.varint();
      const [column, row] = unmorton(code);
      if (column >= columns || row >= rows) throw corrupt("the INDX chunk has a tile outside of the picture: the file is damaged");
      const parent = parentOf(column, row, layer.tileLog2, layers, places);
      const counts = Array.from({ length: layer.levels }, () => numbers.varint());
      const [length, margin, crc] = [numbers.varint(), numbers.varint(), numbers.u32()];
      const place = { number: sections.length, top, tileLog2: layer.tileLog2, column, row, parent, offset };
      const section = { ...place, counts, count: counts.reduce((sum, each) => sum + each, 0), length, margin, crc };
      here.set(column * 2 ** MAX_TILE_LOG2 + row, section.number);
      sections.push(section);
      offset += section.length;
    }
    places.push(here);
    top -= layer.levels;
  }
  numbers.end();
  checkSections(header, sections, gaussiansLength);
  return sections;
}

/**
 * @param {Numbers} numbers
 * @param {Header} header
 */
function readLayers(numbers, header) {
  const layers = Array.from({ length: numbers.u8() }, () => ({ levels: numbers.u8(), tileLog2: numbers.u8() }));
  const levels = layers.reduce((sum, each) => sum + each.levels, 0);
  if (levels !== header.levelCounts.length || layers.some((each) => each.levels === 0))
    throw corrupt(`the layers of the INDX chunk do not have the ${header.levelCounts.length} levels of the header`);
  if (layers.some((each, i) => each.tileLog2 > (i ? layers[i - 1].tileLog2 : MAX_TILE_LOG2)))
    throw corrupt("the tiles of the INDX chunk are larger than allowed, or grow from layer to layer");
  return layers;
}

/**
 * Column and row of a Morton code.
 * @param {number} code
 */
function unmorton(code) {
  let [column, row] = [0, 0];
  for (let unit = 1; code > 0; unit *= 2, code = Math.floor(code / 4)) {
    column += (code % 2) * unit;
    row += (Math.floor(code / 2) % 2) * unit;
  }
  return [column, row];
}

/**
 * The section of the last layer before that has one around a tile.
 * @param {number} column
 * @param {number} row
 * @param {number} tileLog2
 * @param {{tileLog2: number}[]} layers
 * @param {Map<number, number>[]} places of the layers before
 */
function parentOf(column, row, tileLog2, layers, places) {
  for (let before = places.length - 1; before >= 0; before--) {
    const shift = layers[before].tileLog2 - tileLog2;
    const parent = places[before].get((column >> shift) * 2 ** MAX_TILE_LOG2 + (row >> shift));
    if (parent !== undefined) return parent;
  }
  return -1;
}

/**
 * What sections must fulfil by themselves and together.
 * @param {Header} header
 * @param {Section[]} sections
 * @param {number} length of the payload of GAUS
 */
function checkSections(header, sections, length) {
  const totals = header.levelCounts.map(() => 0);
  let [bytes, work] = [0, 0];
  /** @type {number[]} Gaussians of each section and its ancestors */
  const chain = [];
  for (const section of sections) {
    section.counts.forEach((count, k) => (totals[totals.length - 1 - section.top + k] += count));
    if (section.count === 0) throw corrupt("the INDX chunk has a section without Gaussians: the file is damaged");
    if (section.margin > MAX_SIDE) throw corrupt(`a bounding margin is ${section.margin} px, it must be 0..${MAX_SIDE}`);
    checkPlausible(section.count, section.length);
    if (levelRanges(header, section).some((each) => each.columns <= 0 || each.rows <= 0))
      throw corrupt("the INDX chunk has Gaussians in a tile that holds no cell of their level");
    bytes += section.length;
    chain.push(section.count + (section.parent < 0 ? 0 : chain[section.parent]));
    work += chain[chain.length - 1];
  }
  if (totals.some((total, k) => total !== header.levelCounts[k]))
    throw corrupt("the sections of the INDX chunk do not add up to the Gaussians of the header");
  if (bytes !== length) throw corrupt(`the sections of the INDX chunk take ${bytes} bytes, but the GAUS chunk has ${length}`);
  if (work > WORK * header.count) throw corrupt(`the sections of the INDX chunk share too many ancestors for ${header.count} Gaussians`);
}

/**
 * The first cell of a position grid whose centre lies in a tile or behind it, along one side.
 * @param {number} number of the tile along this side
 * @param {number} tileLog2
 * @param {number} step
 * @param {number} cells of the grid
 */
function firstCell(number, tileLog2, step, cells) {
  const first = ((BigInt(number) << BigInt(tileLog2 + 33)) + BigInt(step) - 1n) / (2n * BigInt(step));
  return Math.min(Number(first), cells);
}

/**
 * The levels of a section that hold Gaussians, coarse to fine.
 * @param {Header} header
 * @param {Section} section
 * @returns {LevelRange[]}
 */
export function levelRanges(header, section) {
  const found = [];
  let stop = 0;
  for (const [k, count] of section.counts.entries()) {
    if (count === 0) continue;
    const level = section.top - k;
    const step = positionStep(header, level);
    const [[x, columns], [y, rows]] = [
      [header.width, section.column],
      [header.height, section.row],
    ].map(([extent, number]) => {
      const cells = gridSide(header, level, extent);
      const first = firstCell(number, section.tileLog2, step, cells);
      const last = number + 1 === Math.ceil(extent / 2 ** section.tileLog2) ? cells : firstCell(number + 1, section.tileLog2, step, cells);
      return [first, last - first];
    });
    stop += count;
    found.push({ level, stop, count, x, y, columns, rows });
  }
  return found;
}
