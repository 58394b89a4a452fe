/**
 * Reads `.splat2d` pictures in browsers and Node: the whole of one, a region, a smaller or larger version, the coarse levels, the Gaussians.
 *
 *     import { open } from "./splat2d.js";
 *     const picture = await open("photo.splat2d");
 *     canvas.getContext("2d").putImageData(await picture.read({ region: [0, 0, 512, 512], scale: 0.5 }), 0, 0);
 *
 * Of a URL and of a Blob only the bytes are fetched that are needed. splat2d.d.ts has the types.
 */
import { readMetadata } from "./metadata.js";
import { boundsOf, checkBound, firstBytesOf, levelOf, scaleOf } from "./options.js";
import { abortable, pause } from "./pause.js";
import { allocateRgba, colorSpaceOf, imageOf, writeRgba } from "./pixels.js";
import { GAUSSIAN_BYTES, Reading } from "./reading.js";
import { layersOf } from "./sections.js";
import { sharedCore } from "./shared_core.js";
import { openSource } from "./source.js";
import { loadStructure } from "./structure.js";
import { makeView, stripsOf } from "./view.js";
import { drawingWork } from "./work.js";

export {
  ChangedFileError, CorruptFileError, LimitError, NetworkError, SplatError, TruncatedFileError, UnsupportedFileError,
} from "./errors.js";

/**
 * Opens a file of which header and index are read.
 * @param {ArrayBuffer | ArrayBufferView | Blob | URL | string} source
 * @param {import("./splat2d.js").OpenOptions} [options]
 */
export async function open(source, { signal, firstBytes, ...bounds } = {}) {
  const [allowed, first] = [boundsOf(bounds), firstBytesOf(firstBytes)];
  return abortable(signal, async () => {
    const opened = await openSource(source, first, signal);
    return new Picture(new Reading(opened, await loadStructure(opened, allowed, signal), allowed));
  });
}

class Picture {
  #reading;
  /** @type {Map<string, Promise<Uint8Array>>} content of chunks of metadata */
  #contents = new Map();

  /** @param {Reading} reading */
  constructor(reading) {
    this.#reading = reading;
    this.header = structuredClone(reading.file.header); // the caller's to change
    this.width = this.header.width;
    this.height = this.header.height;
    /** @type {string[]} what of the file is not shown as it is meant */
    this.notes = [];
  }

  /** Bytes of the file. */
  get bytes() {
    return this.#reading.file.bytes.length;
  }

  /** Bytes that were fetched. */
  get bytesLoaded() {
    return this.#reading.source.bytesLoaded;
  }

  /** Whether the file ends too early. */
  get truncated() {
    return this.#reading.file.truncation !== null;
  }

  /** Levels that lie together in the file, coarse to fine. */
  get layers() {
    return layersOf(this.#reading.file);
  }

  /** Colour profile, EXIF and XMP; empty where there is none, or where it is damaged, which `notes` says. */
  get metadata() {
    return Promise.all(["iccp", "exif", "xmpd"].map((type) => this.#content(type))).then(([icc, exif, xmp]) => ({ icc, exif, xmp }));
  }

  /**
   * Pixels, RGBA.
   * @param {import("./splat2d.js").ReadOptions} [options]
   */
  async read({ region, scale = 1, maxLevel, allowTruncated, signal, onProgress } = {}) {
    const { header } = this.#reading.file;
    const area = regionOf(region, header);
    const [fraction, level] = [scaleOf(scale), levelOf(maxLevel)];
    const view = makeView(header.width, header.height, area, fraction);
    const { maxPixels, maxMemory, maxWork } = this.#reading.bounds;
    const { columns: width, rows: height } = view;
    const what = `drawing ${width} x ${height} pixels`;
    checkBound(width * height, maxPixels, what, "pixels", "maxPixels");
    return abortable(signal, async () => {
      const core = await sharedCore();
      const isWhole = area[2] === header.width && area[3] === header.height;
      const wanted = { box: isWhole ? null : view.box, level, allowTruncated, signal, onProgress };
      const { columns, work } = await this.#reading.read(core, wanted);
      const drawing = Number(drawingWork(header, columns, { ...view, region: area, scale: fraction }));
      checkBound(work + drawing, maxWork, what, "evaluations of Gaussians", "maxWork");
      await pause(signal);
      const placed = core.place(header, core.dequantize(header, columns), view);
      const memory = 4 * width * height + columns.level.length * GAUSSIAN_BYTES + 4 * placed.entries;
      checkBound(memory, maxMemory, what, "bytes of memory", "maxMemory");
      const data = allocateRgba(width, height);
      for (const [first, last] of stripsOf(view, drawing)) {
        await pause(signal);
        writeRgba(core.draw(placed, { depth: 8, first, last }), header.channels, data, first * width);
      }
      const { colorSpace, note } = colorSpaceOf(await this.#content("iccp"));
      if (note) this.#note(note);
      return imageOf(data, width, height, colorSpace);
    });
  }

  /**
   * The Gaussians that may be seen in a region, of a level and coarser ones.
   * @param {import("./splat2d.js").GaussiansOptions} [options]
   */
  async gaussians({ region, level, allowTruncated, signal, onProgress } = {}) {
    const { header } = this.#reading.file;
    const [x, y, w, h] = regionOf(region, header);
    makeView(header.width, header.height, [x, y, w, h]); // checks it
    const box = /** @type {[number, number, number, number] | null} */ (region ? [x, y, x + w, y + h] : null);
    const wanted = { box, level: levelOf(level), allowTruncated, signal, onProgress };
    return abortable(signal, async () => {
      const core = await sharedCore();
      const { columns } = await this.#reading.read(core, wanted);
      const integers = copyOf(columns); // of what may be remembered
      const values = core.dequantize(header, integers);
      return { count: integers.level.length, level: integers.level, ...values, integers };
    });
  }

  /** Stops what is being fetched. */
  close() {
    this.#reading.source.close();
  }

  /** @param {string} type of a chunk of metadata */
  #content(type) {
    let content = this.#contents.get(type);
    if (!content) {
      const { source, file } = this.#reading;
      content = readMetadata(source, file, type, (note) => this.#note(note));
      content.catch(() => this.#contents.delete(type)); // to be tried again
      this.#contents.set(type, content);
    }
    return content;
  }

  /** @param {string} note */
  #note(note) {
    if (!this.notes.includes(note)) this.notes.push(note);
  }
}

/**
 * @param {import("./plan.js").Columns} columns
 * @returns {import("./plan.js").Columns}
 */
const copyOf = (columns) => /** @type {any} */ (Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice()])));

/**
 * @param {ArrayLike<number> | null | undefined} region
 * @param {import("./header.js").Header} header
 * @returns {[number, number, number, number]}
 */
function regionOf(region, { width, height }) {
  const numbers = region ? Array.from(region) : [0, 0, width, height];
  if (numbers.length !== 4) throw new RangeError("a region is [x, y, width, height]");
  return /** @type {[number, number, number, number]} */ (numbers);
}
