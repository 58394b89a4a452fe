/** The sections of a file for the view of the moment, coarse ones first, those near its middle first; the worker that reads has one. */
import { SplatError } from "./errors.js";
import { pause } from "./pause.js";
import { sectionOrder } from "./section_order.js";
import { rangesOf } from "./sections.js";

/**
 * @typedef {import("./painter.js").Part} Part
 * @typedef {import("./reading.js").Reading} Reading
 * @typedef {{box: [number, number, number, number], centre: [number, number]}} Need px
 * @typedef {Need & {isAhead?: boolean}} Wanted isAhead: no view has said it, and nothing is fetched for it
 */

/** Gaussians that are decoded between two looks at what the view needs now: some 50 ms. */
const STEP = 4096;
/** ms between two messages with sections, each of which makes drawings; and until the first, if the coarse levels are not whole before. */
const [PATIENCE, FIRST] = [150, 500];

export class SectionReader {
  /**
   * @param {import("./serve.js").Desk} desk
   * @param {Reading} reading
   */
  constructor(desk, reading) {
    this.desk = desk;
    this.reading = reading;
    /** @type {Wanted | null} */
    this.wanted = null;
    this.isRunning = false;
    /** @type {Set<number>} sections that are damaged, or beyond the end of the file */
    this.missing = new Set();
    this.loading = new AbortController();
    /** @type {number[]} what is being fetched */
    this.fetching = [];
  }

  /** Decodes what has come with the first bytes before a view says what it needs: all of a small picture, of others coarse levels. */
  async ahead() {
    if (this.wanted) return;
    const { width, height } = this.reading.file.header;
    await this.need({ box: [0, 0, width, height], centre: [width / 2, height / 2], isAhead: true });
  }

  /** @param {Wanted} need */
  async need(need) {
    this.wanted = need;
    const order = this.#order();
    if (this.fetching.length && !this.fetching.some((number) => order.includes(number))) this.loading.abort(); // the view has moved on
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      await this.#run();
    } finally {
      this.isRunning = false;
    }
  }

  /** Sections that the view needs and that are not there, in the order in which they are read. */
  #order() {
    const { wanted, desk, missing } = this;
    if (!wanted) return [];
    const { file, source } = this.reading;
    const isHere = (/** @type {number} */ number) => source.has(rangesOf(file, [number]));
    const order = sectionOrder(file.sections, wanted.box, wanted.centre).filter((number) => !desk.parts.has(number) && !missing.has(number));
    const here = wanted.isAhead ? order.findIndex((number) => !isHere(number)) : -1;
    return here < 0 ? order : order.slice(0, here);
  }

  async #run() {
    const { file, source } = this.reading;
    for (let order = this.#order(); order.length; order = this.#order()) {
      const { signal } = (this.loading = new AbortController());
      this.fetching = order;
      const request = this.reading.request(order, signal);
      try {
        await this.#decode(order, signal);
      } catch (error) {
        if (signal.aborted) continue;
        if (!(error instanceof SplatError) || error.kind === "network" || error.kind === "limit") throw error;
        await this.#decodeSingly(order); // one of them is damaged: the others are shown
      } finally {
        request.end();
        this.fetching = [];
      }
    }
    if (!this.wanted?.isAhead) this.desk.port.postMessage({ type: "rested", bytesLoaded: source.bytesLoaded, bytes: file.bytes.length });
  }

  /**
   * Decodes sections as they arrive, until the view needs others.
   * @param {number[]} order
   * @param {AbortSignal} signal
   */
  async #decode(order, signal) {
    const { sections } = this.reading.file;
    const { wanted } = this;
    let [sentAt, isFirst, isWhole] = [performance.now(), true, false]; // whole: the coarse levels
    /** @type {Part[]} */
    let found = [];
    const send = () => {
      if (found.length) this.#send(found);
      [sentAt, found] = [performance.now(), []];
    };
    try {
      for (let from = 0; from < order.length && this.wanted === wanted; ) {
        let [to, count] = [from, 0];
        const { top } = sections[order[from]];
        for (; to < order.length && (to === from || (count + sections[order[to]].count <= STEP && sections[order[to]].top === top)); to++)
          count += sections[order[to]].count;
        found.push(...(await this.#partsOf(order.slice(from, to).sort((a, b) => a - b), signal)));
        isWhole ||= to === order.length || sections[order[to]].top !== sections[order[0]].top;
        if (performance.now() - sentAt > (isWhole ? (isFirst ? 0 : PATIENCE) : FIRST)) {
          send();
          isFirst = false;
        }
        from = to;
        await pause();
      }
    } finally {
      send();
    }
  }

  /** @param {number[]} order */
  async #decodeSingly(order) {
    for (const number of order) {
      if (this.desk.parts.has(number)) continue;
      try {
        this.#send(await this.#partsOf([number]));
      } catch (error) {
        if (!(error instanceof SplatError) || error.kind === "network") throw error;
        this.missing.add(number);
        this.desk.port.postMessage({ type: "damaged", number, message: error.message });
      }
    }
  }

  /**
   * @param {number[]} numbers ascending
   * @param {AbortSignal} [signal]
   * @returns {Promise<Part[]>}
   */
  async #partsOf(numbers, signal) {
    const { desk, reading } = this;
    const core = await desk.core;
    const found = await reading.decode(core, numbers, { signal });
    return numbers.flatMap((number) => {
      const columns = found.get(number);
      if (!columns) {
        this.missing.add(number);
        desk.port.postMessage({ type: "damaged", number, message: "" }); // the file ends before it, which a note has said
        return [];
      }
      const { column, row, tileLog2, margin } = reading.file.sections[number];
      return [{ number, column, row, tileLog2, margin, level: columns.level, gaussians: core.dequantize(reading.file.header, columns) }];
    });
  }

  repeat() {
    this.#send(this.desk.ordered);
  }

  /** @param {Part[]} parts */
  #send(parts) {
    this.desk.add(parts);
    const { source, file } = this.reading;
    this.desk.port.postMessage({ type: "sections", parts, bytesLoaded: source.bytesLoaded, bytes: file.bytes.length });
  }
}
