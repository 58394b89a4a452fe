/** What a call of the decoder is given: sections as rows of structs, with their places in common arrays. */
import { tileOf } from "./section_tile.js";
import { minimumPayload } from "./header.js";
import { readableLevels } from "./sections.js";
import { NAMES } from "./structs.js";

/**
 * @typedef {import("./sections.js").SplatFile} SplatFile
 * @typedef {import("./section_index.js").Section} Section
 * @typedef {import("./section_index.js").LevelRange} LevelRange
 *
 * @typedef {object} Columns N Gaussians as integers, in coding order; `colour` is (N, channels), the others (N)
 * @property {Int32Array} level
 * @property {Int32Array} x
 * @property {Int32Array} y
 * @property {Int32Array} log_scale
 * @property {Int32Array} aspect
 * @property {Int32Array} angle
 * @property {Int32Array} offset
 * @property {Int32Array} colour
 *
 * @typedef {object} Known a section that others go on from
 * @property {Columns} columns
 * @property {Uint8Array} tables what its stream has learned
 *
 * @typedef {Record<string, number>} Row fields of a struct
 *
 * @typedef {object} Plan
 * @property {number[]} numbers of all sections of the call, ascending: parents come first
 * @property {Map<number, number>} places of the numbers in the list
 * @property {Row[]} rows core_section of each
 * @property {Row[]} levels core_level of all
 * @property {Uint8Array[]} streams of those that are not known
 * @property {number} count Gaussians of all
 * @property {Map<number, number>} slots where the tables of those that others go on from are kept
 * @property {number[]} chains Gaussians of each section and its ancestors
 */

/**
 * Lays out the sections of a call. Throws TypeError where the parent of one is missing.
 * @param {SplatFile} file
 * @param {Map<number, Uint8Array>} streams of sections that are to be decoded
 * @param {Map<number, Known>} known
 * @param {Set<number>} keep sections whose tables are wanted
 * @param {number} stopLevel
 * @returns {Plan}
 */
export function planOf(file, streams, known, keep, stopLevel) {
  const numbers = [...new Set([...streams.keys(), ...known.keys()])].sort((a, b) => a - b);
  const sections = numbers.map((number) => file.sections[number]);
  const places = new Map(numbers.map((number, place) => [number, place]));
  const parents = new Set([...sections.map((section) => section.parent), ...keep, ...known.keys()]);
  const slots = new Map(numbers.filter((number) => parents.has(number)).map((number, slot) => [number, slot]));
  /** @type {Plan} */
  const plan = { numbers, places, rows: [], levels: [], streams: [], count: 0, slots, chains: [] };
  let byte = 0;
  for (const section of sections) {
    const parent = section.parent < 0 ? -1 : places.get(section.parent);
    if (parent === undefined) throw new TypeError(`section ${section.number} goes on from ${section.parent}, which is not there`);
    const stream = known.has(section.number) ? undefined : streams.get(section.number);
    /** @type {Row} */
    const row = { start: plan.count, parent, tables: slots.get(section.number) ?? -1, margin: -1, known: 1, count: section.count };
    if (stream) {
      const levels = readableLevels(file.header, section, stream.length, stopLevel);
      Object.assign(row, streamRow(section, stream.length, levels), { known: 0, stream: byte, first_level: plan.levels.length });
      plan.levels.push(...levels.map(({ stop, ...level }) => level));
      plan.streams.push(stream);
      byte += stream.length;
    }
    plan.rows.push(row);
    plan.chains.push(row.count + (parent < 0 ? 0 : plan.chains[parent]));
    plan.count += row.count;
  }
  return plan;
}

/**
 * Fields of core_section for a stream.
 * @param {Section} section
 * @param {number} length bytes of its stream that are there
 * @param {LevelRange[]} levels those that are to be decoded
 * @returns {Row}
 */
function streamRow(section, length, levels) {
  const count = levels.length ? levels[levels.length - 1].stop : 0;
  const [x0, y0, x1, y1] = tileOf(section);
  const [truncated, ends] = [length !== section.length, count === section.count].map(Number);
  const margin = section.crc === null ? -1 : section.margin;
  return { count, length, minimum: minimumPayload(section.count), levels: levels.length, x0, y0, x1, y1, margin, truncated, ends };
}

/**
 * Several sections as one.
 * @param {Columns[]} parts
 * @returns {Columns}
 */
export function joinColumns(parts) {
  if (parts.length === 1) return parts[0];
  const join = (/** @type {keyof Columns} */ name) => {
    const joined = new Int32Array(parts.reduce((sum, part) => sum + part[name].length, 0));
    parts.reduce((start, part) => (joined.set(part[name], start), start + part[name].length), 0);
    return joined;
  };
  return /** @type {Columns} */ (Object.fromEntries([...NAMES, /** @type {const} */ ("colour")].map((name) => [name, join(name)])));
}
