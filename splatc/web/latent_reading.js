/** Tiles of latents of a file -> Gaussians as integers; the latents of tiles that were read last are remembered. */
import { cellsIn, cellsOfTile, countOf, mostGaussians, overlap, rangesOfTiles, streamOfTile, tilesFor } from "./latents.js";
import { checkBound } from "./options.js";
import { pause } from "./pause.js";
import { joinColumns } from "./plan.js";
import { sharedNetwork } from "./shared_core.js";
import { cellsWork } from "./work.js";

/**
 * @typedef {import("./core.js").Core} Core
 * @typedef {import("./latents.js").Cells} Cells
 * @typedef {import("./latents.js").Tiles} Tiles
 * @typedef {import("./plan.js").Columns} Columns
 * @typedef {import("./reading.js").Reading} Reading
 *
 * @typedef {object} Options as of Reading.decode
 * @property {number} [level]
 * @property {AbortSignal} [signal]
 * @property {(progress: {sections: number, of: number, bytes: number}) => void} [onProgress]
 */

const GAUSSIAN_BYTES = 512;
const COARSE = 16;
/** Tiles that are remembered, of up to 800 kB each. */
const REMEMBERED = 64;

export class LatentReading {
  /** @param {Reading} reading */
  constructor(reading) {
    this.reading = reading;
    /** @type {Tiles} */
    this.known = new Map();
  }

  /**
   * The Gaussians of the cells that can touch a box, in coding order, and the work that it is to read them; of a file that ends too early those
   * of the tiles that are whole. Throws SplatError, or the reason of the signal.
   * @param {Core} core
   * @param {[number, number, number, number] | null} box px
   * @param {Options} options
   */
  async read(core, box, options) {
    const { file, bounds } = this.reading;
    const cells = cellsIn(file.header, box);
    const needed = tilesFor(file, cells);
    const gaussians = COARSE * countOf(cells);
    const work = cellsWork(gaussians, needed.reduce((sum, number) => sum + countOf(cellsOfTile(file.header, file.sections[number])), 0));
    const what = `reading ${gaussians} Gaussians`;
    checkBound(gaussians * GAUSSIAN_BYTES, bounds.maxMemory, what, "bytes of memory", "maxMemory");
    checkBound(work, bounds.maxWork, what, "evaluations of Gaussians", "maxWork");
    const known = await this.#tiles(core, needed, options);
    const most = mostGaussians(file, known);
    checkBound(most * GAUSSIAN_BYTES, bounds.maxMemory, `reading ${most} Gaussians`, "bytes of memory", "maxMemory");
    /** @type {Columns[]} */
    const parts = [];
    for (const number of known.keys()) {
      await pause(options.signal);
      const own = overlap(cellsOfTile(file.header, file.sections[number]), cells);
      if (own) parts.push(await this.#make(core, known, own, options.level ?? 0));
    }
    return { columns: joinColumns(parts), work };
  }

  /**
   * The Gaussians of tiles, by number; without those of a file that ends too early that are not there.
   * @param {Core} core
   * @param {number[]} numbers ascending
   * @param {Options & {onSections?: (found: Map<number, Columns>) => void}} options
   * @returns {Promise<Map<number, Columns>>}
   */
  async decode(core, numbers, options) {
    const { file } = this.reading;
    /** @type {Map<number, Columns>} */
    const found = new Map();
    for (const number of numbers) {
      const cells = cellsOfTile(file.header, file.sections[number]);
      const known = await this.#tiles(core, tilesFor(file, cells), options);
      if (!known.has(number)) continue;
      found.set(number, await this.#make(core, known, cells, options.level ?? 0));
      options.onSections?.(new Map([[number, /** @type {Columns} */ (found.get(number))]]));
    }
    return found;
  }

  /**
   * @param {Core} core
   * @param {Tiles} known
   * @param {Cells} cells
   * @param {number} level
   */
  async #make(core, known, cells, level) {
    return core.synthesize(this.reading.file, known, cells, await this.#network(), level);
  }

  #network() {
    return sharedNetwork(/** @type {import("./latents.js").Latents} */ (this.reading.file.latents).network);
  }

  /**
   * The latents of tiles, as they arrive; of a file that ends too early those before the first that is not whole.
   * @param {Core} core
   * @param {number[]} numbers ascending
   * @param {Options} options
   * @returns {Promise<Tiles>}
   */
  async #tiles(core, numbers, { signal, onProgress }) {
    const { file, source } = this.reading;
    /** @type {Tiles} */
    const found = new Map();
    const request = source.request(rangesOfTiles(file, numbers.filter((number) => !this.known.has(number))), signal);
    try {
      const network = await this.#network();
      for (const number of numbers) {
        let values = this.known.get(number);
        if (!values) {
          await request.arrival(rangesOfTiles(file, [number]));
          await pause(signal);
          const stream = streamOfTile(file, number);
          if (!stream) break;
          values = core.decodeTile(file, number, stream, network);
        }
        found.set(number, values);
        this.#remember(number, values);
        onProgress?.({ sections: found.size, of: numbers.length, bytes: source.bytesLoaded });
      }
    } finally {
      request.end();
    }
    return found;
  }

  /**
   * @param {number} number
   * @param {Int16Array} values
   */
  #remember(number, values) {
    this.known.delete(number);
    this.known.set(number, values);
    for (const first of this.known.keys()) if (this.known.size > REMEMBERED) this.known.delete(first);
  }
}
