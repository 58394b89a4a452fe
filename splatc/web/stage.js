/** The canvas of a viewer: a camera over one picture, or over two with a line between them. Paints when something has changed. */
import { between, clampCamera, fitZoom, moveBy, originOf, zoomAt } from "./camera.js";

/**
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./camera.js").Size} Size
 * @typedef {import("./splat_layer.js").SplatLayer | import("./image_layer.js").ImageLayer} Layer
 *
 * @typedef {object} Events
 * @property {(camera: Camera, isFit: boolean) => void} onCamera it has moved
 * @property {() => void} onRest it stands still
 * @property {() => void} onSharp all that is seen is as sharp as it gets
 */

/** ms of a movement that a key or a button makes; ms after which one by hand counts as ended. */
const [MOVE, REST] = [180, 110];
/** Side of the squares below transparent pictures, CSS pixels, and their colours in light and dark. */
const SQUARE = 8;
const SQUARES = { light: ["#ffffff", "#dcdcdc"], dark: ["#3c3c3c", "#2a2a2a"] };

export class Stage {
  /**
   * @param {HTMLElement} element around the canvas, of which it takes all
   * @param {HTMLCanvasElement} canvas
   * @param {Events} events
   */
  constructor(element, canvas, events) {
    this.element = element;
    this.canvas = canvas;
    this.events = events;
    /** @type {Size} */
    this.picture = { width: 1, height: 1 };
    /** @type {Size} pixels of the screen */
    this.view = { width: 1, height: 1 };
    /** @type {Camera} */
    this.camera = { x: 0.5, y: 0.5, zoom: 1 };
    this.isFit = true;
    /** @type {Layer | null} */
    this.base = null;
    /** @type {Layer | null} */
    this.other = null;
    /** @type {number | null} where the line stands, 0..1; null: there is none */
    this.border = null;
    this.hasAlpha = false;
    /** @type {{from: Camera, to: Camera, start: number} | null} */
    this.movement = null;
    this.movedAt = -Infinity;
    this.zoomedAt = -Infinity;
    this.isHeld = false;
    this.isResting = true;
    this.isSharp = false;
    /** Whether a zoom by the wheel or two fingers may go on. */
    this.isRolling = false;
    this.request = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {{side: number, colours: string[], pattern: CanvasPattern | null} | null} */
    this.squares = null;
    /** @type {CanvasRenderingContext2D | null} */
    this.context = null;
    this.darkness = matchMedia("(prefers-color-scheme: dark)");
    this.stillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.repaint = () => this.invalidate();
    this.darkness.addEventListener("change", this.repaint);
    this.ending = new AbortController();
    this.#followRatio();
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(element);
  }

  close() {
    this.observer.disconnect();
    this.ending.abort();
    this.darkness.removeEventListener("change", this.repaint);
    cancelAnimationFrame(this.request);
    clearTimeout(this.timer);
    this.base = this.other = null;
  }

  /**
   * @param {Layer} base
   * @param {Size} picture
   * @param {"srgb" | "display-p3"} colorSpace
   * @param {boolean} hasAlpha
   */
  show(base, picture, colorSpace, hasAlpha) {
    [this.base, this.picture, this.hasAlpha] = [base, picture, hasAlpha];
    this.#prepareCanvas(colorSpace);
    this.#resize();
    this.fit(false);
  }

  /**
   * A canvas has one colour space for ever: pictures of another get another.
   * @param {"srgb" | "display-p3"} colorSpace
   */
  #prepareCanvas(colorSpace) {
    if (this.context && this.colorSpace === colorSpace) return;
    if (this.context) {
      const fresh = /** @type {HTMLCanvasElement} */ (this.canvas.cloneNode());
      this.canvas.replaceWith(fresh);
      this.canvas = fresh;
    }
    this.colorSpace = colorSpace;
    this.context = this.canvas.getContext("2d", { colorSpace });
  }

  /** Pixels of the screen per CSS pixel. */
  get ratio() {
    return globalThis.devicePixelRatio || 1;
  }

  /** Zoom at which all is seen; small pictures are not enlarged, but by what the screen is finer than CSS pixels. */
  get fitZoom() {
    return fitZoom(this.picture, this.view, this.ratio);
  }

  /** @param {boolean} [isSmooth] */
  fit(isSmooth = true) {
    const all = { x: this.picture.width / 2, y: this.picture.height / 2, zoom: this.fitZoom };
    if (isSmooth) this.goTo(all, true, true);
    else this.jump(all, true);
  }

  /**
   * @param {Camera} camera
   * @param {boolean} [isSmooth]
   * @param {boolean} [isFit]
   */
  goTo(camera, isSmooth = true, isFit = false) {
    const to = clampCamera(camera, this.picture, this.view, this.fitZoom);
    this.isFit = isFit;
    if (isSmooth && !this.stillness.matches) {
      this.movement = { from: this.camera, to, start: performance.now() };
    } else {
      this.movement = null;
      this.#set(to);
    }
    this.invalidate();
  }

  /**
   * Goes there at once, and stays: no gesture that might go on.
   * @param {Camera} camera
   * @param {boolean} [isFit]
   */
  jump(camera, isFit = false) {
    this.goTo(camera, false, isFit);
    this.movedAt = this.zoomedAt = -Infinity;
  }

  /** Where a movement ends, or the camera as it stands. */
  get target() {
    return this.movement?.to ?? this.camera;
  }

  /**
   * @param {number} across CSS pixels
   * @param {number} down
   * @param {boolean} [isSmooth]
   */
  move(across, down, isSmooth = false) {
    const from = isSmooth ? this.target : this.camera;
    this.goTo(moveBy(from, across * this.ratio, down * this.ratio), isSmooth, this.isFit && from.zoom <= this.fitZoom);
  }

  /**
   * @param {number} zoom
   * @param {[number, number]} [at] CSS pixels; the middle of the view
   * @param {boolean} [isSmooth]
   */
  zoomTo(zoom, at, isSmooth = true) {
    const place = /** @type {[number, number]} */ (at ? at.map((each) => each * this.ratio) : [this.view.width / 2, this.view.height / 2]);
    const from = isSmooth ? this.target : this.camera;
    const allowed = clampCamera({ ...from, zoom }, this.picture, this.view, this.fitZoom).zoom;
    this.goTo(zoomAt(from, allowed, place, this.view), isSmooth);
  }

  /** @param {boolean} isHeld by a pointer */
  hold(isHeld) {
    this.isHeld = isHeld;
    this.invalidate();
  }

  invalidate() {
    if (!this.request) this.request = requestAnimationFrame((now) => this.#frame(now));
  }

  /** @param {Camera} camera */
  #set(camera) {
    const now = performance.now();
    if (camera.zoom !== this.camera.zoom) this.zoomedAt = now;
    this.movedAt = now;
    this.isResting = false;
    this.camera = camera;
    this.events.onCamera(camera, this.isFit);
  }

  /** A window that comes to another screen, or is zoomed, may keep its size in CSS pixels. */
  #followRatio() {
    const { signal } = this.ending;
    const change = () => {
      this.#resize();
      this.#followRatio();
    };
    matchMedia(`(resolution: ${this.ratio}dppx)`).addEventListener("change", change, { once: true, signal });
  }

  #resize() {
    const { width, height } = this.element.getBoundingClientRect();
    const view = { width: Math.max(1, Math.round(width * this.ratio)), height: Math.max(1, Math.round(height * this.ratio)) };
    if (view.width === this.view.width && view.height === this.view.height) return;
    this.view = view;
    [this.canvas.width, this.canvas.height] = [view.width, view.height];
    if (!this.base) return;
    if (this.isFit) this.fit(false);
    else this.jump(this.camera);
    this.#frame(performance.now()); // the canvas is empty now
  }

  /** @param {number} now */
  #frame(now) {
    cancelAnimationFrame(this.request);
    this.request = 0;
    if (!this.base || !this.context) return;
    if (this.movement) {
      const { from, to, start } = this.movement;
      const part = Math.min(Math.max((now - start) / MOVE, 0), 1);
      if (part === 1) this.movement = null;
      this.#set(part === 1 ? to : between(from, to, 1 - (1 - part) ** 3));
      this.invalidate();
    }
    const isZooming = this.movement ? this.movement.to.zoom !== this.camera.zoom : now - this.zoomedAt < REST && (this.isHeld || this.isRolling);
    this.#paint(this.context, isZooming);
    this.#rest(now, isZooming);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {boolean} isZooming
   */
  #paint(context, isZooming) {
    const { base, other, view, camera, border } = this;
    if (!base) return;
    const origin = originOf(camera, view);
    context.clearRect(0, 0, view.width, view.height);
    base.look(camera, origin, view, isZooming);
    if (other?.size && border !== null) {
      const line = Math.round(border * view.width);
      this.#part(context, 0, line, () => base.paint(context, camera, origin, view));
      const ratio = this.picture.width / other.size.width;
      const same = { x: camera.x / ratio, y: (camera.y * other.size.height) / this.picture.height, zoom: camera.zoom * ratio };
      other.look(same, origin, view, isZooming);
      this.#part(context, line, view.width, () => other.paint(context, same, origin, view));
    } else base.paint(context, camera, origin, view);
    if (this.hasAlpha) this.#paintSquares(context, origin);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} left
   * @param {number} right
   * @param {() => void} paint
   */
  #part(context, left, right, paint) {
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, this.view.height);
    context.clip();
    paint();
    context.restore();
  }

  /**
   * Squares below what is transparent.
   * @param {CanvasRenderingContext2D} context
   * @param {[number, number]} origin
   */
  #paintSquares(context, [x, y]) {
    const side = Math.round(SQUARE * this.ratio);
    const colours = SQUARES[this.darkness.matches ? "dark" : "light"];
    if (this.squares?.side !== side || this.squares.colours !== colours)
      this.squares = { side, colours, pattern: makeSquares(context, side, colours) };
    context.save();
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = /** @type {CanvasPattern} */ (this.squares.pattern);
    const { width, height } = this.picture;
    const { zoom } = this.camera;
    const [left, top] = [Math.max(x, 0), Math.max(y, 0)];
    const right = Math.min(x + Math.ceil(width * zoom), this.view.width);
    const bottom = Math.min(y + Math.ceil(height * zoom), this.view.height);
    context.fillRect(left, top, right - left, bottom - top);
    context.restore();
  }

  /**
   * Reports once when nothing moves any more, and once when all is sharp.
   * @param {number} now
   * @param {boolean} isZooming
   */
  #rest(now, isZooming) {
    const isQuiet = !this.movement && !this.isHeld && !isZooming && now - this.movedAt >= REST;
    if (!isQuiet) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => ((this.isRolling = false), this.invalidate()), REST);
    } else if (!this.isResting) {
      this.isResting = true;
      this.events.onRest();
    }
    const isSharp = !isZooming && !this.movement && Boolean(this.base?.isSharp) && (this.border === null || !this.other || this.other.isSharp);
    if (isSharp && !this.isSharp) this.events.onSharp();
    this.isSharp = isSharp;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} side
 * @param {string[]} colours
 */
function makeSquares(context, side, colours) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * side, height: 2 * side });
  const squares = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  for (let k = 0; k < 4; k++) {
    squares.fillStyle = colours[(k + (k >> 1)) % 2];
    squares.fillRect((k % 2) * side, (k >> 1) * side, side, side);
  }
  return context.createPattern(canvas, "repeat");
}
