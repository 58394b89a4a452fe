/**
 * A viewer of `.splat2d` pictures: an element becomes one.
 *
 *     import { SplatViewer } from "./viewer.js";
 *     await new SplatViewer(document.querySelector("#photo")).open("photo.splat2d");
 *
 * viewer.d.ts has its options and events; viewer.css how it looks. Workers draw (serve.js), the page only lays out.
 */
import { make } from "./dom.js";
import { listen } from "./gestures.js";
import { grouped } from "./grouped.js";
import { ImageLayer } from "./image_layer.js";
import { formatLink, parseLink } from "./link.js";
import { Panel } from "./panel.js";
import { Slider } from "./slider.js";
import { SplatLayer } from "./splat_layer.js";
import { Stage } from "./stage.js";
import { percent, Toolbar } from "./toolbar.js";

/**
 * @typedef {import("./viewer.js").Source} Source
 * @typedef {import("./viewer.js").ViewerOptions} ViewerOptions
 */

const HELP =
  "Drag or use the arrow keys to move, the wheel, two fingers or plus and minus to zoom; 0 fits, 1 and 8 are 1:1 and eight times as large.";
/** What arrow keys move by, CSS pixels, and what plus and minus zoom by. */
const [STEP, FACTOR] = [80, 1.5];
/** @type {Record<string, [number, number]>} how the picture moves, to the right and down */
const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** @type {Record<string, import("./toolbar.js").Name>} keys of buttons */
const NAMES = {
  "+": "plus", "=": "plus", "-": "minus", _: "minus", 0: "fit", Home: "fit", 1: "one", 8: "eight",
  g: "ellipses", c: "compare", i: "info", f: "full",
};
/** How long a message about an error stays, ms. */
const SHOWN = 8000;

export class SplatViewer {
  /**
   * @param {HTMLElement} element
   * @param {ViewerOptions} [options]
   */
  constructor(element, options = {}) {
    this.element = element;
    this.options = options;
    this.name = "";
    this.hasEllipses = false;
    this.hasOpened = false;
    this.noted = 0;
    /** @type {"open" | "compare"} */
    this.purpose = "open";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.alertTimer = undefined;
    /** @type {SplatLayer | null} */
    this.layer = null;
    this.ending = new AbortController();
    this.toolbar = new Toolbar((name) => this.#act(name));
    this.panel = new Panel({ close: () => this.showInfo(false), showLevels: () => this.#showEllipses() });
    this.slider = new Slider(() => this.#moveBorder());
    const canvas = make("canvas", { "aria-hidden": "true" });
    const says = { role: "application", "aria-roledescription": "picture viewer", "aria-label": "Picture", "aria-description": HELP };
    this.surface = make("div", { class: "splat-stage", tabindex: "0", ...says }, canvas);
    this.status = make("p", { class: "splat-status" });
    this.live = make("p", { class: "splat-live", "aria-live": "polite" });
    this.alert = make("p", { class: "splat-alert", role: "alert", hidden: true });
    this.chooser = make("input", { type: "file", hidden: true, accept: "image/*,.splat2d", tabindex: "-1" });
    this.welcome = this.#makeWelcome();
    const sheets = [this.slider.element, this.welcome, this.status, this.panel.element, this.toolbar.element];
    this.parts = [this.surface, ...sheets, this.alert, this.live, this.chooser];
    element.classList.add("splat-viewer");
    element.append(...this.parts);
    this.stage = new Stage(this.surface, canvas, {
      onCamera: (camera, isFit) => {
        this.toolbar.setZoom(camera.zoom);
        this.surface.classList.toggle("splat-still", isFit && !options.link);
      },
      onRest: () => this.#rested(),
      onSharp: () => this.#dispatch("sharp"),
    });
    if (!document.fullscreenEnabled) this.toolbar.remove("full");
    this.#listen();
  }

  /**
   * Shows a picture. Resolves when its header is known; throws as the decoder's `open` does, after it has said so on the page.
   * @param {Source} source
   * @param {{name?: string, compare?: {source: Source, name?: string}, signal?: AbortSignal}} [options]
   */
  async open(source, { name, compare, signal } = {}) {
    const layer = new SplatLayer({ onChange: () => this.#changed(layer), onError: (error) => this.#fail(error) }, this.options);
    signal?.addEventListener("abort", () => layer.close());
    this.layer?.close();
    this.compare(null);
    this.layer = layer;
    this.welcome.hidden = true;
    this.element.setAttribute("aria-busy", "true");
    try {
      await layer.open(absolute(source), this.options.bounds);
    } catch (error) {
      layer.close();
      signal?.throwIfAborted();
      if (this.layer === layer) this.#fail(/** @type {Error} */ (error), true);
      throw error;
    }
    if (this.layer !== layer || !layer.opened) return;
    const { header, colorSpace, facts, notes } = layer.opened;
    this.name = name ?? nameOf(source);
    this.surface.setAttribute("aria-label", `${this.name}, ${header.width} by ${header.height} pixels`);
    this.panel.show(this.name, facts, header.levelCounts, notes);
    this.noted = notes.length;
    this.alert.hidden = true;
    this.toolbar.element.hidden = false;
    this.stage.show(layer, { width: header.width, height: header.height }, colorSpace, header.channels % 2 === 0);
    if (!this.hasOpened) this.#followLink();
    this.hasOpened = true;
    this.#showEllipses();
    this.#changed(layer);
    this.#dispatch("open");
    if (compare) await this.compare(compare.source, compare);
  }

  /**
   * A second picture, right of a line that can be moved; null: none.
   * @param {Source | null} source
   * @param {{name?: string}} [options]
   */
  async compare(source, { name } = {}) {
    this.stage.other?.close();
    this.stage.other = null;
    this.showCompare(false);
    if (source === null) return;
    try {
      const other = await this.#layerOf(source);
      this.stage.other = other;
      this.slider.name(this.name, name ?? nameOf(source));
      this.showCompare(true);
    } catch (error) {
      this.#fail(/** @type {Error} */ (error));
      throw error;
    }
  }

  /** @param {Source} source */
  async #layerOf(source) {
    const given = absolute(source);
    const isUrl = typeof given === "string";
    if (!isUrl || !/\.splat2d([?#]|$)/i.test(given)) {
      const blob = isUrl ? await (await fetch(given)).blob() : given instanceof Blob ? given : new Blob([/** @type {BlobPart} */ (given)]);
      const start = new Uint8Array(await blob.slice(0, 4).arrayBuffer());
      if (String.fromCharCode(...start) !== "\u008bS2D") {
        const image = new ImageLayer();
        await image.open(blob);
        return image;
      }
    }
    const layer = new SplatLayer({ onChange: () => this.stage.invalidate(), onError: (error) => this.#fail(error) }, { ...this.options, workers: 1 });
    await layer.open(given, this.options.bounds);
    return layer;
  }

  /** Where one looks, px of the picture, and pixels of the screen per px. */
  get view() {
    return { ...this.stage.target };
  }

  /** @param {Partial<import("./camera.js").Camera>} view */
  goTo(view) {
    this.stage.jump({ ...this.stage.target, ...view });
  }

  fit() {
    this.stage.fit();
  }

  /** @param {boolean} isShown */
  showInfo(isShown) {
    const hadFocus = this.panel.element.contains(document.activeElement);
    this.panel.element.hidden = !isShown;
    this.toolbar.setPressed("info", isShown);
    this.element.classList.toggle("splat-with-panel", isShown);
    if (!isShown && hadFocus) this.toolbar.buttons.get("info")?.focus();
  }

  /** @param {boolean} isShown */
  showEllipses(isShown) {
    this.toolbar.setPressed("ellipses", isShown);
    this.hasEllipses = isShown;
    this.#showEllipses();
  }

  #showEllipses() {
    this.layer?.showEllipses(this.hasEllipses ? this.panel.levels : 0, Math.max(1, Math.round(this.stage.ratio)));
    this.stage.invalidate();
  }

  /** @param {boolean} isShown */
  showCompare(isShown) {
    this.slider.element.hidden = !isShown;
    this.toolbar.setPressed("compare", isShown);
    this.#moveBorder();
  }

  #moveBorder() {
    if (!this.stage) return; // it is only being made
    this.stage.border = this.slider.element.hidden ? null : this.slider.place;
    this.stage.invalidate();
  }

  /** Resolves when all that is seen is as sharp as it gets. */
  settled() {
    const { stage } = this;
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const look = () => (stage.isSharp && stage.isResting && !stage.request ? resolve() : setTimeout(look, 5));
        look();
      })
    );
  }

  /** Ends the workers, and takes away what it has put into the element. */
  close() {
    this.ending.abort();
    this.layer?.close();
    this.stage.other?.close();
    this.stage.close();
    this.layer = null;
    for (const part of this.parts) part.remove();
    this.element.classList.remove("splat-viewer", "splat-with-panel");
  }

  /** @param {import("./toolbar.js").Name} name */
  #act(name) {
    const { stage } = this;
    const { zoom } = stage.target;
    const acts = {
      minus: () => stage.zoomTo(zoom / FACTOR),
      plus: () => stage.zoomTo(zoom * FACTOR),
      zoom: () => stage.zoomTo(1),
      fit: () => stage.fit(),
      one: () => stage.zoomTo(1),
      eight: () => stage.zoomTo(8),
      ellipses: () => this.showEllipses(!this.hasEllipses),
      compare: () => (stage.other ? this.showCompare(stage.border === null) : this.#ask("compare")),
      info: () => this.showInfo(this.panel.element.hidden),
      full: () => (document.fullscreenElement ? document.exitFullscreen() : this.element.requestFullscreen().catch((error) => this.#fail(error))),
    };
    acts[name]();
    if (stage.target.zoom !== zoom) this.live.textContent = `Zoom ${percent(stage.target.zoom)}`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.layer?.opened || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof HTMLInputElement && event.target.type !== "checkbox") return;
    const step = STEP * (event.shiftKey ? 5 : 1);
    const isInPanel = this.panel.element.contains(/** @type {Node} */ (event.target));
    const [move, name] = [MOVES[event.key], NAMES[event.key.length === 1 ? event.key.toLowerCase() : event.key]];
    if (move && !isInPanel) this.stage.move(step * move[0], step * move[1], true);
    else if (name && this.toolbar.buttons.get(name)?.isConnected) this.#act(name);
    else if (event.key === "Escape" && !this.panel.element.hidden) this.showInfo(false);
    else return;
    event.preventDefault();
  }

  #listen() {
    const { signal } = this.ending;
    const { stage, element } = this;
    const stop = listen(this.surface, {
      drag: (across, down) => (stage.hold(true), stage.move(across, down)),
      zoom: (factor, at, isSmooth) => {
        stage.isRolling = !isSmooth;
        stage.zoomTo((isSmooth ? stage.target : stage.camera).zoom * factor, at, isSmooth);
      },
      rest: () => stage.hold(false),
      takesWheel: (event) => {
        const isOurs = Boolean(this.options.link) || element.contains(document.activeElement) || document.fullscreenElement === element;
        return isOurs || event.ctrlKey || event.metaKey; // else it scrolls the page
      },
    });
    signal.addEventListener("abort", stop);
    (this.options.link ? document : element).addEventListener("keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event)), { signal });
    element.addEventListener("fullscreenchange", () => this.toolbar.setPressed("full", document.fullscreenElement === element), { signal });
    if (this.options.link) globalThis.addEventListener("hashchange", () => this.#followLink(), { signal });
    this.chooser.addEventListener("change", () => this.#choose(this.chooser.files?.[0], this.purpose), { signal });
    element.addEventListener("dragover", (event) => event.preventDefault(), { signal });
    element.addEventListener("drop", (event) => (event.preventDefault(), this.#drop(event.dataTransfer?.files[0])), { signal });
  }

  #makeWelcome() {
    const button = make("button", { type: "button" }, "Choose a file");
    button.addEventListener("click", () => this.#ask("open"));
    return make("div", { class: "splat-welcome" }, make("p", {}, "Drop a .splat2d picture here, or"), button);
  }

  /** @param {"open" | "compare"} purpose of the file */
  #ask(purpose) {
    this.purpose = purpose;
    this.chooser.click();
  }

  /**
   * @param {File | undefined} file
   * @param {"open" | "compare"} [purpose]
   */
  #choose(file, purpose = "open") {
    this.chooser.value = "";
    if (file) this[purpose](file).catch(() => {}); // it has been said
  }

  /** @param {File | undefined} file another picture, or one to compare this one with */
  #drop(file) {
    this.#choose(file, file && this.layer?.opened && !/\.splat2d$/i.test(file.name) ? "compare" : "open");
  }

  #followLink() {
    const view = this.options.link && parseLink(location.hash);
    if (view) this.stage.jump(view);
  }

  #rested() {
    if (!this.options.link) return;
    const hash = this.stage.isFit ? "" : formatLink(this.stage.camera);
    if (hash === location.hash) return;
    try {
      history.replaceState(history.state, "", hash || location.pathname + location.search);
    } catch {
      // a page that may not: the picture is still shown
    }
  }

  /** @param {SplatLayer} layer */
  #changed(layer) {
    if (layer !== this.layer) return;
    const bytes = `${grouped(layer.bytesLoaded)} of ${grouped(layer.bytes)} bytes`;
    this.status.textContent = layer.isDamaged ? `${bytes}, damaged: not all is shown` : bytes;
    if (layer.opened && layer.notes && layer.notes.length !== this.noted) {
      this.noted = layer.notes.length;
      this.panel.show(this.name, layer.opened.facts, layer.opened.header.levelCounts, layer.notes);
      this.#say(layer.notes[this.noted - 1]);
    }
    this.stage.invalidate();
  }

  /** @param {"open" | "sharp" | "error"} type */
  #dispatch(type, detail = /** @type {unknown} */ (undefined)) {
    if (type !== "open") this.element.removeAttribute("aria-busy");
    this.element.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * @param {Error} error
   * @param {boolean} [isLasting] there is no picture
   */
  #fail(error, isLasting = false) {
    if (error.name === "AbortError") return;
    this.#say(error.message, isLasting);
    if (isLasting) this.welcome.hidden = false;
    this.#dispatch("error", error);
  }

  /**
   * Shows a line on top of everything.
   * @param {string} message
   * @param {boolean} [isLasting]
   */
  #say(message, isLasting = false) {
    this.alert.textContent = message;
    this.alert.hidden = false;
    clearTimeout(this.alertTimer);
    if (!isLasting) this.alertTimer = setTimeout(() => (this.alert.hidden = true), SHOWN);
  }
}

/**
 * A source as a worker can take it, which has another address than the page.
 * @param {Source} source
 */
const absolute = (source) => (typeof source === "string" || source instanceof URL ? new URL(source, document.baseURI).href : source);

/** @param {Source} source */
function nameOf(source) {
  if (source instanceof File) return source.name;
  if (typeof source !== "string" && !(source instanceof URL)) return "picture";
  const last = new URL(source, document.baseURI).pathname.split("/").pop() ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
