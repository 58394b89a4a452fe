/** The workers of a viewer, seen from the page: the first reads the file, all draw. */
import { CorruptFileError, LimitError, NetworkError, SplatError, TruncatedFileError, UnsupportedFileError } from "./errors.js";

/**
 * @typedef {import("./painter.js").Tile} Tile
 * @typedef {import("./section_tile.js").Bounded} Bounded
 * @typedef {import("./section_reader.js").Need} Need
 *
 * @typedef {object} Opened
 * @property {import("./header.js").Header} header
 * @property {(Bounded & {number: number, top: number, count: number})[]} sections
 * @property {"srgb" | "display-p3"} colorSpace
 * @property {string[]} notes
 * @property {[string, string][]} facts
 * @property {number} bytes
 * @property {number} bytesLoaded
 *
 * @typedef {object} Job
 * @property {Tile} tile
 * @property {number} [levels] bits of those whose ellipses are drawn; else pixels
 * @property {number} [lineWidth]
 * @property {(picture: ImageBitmap) => void} done
 * @property {(error: Error) => void} failed
 *
 * @typedef {object} Listener
 * @property {() => Job | null} nextJob what is to be drawn now
 * @property {(numbers: number[]) => void} onSections
 * @property {(loaded: {bytes: number, bytesLoaded: number}) => void} onLoaded
 * @property {() => void} onRested all is read that the view needs
 * @property {(number: number, message: string) => void} onDamaged
 * @property {(error: Error) => void} onError
 *
 * @typedef {object} Seat a worker, or what stands for one on the page
 * @property {{postMessage(message: any, transfer?: Transferable[]): void}} port
 * @property {number} waiting drawings that it has not answered
 * @property {boolean} isReady
 * @property {boolean} isPage
 * @property {() => void} end
 */

/** Workers at most: more are of no use for one view. */
const MAX_WORKERS = 4;
/** Drawings that a worker is given at once, so that it need not wait for the next. */
const AHEAD = 2;
/** Bytes of a file in memory that the page reads and draws itself, which is done before a worker has started; workers draw what comes later. */
const SMALL = 2 ** 15;
const KINDS = { CorruptFileError, LimitError, NetworkError, SplatError, TruncatedFileError, UnsupportedFileError };

const makeModuleWorker = () => new Worker(new URL("worker.js", import.meta.url), { type: "module" });

export class Engine {
  /**
   * @param {Listener} listener
   * @param {{makeWorker?: (() => Worker) | null, core?: BufferSource, workers?: number}} [options]
   */
  constructor(listener, { makeWorker = makeModuleWorker, core, workers } = {}) {
    this.listener = listener;
    this.makeWorker = typeof Worker === "undefined" ? null : makeWorker;
    this.core = core;
    const processors = typeof navigator === "undefined" ? 2 : (navigator.hardwareConcurrency ?? 2);
    this.most = workers ?? Math.min(Math.max(processors, 1), MAX_WORKERS);
    /** @type {Seat[]} */
    this.seats = [];
    /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
    this.asked = new Map();
    this.number = 0;
    this.isClosed = false;
    this.isReading = false;
    /** @type {WebAssembly.Module | null} */
    this.module = null;
    this.hasHired = false;
    this.hasDrawn = false;
  }

  /**
   * @param {ArrayBuffer | ArrayBufferView | Blob | string} source
   * @param {object} [bounds] as of the decoder's open()
   * @returns {Promise<Opened>}
   */
  async open(source, bounds = {}) {
    const message = { type: "open", source, core: this.core, bounds };
    const seat = await (isSmall(source) ? this.#pageSeat() : this.#seat());
    if (this.isClosed) throw new DOMException("the viewer was closed", "AbortError");
    this.seats.push(seat);
    const opened = this.#ask(seat, message);
    if (!seat.isPage) this.#hire();
    this.opened = /** @type {Opened} */ (await opened);
    seat.isReady = true;
    return this.opened;
  }

  /**
   * Sends to the reader what the view needs.
   * @param {Need} need
   */
  need(need) {
    this.isReading = true;
    this.seats[0]?.port.postMessage({ type: "need", ...need });
  }

  /**
   * Sections that no view needs any more.
   * @param {number[]} numbers
   */
  forget(numbers) {
    for (const seat of this.seats) seat.port.postMessage({ type: "forget", numbers });
  }

  /** Gives drawings to workers that have none. */
  pump() {
    const isHelped = this.seats.slice(1).some((each) => each.isReady);
    const free = isHelped && (this.isReading || this.seats[0].isPage) ? this.seats.slice(1) : this.seats;
    for (let ahead = 0; ahead < AHEAD; ahead++)
      for (const seat of free) {
        if (!seat.isReady || seat.waiting > ahead) continue;
        const job = this.listener.nextJob();
        if (!job) {
          if (this.hasDrawn && !this.isBusy) this.#hire();
          return;
        }
        this.#draw(seat, job);
      }
  }

  /** Whether workers are drawing. */
  get isBusy() {
    return this.seats.some((seat) => seat.waiting > 0);
  }

  close() {
    this.isClosed = true;
    for (const seat of this.seats) seat.end();
    for (const { reject } of this.asked.values()) reject(new DOMException("the viewer was closed", "AbortError"));
    this.asked.clear();
    this.seats = [];
  }

  /**
   * @param {Seat} seat
   * @param {Job} job
   */
  async #draw(seat, { tile, levels, lineWidth, done, failed }) {
    seat.waiting++;
    try {
      const { picture } = await this.#ask(seat, { type: "draw", tile, levels, lineWidth });
      if (this.isClosed) picture.close?.();
      else done(picture);
      this.hasDrawn = true;
    } catch (error) {
      if (!this.isClosed) failed(/** @type {Error} */ (error));
    } finally {
      seat.waiting--;
      if (!this.isClosed) this.pump();
    }
  }

  /**
   * @param {Seat} seat
   * @param {any} message
   * @returns {Promise<any>}
   */
  #ask(seat, message) {
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      seat.port.postMessage({ ...message, id });
    });
  }

  /** A worker, or, where there is none, the page itself in its place. */
  async #seat() {
    try {
      if (this.makeWorker) return this.#workerSeat(this.makeWorker());
    } catch {
      this.makeWorker = null; // as on a page whose policy forbids workers
    }
    return this.#pageSeat();
  }

  /**
   * @param {Worker} worker
   * @returns {Seat}
   */
  #workerSeat(worker) {
    /** @type {Seat} */
    const seat = { port: worker, waiting: 0, isReady: false, isPage: false, end: () => worker.terminate() };
    const waiting = /** @type {any[]} */ ([]);
    seat.port = { postMessage: (message, transfer = []) => (waiting.push(message), worker.postMessage(message, transfer)) };
    worker.onmessage = ({ data }) => {
      waiting.length = 0;
      seat.port = worker;
      worker.onmessage = (event) => this.#take(seat, event.data);
      this.#take(seat, data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (seat.port !== worker) this.#replace(seat, waiting); // it could not even be started
      else this.listener.onError(new Error(event.message || "a worker has failed"));
    };
    return seat;
  }

  /**
   * Hands the messages of a worker that does not start to the page; one that only was to help is left out.
   * @param {Seat} seat
   * @param {any[]} messages
   */
  async #replace(seat, messages) {
    this.makeWorker = null;
    seat.end();
    if (this.seats.indexOf(seat) > 0) {
      this.seats = this.seats.filter((each) => each !== seat);
      return;
    }
    const instead = await this.#pageSeat(seat);
    if (!this.isClosed) for (const message of messages) instead.port.postMessage(message);
  }

  /**
   * @param {Seat} [seat]
   * @returns {Promise<Seat>}
   */
  async #pageSeat(seat = { port: { postMessage() {} }, waiting: 0, isReady: false, isPage: true, end() {} }) {
    const { serve } = await import("./serve.js");
    const { port1, port2 } = new MessageChannel();
    serve(/** @type {any} */ (port2), { slices: true });
    port1.onmessage = ({ data }) => this.#take(seat, data);
    seat.port = port1;
    seat.isPage = true;
    seat.end = () => port1.close();
    return seat;
  }

  /**
   * @param {Seat} seat
   * @param {any} message
   */
  #take(seat, message) {
    if (this.isClosed) return;
    const asked = this.asked.get(message.id);
    this.asked.delete(message.id);
    if (message.type === "error") {
      const error = errorOf(message.error);
      if (asked) asked.reject(error);
      else {
        this.isReading = false;
        this.listener.onError(error);
      }
    } else if (message.type === "core") {
      this.module = message.core;
      this.#instruct();
    }
    else if (message.type === "sections") this.#share(message);
    else if (message.type === "damaged") this.listener.onDamaged(message.number, message.message);
    else if (message.type === "rested") {
      this.isReading = false;
      this.listener.onLoaded(message);
      this.listener.onRested();
    } else asked?.resolve(message);
    if (this.seats.includes(seat)) this.pump();
  }

  /** More workers, that draw what the first one reads: they start while it opens the file, or, where the page does, when it has drawn all. */
  #hire() {
    if (this.hasHired) return;
    this.hasHired = true;
    const first = this.seats.length;
    for (let k = first - Number(this.seats[0].isPage); k < this.most && this.makeWorker; k++) {
      try {
        this.seats.push(this.#workerSeat(this.makeWorker()));
      } catch {
        this.makeWorker = null;
      }
    }
    if (!this.module || this.seats.length === first) return;
    this.#instruct();
    this.seats[0].port.postMessage({ type: "repeat" });
  }

  /** Gives them what they draw with. */
  #instruct() {
    const { header, colorSpace } = /** @type {Opened} */ (this.opened);
    for (const seat of this.seats.slice(1)) {
      seat.port.postMessage({ type: "header", header, colorSpace, core: this.module });
      seat.isReady = true;
    }
  }

  /** @param {{parts: import("./painter.js").Part[], bytes: number, bytesLoaded: number}} message */
  #share(message) {
    const numbers = message.parts.map((part) => part.number);
    for (const seat of this.seats.slice(1)) seat.port.postMessage({ type: "sections", parts: message.parts });
    this.listener.onLoaded(message);
    this.listener.onSections(numbers);
  }
}

/** @param {unknown} source */
const isSmall = (source) => (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) && source.byteLength <= SMALL;

/**
 * @param {{name: string, message: string, kind: string}} described
 * @returns {Error}
 */
function errorOf({ name, message, kind }) {
  const Kind = /** @type {any} */ (KINDS)[name];
  if (Kind === SplatError) return new SplatError(/** @type {any} */ (kind), message);
  return Kind ? new Kind(message) : Object.assign(new Error(message), { name });
}
