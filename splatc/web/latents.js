/**
 * The LATN chunk of a draft of the format: latents in place of Gaussians, by tiles (spec/latent.md). A tile is a section: its Gaussians are
 * those of its cells. To make them it takes the latents of the tiles around it as well.
 */
import { corrupt, LimitError, UnsupportedFileError } from "./errors.js";
import { crc32, Numbers } from "./numbers.js";

/**
 * @typedef {import("./header.js").Header} Header
 * @typedef {import("./sections.js").SplatFile} SplatFile
 * @typedef {import("./section_index.js").Section} Section
 * @typedef {import("./plan.js").Columns} Columns
 * @typedef {[number, number, number, number]} Cells columns x0 .. x1 - 1 and rows y0 .. y1 - 1: x0, y0, x1, y1
 *
 * @typedef {object} Latents what a payload says before its streams, but for the tiles
 * @property {number} network
 * @property {number} q step index
 * @property {number} start byte of the file where the payload starts
 *
 * @typedef {Map<number, Int16Array>} Tiles (latents, rows, columns) by number
 */

const WHERE = "the LATN chunk";
/** px a side of a cell, cells a side of a tile, and log2 of px a side of a tile. */
const [CELL, TILE, TILE_LOG2] = [16, 64, 10];
const [LUMA, LOW, LATENTS] = [64, 16, 96];
const MOST_CELLS = 2 ** 22;
const MOST_Q = 191;
const [CELLS_PER_BYTE, MOST_CELL_BYTES] = [64, 400];
/** px that a Gaussian may lie outside of what it is drawn in. */
const REACH = 9;
const COARSE_LEVEL = 2;
/** Coarse and fine Gaussians of a cell. */
const [COARSE, FINE] = [16, 64];
/** The fields of a header whose file has latents. */
const QUANTIZER = /** @type {Record<string, number>} */ ({
  position: 128, position_slope: 8, log_scales: 2, aspect: 0, angle: 0, angle_slope: 0, luma: 48, chroma: 48, colour_slope: 0,
});
/** Bytes and CRC-32 of the networks that are known, by number: latent_1.bin. */
export const NETWORKS = /** @type {Record<number, {bytes: number, crc: number}>} */ ({ 1: { bytes: 273728, crc: 0x4d913081 } });

/**
 * Columns and rows of the cells of a picture.
 * @param {Header} header
 */
const cellsOf = ({ width, height }) => [width, height].map((side) => Math.ceil(side / CELL));

/** @param {Header} header */
export const latentsOf = ({ channels }) => (channels === 1 ? LUMA : LATENTS);

/** @param {Header} header */
function tileCount(header) {
  const [columns, rows] = cellsOf(header);
  return Math.ceil(columns / TILE) * Math.ceil(rows / TILE);
}

/**
 * The bytes at the beginning of a payload among which its table is.
 * @param {Header} header
 */
export const tableBytes = (header) => 2 + 9 * tileCount(header);

/** @param {Header} header */
function checkHeader(header) {
  const isPlain = header.normalized && header.levelCounts.length === 0 && header.models === 0;
  const isOfNetwork = Object.entries(QUANTIZER).every(([name, value]) => header.quantizer[name] === value);
  if (!isPlain || !isOfNetwork || (header.channels !== 1 && header.channels !== 3))
    throw corrupt(`the HEAD chunk is not one of a file with latents, but ${WHERE} is there`);
  const [columns, rows] = cellsOf(header);
  if (columns * rows > MOST_CELLS)
    throw new LimitError(`the picture has ${columns} x ${rows} cells of latents, the format allows at most ${MOST_CELLS}`);
}

/**
 * Reads the table of a payload. Throws CorruptFileError, UnsupportedFileError or LimitError.
 * @param {Uint8Array} bytes of the file
 * @param {import("./container.js").Chunk} chunk
 * @param {Header} header
 * @returns {{latents: Latents, sections: Section[]}}
 */
export function readLatents(bytes, chunk, header) {
  checkHeader(header);
  const numbers = new Numbers(bytes.subarray(chunk.offset, chunk.offset + Math.min(chunk.length, tableBytes(header))), WHERE);
  const [network, q] = [numbers.u8(), numbers.u8()];
  if (!NETWORKS[network]) throw new UnsupportedFileError(`${WHERE} needs network ${network}, which this decoder does not know`);
  if (q > MOST_Q) throw corrupt(`q in ${WHERE} is ${q}, it must be 0..${MOST_Q}`);
  const count = tileCount(header);
  const lengths = Array.from({ length: count }, () => numbers.varint());
  const crcs = lengths.map(() => numbers.u32());
  const across = Math.ceil(cellsOf(header)[0] / TILE);
  let offset = numbers.position;
  const sections = lengths.map((length, number) => {
    const place = { column: number % across, row: Math.floor(number / across), tileLog2: TILE_LOG2 };
    const cells = countOf(cellsOfTile(header, place));
    if (length < Math.floor(cells / CELLS_PER_BYTE) || length > MOST_CELL_BYTES * cells)
      throw corrupt(`a tile of ${cells} cells has a stream of ${length} bytes: the file is damaged`);
    offset += length;
    const counts = [COARSE * cells, 0]; // the fine ones are not known before they are read
    return { number, top: COARSE_LEVEL, ...place, counts, count: counts[0], parent: -1, offset: offset - length, length, margin: REACH, crc: crcs[number] };
  });
  if (offset !== chunk.length) throw corrupt(`the tiles of ${WHERE} take ${offset} bytes, but it has ${chunk.length}`);
  return { latents: { network, q, start: chunk.offset }, sections };
}

/**
 * @param {Header} header
 * @param {{column: number, row: number}} tile
 * @returns {Cells}
 */
export function cellsOfTile(header, { column, row }) {
  const [columns, rows] = cellsOf(header);
  return [column * TILE, row * TILE, Math.min((column + 1) * TILE, columns), Math.min((row + 1) * TILE, rows)];
}

/** @param {Cells} cells */
export const countOf = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);

/**
 * The cells whose Gaussians can touch a box, px; all without one.
 * @param {Header} header
 * @param {[number, number, number, number] | null} box
 * @returns {Cells}
 */
export function cellsIn(header, box) {
  const [columns, rows] = cellsOf(header);
  if (!box) return [0, 0, columns, rows];
  const [x0, y0] = [box[0], box[1]].map((edge) => Math.max(0, Math.trunc((edge - REACH) / CELL)));
  const [x1, y1] = [box[2], box[3]].map((edge) => Math.trunc((edge + REACH) / CELL) + 1);
  return [x0, y0, Math.max(x0, Math.min(x1, columns)), Math.max(y0, Math.min(y1, rows))];
}

/**
 * What two boxes of cells have in common, or nothing.
 * @param {Cells} a
 * @param {Cells} b
 * @returns {Cells | null}
 */
export function overlap(a, b) {
  const [x0, y0, x1, y1] = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  return x0 < x1 && y0 < y1 ? [x0, y0, x1, y1] : null;
}

/**
 * The numbers of the tiles whose latents the Gaussians of some cells need.
 * @param {SplatFile} file
 * @param {Cells} cells
 */
export function tilesFor({ header, sections }, [x0, y0, x1, y1]) {
  return sections.filter((tile) => overlap(cellsOfTile(header, tile), [x0 - 1, y0 - 1, x1 + 1, y1 + 1])).map(({ number }) => number);
}

/**
 * Where the bytes of tiles lie: [start, end) in the file.
 * @param {SplatFile} file
 * @param {Iterable<number>} numbers
 * @returns {[number, number][]}
 */
export const rangesOfTiles = (file, numbers) =>
  [...numbers].map((number) => {
    const start = /** @type {Latents} */ (file.latents).start + file.sections[number].offset;
    return [start, start + file.sections[number].length];
  });

/**
 * The stream of a tile, or nothing where the file ends before its last byte. Throws CorruptFileError where its CRC is wrong.
 * @param {SplatFile} file
 * @param {number} number
 */
export function streamOfTile(file, number) {
  const [[start, end]] = rangesOfTiles(file, [number]);
  const stream = file.bytes.subarray(start, end);
  if (stream.length < end - start) return null;
  if (crc32(stream) !== file.sections[number].crc) throw corrupt(`the tile at byte ${start} of the file is damaged: its CRC-32 is another`);
  return stream;
}

/**
 * (latents, rows + 2, columns + 2) the latents of a box of cells and around it; beyond the picture those of the nearest cell in it, 0 of tiles
 * that are not known.
 * @param {SplatFile} file
 * @param {Tiles} known
 * @param {Cells} cells
 */
export function planeOf({ header, sections }, known, [x0, y0, x1, y1]) {
  const [columns, rows] = cellsOf(header);
  const [count, across, down] = [latentsOf(header), x1 - x0 + 2, y1 - y0 + 2];
  const plane = new Int16Array(count * across * down);
  for (const [number, values] of known) {
    const [left, top, right, bottom] = cellsOfTile(header, sections[number]);
    const [first, last] = [Math.max(x0 - 1, left), Math.min(x1 + 1, right)]; // inside of the picture
    if (first >= last) continue;
    for (let c = 0; c < count; c++)
      for (let i = 0; i < down; i++) {
        const y = Math.min(Math.max(y0 - 1 + i, 0), rows - 1);
        if (y < top || y >= bottom) continue;
        const row = (c * (bottom - top) + y - top) * (right - left);
        const to = (c * down + i) * across;
        plane.set(values.subarray(row + first - left, row + last - left), to + first - x0 + 1);
        if (x0 === 0 && first === 0) plane[to] = plane[to + 1];
        if (x1 === columns && last === columns) plane[to + across - 1] = plane[to + across - 2];
      }
  }
  return plane;
}

/**
 * Gaussians of some tiles that are known, no fewer than there are.
 * @param {SplatFile} file
 * @param {Tiles} known
 */
export function mostGaussians({ header, sections }, known) {
  let count = 0;
  for (const [number, values] of known) {
    const cells = countOf(cellsOfTile(header, sections[number]));
    const busy = new Uint8Array(cells);
    for (let i = LOW * cells; i < LUMA * cells; i++) if (values[i] !== 0) busy[i % cells] = 1;
    count += COARSE * cells + FINE * busy.reduce((sum, each) => sum + each, 0);
  }
  return count;
}
