/** A `.splat2d` picture in a view: which tiles it takes, which of them are there, and what is shown meanwhile. */
import { touches } from "./section_tile.js";
import { BoundedCache } from "./cache.js";
import { Engine } from "./engine.js";
import { scaleOf } from "./options.js";
import { boxOf, scaledSize, tileKey, tilesOf } from "./tiles.js";
import { makeTileView } from "./view.js";

/**
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./camera.js").Size} Size
 * @typedef {import("./engine.js").Job} Job
 * @typedef {import("./painter.js").Tile} Tile
 *
 * @typedef {object} Drawn
 * @property {Tile} tile
 * @property {"pixels" | "ellipses"} kind
 * @property {string} of what it shows: scale, and levels of ellipses
 * @property {ImageBitmap} picture
 * @property {number} missing sections that may be seen in it and were not there
 *
 * @typedef {object} Wanted
 * @property {string} key
 * @property {Tile} tile
 * @property {boolean} isSeen
 * @property {number[]} sections numbers of those that may be seen in it
 *
 * @typedef {object} Events
 * @property {() => void} onChange there is something new to be painted
 * @property {(error: Error) => void} onError
 */

/** Bytes of tiles that are kept at least, and how many times those of a view. */
const [CACHE_BYTES, CACHE_VIEWS] = [2 ** 26, 3];
/** Pixels around a view whose tiles are drawn when all others are. */
const MARGIN = 256;
/** A side of the picture that is shown where there is nothing better. */
const OVERVIEW = 256;
/** Gaussians that are worth a look at the coarse levels while they are read: some 100 ms. */
const LONG = 8192;
/** Gaussians that are kept: some 300 MB. */
const RESIDENT = 2 ** 22;
/** Other scales whose tiles are painted while those of the right one are missing. */
const SCALES = 3;

export class SplatLayer {
  /**
   * @param {Events} events
   * @param {ConstructorParameters<typeof Engine>[1]} [options]
   */
  constructor(events, options) {
    this.events = events;
    this.engine = new Engine(
      {
        nextJob: () => this.#nextJob(),
        onSections: (numbers) => this.#arrived(numbers),
        onLoaded: (loaded) => this.#loaded(loaded),
        onRested: () => this.#rested(),
        onDamaged: (number, message) => this.#damaged(number, message),
        onError: (error) => this.#failed(error),
      },
      options,
    );
    /** @type {BoundedCache<Drawn>} */
    this.cache = new BoundedCache(CACHE_BYTES, ({ picture }) => picture.close?.());
    /** @type {Set<string>} what is being drawn, and what cannot be */
    this.pending = new Set();
    this.refused = new Set();
    this.isDamaged = false; // or ends too early: some sections will never be there
    /** @type {Set<number>} numbers of sections that have come */
    this.there = new Set();
    /** @type {Wanted[]} */
    this.wanted = [];
    this.need = "";
    this.isRested = false;
    this.levels = 0;
    this.lineWidth = 1;
    /** @type {[number, number]} */
    this.scale = [1, 1];
    /** @type {Drawn | null} */
    this.overview = null;
    this.bytes = 0;
    this.bytesLoaded = 0;
  }

  /**
   * @param {ArrayBuffer | ArrayBufferView | Blob | string} source
   * @param {object} [bounds]
   */
  async open(source, bounds) {
    this.opened = await this.engine.open(source, bounds);
    const { header, bytes, bytesLoaded } = this.opened;
    this.size = { width: header.width, height: header.height };
    this.notes = this.opened.notes;
    [this.bytes, this.bytesLoaded] = [bytes, bytesLoaded];
    this.isRested = this.opened.sections.length === 0;
    const scale = /** @type {[number, number]} */ (scaleOf(Math.min(1, OVERVIEW / Math.max(header.width, header.height))));
    const { width: columns, height: rows } = scaledSize(this.size, scale);
    this.whole = this.#wantedOf({ scale, left: 0, top: 0, columns, rows }, true);
  }

  close() {
    this.engine.close();
    this.cache.clear();
    this.overview?.picture.close?.();
    this.overview = null;
  }

  /**
   * What is seen now.
   * @param {Camera} camera
   * @param {[number, number]} origin of the picture in the view
   * @param {Size} view
   * @param {boolean} isZooming then tiles of this zoom are not worth it yet
   */
  look(camera, origin, view, isZooming) {
    if (!this.size || !this.opened || isZooming) return;
    this.scale = /** @type {[number, number]} */ (scaleOf(camera.zoom));
    this.cache.limit = Math.max(CACHE_BYTES, CACHE_VIEWS * 4 * view.width * view.height);
    const known = new Map(this.wanted.map((each) => [each.key, each]));
    this.wanted = tilesOf(this.size, this.scale, origin, view, MARGIN).map(({ tile, isSeen }) => {
      const before = known.get(tileKey(tile));
      return before ? Object.assign(before, { isSeen }) : this.#wantedOf(tile, isSeen);
    });
    this.#tellNeed(camera);
    this.engine.pump();
  }

  /**
   * @param {number} levels bits of those whose ellipses are shown
   * @param {number} lineWidth
   */
  showEllipses(levels, lineWidth) {
    [this.levels, this.lineWidth] = [levels, lineWidth];
    this.engine.pump();
  }

  /** Whether all that is seen is as sharp as it gets. */
  get isSharp() {
    const seen = this.wanted.filter((each) => each.isSeen);
    if (!seen.length) return false;
    const isDone = (/** @type {string} */ key) => this.refused.has(key) || this.cache.entries.get(key)?.value.missing === 0;
    return seen.every((each) => isDone(each.key) && (!this.levels || isDone(this.#ellipsesKey(each))));
  }

  /**
   * Paints what is there: nearest scales last, and those of the right one over them.
   * @param {CanvasRenderingContext2D} context
   * @param {Camera} camera
   * @param {[number, number]} origin
   * @param {Size} view
   */
  paint(context, camera, origin, view) {
    if (!this.size) return;
    const of = this.#of("pixels");
    const isRight = Math.abs(this.scale[0] / this.scale[1] / camera.zoom - 1) < 1e-6;
    const tiles = isRight ? this.wanted.filter((each) => each.isSeen).map((each) => this.cache.get(each.key)) : [];
    if (!isRight || tiles.some((each) => !each)) this.#paintOthers(context, camera, origin, view, isRight ? of : "");
    for (const each of tiles) if (each) paintTile(context, each, camera.zoom, origin, true);
    if (!this.levels) return;
    const ellipses = this.#of("ellipses");
    for (const each of this.cache.values())
      if (each.of === ellipses && isSeen(each, camera.zoom, origin, view)) paintTile(context, each, camera.zoom, origin, false);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Camera} camera
   * @param {[number, number]} origin
   * @param {Size} view
   * @param {string} except the scale that is painted over these
   */
  #paintOthers(context, { zoom }, origin, view, except) {
    if (this.overview) paintTile(context, this.overview, zoom, origin, true);
    /** @type {Map<string, Drawn[]>} */
    const scales = new Map();
    for (const each of this.cache.values())
      if (each.kind === "pixels" && each.of !== except && isSeen(each, zoom, origin, view)) {
        const same = scales.get(each.of);
        if (same) same.push(each);
        else scales.set(each.of, [each]);
      }
    const away = (/** @type {Drawn[]} */ [{ tile }]) => Math.abs(Math.log((tile.scale[0] / tile.scale[1]) / zoom));
    const nearest = [...scales.values()].sort((a, b) => away(a) - away(b)).slice(0, SCALES);
    for (const same of nearest.reverse()) for (const each of same) paintTile(context, each, zoom, origin, true);
  }

  /**
   * @param {Tile} tile
   * @param {boolean} isSeen
   * @returns {Wanted}
   */
  #wantedOf(tile, isSeen) {
    const { header, sections } = /** @type {import("./engine.js").Opened} */ (this.opened);
    const { box } = makeTileView(header.width, header.height, tile.scale, [tile.left, tile.top, tile.columns, tile.rows]);
    const numbers = sections.filter((section) => touches(section, box)).map((section) => section.number);
    return { key: tileKey(tile), tile, isSeen, sections: numbers };
  }

  /** @param {Camera} camera */
  #tellNeed({ x, y }) {
    const boxes = this.wanted.filter((each) => each.isSeen).map((each) => boxOf(each.tile));
    if (!boxes.length) return;
    const [left, upper] = [0, 1].map((k) => Math.min(...boxes.map((box) => box[k])));
    const [right, lower] = [2, 3].map((k) => Math.max(...boxes.map((box) => box[k])));
    const margin = this.scale[1] / this.scale[0] + 4; // what the views of tiles look at around them
    const box = /** @type {[number, number, number, number]} */ ([left - 4 * margin, upper - 4 * margin, right + 4 * margin, lower + 4 * margin]);
    const need = box.join();
    if (need === this.need) return;
    this.need = need;
    this.box = box;
    const { sections } = /** @type {import("./engine.js").Opened} */ (this.opened);
    const missing = sections.filter((section) => !this.there.has(section.number) && touches(section, box));
    this.isRested = !missing.length;
    if (this.isRested) return;
    this.engine.need({ box, centre: [x, y] });
  }

  /**
   * How many sections of what is wanted are not there.
   * @param {Wanted} wanted
   */
  #missing({ sections }) {
    return sections.reduce((sum, number) => sum + Number(!this.there.has(number)), 0);
  }

  /**
   * Whether something is to be drawn (again): coarse versions only of what takes long, and not each time that a section comes.
   * @param {Drawn | null | undefined} drawn
   * @param {number} missing
   * @param {boolean} isHasty whether a coarse version is worth it
   */
  #isDue(drawn, missing, isHasty) {
    if (!missing) return drawn?.missing !== 0;
    return isHasty && (!drawn || missing < drawn.missing / 2);
  }

  /** @param {Wanted} wanted */
  #ellipsesKey({ key }) {
    return `${key} ${this.levels} ${this.lineWidth}`;
  }

  /** @param {"pixels" | "ellipses"} kind */
  #of(kind) {
    const scale = this.scale.join("/");
    return kind === "pixels" ? scale : `${scale} ${this.levels} ${this.lineWidth}`;
  }

  /** @returns {Job | null} */
  #nextJob() {
    if (!this.opened || (!this.there.size && !this.isRested)) return null;
    if (!this.overview && !this.isRested && this.#isLong) return this.#overviewJob() ?? this.#tileJob();
    return this.#tileJob() ?? this.#overviewJob() ?? this.#tileJob(false);
  }

  /** Whether it takes a while until all is there that is seen. */
  get #isLong() {
    const sections = this.opened?.sections ?? [];
    let count = 0;
    for (const section of sections) if (!this.there.has(section.number) && this.box && touches(section, this.box)) count += section.count;
    return count > LONG;
  }

  /**
   * @param {boolean} [isSeen]
   * @returns {Job | null}
   */
  #tileJob(isSeen = true) {
    const takesLong = !this.isRested && this.#isLong;
    for (const kind of isSeen ? /** @type {const} */ (["pixels", "ellipses"]) : /** @type {const} */ (["pixels"])) {
      if (kind === "ellipses" && !this.levels) continue;
      for (const each of this.wanted) {
        if (each.isSeen !== isSeen) continue;
        const key = kind === "pixels" ? each.key : this.#ellipsesKey(each);
        if (this.pending.has(key) || this.refused.has(key)) continue;
        const missing = this.#missing(each);
        if (this.#isDue(this.cache.entries.get(key)?.value, missing, takesLong && isSeen)) return this.#job(key, each.tile, kind, missing);
      }
    }
    return null;
  }

  /** @returns {Job | null} */
  #overviewJob() {
    const whole = /** @type {Wanted} */ (this.whole);
    const key = `overview ${whole.key}`;
    const missing = this.#missing(whole);
    if (this.pending.has(key) || this.refused.has(key) || !this.#isDue(this.overview, missing, true)) return null;
    return this.#job(key, whole.tile, "pixels", missing, (drawn) => {
      this.overview?.picture.close?.();
      this.overview = drawn;
    });
  }

  /**
   * @param {string} key
   * @param {Tile} tile
   * @param {"pixels" | "ellipses"} kind
   * @param {number} missing
   * @param {(drawn: Drawn) => void} [keep]
   * @returns {Job}
   */
  #job(key, tile, kind, missing, keep = (drawn) => this.cache.set(key, drawn, 4 * tile.columns * tile.rows)) {
    this.pending.add(key);
    const of = kind === "pixels" ? tile.scale.join("/") : this.#of(kind);
    return {
      tile,
      ...(kind === "ellipses" ? { levels: this.levels, lineWidth: this.lineWidth } : {}),
      done: (picture) => {
        this.pending.delete(key);
        keep({ tile, kind, of, picture, missing });
        this.events.onChange();
      },
      failed: (error) => {
        this.pending.delete(key);
        this.refused.add(key);
        this.events.onError(error);
        this.events.onChange();
      },
    };
  }

  /** @param {number[]} numbers */
  #arrived(numbers) {
    for (const number of numbers) this.there.add(number);
    this.#forget();
    this.events.onChange();
  }

  /** Bounds what is kept of a very large file: sections that came first, and are not seen, go. */
  #forget() {
    const sections = /** @type {import("./engine.js").Opened} */ (this.opened).sections;
    let count = [...this.there].reduce((sum, number) => sum + sections[number].count, 0);
    /** @type {number[]} */
    const gone = [];
    for (const number of this.there) {
      if (count <= RESIDENT) break;
      if (!this.box || touches(sections[number], this.box)) continue;
      count -= sections[number].count;
      gone.push(number);
    }
    for (const number of gone) this.there.delete(number);
    if (gone.length) this.engine.forget(gone);
  }

  /** @param {{bytes: number, bytesLoaded: number}} loaded */
  #loaded({ bytes, bytesLoaded }) {
    [this.bytes, this.bytesLoaded] = [bytes, bytesLoaded];
  }

  /** @param {Error} error of the reader, which is asked again when the view moves */
  #failed(error) {
    this.need = "";
    this.events.onError(error);
  }

  #rested() {
    this.isRested = true;
    this.engine.pump();
    this.events.onChange();
  }

  /**
   * @param {number} number
   * @param {string} message
   */
  #damaged(number, message) {
    this.there.add(number); // as far as it will ever be
    this.isDamaged = true;
    if (message && !this.notes?.includes(message)) this.notes?.push(message);
  }
}

/**
 * Whether some of a tile lies in the view.
 * @param {Drawn} drawn
 * @param {number} zoom
 * @param {[number, number]} origin
 * @param {Size} view
 */
function isSeen({ tile }, zoom, [x, y], { width, height }) {
  const box = boxOf(tile).map((each) => each * zoom);
  return x + box[0] < width && y + box[1] < height && x + box[2] > 0 && y + box[3] > 0;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Drawn} drawn
 * @param {number} zoom
 * @param {[number, number]} origin
 * @param {boolean} isOpaque instead of what is there, else over it
 */
function paintTile(context, { tile, picture }, zoom, [originX, originY], isOpaque) {
  const [x0, y0, x1, y1] = boxOf(tile).map((each, k) => Math.round(each * zoom) + (k % 2 ? originY : originX));
  if (x1 <= x0 || y1 <= y0) return;
  if (isOpaque) context.clearRect(x0, y0, x1 - x0, y1 - y0);
  context.drawImage(picture, x0, y0, x1 - x0, y1 - y0);
}
