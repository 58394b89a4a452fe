/** Sections of a file -> their Gaussians as integers, some at a time; what other sections go on from is remembered. */
import { checkChunk } from "./container.js";
import { TruncatedFileError } from "./errors.js";
import { LatentReading } from "./latent_reading.js";
import { checkBound } from "./options.js";
import { pause } from "./pause.js";
import { joinColumns } from "./plan.js";
import { decodable, rangesOf, sectionsIn, streamOf, withAncestors } from "./sections.js";
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
    this.latents = file.latents ? new LatentReading(this) : null;
  }

  /**
   * Gaussians in coding order, and the work that it is to read them. Where all are read, the CRC of every chunk is checked; else those of
   * the sections that are needed. Throws SplatError, or the reason of the signal.
   * @param {Core} core
   * @param {Wanted} wanted
   */
  async read(core, { box, level, allowTruncated = false, signal, onProgress }) {
    const { file } = this;
    if (file.truncation && !allowTruncated) throw new TruncatedFileError(file.truncation.message);
    const isWhole = box === null && level === 0 && !allowTruncated && !this.isChecked;
    const request = this.source.request(isWhole ? [[0, file.bytes.length]] : [], signal);
    try {
      const options = { level, signal, onProgress };
      const found = await (this.latents ? this.latents.read(core, box, options) : this.#readSections(core, box, options));
      if (isWhole) await this.#checkAll(request, signal);
      return found;
    } finally {
      request.end();
    }
  }

  /**
   * @param {Core} core
   * @param {[number, number, number, number] | null} box
   * @param {{level: number, signal?: AbortSignal, onProgress?: Wanted["onProgress"]}} options
   */
  async #readSections(core, box, options) {
    const numbers = sectionsIn(this.file, box, options.level);
    const work = this.#checkBounds(withAncestors(this.file, numbers));
    return { columns: this.#join(numbers, await this.decode(core, numbers, options), options.level), work };
  }

  /**
   * @param {number[]} numbers
   * @param {Map<number, Columns>} found
   * @param {number} level
   */
  #join(numbers, found, level) {
    const parts = numbers.flatMap((number) => found.get(number) ?? []); // of a truncated file some are missing
    return joinColumns(parts.map((part) => coarse(part, level, this.file.header.channels)));
  }

  /**
   * What it is to read sections, evaluations of Gaussians. Throws LimitError.
   * @param {number[]} needed their ancestors among them
   */
  #checkBounds(needed) {
    const { gaussians, work } = readingWork(this.file, needed);
    const what = `reading ${gaussians} Gaussians`;
    const memory = gaussians * GAUSSIAN_BYTES + this.#parentsOf(needed).size * TABLE_BYTES;
    checkBound(memory, this.bounds.maxMemory, what, "bytes of memory", "maxMemory");
    checkBound(work, this.bounds.maxWork, what, "evaluations of Gaussians", "maxWork");
    return work;
  }

  /** @param {number[]} needed */
  #parentsOf(needed) {
    return new Set(needed.map((number) => this.file.sections[number].parent).filter((parent) => parent >= 0));
  }

  /**
   * Asks for the bytes of sections, and of those that they go on from: they come while others are decoded.
   * @param {number[]} numbers
   * @param {AbortSignal} [signal]
   * @returns {import("./source.js").Request} of which `end` says that they are not needed any more
   */
  request(numbers, signal) {
    return this.source.request(rangesOf(this.file, this.latents ? numbers : decodable(this.file, numbers, this.known)), signal);
  }

  /**
   * The Gaussians of sections and of their ancestors, by number; of a file that ends too early those that are there. Each section's CRC is
   * checked. They are decoded as their bytes arrive, coarse ones first. Throws SplatError, or the reason of the signal.
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
    if (this.latents) return this.latents.decode(core, numbers, { level, signal, onProgress, onSections });
    const { file, source } = this;
    const needed = withAncestors(file, numbers);
    this.#checkBounds(needed);
    const parents = this.#parentsOf(needed);
    const known = new Map(needed.flatMap((number) => this.#entry(number)));
    const found = new Map([...known].map(([number, each]) => [number, each.columns]));
    if (onSections && found.size) onSections(new Map(found));
    const missing = decodable(file, numbers, known);
    const request = source.request(rangesOf(file, missing), signal);
    let sections = 0;
    try {
      while (sections < missing.length) {
        await request.arrival(rangesOf(file, [missing[sections]]));
        await pause(signal);
        const group = this.#arrived(missing, sections);
        const streams = new Map(group.map((number) => [number, streamOf(file, number)]));
        const ancestors = withAncestors(file, group).filter((number) => !streams.has(number));
        const before = new Map(ancestors.map((number) => [number, /** @type {Known} */ (known.get(number))]));
        const result = core.decode(file, streams, { known: before, keep: parents, stopLevel: level });
        result.columns.forEach((columns, number) => found.set(number, columns));
        result.known.forEach((each, number) => known.set(number, each));
        sections += group.length;
        onSections?.(result.columns);
        onProgress?.({ sections, of: missing.length, bytes: source.bytesLoaded });
      }
    } finally {
      request.end();
      this.#remember(known);
    }
    return found;
  }

  /**
   * Sections that are there, from one of them on: up to GROUP Gaussians, or one section.
   * @param {number[]} numbers
   * @param {number} first place of one that is there
   */
  #arrived(numbers, first) {
    const countOf = (/** @type {number} */ place) => this.file.sections[numbers[place]].count;
    let last = first + 1;
    for (let gaussians = countOf(first); last < numbers.length; last++) {
      gaussians += countOf(last);
      if (gaussians > GROUP || !this.source.has(rangesOf(this.file, [numbers[last]]))) break;
    }
    return numbers.slice(first, last);
  }

  /**
   * @param {number} number
   * @returns {[number, Known][]}
   */
  #entry(number) {
    const known = this.known.get(number);
    return known ? [[number, known]] : [];
  }

  /**
   * @param {import("./source.js").Request} request of the whole file
   * @param {AbortSignal} [signal]
   */
  async #checkAll(request, signal) {
    const { chunks, bytes } = this.file;
    await request.arrival([[0, bytes.length]]);
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
