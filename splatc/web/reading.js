/** Sections of a file -> their Gaussians as integers, some at a time; what other sections go on from is remembered. */
import { checkChunk } from "./container.js";
import { TruncatedFileError } from "./errors.js";
import { checkBound } from "./options.js";
import { pause } from "./pause.js";
import { joinColumns } from "./plan.js";
import { rangesOf, sectionsIn, streamsOf, withAncestors } from "./sections.js";
import { NAMES } from "./structs.js";
import { readingWork } from "./work.js";

/**
 * @typedef {import("./core.js").Core} Core
 * @typedef {import("./options.js").Bounds} Bounds
 * @typedef {import("./plan.js").Columns} Columns
 * @typedef {import("./plan.js").Known} Known
 * @typedef {import("./sections.js").SplatFile} SplatFile
 * @typedef {import("./source.js").Source} Source
 *
 * @typedef {object} Wanted
 * @property {[number, number, number, number] | null} box x0, y0, x1, y1, px; null: all
 * @property {number} level finer ones are left out
 * @property {boolean} [allowTruncated] of a file that ends too early what is whole
 * @property {AbortSignal} [signal]
 * @property {(progress: {sections: number, of: number, bytes: number}) => void} [onProgress] called when sections are decoded
 */

/** Bytes that a Gaussian, and the tables of a section that others go on from, take while they are read and drawn. */
export const GAUSSIAN_BYTES = 512;
const TABLE_BYTES = 2 ** 17;
/** Gaussians that are decoded at once: some 50 ms. */
const GROUP = 4096;
/** Gaussians that are remembered, tables counted like so many. */
const [REMEMBERED, TABLES] = [2 ** 17, 256];

export class Reading {
  /**
   * @param {Source} source
   * @param {SplatFile} file
   * @param {Bounds} bounds
   */
  constructor(source, file, bounds) {
    this.source = source;
    this.file = file;
    this.bounds = bounds;
    /** @type {Map<number, Known>} coarse sections */
    this.known = new Map();
    this.isChecked = false;
  }

  /**
   * Gaussians in coding order, and the work that it is to read them. Before all are read, the CRC of every chunk is checked; else those of
   * the sections that are needed. Throws SplatError, or the reason of the signal.
   * @param {Core} core
   * @param {Wanted} wanted
   */
  async read(core, { box, level, allowTruncated = false, signal, onProgress }) {
    const { file } = this;
    if (file.truncation && !allowTruncated) throw new TruncatedFileError(file.truncation.message);
    const numbers = sectionsIn(file, box, level);
    const work = this.#checkBounds(withAncestors(file, numbers));
    if (box === null && level === 0 && !allowTruncated) await this.#checkAll(signal);
    const found = await this.decode(core, numbers, { level, signal, onProgress });
    const parts = numbers.flatMap((number) => found.get(number) ?? []); // of a truncated file some are missing
    return { columns: joinColumns(parts.map((part) => coarse(part, level, file.header.channels))), work };
  }

  /**
   * What it is to read sections, points of work. Throws LimitError.
   * @param {number[]} needed their ancestors among them
   */
  #checkBounds(needed) {
    const { gaussians, work } = readingWork(this.file, needed);
    const what = `reading ${gaussians} Gaussians`;
    const memory = gaussians * GAUSSIAN_BYTES + this.#parentsOf(needed).size * TABLE_BYTES;
    checkBound(memory, this.bounds.maxMemory, what, "bytes of memory", "maxMemory");
    checkBound(work, this.bounds.maxWork, what, "points of work", "maxWork");
    return work;
  }

  /** @param {number[]} needed */
  #parentsOf(needed) {
    return new Set(needed.map((number) => this.file.sections[number].parent).filter((parent) => parent >= 0));
  }

  /**
   * Fetches the bytes of sections, and of those that they go on from.
   * @param {number[]} numbers
   * @param {AbortSignal} [signal]
   */
  async fetch(numbers, signal) {
    const missing = withAncestors(this.file, numbers).filter((number) => !this.known.has(number));
    await this.source.load(rangesOf(this.file, missing), signal);
  }

  /**
   * The Gaussians of sections and of their ancestors, by number; of a file that ends too early those that are there. Each section's CRC is
   * checked. Throws SplatError, or the reason of the signal.
   * @param {Core} core
   * @param {number[]} numbers ascending
   * @param {object} [options]
   * @param {number} [options.level] finer ones are left out
   * @param {AbortSignal} [options.signal]
   * @param {(progress: {sections: number, of: number, bytes: number}) => void} [options.onProgress]
   * @param {(found: Map<number, Columns>) => void} [options.onSections] called with those that have just been decoded
   * @returns {Promise<Map<number, Columns>>}
   */
  async decode(core, numbers, { level = 0, signal, onProgress, onSections } = {}) {
    const { file, source } = this;
    const needed = withAncestors(file, numbers);
    this.#checkBounds(needed);
    const parents = this.#parentsOf(needed);
    await this.fetch(needed, signal);
    const known = new Map(needed.flatMap((number) => this.#entry(number)));
    const found = new Map([...known].map(([number, each]) => [number, each.columns]));
    if (onSections && found.size) onSections(new Map(found));
    const streams = streamsOf(file, numbers, known);
    let sections = 0;
    for (const group of groups(file, streams)) {
      await pause(signal);
      const ancestors = withAncestors(file, group.keys()).filter((number) => !group.has(number));
      const before = new Map(ancestors.map((number) => [number, /** @type {Known} */ (known.get(number))]));
      const result = core.decode(file, group, { known: before, keep: parents, stopLevel: level });
      result.columns.forEach((columns, number) => found.set(number, columns));
      result.known.forEach((each, number) => known.set(number, each));
      sections += group.size;
      onSections?.(result.columns);
      onProgress?.({ sections, of: streams.size, bytes: source.bytesLoaded });
    }
    this.#remember(known);
    return found;
  }

  /**
   * @param {number} number
   * @returns {[number, Known][]}
   */
  #entry(number) {
    const known = this.known.get(number);
    return known ? [[number, known]] : [];
  }

  /** @param {AbortSignal} [signal] */
  async #checkAll(signal) {
    if (this.isChecked) return;
    const { chunks, bytes } = this.file;
    await this.source.load([[0, bytes.length]], signal);
    for (const chunk of chunks) await checkChunk(bytes, chunk, () => pause(signal));
    this.isChecked = true;
  }

  /** @param {Map<number, Known>} found */
  #remember(found) {
    const all = new Map([...this.known, ...found]);
    this.known = new Map();
    let total = 0;
    for (const number of [...all.keys()].sort((a, b) => a - b)) {
      total += this.file.sections[number].count + TABLES;
      if (total > REMEMBERED) break;
      this.known.set(number, /** @type {Known} */ (all.get(number)));
    }
  }
}

/**
 * Streams in file order, in groups of GROUP Gaussians or a section.
 * @param {SplatFile} file
 * @param {Map<number, Uint8Array>} streams
 */
function groups(file, streams) {
  /** @type {Map<number, Uint8Array>[]} */
  const found = [];
  let held = GROUP;
  for (const [number, stream] of streams) {
    const { count } = file.sections[number];
    if (held + count > GROUP) {
      found.push(new Map());
      held = 0;
    }
    found[found.length - 1].set(number, stream);
    held += count;
  }
  return found;
}

/**
 * The Gaussians of a level and coarser ones; levels descend.
 * @param {Columns} columns
 * @param {number} level
 * @param {number} channels
 * @returns {Columns}
 */
function coarse(columns, level, channels) {
  const first = columns.level.findIndex((each) => each < level);
  if (first < 0) return columns;
  const entries = NAMES.map((name) => [name, columns[name].subarray(0, first)]);
  return /** @type {Columns} */ (Object.fromEntries([...entries, ["colour", columns.colour.subarray(0, first * channels)]]));
}
