/**
 * `<splat-image src="photo.splat2d" alt="...">`: an element that behaves like `<img>`. It is drawn as large as it is shown, and again when it
 * grows; one that takes a while to arrive is seen in its coarse levels first, one that takes a while to draw with fewer pixels. splat_image.d.ts has its properties.
 */
import { contextOf, readAll, scaleToWidth } from "./canvas.js";
import { ChangedFileError, open } from "./splat2d.js";
import { WHOLE_FIRST } from "./source.js";

/**
 * @typedef {import("./splat2d.js").Picture} Picture
 *
 * @typedef {object} Load of a picture
 * @property {string} url
 * @property {AbortController} controller
 * @property {"deferred" | "loading" | "loaded" | "failed"} state
 * @property {Picture | null} picture
 * @property {Promise<void>} done
 * @property {() => void} resolve
 * @property {(error: unknown) => void} reject
 */

/** Pixels that are drawn at most, and where nothing says how large the element is shown. */
const [MOST, UNSEEN] = [2 ** 24, 2 ** 22];
/** Pixels from which on a picture is drawn with fewer first, and how many these are. */
const [LARGE, PREVIEW] = [2 ** 21, 2 ** 18];
/** ms after which coarse levels are shown, if finer ones are still on their way. */
const PATIENCE = 100;
/** px around the window in which `loading="lazy"` loads: what browsers take for `<img>`. */
const MARGIN = "1250px";
/** How much larger, or smaller, than it was drawn a picture is shown before it is drawn again. */
const [LARGER, SMALLER] = [1.01, 0.5];

const STYLE = `
  :host { display: inline-block; width: max-content; min-width: 0; min-height: 0; flex-shrink: 0; overflow: clip; }
  :host([hidden]) { display: none; }
  canvas { display: block; width: 100%; height: 100%; object-fit: inherit; object-position: inherit; }
`;

/** Elements that wait until they are near the window. */
const nearby = typeof IntersectionObserver === "undefined" ? null : new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) /** @type {SplatImage} */ (target).load();
}, { rootMargin: MARGIN });

/** Not of a browser: so that this module can be imported where there is none. */
const Base = /** @type {typeof HTMLElement} */ (typeof HTMLElement === "undefined" ? class {} : HTMLElement);

export class SplatImage extends Base {
  static observedAttributes = ["src", "alt", "width", "height", "loading"];

  /** @type {Load | null} */
  #load = null;
  #internals = this.attachInternals();
  #root = this.attachShadow({ mode: "open" });
  #sheet = new CSSStyleSheet();
  /** Width at which the picture was drawn, pixels. */
  #drawn = 0;
  /** @type {AbortController | null} of drawing it again */
  #drawing = null;
  #sizes = new ResizeObserver(() => this.#fit());

  constructor() {
    super();
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [style, this.#sheet];
    this.#describe();
  }

  get src() {
    const given = this.getAttribute("src");
    return given ? resolved(given) : "";
  }

  set src(value) {
    this.setAttribute("src", value);
  }

  get alt() {
    return this.getAttribute("alt") ?? "";
  }

  set alt(value) {
    this.setAttribute("alt", value);
  }

  get loading() {
    return this.getAttribute("loading")?.toLowerCase() === "lazy" ? "lazy" : "eager";
  }

  set loading(value) {
    this.setAttribute("loading", value);
  }

  /** px as shown; where it is not, of the picture. */
  get width() {
    return this.#shown().width || this.naturalWidth;
  }

  set width(value) {
    this.setAttribute("width", String(value));
  }

  get height() {
    return this.#shown().height || this.naturalHeight;
  }

  set height(value) {
    this.setAttribute("height", String(value));
  }

  get naturalWidth() {
    return this.#load?.picture?.width ?? 0;
  }

  get naturalHeight() {
    return this.#load?.picture?.height ?? 0;
  }

  get complete() {
    return !this.getAttribute("src") || this.#load?.state === "loaded" || this.#load?.state === "failed";
  }

  get currentSrc() {
    return this.#load?.url ?? "";
  }

  /** What was opened: header, metadata, notes. */
  get picture() {
    return this.#load?.picture ?? null;
  }

  /** Ends when the picture is drawn. Throws an EncodingError if it cannot be, or another has taken its place. */
  async decode() {
    this.load();
    const load = this.#load;
    try {
      if (!load) throw new Error("there is no src");
      await load.done;
      if (load !== this.#load) throw new Error("it has another src now");
    } catch (error) {
      throw new DOMException(`${load?.url ?? "the picture"} cannot be decoded: ${messageOf(error)}`, "EncodingError");
    }
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name === "src") this.#begin();
    else if (name === "alt") this.#describe();
    else if (name === "loading") this.#schedule();
    else this.#size();
  }

  connectedCallback() {
    for (const name of SplatImage.observedAttributes) this.#adopt(name);
    this.#sizes.observe(this);
    this.#schedule();
  }

  disconnectedCallback() {
    this.#sizes.disconnect();
    nearby?.unobserve(this);
    setTimeout(() => this.isConnected || this.#pause()); // unless it was only moved
  }

  /**
   * Takes over a property that was set before this module had come.
   * @param {string} name
   */
  #adopt(name) {
    const value = Object.getOwnPropertyDescriptor(this, name)?.value;
    if (value === undefined) return;
    delete (/** @type {any} */ (this)[name]);
    Object.assign(this, { [name]: value });
  }

  /** Loads what was put off. */
  load() {
    if (this.#load?.state === "deferred") this.#run(this.#load);
  }

  /** The src is another. */
  #begin() {
    this.#load?.controller.abort();
    this.#load?.picture?.close();
    this.#load?.reject(new Error("it has another src now"));
    this.#load = null;
    this.#root.replaceChildren();
    if (this.src) this.#load = deferred(this.src);
    this.#size();
    this.#schedule();
  }

  /** Loads at once, or when the element is near the window. */
  #schedule() {
    if (this.#load?.state !== "deferred") return;
    if (this.loading === "eager") queueMicrotask(() => this.loading === "eager" && this.load());
    else if (this.isConnected) nearby?.observe(this);
  }

  /** Of an element that has left the document: loading begins again when it returns. */
  #pause() {
    this.#drawing?.abort();
    if (this.#load?.state !== "loading") return;
    this.#load.controller.abort();
    this.#load.controller = new AbortController();
    this.#load.state = "deferred";
  }

  /** @param {Load} load */
  async #run(load) {
    nearby?.unobserve(this);
    load.state = "loading";
    const { signal } = load.controller;
    try {
      try {
        await this.#show(load, signal);
      } catch (error) {
        if (!(error instanceof ChangedFileError)) throw error;
        await this.#show(load, signal); // once more, from its new beginning
      }
      signal.throwIfAborted();
      load.state = "loaded";
      load.resolve();
      this.dispatchEvent(new Event("load"));
      this.#fit();
    } catch (error) {
      if (signal.aborted) return;
      load.state = "failed";
      load.picture = null;
      load.reject(error);
      this.#root.replaceChildren(this.alt);
      this.#size();
      this.dispatchEvent(new ErrorEvent("error", { error, message: messageOf(error) }));
    }
  }

  /**
   * @param {Load} load
   * @param {AbortSignal} signal
   */
  async #show(load, signal) {
    const picture = await open(load.url, { signal, firstBytes: WHOLE_FIRST });
    signal.throwIfAborted();
    load.picture = picture;
    this.#size();
    const ending = new AbortController();
    const ended = AbortSignal.any([signal, ending.signal]);
    const columns = this.#columns(picture);
    const [small, scale] = [PREVIEW, MOST].map((most) => scaleToWidth(picture, columns, most));
    setTimeout(() => this.#showCoarse(picture, small, ended), PATIENCE);
    try {
      if (columns ** 2 * picture.height > LARGE * picture.width) this.#put(await readAll(picture, { scale: small, signal }));
      this.#put(await readAll(picture, { scale, signal }));
    } finally {
      ending.abort();
    }
  }

  /**
   * @param {Picture} picture
   * @param {number | [number, number]} scale
   * @param {AbortSignal} signal
   */
  async #showCoarse(picture, scale, signal) {
    const [coarse, ...finer] = picture.layers;
    if (signal.aborted || !finer.length || picture.bytesLoaded === picture.bytes) return;
    try {
      this.#put(await readAll(picture, { scale, maxLevel: coarse.level, signal }));
    } catch {
      // the whole picture says what is wrong
    }
  }

  /** @param {ImageData} image */
  #put(image) {
    this.#drawn = image.width;
    this.#root.replaceChildren(contextOf(image).canvas);
  }

  /** Draws the picture again if it is shown at quite another size. */
  async #fit() {
    const load = this.#load;
    if (load?.state !== "loaded" || !load.picture || !this.#shown().width) return;
    const scale = scaleToWidth(load.picture, this.#columns(load.picture), MOST);
    const wanted = (typeof scale === "number" ? scale : scale[0] / scale[1]) * load.picture.width;
    this.#drawing?.abort();
    if (wanted < LARGER * this.#drawn && wanted > SMALLER * this.#drawn) return;
    const drawing = (this.#drawing = new AbortController());
    const signal = AbortSignal.any([drawing.signal, load.controller.signal]);
    try {
      this.#put(await readAll(load.picture, { scale, signal }));
    } catch (error) {
      if (!signal.aborted) console.warn(`${load.url}: ${messageOf(error)}`); // what was drawn before stays
    }
  }

  /**
   * Pixels that a picture is to have in a row, so that it is sharp where it is shown.
   * @param {Picture} picture
   */
  #columns({ width, height }) {
    const shown = this.#shown();
    if (!shown.width || !shown.height) return Math.min(width, Math.sqrt((UNSEEN / height) * width));
    const [across, down] = [shown.width / width, shown.height / height];
    const fit = getComputedStyle(this).objectFit;
    if (fit === "none" || (fit === "scale-down" && Math.min(across, down) >= 1)) return width; // a canvas is as large as its pixels
    return width * devicePixelRatio * (fit === "contain" || fit === "scale-down" ? Math.min(across, down) : Math.max(across, down));
  }

  /** Size of the content box, px; 0 where nothing is shown. */
  #shown() {
    if (!this.isConnected) return { width: 0, height: 0 };
    const style = getComputedStyle(this);
    const inside = (/** @type {number} */ outer, /** @type {string[]} */ sides) =>
      Math.round(sides.reduce((left, side) => left - (parseFloat(style.getPropertyValue(`padding-${side}`)) || 0), outer));
    return { width: inside(this.clientWidth, ["left", "right"]), height: inside(this.clientHeight, ["top", "bottom"]) };
  }

  /** The space that it takes, as of an `<img>`: by its attributes, by the picture, and nothing before both are known. */
  #size() {
    const [width, height] = ["width", "height"].map((name) => lengthOf(this.getAttribute(name)));
    const { naturalWidth, naturalHeight } = this;
    const rules = [width && `width: ${width};`, height && `height: ${height};`];
    const ratio = naturalWidth ? [naturalWidth, naturalHeight] : [width, height].map((each) => (each?.endsWith("px") ? parseFloat(each) : 0));
    if (ratio.every((side) => side > 0)) rules.push(`aspect-ratio: auto ${ratio.join(" / ")};`);
    if (this.#load?.state !== "failed") rules.push(`contain: size; contain-intrinsic-size: ${naturalWidth}px ${naturalHeight}px;`);
    this.#sheet.replaceSync(`:host { ${rules.filter(Boolean).join(" ")} }`);
  }

  /** What it is to those who do not see it. */
  #describe() {
    this.#internals.role = this.getAttribute("alt") === "" ? "presentation" : "img";
    this.#internals.ariaLabel = this.alt;
    if (this.#load?.state === "failed") this.#root.replaceChildren(this.alt);
  }
}

/**
 * @param {string} url
 * @returns {Load}
 */
function deferred(url) {
  let [resolve, reject] = [() => {}, (/** @type {unknown} */ _error) => {}];
  /** @type {Promise<void>} */
  const done = new Promise((...both) => ([resolve, reject] = both));
  done.catch(() => {}); // reported by `error` and `decode`
  return { url, controller: new AbortController(), state: "deferred", picture: null, done, resolve, reject };
}

/** @param {string} url */
function resolved(url) {
  try {
    return new URL(url, document.baseURI).href;
  } catch {
    return url;
  }
}

/**
 * A CSS length of an attribute of pixels or per cent.
 * @param {string | null} given
 */
function lengthOf(given) {
  const found = /^\s*(\d+(?:\.\d+)?)(%?)/.exec(given ?? "");
  return found ? `${found[1]}${found[2] || "px"}` : undefined;
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

if (typeof customElements !== "undefined" && !customElements.get("splat-image")) customElements.define("splat-image", SplatImage);
