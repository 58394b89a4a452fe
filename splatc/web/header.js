/**
 * The HEAD chunk: picture, quantizer, and how many Gaussians there are (spec/header.md); the limits that follow (spec/limits.md).
 *
 * All numbers of a file are below 2^53 when they are compared with a limit, so that they are exact here.
 */
import { corrupt, CorruptFileError, LimitError, UnsupportedFileError } from "./errors.js";
import { Numbers } from "./numbers.js";
import { QUANTIZER } from "./structs.js";

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
 * @property {number} models bits of the models of a draft (spec/draft.md), 0 in files of 1.0
 */

/** Minor version of a draft of the format (spec/draft.md), the newest that is read. */
const DRAFT_MINOR = 1;
/** All bits of the models of a draft. */
const MODELS = 7;
export const MAX_SIDE = 2 ** 20;
const MAX_PIXELS = 2 ** 32;
const MAX_GAUSSIANS = 2 ** 26;
const MAX_GRID_SIDE = 2 ** 26;
const FREE_GAUSSIANS = 64;
const GAUSSIANS_PER_BYTE = 2;
const MAX_GAUSSIAN_BYTES = 512;

/** How a field that says how finely an attribute is quantized is written, by its kind. */
const KINDS = /** @type {const} */ ({
  step: { encoding: "u8", low: 0, high: 191 },
  slope: { encoding: "i8", low: -128, high: 127 },
  bins: { encoding: "u8", low: 1, high: 32 },
});

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
 * The minor version of a HEAD payload. Throws UnsupportedFileError for a version that is not read.
 * @param {Numbers} numbers at the start of the payload
 */
function checkVersion(numbers) {
  const [major, minor] = [numbers.u8(), numbers.u8()];
  if (major !== 1 || minor > DRAFT_MINOR)
    throw new UnsupportedFileError(`the file has format version ${major}.${minor}, this decoder reads 1.${DRAFT_MINOR}`);
  return minor;
}

/**
 * Whether a file is one of a draft: DRFT follows HEAD. Throws as `parseHeader` does.
 * @param {Uint8Array} bytes payload of HEAD
 */
export const isDraft = (bytes) => checkVersion(new Numbers(bytes, "the HEAD chunk")) === DRAFT_MINOR;

/**
 * Throws CorruptFileError, UnsupportedFileError or LimitError.
 * @param {Uint8Array} bytes payload of HEAD
 * @returns {Header}
 */
export function parseHeader(bytes) {
  const numbers = new Numbers(bytes, "the HEAD chunk");
  const field = headField.bind(null, numbers);
  const repeat = (/** @type {number} */ times, /** @type {() => number} */ read) => Array.from({ length: times }, read);
  const minor = checkVersion(numbers);
  const flags = field("u8", "flags", 0, 15);
  const channels = ((flags >> 1) & 3) + 1;
  const width = field("varint", "width", 1, MAX_SIDE);
  const height = field("varint", "height", 1, MAX_SIDE);
  const background = repeat(channels, () => numbers.u8());
  const quantizer = Object.fromEntries(
    QUANTIZER.map(([name, kind]) => [name, field(KINDS[kind].encoding, name, KINDS[kind].low, KINDS[kind].high)]),
  );
  const levelCounts = repeat(field("u8", "levels", 0, 16), () => field("varint", "level_counts", 0, MAX_GAUSSIANS));
  const models = minor === DRAFT_MINOR ? field("u8", "models", 0, MODELS) : 0;
  numbers.end();
  if (levelCounts[0] === 0) throw corrupt("the top level of the HEAD chunk has no Gaussian");
  const count = levelCounts.reduce((sum, each) => sum + each, 0);
  const [depth, normalized] = [/** @type {8 | 16} */ (flags & 8 ? 16 : 8), (flags & 1) === 1];
  const header = { width, height, channels, depth, normalized, background, quantizer, levelCounts, count, models };
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
    throw corrupt(`${count} Gaussians are declared, but the GAUS chunk has only ${length} bytes for them: the file is damaged`);
}

/**
 * More bytes than a stream of so many Gaussians can have that ends where its last one does.
 * @param {number} count
 */
export const maximumPayload = (count) => FREE_GAUSSIANS + MAX_GAUSSIAN_BYTES * count;
