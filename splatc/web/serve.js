/**
 * What a worker of a viewer does: one of them reads the file, section by section as the view needs them, and all draw tiles. Messages are
 * objects with a `type`; each is answered by one with the same `id`, or by one of type "error".
 *
 * To it:  prepare (source)                            a file will be opened, of that address if it is known: it and the core are fetched
 *         open (source, core, bounds) -> opened       the reader alone: header, index, profile
 *         need (box, centre) -> sections ..., rested  the reader alone: what a view needs, instead of what the last one did
 *         repeat () -> sections                       the reader alone: all that it has, for others that were not there
 *         header (header, core, colorSpace)           the others
 *         sections (parts)                            the others: what the reader has found
 *         forget (numbers)                            sections that are not needed any more
 *         draw (id, tile, levels, lineWidth) -> drawn a picture of pixels, or of ellipses
 */
import { SplatError } from "./errors.js";
import { drawEllipses } from "./ellipses.js";
import { fileFacts } from "./facts.js";
import { readMetadata } from "./metadata.js";
import { boundsOf } from "./options.js";
import { drawTile, gather } from "./painter.js";
import { colorSpaceOf, imageOf } from "./pixels.js";
import { Reading } from "./reading.js";
import { SectionReader } from "./section_reader.js";
import { coreModule, sharedCore } from "./shared_core.js";
import { openSource, WHOLE_FIRST } from "./source.js";
import { loadStructure } from "./structure.js";
import { makeTileView } from "./view.js";

/**
 * @typedef {import("./core.js").Core} Core
 * @typedef {import("./painter.js").Part} Part
 * @typedef {{postMessage(message: any, transfer?: Transferable[]): void, onmessage: ((event: MessageEvent) => void) | null}} Port
 */

/** Evaluations of Gaussians of a tile that the page itself draws: half a second between two pauses at worst. */
const PAGE_WORK = 2 ** 32;

/**
 * @param {Port} port
 * @param {{slices?: boolean}} [options] slices: on the page itself, where nothing may take long
 */
export function serve(port, { slices = false } = {}) {
  const desk = new Desk(port, slices);
  port.onmessage = async ({ data }) => {
    try {
      await desk.take(data);
    } catch (error) {
      port.postMessage({ type: "error", id: data.id, error: describeError(error) });
    }
  };
}

/** @param {unknown} error */
function describeError(error) {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { name, message, kind: error instanceof SplatError ? error.kind : "" };
}

/** What a worker holds. */
export class Desk {
  /**
   * @param {Port} port
   * @param {boolean} slices
   */
  constructor(port, slices) {
    this.port = port;
    this.slices = slices;
    /** @type {Map<number, Part>} in file order */
    this.parts = new Map();
    /** @type {Part[]} */
    this.ordered = [];
    this.bounds = boundsOf({});
    /** @type {Promise<Core>} */
    this.core = new Promise(() => {});
    /** @type {{source?: string, opening: ReturnType<typeof openSource> | null} | undefined} */
    this.prepared = undefined;
    /** @type {SectionReader | null} */
    this.reader = null;
    /** @type {Promise<void>} */
    this.busy = Promise.resolve(); // drawings one after the other
    /** @type {"srgb" | "display-p3"} */
    this.colorSpace = "srgb";
  }

  /** @param {any} message */
  take(message) {
    switch (message.type) {
      case "prepare":
        this.prepare(message);
        return undefined;
      case "open":
        return this.open(message);
      case "need":
        return this.reader?.need(message);
      case "repeat":
        return this.reader?.repeat();
      case "header":
        this.header = message.header;
        this.colorSpace = message.colorSpace;
        this.core = sharedCore(message.core);
        return undefined;
      case "sections":
        return this.add(message.parts);
      case "forget":
        for (const number of message.numbers) this.parts.delete(number);
        return this.add([]);
      case "draw":
        return (this.busy = this.busy.catch(() => {}).then(() => this.draw(message)));
      default:
        throw new TypeError(`no message is called ${message.type}`);
    }
  }

  /** @param {{source?: string}} message */
  prepare({ source }) {
    const opening = source ? openSource(source, WHOLE_FIRST) : null;
    for (const each of [opening, coreModule()]) each?.catch(() => {}); // reported when it is needed
    this.prepared = { source, opening };
  }

  /** @param {{id: number, source: any, core?: BufferSource, bounds: object}} message */
  async open({ id, source, core, bounds }) {
    this.bounds = boundsOf(bounds);
    this.core = sharedCore(core);
    this.core.catch(() => {}); // reported by who needs it
    const { prepared } = this;
    this.prepared = undefined;
    const opened = await ((source === prepared?.source && prepared?.opening) || openSource(source, WHOLE_FIRST));
    const reading = new Reading(opened, await loadStructure(opened, this.bounds), this.bounds);
    const { file } = reading;
    /** @type {string[]} */
    const notes = file.truncation ? [file.truncation.message] : [];
    const icc = await readMetadata(opened, file, "iccp", (note) => notes.push(note));
    const { colorSpace, note } = colorSpaceOf(icc);
    if (note) notes.push(note);
    [this.header, this.colorSpace, this.reader] = [file.header, colorSpace, new SectionReader(this, reading)];
    const sections = file.sections.map(({ number, top, count, ...place }) => {
      const { column, row, tileLog2, margin } = place;
      return { number, top, count, column, row, tileLog2, margin };
    });
    const loaded = { bytes: file.bytes.length, bytesLoaded: opened.bytesLoaded };
    this.port.postMessage({ type: "opened", id, header: file.header, sections, colorSpace, notes, facts: fileFacts(file, icc), ...loaded });
    this.port.postMessage({ type: "core", core: await coreModule() });
    await this.reader.ahead();
  }

  /** @param {Part[]} parts */
  add(parts) {
    for (const part of parts) this.parts.set(part.number, part);
    this.ordered = [...this.parts.values()].sort((a, b) => a.number - b.number);
  }

  /** @param {{id: number, tile: import("./painter.js").Tile, levels?: number, lineWidth?: number}} message */
  async draw({ id, tile, levels, lineWidth = 1 }) {
    const started = performance.now();
    const core = await this.core;
    const header = /** @type {import("./header.js").Header} */ (this.header);
    const { scale, left, top, columns, rows } = tile;
    /** @type {any} */
    let picture;
    if (levels === undefined) {
      const maxWork = this.slices ? Math.min(this.bounds.maxWork, PAGE_WORK) : this.bounds.maxWork;
      const data = await drawTile(core, header, this.ordered, tile, { maxWork, slices: this.slices });
      const pixels = imageOf(data, columns, rows, this.colorSpace);
      picture = typeof createImageBitmap === "undefined" ? pixels : await createImageBitmap(/** @type {ImageData} */ (pixels));
    } else {
      const { box } = makeTileView(header.width, header.height, scale, [left, top, columns, rows]);
      const canvas = makeCanvas(columns, rows);
      const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
      drawEllipses(context, gather(this.ordered, box, header.channels), tile, levels, lineWidth);
      picture = "transferToImageBitmap" in canvas ? canvas.transferToImageBitmap() : await createImageBitmap(canvas);
    }
    const transfer = typeof ImageBitmap !== "undefined" && picture instanceof ImageBitmap ? [picture] : [];
    this.port.postMessage({ type: "drawn", id, picture, ms: performance.now() - started }, transfer);
  }
}

/**
 * @param {number} width
 * @param {number} height
 */
function makeCanvas(width, height) {
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}
