/**
 * The page of `tools/rd_bench.py --page`: two files of a picture with a line between them, and beside each other what all files of the
 * same ratio have where one looks. Everything is of the viewer but the choice of files.
 */
import { originOf } from "./camera.js";
import { make } from "./dom.js";
import { listen } from "./gestures.js";
import { ImageLayer } from "./image_layer.js";
import { Slider } from "./slider.js";
import { Stage } from "./stage.js";
import { Toolbar } from "./toolbar.js";

/**
 * @typedef {{name: string, facts: string, source: string}} File of a codec, or the original
 * @typedef {{name: string, ratios: {ratio: string, files: File[]}[]}} Picture
 */

/** Sides of the crops, CSS pixels. */
const CROP = 256;
const FACTOR = 1.5;

/** @type {Picture[]} */
const pictures = JSON.parse(document.getElementById("pictures")?.textContent ?? "[]");

class Page {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.loading = 0;
    this.picture = select("Picture", pictures.map(({ name }) => name), () => this.#choosePicture());
    this.ratio = select("CR", [], () => this.#show());
    this.blind = make("input", { type: "checkbox", id: "blind" });
    this.blind.addEventListener("change", () => this.#show());
    const canvas = make("canvas", { "aria-hidden": "true" });
    this.surface = make("div", { class: "splat-stage", tabindex: "0", role: "application", "aria-label": "Two files of a picture" }, canvas);
    this.slider = new Slider(() => this.#moveBorder());
    this.toolbar = new Toolbar((name) => this.#act(name));
    for (const name of /** @type {const} */ (["ellipses", "compare", "info"])) this.toolbar.remove(name);
    this.toolbar.element.hidden = this.slider.element.hidden = false;
    this.viewer = make("div", { class: "splat-viewer" }, this.surface, this.slider.element, this.toolbar.element);
    this.crops = make("div", { class: "crops" });
    const blind = make("label", { for: "blind" }, this.blind, " without names, in another order");
    const nav = make("nav", {}, ...labelled(this.picture), ...labelled(this.ratio), blind);
    element.append(nav, this.viewer, this.crops);
    this.stage = new Stage(this.surface, canvas, {
      onCamera: (camera) => {
        this.toolbar.setZoom(camera.zoom);
        this.#paintCrops();
      },
      onRest: () => {},
      onSharp: () => {},
    });
    const { stage } = this;
    listen(this.surface, {
      drag: (across, down) => (stage.hold(true), stage.move(across, down)),
      zoom: (factor, at, isSmooth) => {
        stage.isRolling = !isSmooth;
        stage.zoomTo((isSmooth ? stage.target : stage.camera).zoom * factor, at, isSmooth);
      },
      rest: () => stage.hold(false),
      takesWheel: (event) => this.viewer.contains(document.activeElement) || event.ctrlKey || event.metaKey,
    });
    /** @type {{file: File, label: string, layer: ImageLayer, canvas: HTMLCanvasElement, left: HTMLInputElement, right: HTMLInputElement}[]} */
    this.shown = [];
    this.#choosePicture();
  }

  #choosePicture() {
    const before = this.ratio.value;
    this.ratio.replaceChildren(...this.chosen.ratios.map(({ ratio }) => make("option", {}, ratio)));
    if (this.chosen.ratios.some(({ ratio }) => ratio === before)) this.ratio.value = before;
    this.#show();
  }

  get chosen() {
    return pictures[this.picture.selectedIndex];
  }

  /** Loads the files of a picture and a ratio, and shows two of them. */
  async #show() {
    const run = ++this.loading;
    this.viewer.setAttribute("aria-busy", "true");
    const { files } = this.chosen.ratios[this.ratio.selectedIndex];
    const order = this.blind.checked ? shuffled(files) : files;
    const layers = await Promise.all(order.map(({ source }) => loaded(source)));
    if (run !== this.loading) return;
    this.shown = order.map((file, i) => this.#crop(file, this.blind.checked ? String.fromCharCode(65 + i) : file.name, layers[i]));
    this.crops.replaceChildren(...this.shown.map(({ canvas }) => /** @type {HTMLElement} */ (canvas.parentElement)));
    this.shown[Math.min(1, order.length - 1)].left.checked = true;
    this.shown[order.length - 1].right.checked = true;
    this.stage.show(layers[0], layers[0].size ?? { width: 1, height: 1 }, "srgb", false);
    this.#choose();
    this.viewer.removeAttribute("aria-busy");
  }

  /**
   * @param {File} file
   * @param {string} label
   * @param {ImageLayer} layer
   */
  #crop(file, label, layer) {
    const side = Math.round(CROP * this.stage.ratio);
    const canvas = make("canvas", { width: String(side), height: String(side), role: "img", "aria-label": label });
    const radio = (/** @type {string} */ name) => {
      const input = make("input", { type: "radio", name, "aria-label": `${label} ${name} of the line` });
      input.addEventListener("change", () => this.#choose());
      return input;
    };
    const [left, right] = [radio("left"), radio("right")];
    const facts = make("small", {}, this.blind.checked ? "" : file.facts);
    make("figure", {}, canvas, make("figcaption", {}, left, make("b", {}, label), right, facts));
    return { file, label, layer, canvas, left, right };
  }

  /** The two that are chosen get the line between them. */
  #choose() {
    const [left, right] = [this.shown.find((each) => each.left.checked), this.shown.find((each) => each.right.checked)];
    if (!left || !right) return;
    [this.stage.base, this.stage.other] = [left.layer, right.layer];
    this.slider.name(left.label, right.label);
    this.#moveBorder();
    this.#paintCrops();
  }

  #moveBorder() {
    if (!this.stage) return; // it is only being made
    this.stage.border = this.slider.place;
    this.stage.invalidate();
  }

  #paintCrops() {
    const zoom = Math.max(1, this.stage.camera.zoom);
    for (const { layer, canvas } of this.shown ?? []) {
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const camera = { ...this.stage.camera, zoom };
      context.clearRect(0, 0, canvas.width, canvas.height);
      layer.paint(context, camera, originOf(camera, canvas), canvas);
    }
  }

  /** @param {import("./toolbar.js").Name} name */
  #act(name) {
    const { stage } = this;
    const { zoom } = stage.target;
    if (name === "minus") stage.zoomTo(zoom / FACTOR);
    else if (name === "plus") stage.zoomTo(zoom * FACTOR);
    else if (name === "fit") stage.fit();
    else if (name === "full") document.fullscreenElement ? document.exitFullscreen() : this.viewer.requestFullscreen();
    else stage.zoomTo(name === "eight" ? 8 : 1);
  }
}

/**
 * A picture of the page's folder. An element: pages of a disk may fetch nothing.
 * @param {string} source
 */
async function loaded(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const layer = new ImageLayer();
  layer.picture = image;
  layer.size = { width: image.naturalWidth, height: image.naturalHeight };
  return layer;
}

/**
 * @param {string} label
 * @param {string[]} values
 * @param {() => void} onChange
 */
function select(label, values, onChange) {
  const element = make("select", { "aria-label": label }, ...values.map((value) => make("option", {}, value)));
  element.addEventListener("change", onChange);
  return element;
}

/** @param {HTMLElement} element */
const labelled = (element) => [`${element.getAttribute("aria-label")} `, element];

/**
 * @template T
 * @param {T[]} values
 */
function shuffled(values) {
  const keyed = values.map((value) => ({ value, key: Math.random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}

new Page(/** @type {HTMLElement} */ (document.getElementById("viewer")));
