/* Made of viewer_page.js and worker.js, with all that they import, by tools/web_build.py. */
(() => {
"use strict";
const own = typeof document === "undefined" ? null : document.currentScript;
const wasm = () => new URL("core.wasm", location.href);
const workerUrl = () => "viewer_script.js";
const made = (globalThis.splat2dModules ??= {});
const load = (name) => (made[name] ??= modules[name]());
const modules = {
"workers.js": (() => {

let early = null;
let hasFailed = false;

function makeWorker() {
  return new Worker(workerUrl());
}

function startWorker(source) {
  try {
    early = makeWorker();
    early.onerror = () => (hasFailed = true);
    early.postMessage({ type: "prepare", source: source ? new URL(source, document.baseURI).href : undefined });
  } catch {
    hasFailed = true; // of a page whose policy forbids workers
  }
}

function takeWorker() {
  if (hasFailed) throw new Error("workers do not start here");
  const worker = early ?? makeWorker();
  early = null;
  return worker;
}

function dropWorker() {
  early?.terminate();
  early = null;
}
return { startWorker, takeWorker, dropWorker };
}),
"dom.js": (() => {

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== false) element.setAttribute(name, value === true ? "" : value);
  element.append(...children);
  return element;
}

const ICONS = {
  minus: "M6 12h12",
  plus: "M6 12h12M12 6v12",
  fit: "M4 9V5h4M20 9V5h-4M4 15v4h4M20 15v4h-4",
  ellipses: "M14.3 8.3A6.5 3.6-35 1 1 3.7 15.7 6.5 3.6-35 1 1 14.3 8.3zM18.7 17.3A5 2.6 50 1 1 12.3 9.7 5 2.6 50 1 1 18.7 17.3z",
  compare: "M4 5h16v14H4zM12 3v18M8.5 10l-2 2 2 2M15.5 10l2 2-2 2",
  info: "M12 11v6M12 7.2v.3M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  full: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  close: "M7 7l10 10M17 7L7 17",
  handle: "M9 8l-4 4 4 4M15 8l4 4-4 4",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path")).setAttribute("d", ICONS[name]);
  return svg;
}
return { make, icon };
}),
"gestures.js": (() => {


const [WHEEL, PINCH] = [300, 90];
const LINE = 32;
const [TAP_TIME, TAP_SPACE] = [320, 28];

function listen(element, moves) {
  const ending = new AbortController();
    const down = new Map();
    let tap = { time: 0, at: [0, 0], isMoved: true };
  const placeOf = (event) => {
    const { left, top } = element.getBoundingClientRect();
    return ([event.clientX - left, event.clientY - top]);
  };
  const on = (type, act) =>
    element.addEventListener(type, act, { signal: ending.signal, passive: false });

  on("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    const at = placeOf(event);
    if (!down.size && !tap.isMoved && event.timeStamp - tap.time < TAP_TIME && apart(at, tap.at) < TAP_SPACE) {
      tap.isMoved = true;
      return moves.zoom(event.shiftKey ? 0.5 : 2, at, true);
    }
    down.set(event.pointerId, at);
    tap = { time: event.timeStamp, at, isMoved: down.size > 1 };
    element.classList.add("splat-held");
    return undefined;
  });
  on("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const at = placeOf(event);
    if (apart(at, tap.at) > TAP_SPACE / 4) tap.isMoved = true;
    down.set(event.pointerId, at);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return moves.drag(at[0] - before[0], at[1] - before[1]);
    if (down.size > 2) return undefined;
    const middle = (a) => ([(a[0] + other[0]) / 2, (a[1] + other[1]) / 2]);
    moves.drag(...difference(middle(at), middle(before)));
    return moves.zoom(Math.max(apart(at, other), 1) / Math.max(apart(before, other), 1), middle(at), false);
  });
  const lift = (event) => {
    if (!down.delete(event.pointerId) || down.size) return;
    element.classList.remove("splat-held");
    moves.rest();
  };
  on("pointerup", lift);
  on("pointercancel", lift);
  on("lostpointercapture", lift);
  on("wheel", (event) => {
    if (!moves.takesWheel(event)) return;
    event.preventDefault();
    const delta = event.deltaY * (event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? 10 * LINE : 1);
    moves.zoom(2 ** (-delta / (event.ctrlKey ? PINCH : WHEEL)), placeOf(event), Math.abs(delta) > 40);
  });
  return () => ending.abort();
}

const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

const difference = (a, b) => [a[0] - b[0], a[1] - b[1]];
return { listen };
}),
"grouped.js": (() => {

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
return { grouped };
}),
"image_layer.js": (() => {


const SQUARES = 2;

class ImageLayer {
    async open(blob) {
    this.picture = await decoded(blob);
    this.size = { width: this.picture.width, height: this.picture.height };
  }

  look() {}

  get isSharp() {
    return true;
  }

  close() {
    if (this.picture && "close" in this.picture) this.picture.close();
  }

    paint(context, { zoom }, [x, y], _view) {
    if (!this.picture || !this.size) return;
    const [width, height] = [Math.round(this.size.width * zoom), Math.round(this.size.height * zoom)];
    context.clearRect(x, y, width, height);
    context.imageSmoothingEnabled = zoom < SQUARES;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.picture, x, y, width, height);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "low";
  }
}

async function decoded(blob) {
  try {
    return await createImageBitmap(blob);
  } catch {
    const image = new Image(); // knows more: SVG
    const url = URL.createObjectURL(blob);
    try {
      image.src = url;
      await image.decode();
    } catch {
      throw new Error("the second picture is of no format that this browser knows");
    } finally {
      URL.revokeObjectURL(url);
    }
    return image;
  }
}
return { ImageLayer };
}),
"link.js": (() => {

function parseLink(hash) {
  const parts = hash.replace(/^#/, "").split(",");
  const numbers = parts.map((part) => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : NaN));
  if (numbers.length !== 3 || !numbers.every(Number.isFinite) || numbers[2] <= 0) return null;
  return { x: numbers[0], y: numbers[1], zoom: numbers[2] };
}

function formatLink({ x, y, zoom }) {
  const digits = Math.max(0, Math.ceil(Math.log10(zoom)) + 1);
  const place = (value) => String(Number(value.toFixed(Math.min(digits, 4))));
  const shown = zoom >= 0.001 ? Number(zoom.toPrecision(5)) : Number(zoom.toFixed(8));
  return `#${place(x)},${place(y)},${shown}`;
}
return { parseLink, formatLink };
}),
"level_colours.js": (() => {

const levelColour = (level) => `hsl(${(215 - 24 * level + 360) % 360} 95% ${level < 2 ? 65 : 58}%)`;
return { levelColour };
}),
"panel.js": (() => {
const { icon, make } = load("dom.js");
const { grouped } = load("grouped.js");
const { levelColour } = load("level_colours.js");


class Panel {
    constructor(actions) {
    this.actions = actions;
    this.title = make("h2");
    this.body = make("div", { class: "splat-facts", tabindex: "0", role: "group", "aria-label": "Facts" });
    const close = make("button", { type: "button", class: "splat-close", "aria-label": "Close" }, icon("close"));
    close.addEventListener("click", () => actions.close());
    const head = make("header", {}, this.title, close);
    this.element = make("aside", { class: "splat-panel", "aria-label": "About this picture", hidden: true }, head, this.body);
        this.boxes = [];
  }

    show(name, facts, levelCounts, notes) {
    this.title.textContent = name;
    const rows = facts.map(([fact, text]) => make("div", {}, make("dt", {}, fact), make("dd", {}, text)));
    const remarks = notes.map((note) => make("p", { class: "splat-note" }, note));
    this.body.replaceChildren(make("dl", {}, ...rows), ...remarks, this.#levels(levelCounts));
  }

    #levels(counts) {
    const most = Math.max(...counts, 1);
    const rows = counts.map((count, k) => {
      const level = counts.length - 1 - k;
      const box = make("input", { type: "checkbox", checked: true, value: String(level) });
      const bar = make("i");
      bar.style.width = `${(100 * count) / most}%`;
      bar.style.background = box.style.accentColor = levelColour(level);
      box.addEventListener("change", () => this.actions.showLevels(this.levels));
      const meter = make("span", { class: "splat-meter" }, bar);
      return make("label", {}, box, make("span", {}, `level ${level}`), meter, make("span", {}, grouped(count)));
    });
    this.boxes = rows.map((row) => (row.firstChild));
    return make("fieldset", { class: "splat-levels" }, make("legend", {}, "Gaussians by level"), ...rows);
  }

    get levels() {
    return this.boxes.reduce((bits, box) => (box.checked ? bits | (1 << Number(box.value)) : bits), 0);
  }
}
return { Panel };
}),
"slider.js": (() => {
const { icon, make } = load("dom.js");

const STEPS = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 };

class Slider {
    constructor(onMove) {
    this.onMove = onMove;
    this.place = 0.5;
    const labels = { role: "slider", "aria-label": "Border between the two pictures", "aria-valuemin": "0", "aria-valuemax": "100" };
    this.handle = make("div", { class: "splat-handle", tabindex: "0", ...labels }, make("span", {}, icon("handle")));
    this.before = make("span", { class: "splat-before" });
    this.after = make("span", { class: "splat-after" });
    this.element = make("div", { class: "splat-slider", hidden: true }, this.before, this.after, this.handle);
    this.handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.stopPropagation(); // it is not the picture that is dragged
      this.handle.setPointerCapture(event.pointerId);
    });
    this.handle.addEventListener("pointermove", (event) => {
      if (!this.handle.hasPointerCapture(event.pointerId)) return;
      const { left, width } = this.element.getBoundingClientRect();
      this.set((event.clientX - left) / width);
    });
    this.handle.addEventListener("keydown", (event) => this.#key(event));
    this.set(0.5);
  }

    #key(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.set(this.place + step);
  }

    set(place) {
    this.place = Math.min(Math.max(place, 0), 1);
    this.handle.style.left = `${100 * this.place}%`;
    this.handle.setAttribute("aria-valuenow", String(Math.round(100 * this.place)));
    this.onMove();
  }

    name(before, after) {
    [this.before.textContent, this.after.textContent] = [before, after];
  }
}
return { Slider };
}),
"section_tile.js": (() => {


const SLACK = 1;

function tileOf({ column, row, tileLog2 }) {
  const side = 2 ** tileLog2;
  return [column * side, row * side, (column + 1) * side, (row + 1) * side];
}

function touches(section, [x0, y0, x1, y1]) {
  const [left, upper, right, lower] = tileOf(section);
  const margin = section.margin + SLACK;
  return x0 <= right + margin && x1 >= left - margin && y0 <= lower + margin && y1 >= upper - margin;
}
return { tileOf, touches };
}),
"cache.js": (() => {

class BoundedCache {
    constructor(limit, drop = () => {}) {
    this.limit = limit;
    this.drop = drop;
    this.cost = 0;
        this.entries = new Map();
  }

    get(key) {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

    set(key, value, cost) {
    this.delete(key);
    this.entries.set(key, { value, cost });
    this.cost += cost;
    for (const oldest of this.entries.keys()) {
      if (this.cost <= this.limit || oldest === key) break;
      this.delete(oldest);
    }
  }

    delete(key) {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.cost -= entry.cost;
    this.drop(entry.value);
  }

  *values() {
    for (const { value } of this.entries.values()) yield value;
  }

  clear() {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }
}
return { BoundedCache };
}),
"errors.js": (() => {

class SplatError extends Error {
    constructor(kind, message) {
    super(message);
    this.name = new.target.name;
    this.kind = kind;
  }
}

class CorruptFileError extends SplatError {
    constructor(message) {
    super("corrupt", message);
  }
}

class TruncatedFileError extends CorruptFileError {}

class UnsupportedFileError extends SplatError {
    constructor(message) {
    super("unsupported", message);
  }
}

class LimitError extends SplatError {
    constructor(message) {
    super("limit", message);
  }
}

class NetworkError extends SplatError {
    constructor(message, isFinal = false) {
    super("network", message);
    this.isFinal = isFinal;
  }
}

class ChangedFileError extends NetworkError {}

const corrupt = (message) => new CorruptFileError(message);
return { SplatError, CorruptFileError, TruncatedFileError, UnsupportedFileError, LimitError, NetworkError, ChangedFileError, corrupt };
}),
"ellipses.js": (() => {
const { levelColour } = load("level_colours.js");


const THIN = 0.35;

function drawEllipses(context, { level, mean, scale, angle }, { scale: [numerator, denominator], left, top }, levels, lineWidth) {
  const density = numerator / denominator;
  context.lineWidth = lineWidth;
  for (let each = 15; each >= 0; each--) {
    if (!(levels & (1 << each))) continue;
    context.beginPath();
    for (let i = 0; i < level.length; i++) {
      if (level[i] !== each) continue;
      const [x, y] = [mean[2 * i] * density - left, mean[2 * i + 1] * density - top];
      const [a, b] = [Math.max(scale[2 * i] * density, THIN), Math.max(scale[2 * i + 1] * density, THIN)];
      context.moveTo(x + a * Math.cos(angle[i]), y + a * Math.sin(angle[i]));
      context.ellipse(x, y, a, b, angle[i], 0, 2 * Math.PI);
    }
    context.strokeStyle = levelColour(each);
    context.stroke();
  }
}
return { drawEllipses };
}),
"pixels.js": (() => {

const { LimitError } = load("errors.js");

function allocateRgba(width, height) {
  try {
    return new Uint8ClampedArray(4 * width * height);
  } catch {
    throw new LimitError(`there is no memory for ${width} x ${height} pixels: take a region or a smaller scale`);
  }
}

function writeRgba(samples, channels, data, first) {
  if (channels === 4) return data.set(samples, 4 * first);
  const colours = channels === 3 ? [0, 1, 2] : [0, 0, 0];
  for (let from = 0, to = 4 * first; from < samples.length; from += channels, to += 4) {
    data[to] = samples[from];
    data[to + 1] = samples[from + colours[1]];
    data[to + 2] = samples[from + colours[2]];
    data[to + 3] = channels === 2 ? samples[from + 1] : 255;
  }
  return undefined;
}

function imageOf(data, width, height, colorSpace) {
  if (typeof ImageData === "undefined") return { width, height, data, colorSpace };
  try {
    return new ImageData(data, width, height, { colorSpace });
  } catch {
    return new ImageData(data, width, height); // of a browser that does not know the colour space
  }
}

function colorSpaceOf(icc) {
  const name = icc.length ? profileName(icc) : "sRGB";
  if (/Display P3/i.test(name)) return { colorSpace: "display-p3", note: "" };
  const note = /sRGB/i.test(name) ? "" : `the colours are of the profile ${name || "without a name"}, and shown as sRGB`;
  return { colorSpace: "srgb", note };
}

function profileName(icc) {
  const view = new DataView(icc.buffer, icc.byteOffset, icc.byteLength);
  const text = (start, length) => String.fromCharCode(...icc.subarray(start, start + length));
  try {
    for (let at = 132; at < 132 + 12 * Math.min(view.getUint32(128), 100); at += 12) {
      if (text(at, 4) !== "desc") continue;
      const start = view.getUint32(at + 4);
      if (text(start, 4) === "desc") return printable(text(start + 12, Math.min(view.getUint32(start + 8), 100)));
      const [length, offset] = [view.getUint32(start + 20), view.getUint32(start + 24)];
      return printable(text(start + offset, Math.min(length, 200)));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a profile that is cut off
  }
  return "";
}

const printable = (text) => text.replace(/[^ -~]/g, "").trim();
return { allocateRgba, writeRgba, imageOf, colorSpaceOf, profileName };
}),
"facts.js": (() => {
const { grouped } = load("grouped.js");
const { profileName } = load("pixels.js");

const COLOURS = ["gray", "gray and alpha", "RGB", "RGB and alpha"];
const METADATA = ({ iccp: "colour profile", exif: "EXIF", xmpd: "XMP" });

function fileFacts({ bytes, header, chunks, sections, latents }, icc) {
  const { width, height, channels, depth, normalized, background, quantizer, count } = header;
  const size = bytes.length;
  const lengths = sections.map((section) => section.length);
  const spread = lengths.length > 1 ? ` of ${grouped(Math.min(...lengths))} to ${grouped(Math.max(...lengths))} bytes` : "";
  const head = chunks[0].offset;
  const ratio = (width * height * channels * depth) / 8 / size;
    const rows = [
    ["picture", `${width} × ${height}, ${COLOURS[channels - 1]}, ${depth} bits per sample`],
    ["blend", `${normalized ? "normalized" : "sum"}, background ${background.join(" ")}`],
    ["file", `${grouped(size)} bytes, ${((8 * size) / (width * height)).toFixed(4)} bpp, CR ${ratio.toFixed(1)}`],
    ["format", `${bytes[head]}.${bytes[head + 1]}, chunks: ${chunks.map(({ type, length }) => `${type} ${grouped(length)}`).join(", ")} bytes`],
    latents
      ? ["latents", `network ${latents.network}, q ${latents.q}`]
      : ["Gaussians", `${grouped(count)}, ${((8 * size) / Math.max(count, 1)).toFixed(2)} bits each`],
    ["sections", `${sections.length}${spread}`],
    ["quantizer", Object.entries(quantizer).map(([name, value]) => `${name} ${value}`).join(", ")],
  ];
  const carried = chunks.filter(({ type }) => METADATA[type]);
  const name = icc.length ? profileName(icc) : "";
  if (name) rows.push(["colours", name]);
  if (carried.length) rows.push(["metadata", carried.map(({ type, length }) => `${METADATA[type]} ${grouped(length)} bytes`).join(", ")]);
  return rows;
}
return { fileFacts };
}),
"numbers.js": (() => {
const { corrupt } = load("errors.js");

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

const crc32 = (...pieces) => ~pieces.reduce(addToCrc, -1) >>> 0;

function addToCrc(value, bytes) {
  for (let i = 0; i < bytes.length; i++) value = CRC_TABLE[(value ^ bytes[i]) & 255] ^ (value >>> 8);
  return value;
}

class Numbers {
    constructor(bytes, where, position = 0) {
    this.bytes = bytes;
    this.where = where;
    this.position = position;
  }

  u8() {
    if (this.position >= this.bytes.length) throw corrupt(`${this.where} ends too early, after ${this.bytes.length} bytes`);
    return this.bytes[this.position++];
  }

  i8() {
    return (this.u8() << 24) >> 24;
  }

  u32() {
    return (this.u8() | (this.u8() << 8) | (this.u8() << 16) | (this.u8() << 24)) >>> 0;
  }

  varint() {
    let value = 0;
    for (let unit = 1; unit < 2 ** 35; unit *= 128) {
      const group = this.u8();
      value += (group & 127) * unit;
      if (group >= 128) continue;
      if (group === 0 && unit > 1) throw this.#wrong("is not in its shortest form");
      return value;
    }
    throw this.#wrong("is longer than five bytes");
  }

    #wrong(what) {
    return corrupt(`the number that ends at byte ${this.position} of ${this.where} ${what}`);
  }

  end() {
    if (this.position !== this.bytes.length) throw corrupt(`${this.where} has ${this.bytes.length} bytes, expected ${this.position}`);
  }
}
return { crc32, addToCrc, Numbers };
}),
"memory.js": (() => {
const { LimitError } = load("errors.js");


const BYTES = { i32: 4, i64: 8, f32: 4, f64: 8, pointer: 4 };

const WRITE = {
  i32: (view, at, value) => view.setInt32(at, value, true),
  i64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  f32: (view, at, value) => view.setFloat32(at, value, true),
  f64: (view, at, value) => view.setFloat64(at, value, true),
  pointer: (view, at, value) => view.setUint32(at, value, true),
};

const READ = {
  i32: (view, at) => view.getInt32(at, true),
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  f32: (view, at) => view.getFloat32(at, true),
  f64: (view, at) => view.getFloat64(at, true),
  pointer: (view, at) => view.getUint32(at, true),
};

class Struct {
    constructor(kind, ...fields) {
    this.kind = kind;
        this.fields = new Map();
    let [offset, alignment] = [0, 1];
    for (const [type, names] of fields) {
      for (const each of names.split(" ")) {
        const [name, length = "1"] = each.split(/[[\]]/);
        offset = alignUp(offset, BYTES[type]);
        alignment = Math.max(alignment, BYTES[type]);
        this.fields.set(name, { type, offset, length: Number(length) });
        offset += BYTES[type] * Number(length);
      }
    }
    this.bytes = alignUp(offset, alignment);
  }

    write(view, at, values) {
    for (const name of Object.keys(values)) if (!this.fields.has(name)) throw new TypeError(`no field is called ${name}`);
    for (const [name, { type, offset, length }] of this.fields) {
      const value = values[name] ?? 0;
      const numbers = typeof value === "object" ? value : [value];
      for (let i = 0; i < length; i++) WRITE[type](view, at + offset + i * BYTES[type], Number(numbers[i] ?? 0));
    }
  }

    read(view, at, name) {
    const field = this.fields.get(name);
    if (!field) throw new TypeError(`no field is called ${name}`);
    return READ[field.type](view, at + field.offset);
  }
}

const alignUp = (value, unit) => Math.ceil(value / unit) * unit;

const PAGE = 65536;

class Arena {
    constructor(memory, base, most) {
    this.memory = memory;
    this.base = this.used = alignUp(base, 64);
    this.most = most;
  }

    reset() {
    this.used = this.base;
  }

    keep() {
    this.base = this.used;
  }

    take(bytes) {
    const address = this.used;
    const end = alignUp(address + bytes, 64);
    const missing = end - this.memory.buffer.byteLength;
    const needed = Math.ceil(end / 2 ** 20);
    const refusal = () => new LimitError(`this takes ${needed} MiB of memory, more than is allowed or there`);
    if (end > this.most) throw refusal();
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / PAGE));
      } catch {
        throw refusal();
      }
    }
    this.used = end;
    return address;
  }

    put(array) {
    const address = this.take(array.byteLength);
    new Uint8Array(this.memory.buffer, address, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return address;
  }

    putStructs(struct, rows) {
    const address = this.take(struct.bytes * rows.length);
    const view = new DataView(this.memory.buffer);
    rows.forEach((row, i) => struct.write(view, address + i * struct.bytes, row));
    return address;
  }

    copy(type, address, length) {
    return (new type(this.memory.buffer, address, length).slice());
  }
}
return { Struct, Arena };
}),
"structs.js": (() => {
const { Struct } = load("memory.js");

const NAMES = (["level", "x", "y", "log_scale", "aspect", "angle", "offset"]);

const QUANTIZER = ([
  ["position", "step"],
  ["position_slope", "slope"],
  ["log_scales", "bins"],
  ["aspect", "step"],
  ["angle", "step"],
  ["angle_slope", "slope"],
  ["luma", "step"],
  ["chroma", "step"],
  ["colour_slope", "slope"],
]);

const floatWidths = (channels) => ({ mean: 2, scale: 2, angle: 1, colour: channels });

const [STEPS, TABLES, PARTITIONS, SITE, PLACED] = [1, 2, 3, 4, 10];

const HEADER = new Struct(
  0,
  ["i32", ["channels", ...QUANTIZER.map(([name]) => name), "models"].join(" ")],
);
const SECTION = new Struct(
  5,
  ["i64", "start count stream length minimum parent tables first_level levels x0 y0 x1 y1 margin"],
  ["i32", "known truncated ends status"],
  ["i64", "decoded"],
  ["f64", "beyond bits[8]"],
);
const LEVEL = new Struct(6, ["i64", "count"], ["i32", "level x y columns rows unused"]);
const DECODE = new Struct(
  7,
  ["pointer", "steps bytes"],
  ["i64", "byte_count"],
  ["pointer", "sections"],
  ["i64", "section_count"],
  ["pointer", "levels"],
  ["i64", "level_count"],
  ["pointer", "first tables"],
  ["i64", "table_count"],
  ["pointer", `partitions ${NAMES.join(" ")} colour sites order`],
  ["i64", "count"],
  ["pointer", "workspace"],
  ["i64", "workspace_bytes"],
  ["i32", "workers tally"],
  ["pointer", "stop"],
);
const COLUMNS = new Struct(15, ["pointer", `${NAMES.join(" ")} colour`]);
const GAUSSIANS = new Struct(16, ["pointer", Object.keys(floatWidths(0)).join(" ")]);
const VIEW = new Struct(
  9,
  ["f64", "grid_scale shift_x shift_y variance"],
  ["i64", "samples left top columns rows end_x end_y tile_x tile_y tiles_x tiles_y"],
);
const DRAW = new Struct(
  11,
  ["pointer", "view placed"],
  ["i64", "count"],
  ["pointer", "starts members"],
  ["i64", "member_count"],
  ["f32", "background[4]"],
  ["i32", "channels normalized depth workers"],
  ["i64", "first last"],
  ["pointer", "out"],
  ["i64", "out_bytes"],
  ["pointer", "workspace"],
  ["i64", "workspace_bytes"],
  ["pointer", "stop grids"],
);
const LATENT_TILE = new Struct(
  18,
  ["pointer", "network bytes"],
  ["i64", "length"],
  ["i32", "q latents columns rows"],
  ["pointer", "result workspace"],
  ["i64", "workspace_bytes"],
  ["pointer", "stop"],
);
const SYNTHESIS = new Struct(
  19,
  ["pointer", "network values"],
  ["i32", "q latents columns rows"],
  ["i64", "column row width height"],
  ["i32", "least_level unused"],
  ["pointer", `${NAMES.join(" ")} colour`],
  ["i64", "room count"],
  ["pointer", "workspace"],
  ["i64", "workspace_bytes"],
);
return { NAMES, QUANTIZER, floatWidths, STEPS, TABLES, PARTITIONS, SITE, PLACED, HEADER, SECTION, LEVEL, DECODE, COLUMNS, GAUSSIANS, VIEW, DRAW, LATENT_TILE, SYNTHESIS };
}),
"header.js": (() => {
const { corrupt, CorruptFileError, LimitError, UnsupportedFileError } = load("errors.js");
const { Numbers } = load("numbers.js");
const { QUANTIZER } = load("structs.js");


const DRAFT_MINOR = 1;
const MODELS = 7;
const MAX_SIDE = 2 ** 20;
const MAX_PIXELS = 2 ** 32;
const MAX_GAUSSIANS = 2 ** 26;
const MAX_GRID_SIDE = 2 ** 26;
const FREE_GAUSSIANS = 64;
const GAUSSIANS_PER_BYTE = 2;
const MAX_GAUSSIAN_BYTES = 512;

const KINDS = ({
  step: { encoding: "u8", low: 0, high: 191 },
  slope: { encoding: "i8", low: -128, high: 127 },
  bins: { encoding: "u8", low: 1, high: 32 },
});

function headField(numbers, encoding, name, low, high) {
  const value = numbers[encoding]();
  if (value >= low && value <= high) return value;
  const Kind = encoding === "varint" && value > high ? LimitError : CorruptFileError;
  throw new Kind(`${name} in the HEAD chunk is ${value}, it must be ${low}..${high}`);
}

function checkVersion(numbers) {
  const [major, minor] = [numbers.u8(), numbers.u8()];
  if (major !== 1 || minor > DRAFT_MINOR)
    throw new UnsupportedFileError(`the file has format version ${major}.${minor}, this decoder reads 1.${DRAFT_MINOR}`);
  return minor;
}

const isDraft = (bytes) => checkVersion(new Numbers(bytes, "the HEAD chunk")) === DRAFT_MINOR;

function parseHeader(bytes) {
  const numbers = new Numbers(bytes, "the HEAD chunk");
  const field = headField.bind(null, numbers);
  const repeat = (times, read) => Array.from({ length: times }, read);
  const minor = checkVersion(numbers);
  const flags = field("u8", "flags", 0, 15);
  const channels = ((flags >> 1) & 3) + 1;
  const width = field("varint", "width", 1, MAX_SIDE);
  const height = field("varint", "height", 1, MAX_SIDE);
  const background = repeat(channels, () => numbers.u8());
  const quantizer = Object.fromEntries(
    QUANTIZER.map(([name, kind]) => [name, field(KINDS[kind].encoding, name, KINDS[kind].low, KINDS[kind].high)]),
  );
  const levelCounts = repeat(field("u8", "levels", 0, 16), () => field("varint", "level_counts", 0, MAX_GAUSSIANS));
  const models = minor === DRAFT_MINOR ? field("u8", "models", 0, MODELS) : 0;
  numbers.end();
  if (levelCounts[0] === 0) throw corrupt("the top level of the HEAD chunk has no Gaussian");
  const count = levelCounts.reduce((sum, each) => sum + each, 0);
  const [depth, normalized] = [(flags & 8 ? 16 : 8), (flags & 1) === 1];
  const header = { width, height, channels, depth, normalized, background, quantizer, levelCounts, count, models };
  checkLimits(header);
  return header;
}

function checkLimits(header) {
  const { width, height, count } = header;
  if (width * height > MAX_PIXELS)
    throw new LimitError(`the picture has ${width} x ${height} px, the format allows at most ${MAX_PIXELS} in all`);
  if (count > MAX_GAUSSIANS) throw new LimitError(`${count} Gaussians, the format allows at most ${MAX_GAUSSIANS}`);
  for (let level = 0; level < header.levelCounts.length; level++)
    if (gridSide(header, level, Math.max(width, height)) > MAX_GRID_SIDE)
      throw new LimitError(
        `the position grid of level ${level} has more than ${MAX_GRID_SIDE} cells a side: the position step is too fine for this picture`,
      );
}

const STEP8 = [65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194];

function positionStep(header, level) {
  const { position, position_slope: slope } = header.quantizer;
  const index = Math.min(Math.max(position + slope * level, 0), 191);
  return STEP8[index & 7] * 2 ** (index >> 3);
}

const gridSide = (header, level, extent) => Math.ceil((extent * 2 ** 32) / positionStep(header, level));

const minimumPayload = (count) => Math.max(0, Math.ceil((count - FREE_GAUSSIANS) / GAUSSIANS_PER_BYTE));

function checkPlausible(count, length) {
  if (length < minimumPayload(count))
    throw corrupt(`${count} Gaussians are declared, but the GAUS chunk has only ${length} bytes for them: the file is damaged`);
}

const maximumPayload = (count) => FREE_GAUSSIANS + MAX_GAUSSIAN_BYTES * count;
return { MAX_SIDE, isDraft, parseHeader, STEP8, positionStep, gridSide, minimumPayload, checkPlausible, maximumPayload };
}),
"container.js": (() => {
const { corrupt, TruncatedFileError, UnsupportedFileError } = load("errors.js");
const { isDraft, parseHeader } = load("header.js");
const { addToCrc, crc32, Numbers } = load("numbers.js");


const SIGNATURE = [0x8b, 0x53, 0x32, 0x44, 0x0d, 0x0a, 0x1a, 0x0a];
const SMALLEST_CHUNK = 9;
const SINGLE_CHUNKS = ["HEAD", "DRFT", "INDX", "GAUS", "iccp", "exif", "xmpd"];
const CONTENTS = ["LATN", "INDX", "GAUS"];
const MAX_CHUNKS = 1024;
const MAX_HEADER = 4096;
const DRAFT = 1;
const MAX_DRAFT = SMALLEST_CHUNK + 5;
const PIECE = 2 ** 20;

function checkSignature(bytes) {
  const same = SIGNATURE.findIndex((byte, i) => bytes[i] !== byte);
  if (same < 0) return;
  if (bytes.length === 0) throw corrupt("the file is empty (0 bytes)");
  if (same === bytes.length) throw corrupt(`the file ends within the signature, after ${same} bytes: it is truncated`);
  throw corrupt("not a .splat2d file: it starts with other bytes than the signature");
}

function chunkAt(bytes, start) {
  const left = bytes.length - start;
  if (left < SMALLEST_CHUNK)
    throw new TruncatedFileError(`${left} bytes at byte ${start} are too few for a chunk: the file is truncated or has extra bytes`);
  const type = String.fromCharCode(...bytes.subarray(start, start + 4));
  if (!/^[A-Za-z]{4}$/.test(type)) throw corrupt(`the bytes at byte ${start} are no chunk type (four ASCII letters)`);
  const numbers = new Numbers(bytes, "the file", start + 4);
  const length = numbers.varint();
  return { type, length, start, offset: numbers.position };
}

const isComplete = (bytes, chunk) => chunk.offset + chunk.length + 4 <= bytes.length;

function checkComplete(bytes, chunk) {
  if (isComplete(bytes, chunk)) return;
  const available = Math.max(0, bytes.length - chunk.offset - 4);
  throw new TruncatedFileError(
    `chunk ${chunk.type} at byte ${chunk.start} claims ${chunk.length} bytes, but only ${available} follow: the file is truncated`,
  );
}

function payload(bytes, chunk) {
  checkComplete(bytes, chunk);
  const content = bytes.subarray(chunk.offset, chunk.offset + chunk.length);
  compareCrc(bytes, chunk, crc32(bytes.subarray(chunk.start, chunk.start + 4), content));
  return content;
}

function compareCrc(bytes, chunk, found) {
  if (new Numbers(bytes, "the file", chunk.offset + chunk.length).u32() !== found)
    throw corrupt(`chunk ${chunk.type} at byte ${chunk.start} is damaged: its CRC-32 is another`);
}

async function checkChunk(bytes, chunk, pause) {
  checkComplete(bytes, chunk);
  const end = chunk.offset + chunk.length;
  let value = addToCrc(-1, bytes.subarray(chunk.start, chunk.start + 4));
  for (let at = chunk.offset; at < end; at += PIECE) {
    value = addToCrc(value, bytes.subarray(at, Math.min(at + PIECE, end)));
    await pause();
  }
  compareCrc(bytes, chunk, ~value >>> 0);
}

function checkType(chunk, earlier, isOfDraft) {
  const { type, start } = chunk;
  const isLatents = type === "LATN" && isOfDraft;
  if ((SINGLE_CHUNKS.includes(type) || isLatents) && earlier.some((each) => each.type === type))
    throw corrupt(`a second ${type} chunk at byte ${start}; only one is allowed`);
  if (type[0] < "a" && !["HEAD", "INDX", "GAUS"].includes(type) && !isLatents)
    throw new UnsupportedFileError(`the file needs chunk ${type} (at byte ${start}), which this decoder does not know`);
  if (type === "INDX" && earlier.some((each) => each.type === "GAUS"))
    throw corrupt(`the INDX chunk at byte ${start} follows GAUS, it must stand before it`);
  if (CONTENTS.includes(type) && earlier.some((each) => CONTENTS.includes(each.type) && (each.type === "LATN") !== isLatents))
    throw corrupt(`the ${type} chunk at byte ${start} is in one file with latents and Gaussians`);
}

function readHeader(bytes) {
  const chunk = headerChunk(bytes);
  const head = payload(bytes, chunk);
  if (isDraft(head)) checkDraft(bytes, chunk);
  return parseHeader(head);
}

function checkDraft(bytes, head) {
  const chunk = chunkAt(bytes, head.offset + head.length + 4);
  checkDraftType(chunk);
  const numbers = new Numbers(payload(bytes, chunk), "the DRFT chunk");
  const number = numbers.varint();
  numbers.end();
  if (number !== DRAFT) throw new UnsupportedFileError(`the file is of draft ${number} of format 1.1; this decoder reads draft ${DRAFT}`);
}

function checkDraftType({ type, length }) {
  if (type !== "DRFT") throw corrupt(`chunk ${type} follows HEAD in a file of a draft, expected DRFT`);
  if (length > 5) throw corrupt(`the DRFT chunk has ${length} bytes, its number takes 5 at most`);
}

function headerChunk(bytes) {
  checkSignature(bytes);
  const chunk = chunkAt(bytes, SIGNATURE.length);
  if (chunk.type !== "HEAD") throw corrupt(`the first chunk is ${chunk.type}, expected HEAD`);
  checkComplete(bytes, chunk);
  if (chunk.length > MAX_HEADER) throw corrupt(`the HEAD chunk has ${chunk.length} bytes, its fields take ${MAX_HEADER} at most`);
  return chunk;
}

function readChunks(bytes) {
  const chunks = [headerChunk(bytes)];
  const draft = isDraft(bytes.subarray(chunks[0].offset, chunks[0].offset + chunks[0].length));
  for (;;) {
    const last = chunks[chunks.length - 1];
    const start = last.offset + last.length + 4;
    if (start >= bytes.length) break;
    if (chunks.length === MAX_CHUNKS) throw corrupt(`the file has more than ${MAX_CHUNKS} chunks`);
    try {
      const chunk = chunkAt(bytes, start);
      if (draft && chunks.length === 1) checkDraftType(chunk);
      else checkType(chunk, chunks, draft);
      chunks.push(chunk);
      checkComplete(bytes, chunk);
    } catch (error) {
      if (error instanceof TruncatedFileError) return { chunks, truncation: error };
      throw error;
    }
  }
  const missing = !chunks.some(({ type }) => type === "GAUS" || type === "LATN");
  return { chunks, truncation: missing ? new TruncatedFileError("the GAUS chunk is missing: the file is truncated") : null };
}
return { SIGNATURE, SMALLEST_CHUNK, MAX_CHUNKS, MAX_HEADER, MAX_DRAFT, chunkAt, isComplete, payload, checkChunk, readHeader, readChunks };
}),
"zstd_fse.js": (() => {


const MAX_SYMBOLS = 256;

class ForwardBits {
    constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

    read(count) {
    const end = this.position + count;
    if (end > 8 * this.bytes.length) throw new RangeError("the bits are at their end");
    const value = bitsAt(this.bytes, this.position, count);
    this.position = end;
    return value;
  }
}

class BackwardBits {
    constructor(bytes) {
    const last = bytes[bytes.length - 1];
    if (!last) throw new RangeError("a stream of bits has no mark at its end");
    this.bytes = bytes;
    this.position = 8 * (bytes.length - 1) + 31 - Math.clz32(last);
  }

    read(count) {
    this.position -= count;
    if (this.position >= 0) return bitsAt(this.bytes, this.position, count);
    const there = Math.max(0, this.position + count);
    return bitsAt(this.bytes, 0, there) * 2 ** (count - there);
  }
}

function bitsAt(bytes, position, count) {
  let value = 0;
  for (let got = 0; got < count; ) {
    const shift = (position + got) & 7;
    const take = Math.min(8 - shift, count - got);
    value += ((bytes[(position + got) >> 3] >> shift) & ((1 << take) - 1)) * 2 ** got;
    got += take;
  }
  return value;
}

const singleTable = (symbol) => ({ accuracy: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) });

function defaultTable(accuracy, shares) {
  const size = 1 << accuracy;
  const [symbols, bits, bases] = [new Uint8Array(size), new Uint8Array(size), new Uint16Array(size)];
  let high = size;
  shares.forEach((share, symbol) => {
    if (share < 0) symbols[--high] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  shares.forEach((share, symbol) => {
    for (let i = 0; i < share; i++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position >= high);
    }
  });
  const next = shares.map(Math.abs);
  for (let state = 0; state < size; state++) {
    const number = next[symbols[state]]++;
    bits[state] = accuracy - (31 - Math.clz32(number));
    bases[state] = (number << bits[state]) - size;
  }
  return { accuracy, symbols, bits, bases };
}

function readTable(bytes, mostAccuracy) {
  const stream = new ForwardBits(bytes);
  const accuracy = stream.read(4) + 5;
  if (accuracy > mostAccuracy) throw new RangeError("a table is too large");
    const shares = [];
  let rest = 1 << accuracy;
  while (rest > 0 && shares.length < MAX_SYMBOLS) {
    const share = readShare(stream, rest);
    rest -= Math.abs(share);
    shares.push(share);
    for (let repeat = share === 0 ? 3 : 0; repeat === 3; ) {
      repeat = stream.read(2);
      shares.push(...Array(repeat).fill(0));
    }
  }
  if (rest !== 0 || shares.length > MAX_SYMBOLS) throw new RangeError("a table does not add up");
  return { table: defaultTable(accuracy, shares), end: Math.ceil(stream.position / 8) };
}

function readShare(stream, rest) {
  const width = 32 - Math.clz32(rest + 1); // of the largest value
  const half = 1 << (width - 1);
  const short = 2 * half - 1 - (rest + 1); // so many values take a bit less
  const low = stream.read(width - 1);
  if (low < short) return low - 1;
  return (stream.read(1) ? low + half - short : low) - 1;
}
return { ForwardBits, BackwardBits, singleTable, defaultTable, readTable };
}),
"zstd_huffman.js": (() => {
const { BackwardBits, readTable } = load("zstd_fse.js");


const MAX_WIDTH = 11;
const WEIGHTS_ACCURACY = 6;

function readHuffman(bytes) {
  if (bytes.length === 0) throw new RangeError("a table is missing");
  const length = bytes[0] < 128 ? bytes[0] : Math.ceil((bytes[0] - 127) / 2);
  if (1 + length > bytes.length) throw new RangeError("a table is cut off");
  const content = bytes.subarray(1, 1 + length);
  const plain = () => Array.from({ length: bytes[0] - 127 }, (_, i) => (content[i >> 1] >> (i % 2 ? 0 : 4)) & 15);
  const weights = bytes[0] < 128 ? codedWeights(content) : plain();
  return { table: tableOf(weights), end: 1 + length };
}

function codedWeights(bytes) {
  const { table, end } = readTable(bytes, WEIGHTS_ACCURACY);
  const stream = new BackwardBits(bytes.subarray(end));
  const states = [stream.read(table.accuracy), stream.read(table.accuracy)];
    const weights = [];
  for (let turn = 0; weights.length < 255; turn = 1 - turn) {
    const state = states[turn];
    weights.push(table.symbols[state]);
    states[turn] = table.bases[state] + stream.read(table.bits[state]);
    if (stream.position >= 0) continue;
    weights.push(table.symbols[states[1 - turn]]);
    return weights;
  }
  throw new RangeError("a table has too many weights");
}

function tableOf(weights) {
  if (weights.some((weight) => weight > MAX_WIDTH)) throw new RangeError("a code is too long");
  const sum = weights.reduce((total, weight) => total + (weight ? 2 ** (weight - 1) : 0), 0);
  if (sum < 1 || weights.length > 255) throw new RangeError("a table of codes is empty or too long");
  const width = 32 - Math.clz32(sum);
  const left = 2 ** width - sum;
  if (width > MAX_WIDTH || (left & (left - 1)) !== 0) throw new RangeError("a table of codes does not add up");
  const all = [...weights, 32 - Math.clz32(left)];
  const [symbols, bits] = [new Uint8Array(2 ** width), new Uint8Array(2 ** width)];
  let start = 0;
  for (let weight = 1; weight <= width; weight++)
    for (const [symbol, each] of all.entries()) {
      if (each !== weight) continue;
      const end = start + 2 ** (weight - 1);
      symbols.fill(symbol, start, end);
      bits.fill(width + 1 - weight, start, end);
      start = end;
    }
  return { width, symbols, bits };
}

function decodeHuffman(table, bytes, size, streams) {
  const out = new Uint8Array(size);
  if (streams === 1) {
    decodeStream(table, bytes, out);
    return out;
  }
  if (bytes.length < 10 || size < 6) throw new RangeError("four streams are too short");
  const part = Math.ceil(size / 4);
  for (let i = 0, at = 6; i < 4; i++) {
    const length = i < 3 ? bytes[2 * i] | (bytes[2 * i + 1] << 8) : bytes.length - at;
    if (length < 1 || at + length > bytes.length) throw new RangeError("a stream is cut off");
    decodeStream(table, bytes.subarray(at, at + length), out.subarray(i * part, Math.min(size, (i + 1) * part)));
    at += length;
  }
  return out;
}

function decodeStream({ width, symbols, bits }, bytes, out) {
  const stream = new BackwardBits(bytes);
  const mask = 2 ** width - 1;
  let state = stream.read(width);
  for (let i = 0; i < out.length; i++) {
    out[i] = symbols[state];
    const count = bits[state];
    state = ((state << count) & mask) | stream.read(count);
  }
  if (stream.position !== -width) throw new RangeError("a stream does not end with its bits");
}
return { readHuffman, decodeHuffman };
}),
"zstd.js": (() => {
const { BackwardBits, defaultTable, ForwardBits, readTable, singleTable } = load("zstd_fse.js");
const { decodeHuffman, readHuffman } = load("zstd_huffman.js");


const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const MAX_BLOCK = 2 ** 17;

const range = (first, length) => Array.from({ length }, (_, i) => first + i);
const LENGTHS = [16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
const LENGTH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCHES = [35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539];
const MATCH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const CODES = {
  literals: {
    base: [...range(0, 16), ...LENGTHS], bits: [...Array(16).fill(0), ...LENGTH_BITS], accuracy: 9,
    standard: defaultTable(6, [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1]),
  },
  offsets: {
    base: range(0, 32).map((code) => 2 ** code), bits: range(0, 32), accuracy: 8,
    standard: defaultTable(5, [1, 1, 1, 1, 1, 1, 2, 2, 2, ...Array(15).fill(1), -1, -1, -1, -1, -1]),
  },
  matches: {
    base: [...range(3, 32), ...MATCHES], bits: [...Array(32).fill(0), ...MATCH_BITS], accuracy: 9,
    standard: defaultTable(6, [1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array(37).fill(1), -1, -1, -1, -1, -1, -1, -1]),
  },
};
const KINDS = (["literals", "offsets", "matches"]);

class ZstdError extends Error {}

function check(isTrue) {
  if (!isTrue) throw new ZstdError("damaged");
}

function readFrameHeader(bytes) {
  check(MAGIC.every((byte, i) => bytes[i] === byte) && bytes.length > 5);
  const flags = bytes[4];
  check((flags & 8) === 0);
  const isSingle = (flags & 32) !== 0;
  let at = 5;
  const number = (length) => {
    check(at + length <= bytes.length);
    let value = 0;
    for (let i = length; i-- > 0; ) value = value * 256 + bytes[at + i];
    at += length;
    return value;
  };
  let window = 0;
  if (!isSingle) {
    const descriptor = number(1);
    window = (1 + (descriptor & 7) / 8) * 2 ** (10 + (descriptor >> 3));
  }
  check(number([0, 1, 2, 4][flags & 3]) === 0); // no dictionary
  const length = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6];
  const size = length === 0 ? null : number(length) + (length === 2 ? 256 : 0);
  return { size, window: isSingle ? size ?? 0 : window, checksum: (flags & 4) !== 0, end: at };
}

function decodeFrame(bytes, header) {
  const decoder = new Decoder(header.size ?? 0);
  let at = header.end;
  for (let isLast = false; !isLast; ) {
    check(at + 3 <= bytes.length);
    const block = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    const [type, size] = [(block >> 1) & 3, block >> 3];
    isLast = (block & 1) === 1;
    at += 3;
    const length = type === 1 ? 1 : size;
    check(type < 3 && size <= Math.min(MAX_BLOCK, header.window) && at + length <= bytes.length);
    const content = bytes.subarray(at, at + length);
    if (type === 0) decoder.append(content);
    else if (type === 1) decoder.append(new Uint8Array(size).fill(content[0]));
    else decoder.decodeBlock(content);
    at += length;
  }
  check(decoder.length === decoder.content.length);
  return { content: decoder.content, end: at + (header.checksum ? 4 : 0) };
}

class Decoder {
    constructor(size) {
    this.content = new Uint8Array(size);
    this.length = 0;
    this.recent = [1, 4, 8];
        this.huffman = null;
        this.tables = { literals: null, offsets: null, matches: null };
  }

    append(bytes) {
    check(this.length + bytes.length <= this.content.length);
    this.content.set(bytes, this.length);
    this.length += bytes.length;
  }

    decodeBlock(block) {
    const before = this.length;
    const { literals, end } = this.#literals(block);
    const used = this.#sequences(block.subarray(end), literals);
    this.append(literals.subarray(used));
    check(this.length - before <= MAX_BLOCK);
  }

    #literals(block) {
    const bits = new ForwardBits(block);
    const [type, format] = [bits.read(2), bits.read(2)];
    if (type < 2) {
      const size = format % 2 === 0 ? (bits.read(4) << 1) | (format >> 1) : bits.read(format === 1 ? 12 : 20);
      const start = bits.position / 8;
      check(size <= MAX_BLOCK && start + (type === 0 ? size : 1) <= block.length);
      if (type === 0) return { literals: block.subarray(start, start + size), end: start + size };
      return { literals: new Uint8Array(size).fill(block[start]), end: start + 1 };
    }
    const width = [10, 10, 14, 18][format];
    const [size, compressed] = [bits.read(width), bits.read(width)];
    const start = bits.position / 8;
    check(size <= MAX_BLOCK && start + compressed <= block.length);
    let streams = block.subarray(start, start + compressed);
    if (type === 2) {
      const { table, end } = readHuffman(streams);
      this.huffman = table;
      streams = streams.subarray(end);
    }
    if (!this.huffman) throw new ZstdError("damaged");
    return { literals: decodeHuffman(this.huffman, streams, size, format === 0 ? 1 : 4), end: start + compressed };
  }

    #sequences(bytes, literals) {
    check(bytes.length > 0);
    let [count, at] = [bytes[0], 1];
    if (count > 127) [count, at] = count < 255 ? [((count - 128) << 8) + bytes[1], 2] : [bytes[1] + (bytes[2] << 8) + 0x7f00, 3];
    if (count === 0) {
      check(bytes.length === 1);
      return 0;
    }
    check(at < bytes.length && (bytes[at] & 3) === 0);
    const modes = bytes[at++];
    for (const [i, kind] of KINDS.entries()) at += this.#prepare(kind, (modes >> (6 - 2 * i)) & 3, bytes.subarray(at));
    const bits = new BackwardBits(bytes.subarray(at));
    const states = KINDS.map((kind) => bits.read((this.tables[kind]).accuracy));
    let used = 0;
    for (let i = 0; i < count; i++) {
      const codes = KINDS.map((kind, k) => (this.tables[kind]).symbols[states[k]]);
      const value = (k) => CODES[KINDS[k]].base[codes[k]] + bits.read(CODES[KINDS[k]].bits[codes[k]]);
      check(codes.every((code, k) => code < CODES[KINDS[k]].base.length));
      const [offset, match, literal] = [value(1), value(2), value(0)]; // as they stand in the stream
      check(bits.position >= 0 && used + literal <= literals.length);
      this.append(literals.subarray(used, used + literal));
      used += literal;
      this.#copy(this.#offsetOf(offset, literal), match);
      if (i + 1 < count)
        for (const k of [0, 2, 1]) {
          const table = (this.tables[KINDS[k]]);
          states[k] = table.bases[states[k]] + bits.read(table.bits[states[k]]);
        }
    }
    check(bits.position === 0);
    return used;
  }

    #prepare(kind, mode, bytes) {
    if (mode === 0) this.tables[kind] = CODES[kind].standard;
    if (mode === 1) {
      check(bytes.length > 0);
      this.tables[kind] = singleTable(bytes[0]);
      return 1;
    }
    if (mode === 2) {
      const { table, end } = readTable(bytes, CODES[kind].accuracy);
      this.tables[kind] = table;
      return end;
    }
    check(this.tables[kind] !== null);
    return 0;
  }

    #offsetOf(value, literal) {
    const [first, second, third] = this.recent;
    if (value > 3) {
      this.recent = [value - 3, first, second];
      return value - 3;
    }
    const which = value - (literal === 0 ? 0 : 1);
    if (which === 0) return first;
    const offset = which === 1 ? second : which === 2 ? third : first - 1;
    this.recent = [offset, first, which === 1 ? third : second];
    return offset;
  }

    #copy(offset, length) {
    const { content } = this;
    check(offset > 0 && offset <= this.length && this.length + length <= content.length);
    for (const end = this.length + length; this.length < end; this.length++) content[this.length] = content[this.length - offset];
  }
}
return { ZstdError, readFrameHeader, decodeFrame };
}),
"metadata.js": (() => {
const { isComplete, payload } = load("container.js");
const { corrupt, LimitError, SplatError } = load("errors.js");
const { decodeFrame, readFrameHeader, ZstdError } = load("zstd.js");


const MAX_CONTENT = 2 ** 24;
const MAX_PAYLOAD = 2 ** 25;

async function readMetadata(source, file, type, note) {
  const chunk = file.chunks.find((each) => each.type === type);
  if (!chunk || !isComplete(file.bytes, chunk)) return new Uint8Array();
  try {
    if (chunk.length > MAX_PAYLOAD) throw new LimitError(`the ${type} chunk has ${chunk.length} bytes, this decoder reads at most ${MAX_PAYLOAD}`);
    await source.load([[chunk.start, chunk.offset + chunk.length + 4]]);
    return contentOf(type, payload(file.bytes, chunk));
  } catch (error) {
    if (!(error instanceof SplatError) || error.kind === "network") throw error;
    note(`${error.message}; the picture comes without it`);
    return new Uint8Array();
  }
}

function contentOf(type, bytes) {
  try {
    const header = readFrameHeader(bytes);
    if (header.size === null) throw corrupt(`the ${type} chunk does not state how many bytes it holds: it is damaged`);
    if (header.size > MAX_CONTENT) throw new LimitError(`the ${type} chunk holds ${header.size} bytes, the format allows at most ${MAX_CONTENT}`);
    if (header.window > MAX_CONTENT) throw new ZstdError("its window is too large");
    const { content, end } = decodeFrame(bytes, header);
    if (end !== bytes.length) throw corrupt(`the ${type} chunk does not end where its zstd frame does: it is damaged`);
    return content;
  } catch (error) {
    if (error instanceof ZstdError || error instanceof RangeError) throw corrupt(`the ${type} chunk is no zstd frame: it is damaged`);
    throw error;
  }
}
return { readMetadata, contentOf };
}),
"options.js": (() => {
const { LimitError } = load("errors.js");


const DEFAULTS = { maxPixels: 2 ** 29, maxMemory: 2 ** 31, maxWork: 2 ** 37 };
const FIRST_BYTES = 2048;
const MAX_LEVEL = 15;
const FINEST_SCALE = 2 ** 16;

function boundsOf(given) {
  const bounds = { ...DEFAULTS };
  for (const name of (Object.keys(DEFAULTS))) {
    const value = given[name] ?? DEFAULTS[name];
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} is ${value}, it must be a whole number from 1 on`);
    bounds[name] = value;
  }
  return bounds;
}

function firstBytesOf(bytes = FIRST_BYTES) {
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < FIRST_BYTES)
    throw new RangeError(`firstBytes is ${String(bytes)}, it must be a whole number from ${FIRST_BYTES} on`);
  return bytes;
}

function levelOf(level) {
  const value = level ?? 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_LEVEL)
    throw new RangeError(`a level is a whole number of 0..${MAX_LEVEL}, not ${String(value)}`);
  return value;
}

function scaleOf(scale) {
  const text = typeof scale === "string" && /^(\d+)(?:\/(\d+))?$/.exec(scale);
  const parts = text ? [Number(text[1]), Number(text[2] ?? 1)] : scale;
  if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => Number.isSafeInteger(part) && part > 0)) {
    const divisor = commonDivisor(parts[0], parts[1]);
    return [parts[0] / divisor, parts[1] / divisor];
  }
  if (typeof parts === "number" && Number.isFinite(parts) && parts > 0) return fractionOf(parts);
  throw new RangeError(`${String(scale)} is no scale: a number above 0, "1/8" or [1, 8] (output pixels per pixel)`);
}

const commonDivisor = (a, b) => (b === 0 ? a : commonDivisor(b, a % b));

function fractionOf(value) {
  let [before, last, rest] = [[0, 1], [1, 0], value];
  for (;;) {
    const whole = Math.floor(rest);
    const next = [whole * last[0] + before[0], whole * last[1] + before[1]];
    if (next[1] > FINEST_SCALE || !Number.isSafeInteger(next[0])) break;
    [before, last] = [last, next];
    if (Math.abs(last[0] / last[1] - value) <= value * 1e-12) break;
    rest = 1 / (rest - whole);
  }
  if (last[1] === 0 || last[0] === 0) throw new RangeError(`the scale ${value} is not within 1/${FINEST_SCALE} and 1024`);
  return [last[0], last[1]];
}

function checkBound(needed, allowed, what, unit, option) {
  if (needed > allowed) throw new LimitError(`${what} would take ${needed} ${unit}, more than the ${allowed} of ${option}`);
}
return { boundsOf, firstBytesOf, levelOf, scaleOf, checkBound };
}),
"pause.js": (() => {

const SLICE = 12;

let resumed = 0;

function turn() {
  if (typeof setImmediate !== "undefined") return new Promise((resolve) => setImmediate(resolve)); // Node, which messages would keep alive
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (port1.close(), resolve(undefined));
    port2.postMessage(null);
  });
}

async function pause(signal) {
  signal?.throwIfAborted();
  if (performance.now() - resumed < SLICE) return;
  await turn();
  resumed = performance.now();
  signal?.throwIfAborted();
}

async function abortable(signal, work) {
  if (!signal) return work();
  signal.throwIfAborted();
  const ending = new AbortController(); // of the listener
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { signal: ending.signal });
    work().then(resolve, reject).finally(() => ending.abort());
  });
}
return { pause, abortable };
}),
"view.js": (() => {


const MAX_SAMPLES = 4;
const THUMBNAIL = 1 / 16;
const THUMBNAIL_SAMPLES = 8;
const FINEST_SCALE = 2 ** 16;
const MAX_SCALE = 2 ** 10;
const RADIUS = Math.sqrt(12.25);
const TILE = [128, 32];

function makeView(width, height, region = [0, 0, width, height], scale = [1, 1]) {
  const [x, y, w, h] = region;
  const [numerator, denominator] = scale;
  if (!region.every(Number.isInteger) || x < 0 || y < 0 || w < 1 || h < 1 || x + w > width || y + h > height)
    throw new RangeError(`the region ${region} does not lie inside of the picture, which has ${width} x ${height} px`);
  checkScale(scale);
  const along = (start, extent) => {
    const first = Math.floor((start * numerator) / denominator);
    return { first, count: Math.ceil((extent * numerator) / denominator), apart: start * numerator - first * denominator, start };
  };
  return viewOf(width, height, along(x, w), along(y, h), scale);
}

function makeTileView(width, height, scale, [left, top, columns, rows]) {
  checkScale(scale);
  const along = (first, count) => ({ first, count, apart: 0, start: (first * scale[1]) / scale[0] });
  return viewOf(width, height, along(left, columns), along(top, rows), scale);
}

function checkScale(scale) {
  const isWhole = scale.every((part) => Number.isInteger(part) && part > 0);
  if (!isWhole || scale[1] > FINEST_SCALE || scale[0] > MAX_SCALE * scale[1])
    throw new RangeError(`${scale.join("/")} is no scale: whole numbers, the second up to ${FINEST_SCALE}, up to ${MAX_SCALE} in all`);
}

function viewOf(width, height, across, down, scale) {
  const [numerator, denominator] = scale;
  const most = numerator / denominator > THUMBNAIL ? MAX_SAMPLES : THUMBNAIL_SAMPLES;
  const samples = Math.min(Math.ceil(denominator / numerator), most);
  const gridScale = numerator * samples; // over denominator: points of the grid per px
  const x = placed(across, width, Math.floor(TILE[0] / samples), scale, samples);
  const y = placed(down, height, Math.floor(TILE[1] / samples), scale, samples);
  const variance = Math.max(0, (denominator ** 2 - gridScale ** 2) / gridScale ** 2) / 12;
  const margin = RADIUS * Math.sqrt(variance) + (2 * denominator) / gridScale;
  const far = ({ start, count }) => start + (count * denominator) / numerator + margin;
  return {
    grid_scale: gridScale / denominator, shift_x: x.shift, shift_y: y.shift, variance, samples, left: across.first, top: down.first,
    columns: across.count, rows: down.count, end_x: x.end, end_y: y.end, tile_x: x.tile, tile_y: y.tile,
    tiles_x: x.tiles, tiles_y: y.tiles, box: [across.start - margin, down.start - margin, far(across), far(down)],
  };
}

function placed({ first, count, apart }, side, tile, [numerator, denominator], samples) {
  const shift = apart * samples; // over denominator
  const span = side * numerator * samples - shift; // of the grid up to the end of the picture, likewise
  const inside = Math.ceil((2 * span - denominator) / (2 * denominator));
  const lastPixel = Math.ceil(span / (denominator * samples)) - 1;
  const low = Math.floor(first / tile);
  return {
    shift: shift / denominator, end: Math.max(inside, lastPixel * samples + 1), tile: low, tiles: Math.ceil((first + count) / tile) - low,
  };
}

const STRIP = 2 ** 26;

function* stripsOf({ top, rows, samples, tile_y: tile, tiles_y: tiles }, work) {
  const tileRows = Math.floor(TILE[1] / samples);
  const step = Math.max(1, Math.floor((tiles * STRIP) / work));
  for (let from = tile; from < tile + tiles; from += step)
    yield [Math.max(0, from * tileRows - top), Math.min(rows, (from + step) * tileRows - top)];
}
return { makeView, makeTileView, stripsOf };
}),
"painter.js": (() => {
const { touches } = load("section_tile.js");
const { checkBound } = load("options.js");
const { pause } = load("pause.js");
const { allocateRgba, writeRgba } = load("pixels.js");
const { makeTileView, stripsOf } = load("view.js");


const RADIUS = 3.5;
const PAIR = 128 * 32;

function gather(parts, box, channels) {
  const near = parts.filter((part) => touches(part, box)).map((part) => ({ part, chosen: within(part.gaussians, box) }));
  const count = near.reduce((sum, { chosen }) => sum + chosen.length, 0);
  const found = {
    level: new Int32Array(count), mean: new Float32Array(2 * count), scale: new Float32Array(2 * count), angle: new Float32Array(count),
    colour: new Float32Array(channels * count),
  };
  let to = 0;
  for (const { part, chosen } of near)
    for (const from of chosen) {
      const { mean, scale, angle, colour } = part.gaussians;
      found.level[to] = part.level[from];
      found.angle[to] = angle[from];
      for (let k = 0; k < 2; k++) {
        found.mean[2 * to + k] = mean[2 * from + k];
        found.scale[2 * to + k] = scale[2 * from + k];
      }
      for (let k = 0; k < channels; k++) found.colour[channels * to + k] = colour[channels * from + k];
      to++;
    }
  return found;
}

function within({ mean, scale, angle }, [x0, y0, x1, y1]) {
  const chosen = new Uint32Array(angle.length);
  let count = 0;
  for (let i = 0; i < angle.length; i++) {
    const [x, y] = [mean[2 * i], mean[2 * i + 1]];
    const radius = RADIUS * Math.max(scale[2 * i], scale[2 * i + 1]) + 1;
    if (x + radius >= x0 && x - radius <= x1 && y + radius >= y0 && y - radius <= y1) chosen[count++] = i;
  }
  return chosen.subarray(0, count);
}

async function drawTile(core, header, parts, { scale, left, top, columns, rows }, { maxWork, signal, slices = false }) {
  const view = makeTileView(header.width, header.height, scale, [left, top, columns, rows]);
  const placed = core.place(header, gather(parts, view.box, header.channels), view);
  const work = placed.entries * PAIR;
  checkBound(work, maxWork, `drawing ${columns} x ${rows} pixels`, "evaluations of Gaussians", "maxWork");
  const data = allocateRgba(columns, rows);
  for (const [first, last] of slices ? stripsOf(view, 8 * Math.max(work, 1)) : [[0, rows]]) {
    if (slices) await pause(signal);
    writeRgba(core.draw(placed, { depth: 8, first, last }), header.channels, data, first * columns);
  }
  return data;
}
return { gather, drawTile };
}),
"latents.js": (() => {
const { corrupt, LimitError, UnsupportedFileError } = load("errors.js");
const { crc32, Numbers } = load("numbers.js");


const WHERE = "the LATN chunk";
const [CELL, TILE, TILE_LOG2] = [16, 64, 10];
const [LUMA, LOW, LATENTS] = [64, 16, 96];
const MOST_CELLS = 2 ** 22;
const MOST_Q = 191;
const [CELLS_PER_BYTE, MOST_CELL_BYTES] = [64, 400];
const REACH = 9;
const COARSE_LEVEL = 2;
const [COARSE, FINE] = [16, 64];
const QUANTIZER = ({
  position: 128, position_slope: 8, log_scales: 2, aspect: 0, angle: 0, angle_slope: 0, luma: 48, chroma: 48, colour_slope: 0,
});
const NETWORKS = ({ 1: { bytes: 273728, crc: 0x4d913081 } });

const cellsOf = ({ width, height }) => [width, height].map((side) => Math.ceil(side / CELL));

const latentsOf = ({ channels }) => (channels === 1 ? LUMA : LATENTS);

function tileCount(header) {
  const [columns, rows] = cellsOf(header);
  return Math.ceil(columns / TILE) * Math.ceil(rows / TILE);
}

const tableBytes = (header) => 2 + 9 * tileCount(header);

function checkHeader(header) {
  const isPlain = header.normalized && header.levelCounts.length === 0 && header.models === 0;
  const isOfNetwork = Object.entries(QUANTIZER).every(([name, value]) => header.quantizer[name] === value);
  if (!isPlain || !isOfNetwork || (header.channels !== 1 && header.channels !== 3))
    throw corrupt(`the HEAD chunk is not one of a file with latents, but ${WHERE} is there`);
  const [columns, rows] = cellsOf(header);
  if (columns * rows > MOST_CELLS)
    throw new LimitError(`the picture has ${columns} x ${rows} cells of latents, the format allows at most ${MOST_CELLS}`);
}

function readLatents(bytes, chunk, header) {
  checkHeader(header);
  const numbers = new Numbers(bytes.subarray(chunk.offset, chunk.offset + Math.min(chunk.length, tableBytes(header))), WHERE);
  const [network, q] = [numbers.u8(), numbers.u8()];
  if (!NETWORKS[network]) throw new UnsupportedFileError(`${WHERE} needs network ${network}, which this decoder does not know`);
  if (q > MOST_Q) throw corrupt(`q in ${WHERE} is ${q}, it must be 0..${MOST_Q}`);
  const count = tileCount(header);
  const lengths = Array.from({ length: count }, () => numbers.varint());
  const crcs = lengths.map(() => numbers.u32());
  const across = Math.ceil(cellsOf(header)[0] / TILE);
  let offset = numbers.position;
  const sections = lengths.map((length, number) => {
    const place = { column: number % across, row: Math.floor(number / across), tileLog2: TILE_LOG2 };
    const cells = countOf(cellsOfTile(header, place));
    if (length < Math.floor(cells / CELLS_PER_BYTE) || length > MOST_CELL_BYTES * cells)
      throw corrupt(`a tile of ${cells} cells has a stream of ${length} bytes: the file is damaged`);
    offset += length;
    const counts = [COARSE * cells, 0]; // the fine ones are not known before they are read
    return { number, top: COARSE_LEVEL, ...place, counts, count: counts[0], parent: -1, offset: offset - length, length, margin: REACH, crc: crcs[number] };
  });
  if (offset !== chunk.length) throw corrupt(`the tiles of ${WHERE} take ${offset} bytes, but it has ${chunk.length}`);
  return { latents: { network, q, start: chunk.offset }, sections };
}

function cellsOfTile(header, { column, row }) {
  const [columns, rows] = cellsOf(header);
  return [column * TILE, row * TILE, Math.min((column + 1) * TILE, columns), Math.min((row + 1) * TILE, rows)];
}

const countOf = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);

function cellsIn(header, box) {
  const [columns, rows] = cellsOf(header);
  if (!box) return [0, 0, columns, rows];
  const [x0, y0] = [box[0], box[1]].map((edge) => Math.max(0, Math.trunc((edge - REACH) / CELL)));
  const [x1, y1] = [box[2], box[3]].map((edge) => Math.trunc((edge + REACH) / CELL) + 1);
  return [x0, y0, Math.max(x0, Math.min(x1, columns)), Math.max(y0, Math.min(y1, rows))];
}

function overlap(a, b) {
  const [x0, y0, x1, y1] = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  return x0 < x1 && y0 < y1 ? [x0, y0, x1, y1] : null;
}

function tilesFor({ header, sections }, [x0, y0, x1, y1]) {
  return sections.filter((tile) => overlap(cellsOfTile(header, tile), [x0 - 1, y0 - 1, x1 + 1, y1 + 1])).map(({ number }) => number);
}

const rangesOfTiles = (file, numbers) =>
  [...numbers].map((number) => {
    const start = (file.latents).start + file.sections[number].offset;
    return [start, start + file.sections[number].length];
  });

function streamOfTile(file, number) {
  const [[start, end]] = rangesOfTiles(file, [number]);
  const stream = file.bytes.subarray(start, end);
  if (stream.length < end - start) return null;
  if (crc32(stream) !== file.sections[number].crc) throw corrupt(`the tile at byte ${start} of the file is damaged: its CRC-32 is another`);
  return stream;
}

function planeOf({ header, sections }, known, [x0, y0, x1, y1]) {
  const [columns, rows] = cellsOf(header);
  const [count, across, down] = [latentsOf(header), x1 - x0 + 2, y1 - y0 + 2];
  const plane = new Int16Array(count * across * down);
  for (const [number, values] of known) {
    const [left, top, right, bottom] = cellsOfTile(header, sections[number]);
    const [first, last] = [Math.max(x0 - 1, left), Math.min(x1 + 1, right)]; // inside of the picture
    if (first >= last) continue;
    for (let c = 0; c < count; c++)
      for (let i = 0; i < down; i++) {
        const y = Math.min(Math.max(y0 - 1 + i, 0), rows - 1);
        if (y < top || y >= bottom) continue;
        const row = (c * (bottom - top) + y - top) * (right - left);
        const to = (c * down + i) * across;
        plane.set(values.subarray(row + first - left, row + last - left), to + first - x0 + 1);
        if (x0 === 0 && first === 0) plane[to] = plane[to + 1];
        if (x1 === columns && last === columns) plane[to + across - 1] = plane[to + across - 2];
      }
  }
  return plane;
}

function mostGaussians({ header, sections }, known) {
  let count = 0;
  for (const [number, values] of known) {
    const cells = countOf(cellsOfTile(header, sections[number]));
    const busy = new Uint8Array(cells);
    for (let i = LOW * cells; i < LUMA * cells; i++) if (values[i] !== 0) busy[i % cells] = 1;
    count += COARSE * cells + FINE * busy.reduce((sum, each) => sum + each, 0);
  }
  return count;
}
return { NETWORKS, latentsOf, tableBytes, readLatents, cellsOfTile, countOf, cellsIn, overlap, tilesFor, rangesOfTiles, streamOfTile, planeOf, mostGaussians };
}),
"section_index.js": (() => {
const { corrupt } = load("errors.js");
const { checkPlausible, gridSide, MAX_SIDE, positionStep } = load("header.js");
const { Numbers } = load("numbers.js");


const MAX_TILE_LOG2 = 20;
const MAX_LEVELS = 16;
const FREE_SECTIONS = 64;
const GAUSSIANS_PER_SECTION = 256;
const WORK = 64;

const maximumIndex = ({ count, levelCounts }) =>
  1 + 7 * MAX_LEVELS + (FREE_SECTIONS + Math.floor(count / GAUSSIANS_PER_SECTION)) * (19 + 5 * levelCounts.length);

function readIndex(bytes, header, gaussiansLength) {
  const numbers = new Numbers(bytes, "the INDX chunk");
  const layers = readLayers(numbers, header);
    const sections = [];
    const places = [];
  let top = header.levelCounts.length - 1;
  let offset = 0;
  for (const layer of layers) {
    const columns = Math.ceil(header.width / 2 ** layer.tileLog2);
    const rows = Math.ceil(header.height / 2 ** layer.tileLog2);
    const many = numbers.varint();
    if (sections.length + many > FREE_SECTIONS + Math.floor(header.count / GAUSSIANS_PER_SECTION))
      throw corrupt(`the INDX chunk has too many sections for ${header.count} Gaussians: the file is damaged`);
        const here = new Map();
    for (let k = 0, code = -1; k < many; k++) {
      code += 1 + numbers.varint();
      const [column, row] = unmorton(code);
      if (column >= columns || row >= rows) throw corrupt("the INDX chunk has a tile outside of the picture: the file is damaged");
      const parent = parentOf(column, row, layer.tileLog2, layers, places);
      const counts = Array.from({ length: layer.levels }, () => numbers.varint());
      const [length, margin, crc] = [numbers.varint(), numbers.varint(), numbers.u32()];
      const place = { number: sections.length, top, tileLog2: layer.tileLog2, column, row, parent, offset };
      const section = { ...place, counts, count: counts.reduce((sum, each) => sum + each, 0), length, margin, crc };
      here.set(column * 2 ** MAX_TILE_LOG2 + row, section.number);
      sections.push(section);
      offset += section.length;
    }
    places.push(here);
    top -= layer.levels;
  }
  numbers.end();
  checkSections(header, sections, gaussiansLength);
  return sections;
}

function readLayers(numbers, header) {
  const layers = Array.from({ length: numbers.u8() }, () => ({ levels: numbers.u8(), tileLog2: numbers.u8() }));
  const levels = layers.reduce((sum, each) => sum + each.levels, 0);
  if (levels !== header.levelCounts.length || layers.some((each) => each.levels === 0))
    throw corrupt(`the layers of the INDX chunk do not have the ${header.levelCounts.length} levels of the header`);
  if (layers.some((each, i) => each.tileLog2 > (i ? layers[i - 1].tileLog2 : MAX_TILE_LOG2)))
    throw corrupt("the tiles of the INDX chunk are larger than allowed, or grow from layer to layer");
  return layers;
}

function unmorton(code) {
  let [column, row] = [0, 0];
  for (let unit = 1; code > 0; unit *= 2, code = Math.floor(code / 4)) {
    column += (code % 2) * unit;
    row += (Math.floor(code / 2) % 2) * unit;
  }
  return [column, row];
}

function parentOf(column, row, tileLog2, layers, places) {
  for (let before = places.length - 1; before >= 0; before--) {
    const shift = layers[before].tileLog2 - tileLog2;
    const parent = places[before].get((column >> shift) * 2 ** MAX_TILE_LOG2 + (row >> shift));
    if (parent !== undefined) return parent;
  }
  return -1;
}

function checkSections(header, sections, length) {
  const totals = header.levelCounts.map(() => 0);
  let [bytes, work] = [0, 0];
    const chain = [];
  for (const section of sections) {
    section.counts.forEach((count, k) => (totals[totals.length - 1 - section.top + k] += count));
    if (section.count === 0) throw corrupt("the INDX chunk has a section without Gaussians: the file is damaged");
    if (section.margin > MAX_SIDE) throw corrupt(`a bounding margin is ${section.margin} px, it must be 0..${MAX_SIDE}`);
    checkPlausible(section.count, section.length);
    if (levelRanges(header, section).some((each) => each.columns <= 0 || each.rows <= 0))
      throw corrupt("the INDX chunk has Gaussians in a tile that holds no cell of their level");
    bytes += section.length;
    chain.push(section.count + (section.parent < 0 ? 0 : chain[section.parent]));
    work += chain[chain.length - 1];
  }
  if (totals.some((total, k) => total !== header.levelCounts[k]))
    throw corrupt("the sections of the INDX chunk do not add up to the Gaussians of the header");
  if (bytes !== length) throw corrupt(`the sections of the INDX chunk take ${bytes} bytes, but the GAUS chunk has ${length}`);
  if (work > WORK * header.count) throw corrupt(`the sections of the INDX chunk share too many ancestors for ${header.count} Gaussians`);
}

function firstCell(number, tileLog2, step, cells) {
  const first = ((BigInt(number) << BigInt(tileLog2 + 33)) + BigInt(step) - 1n) / (2n * BigInt(step));
  return Math.min(Number(first), cells);
}

function levelRanges(header, section) {
  const found = [];
  let stop = 0;
  for (const [k, count] of section.counts.entries()) {
    if (count === 0) continue;
    const level = section.top - k;
    const step = positionStep(header, level);
    const [[x, columns], [y, rows]] = [
      [header.width, section.column],
      [header.height, section.row],
    ].map(([extent, number]) => {
      const cells = gridSide(header, level, extent);
      const first = firstCell(number, section.tileLog2, step, cells);
      const last = number + 1 === Math.ceil(extent / 2 ** section.tileLog2) ? cells : firstCell(number + 1, section.tileLog2, step, cells);
      return [first, last - first];
    });
    stop += count;
    found.push({ level, stop, count, x, y, columns, rows });
  }
  return found;
}
return { maximumIndex, readIndex, levelRanges };
}),
"sections.js": (() => {
const { touches } = load("section_tile.js");
const { isComplete, payload, readChunks, readHeader } = load("container.js");
const { corrupt } = load("errors.js");
const { checkPlausible, MAX_SIDE, maximumPayload, minimumPayload } = load("header.js");
const { cellsOfTile, rangesOfTiles, readLatents, tilesFor } = load("latents.js");
const { levelRanges, maximumIndex, readIndex } = load("section_index.js");
const { crc32 } = load("numbers.js");


function readFile(bytes) {
  const header = readHeader(bytes);
  const { chunks, truncation } = readChunks(bytes);
  const [index, gaussians, latent] = ["INDX", "GAUS", "LATN"].map((type) => chunks.find((chunk) => chunk.type === type));
    let sections = [];
  if (gaussians && index) {
    if (index.length > maximumIndex(header)) throw corrupt(`the INDX chunk has ${index.length} bytes, more than its fields can take`);
    sections = readIndex(payload(bytes, index), header, gaussians.length);
  } else if (gaussians) {
    checkPlausible(header.count, gaussians.length);
    sections = undivided(header, gaussians.length);
  }
  if (latent) return { bytes, header, chunks, truncation, ...readLatents(bytes, latent, header) };
  return { bytes, header, chunks, sections, latents: null, truncation };
}

function checkFile(file) {
  if (file.truncation) throw file.truncation;
  for (const chunk of file.chunks) payload(file.bytes, chunk);
}

function undivided(header, length) {
  const { count, levelCounts: counts, width, height } = header;
  if (count === 0) {
    if (length > 0) throw corrupt(`the GAUS chunk has ${length} bytes, but the header declares no Gaussian`);
    return [];
  }
  const tileLog2 = 32 - Math.clz32(Math.max(width - 1, height - 1));
  const place = { number: 0, top: counts.length - 1, tileLog2, column: 0, row: 0, parent: -1, offset: 0 };
  return [{ ...place, counts, count, length, margin: MAX_SIDE, crc: null }];
}

function sectionsIn(file, box, stopLevel = 0) {
  return file.sections.filter((section) => section.top >= stopLevel && (box === null || touches(section, box))).map((section) => section.number);
}

function withAncestors(file, wanted) {
    const needed = new Set();
  for (let number of wanted) for (; number >= 0 && !needed.has(number); number = file.sections[number].parent) needed.add(number);
  return [...needed].sort((a, b) => a - b);
}

function layersOf(file) {
    const layers = [];
  let top = -1;
  for (const section of file.sections) {
    if (section.top !== top) layers.push({ level: section.top - section.counts.length + 1, end: 0 });
    top = section.top;
    layers[layers.length - 1].end = endOf(file, section);
  }
  return layers;
}

const endOf = (file, { number }) => (file.latents ? rangesOfTiles : rangesOf)(file, [number])[0][1];

function rangesOf(file, numbers) {
  if (file.latents) return rangesOfTiles(file, new Set([...numbers].flatMap((number) => tilesFor(file, cellsOfTile(file.header, file.sections[number])))));
  const chunk = gaussiansChunk(file);
  if (!chunk) return [];
  return [...numbers].map((number) => {
    const { offset, length, crc } = file.sections[number];
    const start = chunk.offset + offset;
    return crc === null ? [chunk.start, start + length + 4] : [start, start + length];
  });
}

function decodable(file, wanted, known = new Set()) {
  const left = file.bytes.length - (gaussiansChunk(file)?.offset ?? 0); // bytes of the file from the first stream on
  const whole = new Set();
  return withAncestors(file, wanted).filter((number) => {
    const { parent, offset, length } = file.sections[number];
    if (known.has(number) || (parent >= 0 && !known.has(parent) && !whole.has(parent))) return false;
    if (offset + length <= left) whole.add(number);
    return true;
  });
}

const streamsOf = (file, wanted, known) => new Map(decodable(file, wanted, known).map((number) => [number, streamOf(file, number)]));

const gaussiansChunk = (file) => file.chunks.find((each) => each.type === "GAUS");

function streamOf(file, number) {
  const [section, chunk] = [file.sections[number], gaussiansChunk(file)];
  if (!chunk) throw new Error("sections are known only where GAUS is");
  if (section.length > maximumPayload(section.count)) throw corrupt("a stream of the GAUS chunk is longer than its Gaussians can take");
  if (section.crc === null && isComplete(file.bytes, chunk)) return payload(file.bytes, chunk);
  const start = chunk.offset + section.offset;
  const stream = file.bytes.subarray(start, start + section.length);
  if (section.crc !== null && stream.length === section.length && crc32(stream) !== section.crc)
    throw corrupt(`the section at byte ${start} of the file is damaged: its CRC-32 is another`);
  return stream;
}

function readableLevels(header, section, length, stopLevel) {
  const levels = levelRanges(header, section).filter((each) => each.level >= stopLevel);
  return length === section.length ? levels : levels.filter((each) => minimumPayload(each.stop) <= length);
}
return { readFile, checkFile, sectionsIn, withAncestors, layersOf, rangesOf, decodable, streamsOf, streamOf, readableLevels };
}),
"plan.js": (() => {
const { tileOf } = load("section_tile.js");
const { minimumPayload } = load("header.js");
const { readableLevels } = load("sections.js");
const { NAMES } = load("structs.js");


function planOf(file, streams, known, keep, stopLevel) {
  const numbers = [...new Set([...streams.keys(), ...known.keys()])].sort((a, b) => a - b);
  const sections = numbers.map((number) => file.sections[number]);
  const places = new Map(numbers.map((number, place) => [number, place]));
  const parents = new Set([...sections.map((section) => section.parent), ...keep, ...known.keys()]);
  const slots = new Map(numbers.filter((number) => parents.has(number)).map((number, slot) => [number, slot]));
    const plan = { numbers, places, rows: [], levels: [], streams: [], count: 0, slots, chains: [] };
  let byte = 0;
  for (const section of sections) {
    const parent = section.parent < 0 ? -1 : places.get(section.parent);
    if (parent === undefined) throw new TypeError(`section ${section.number} goes on from ${section.parent}, which is not there`);
    const stream = known.has(section.number) ? undefined : streams.get(section.number);
        const row = { start: plan.count, parent, tables: slots.get(section.number) ?? -1, margin: -1, known: 1, count: section.count };
    if (stream) {
      const levels = readableLevels(file.header, section, stream.length, stopLevel);
      Object.assign(row, streamRow(section, stream.length, levels), { known: 0, stream: byte, first_level: plan.levels.length });
      plan.levels.push(...levels.map(({ stop, ...level }) => level));
      plan.streams.push(stream);
      byte += stream.length;
    }
    plan.rows.push(row);
    plan.chains.push(row.count + (parent < 0 ? 0 : plan.chains[parent]));
    plan.count += row.count;
  }
  return plan;
}

function streamRow(section, length, levels) {
  const count = levels.length ? levels[levels.length - 1].stop : 0;
  const [x0, y0, x1, y1] = tileOf(section);
  const [truncated, ends] = [length !== section.length, count === section.count].map(Number);
  const margin = section.crc === null ? -1 : section.margin;
  return { count, length, minimum: minimumPayload(section.count), levels: levels.length, x0, y0, x1, y1, margin, truncated, ends };
}

function joinColumns(parts) {
  if (parts.length === 1) return parts[0];
  const join = (name) => {
    const joined = new Int32Array(parts.reduce((sum, part) => sum + part[name].length, 0));
    parts.reduce((start, part) => (joined.set(part[name], start), start + part[name].length), 0);
    return joined;
  };
  return (Object.fromEntries([...NAMES, ("colour")].map((name) => [name, join(name)])));
}
return { planOf, joinColumns };
}),
"core.js": (() => {
const { corrupt, SplatError } = load("errors.js");
const { cellsOfTile, latentsOf, planeOf, streamOfTile } = load("latents.js");
const { Arena } = load("memory.js");
const { joinColumns, planOf } = load("plan.js");
const { checkFile, readFile, sectionsIn, streamsOf } = load("sections.js");
const { COLUMNS, DECODE, DRAW, GAUSSIANS, HEADER, LATENT_TILE, LEVEL, NAMES, PARTITIONS, PLACED, SECTION, SITE, STEPS, SYNTHESIS, TABLES, VIEW, floatWidths } = load("structs.js");
const { makeView } = load("view.js");



const VERSION = 3;
const MAX_MEMORY = 2 ** 31;
const OK = 0;
const BEYOND_MARGIN = 5;
const TOO_SMALL = 10;
const MESSAGES = [
  "",
  "a stream of the GAUS chunk holds an impossible code: the file is damaged",
  "more points in a half than in the whole: the GAUS chunk is damaged",
  "an escape stands for a residual that has a symbol of its own: the GAUS chunk is damaged",
  "a stream of the GAUS chunk does not end where its last Gaussian does: the file is damaged",
];

const LATENT_MESSAGES = [
  "",
  "a stream of the LATN chunk holds an impossible code: the file is damaged",
  "",
  "an escape stands for a latent that has a symbol of its own: the LATN chunk is damaged",
  "a stream of the LATN chunk does not end where its last latent does: the file is damaged",
];

async function loadCore(source, { maxMemory = MAX_MEMORY } = {}) {
  const given = await source;
  if (given instanceof WebAssembly.Module) return new Core(new WebAssembly.Instance(given), maxMemory);
  const loading = given instanceof Response ? WebAssembly.instantiateStreaming(given) : WebAssembly.instantiate(given);
  return new Core((await loading).instance, maxMemory);
}

class Core {
    constructor(instance, maxMemory) {
        this.functions = instance.exports;
    if (this.functions.core_version() !== VERSION) throw new Error("core.wasm is of another version than core.js");
    for (const struct of [HEADER, SECTION, LEVEL, DECODE, COLUMNS, GAUSSIANS, VIEW, DRAW, LATENT_TILE, SYNTHESIS])
      if (this.#sizeOf(struct.kind) !== struct.bytes) throw new Error(`struct ${struct.kind} of core.wasm is another than that of core.js`);
    this.arena = new Arena(this.functions.memory, this.functions.__heap_base.value, maxMemory);
    this.partitions = this.arena.take(this.#sizeOf(PARTITIONS)); // 0 as all new memory, and kept
    this.arena.keep();
        this.derived = new WeakMap();
  }

    #sizeOf(kind) {
    return Number(this.functions.core_struct_bytes(kind));
  }

    #check(status) {
    if (status !== OK) throw new Error(`the core was called with wrong arguments (status ${status})`);
  }

    #derive(header) {
    const { arena, functions } = this;
    let derived = this.derived.get(header);
    if (!derived) {
      const [stepsBytes, tablesBytes] = [this.#sizeOf(STEPS), this.#sizeOf(TABLES)];
      const [steps, first] = [arena.take(stepsBytes), arena.take(tablesBytes)];
      this.#check(functions.core_make_steps(arena.putStructs(HEADER, [{ channels: header.channels, ...header.quantizer, models: header.models }]), steps));
      this.#check(functions.core_first_tables(steps, first));
      derived = { steps: arena.copy(Uint8Array, steps, stepsBytes), first: arena.copy(Uint8Array, first, tablesBytes) };
      this.derived.set(header, derived);
    }
    return { steps: arena.put(derived.steps), first: arena.put(derived.first) };
  }

    decodeFile(file, network) {
    checkFile(file);
    if (file.latents) return this.#decodeTiles(file, network ?? new Uint8Array(0));
    const { columns } = this.decode(file, streamsOf(file, sectionsIn(file, null)));
    return joinColumns([...columns.values()]);
  }

    #decodeTiles(file, network) {
    const tiles = file.sections.map(({ number }) => [number, this.decodeTile(file, number, (streamOfTile(file, number)), network)]);
    const known = (new Map((tiles)));
    return joinColumns(file.sections.map((tile) => this.synthesize(file, known, cellsOfTile(file.header, tile), network)));
  }

    decodeTile({ header, sections, latents }, number, stream, network) {
    const { arena, functions } = this;
    arena.reset();
    const [x0, y0, x1, y1] = cellsOfTile(header, sections[number]);
    const [columns, rows, count] = [x1 - x0, y1 - y0, latentsOf(header)];
    const bytes = Number(functions.core_latent_workspace(columns, rows));
    const [result, workspace] = [arena.take(2 * count * columns * rows), arena.take(bytes)];
    const fields = {
      network: arena.put(network), bytes: arena.put(stream), length: stream.length, q: latents?.q ?? 0, latents: count, columns, rows, result, workspace,
      workspace_bytes: bytes,
    };
    const status = functions.core_decode_latents(arena.putStructs(LATENT_TILE, [fields]));
    if (LATENT_MESSAGES[status]) throw corrupt(LATENT_MESSAGES[status]);
    this.#check(status);
    return arena.copy(Int16Array, result, count * columns * rows);
  }

    synthesize(file, known, cells, network, leastLevel = 0) {
    const { arena, functions } = this;
    const { header, latents } = file;
    const [column, row] = cells;
    const [columns, rows] = [cells[2] - column, cells[3] - row];
    arena.reset();
    const bytes = Number(functions.core_synthesis_workspace(columns, rows));
    const fields = {
      network: arena.put(network), values: arena.put(planeOf(file, known, cells)), q: latents?.q ?? 0, latents: latentsOf(header), columns, rows,
      column, row, width: header.width, height: header.height, least_level: leastLevel, workspace: arena.take(bytes), workspace_bytes: bytes,
    };
    const first = arena.putStructs(SYNTHESIS, [fields]);
    const status = functions.core_synthesize(first);
    if (status !== TOO_SMALL) this.#check(status);
    const count = SYNTHESIS.read(new DataView(arena.memory.buffer), first, "count");
    const widths = [...NAMES.map((name) => [name, 1]), ["colour", header.channels]];
    const results = Object.fromEntries(widths.map(([name, width]) => [name, arena.take(4 * count * Number(width))]));
    this.#check(functions.core_synthesize(arena.putStructs(SYNTHESIS, [{ ...fields, ...results, room: count }])));
    const entries = widths.map(([name, width]) => [name, arena.copy(Int32Array, results[name], count * Number(width))]);
    return (Object.fromEntries(entries));
  }

    decode(file, streams, { known = new Map(), keep = new Set(), stopLevel = 0 } = {}) {
    this.arena.reset();
    const plan = planOf(file, streams, known, keep, stopLevel);
    const { task, at } = this.#putTask(file.header, plan, known);
    for (const [place, number] of plan.numbers.entries()) {
      const status = this.functions.core_decode_section(task, BigInt(place), 0);
      if (status !== OK) throw this.#damage(status, file.sections[number], at.sections + place * SECTION.bytes);
    }
    return this.#results(file, plan, at, known, keep);
  }

    #putTask(header, { places, rows, levels, streams, count, slots, chains }, known) {
    const { arena, functions } = this;
    const { steps, first } = this.#derive(header);
    const tablesBytes = this.#sizeOf(TABLES);
    const sizes = rows.map((row, place) => Number(functions.core_decode_workspace(BigInt(row.count), BigInt(chains[place]))));
    const workspaceBytes = Math.ceil(sizes.reduce((most, size) => Math.max(most, size), 0) / 64) * 64;
    const byteCount = streams.reduce((sum, stream) => sum + stream.length, 0);
        const at = {
      bytes: arena.take(byteCount), tables: arena.take(slots.size * tablesBytes), sites: arena.take(count * this.#sizeOf(SITE)),
      order: arena.take(4 * count), workspace: arena.take(workspaceBytes), colour: arena.take(4 * count * header.channels),
      ...Object.fromEntries(NAMES.map((name) => [name, arena.take(4 * count)])),
      sections: arena.putStructs(SECTION, rows), levels: arena.putStructs(LEVEL, levels),
    };
    const fields = {
      ...at, steps, first, byte_count: byteCount, section_count: rows.length, level_count: levels.length, table_count: slots.size,
      partitions: this.partitions, count, workspace_bytes: workspaceBytes, workers: 1,
    };
    const task = arena.putStructs(DECODE, [fields]);
    const memory = new Uint8Array(arena.memory.buffer); // which does not grow any more
    streams.reduce((start, stream) => (memory.set(stream, start), start + stream.length), at.bytes);
    for (const [number, { columns, tables }] of known) {
      const { start } = rows[places.get(number) ?? 0];
      memory.set(tables, at.tables + (slots.get(number) ?? 0) * tablesBytes);
      for (const name of NAMES) new Int32Array(memory.buffer).set(columns[name], at[name] / 4 + start);
      new Int32Array(memory.buffer).set(columns.colour, at.colour / 4 + start * header.channels);
    }
    return { task, at };
  }

    #damage(status, section, address) {
    if (MESSAGES[status]) return corrupt(MESSAGES[status]);
    if (status !== BEYOND_MARGIN) return new Error(`the core was called with wrong arguments (status ${status})`);
    const beyond = SECTION.read(new DataView(this.arena.memory.buffer), address, "beyond");
    return corrupt(`an ellipse lies ${beyond.toFixed(1)} px beyond its tile, the INDX chunk says ${section.margin}: the file is damaged`);
  }

    #results(file, { numbers, rows, slots }, at, before, keep) {
    const { arena } = this;
    const { channels } = file.header;
    const view = new DataView(arena.memory.buffer);
    const tablesBytes = this.#sizeOf(TABLES);
        const columns = new Map();
        const known = new Map();
    for (const [place, number] of numbers.entries()) {
      if (before.has(number)) continue;
      const decoded = SECTION.read(view, at.sections + place * SECTION.bytes, "decoded");
      const { start } = rows[place];
      const column = (name, width = 1) => arena.copy(Int32Array, at[name] + 4 * width * start, width * decoded);
      const entries = NAMES.map((name) => [name, column(name)]);
      const own = (Object.fromEntries([...entries, ["colour", column("colour", channels)]]));
      columns.set(number, own);
      if (!keep.has(number) || decoded < file.sections[number].count) continue;
      const tables = at.tables + (slots.get(number) ?? 0) * tablesBytes;
      known.set(number, { columns: own, tables: arena.copy(Uint8Array, tables, tablesBytes) });
    }
    return { columns, known };
  }

    dequantize(header, columns) {
    const { arena } = this;
    arena.reset();
    const { steps } = this.#derive(header);
    const count = columns.level.length;
    const given = Object.fromEntries(Object.entries(columns).map(([name, array]) => [name, arena.put(array)]));
    const widths = Object.entries(floatWidths(header.channels));
    const results = Object.fromEntries(widths.map(([name, width]) => [name, arena.take(4 * width * count)]));
    const [from, to] = [arena.putStructs(COLUMNS, [given]), arena.putStructs(GAUSSIANS, [results])];
    this.#check(this.functions.core_dequantize(steps, BigInt(count), from, to));
    const arrays = widths.map(([name, width]) => [name, arena.copy(Float32Array, results[name], width * count)]);
    return (Object.fromEntries(arrays));
  }

    place(header, gaussians, view) {
    const { arena, functions } = this;
    arena.reset();
    const count = gaussians.angle.length;
    const bytes = count * this.#sizeOf(PLACED);
    const at = this.#putView(view);
    const names = (Object.keys(floatWidths(header.channels)));
    const given = Object.fromEntries(names.map((name) => [name, arena.put(gaussians[name])])); // who calls may have put more beside them
    const placed = arena.take(bytes);
    const arrays = arena.putStructs(GAUSSIANS, [given]);
    this.#check(functions.core_place(at, BigInt(count), arrays, header.channels, Number(header.normalized), placed));
    const entries = Number(functions.core_count_entries(at, BigInt(count), placed));
    return { header, view, count, memory: arena.copy(Uint8Array, placed, bytes), entries };
  }

    #putView({ box, ...fields }) {
    return this.arena.putStructs(VIEW, [fields]);
  }

    draw({ header, view, count, memory, entries }, { depth = header.depth, first = 0, last = view.rows } = {}) {
    const { arena, functions } = this;
    arena.reset();
    const type = ({ 8: Uint8Array, 16: Uint16Array, 32: Float32Array }[depth]);
    const length = (last - first) * view.columns * header.channels;
    const tiles = view.tiles_x * view.tiles_y;
    const workspaceBytes = Number(functions.core_draw_workspace());
    const [members, starts, cursor] = [arena.take(4 * entries), arena.take(8 * (tiles + 1)), arena.take(8 * tiles)];
    const outBytes = length * type.BYTES_PER_ELEMENT;
    const [out, workspace] = [arena.take(outBytes), arena.take(workspaceBytes)];
    const at = { view: this.#putView(view), placed: arena.put(memory), starts, members, out, workspace };
    const lists = [at.view, BigInt(count), at.placed, starts];
    this.#check(functions.core_count_tiles(...lists));
    this.#check(functions.core_fill_tiles(...lists, cursor, members, BigInt(entries)));
    const fields = {
      ...at, count, member_count: entries, background: header.background.map((byte) => Math.fround(byte / 255)), channels: header.channels,
      normalized: header.normalized, depth, workers: 1, first, last, out_bytes: outBytes, workspace_bytes: workspaceBytes,
    };
    const task = arena.putStructs(DRAW, [fields]);
    const total = functions.core_draw_tiles(task);
    if (total < 0n) throw new Error("the core was called with wrong arguments");
    for (let tile = 0n; tile < total; tile++) this.#check(functions.core_draw_tile(task, tile, 0));
    return arena.copy(type, at.out, length);
  }
}
return { checkFile, joinColumns, makeView, readFile, sectionsIn, SplatError, streamsOf, loadCore, Core };
}),
"local.js": (() => {

const isLocal = (url) => url.startsWith("file:") && typeof process !== "undefined" && Boolean(process.versions?.node);

async function readLocal(url) {
  const { readFile } = await import("node:fs/promises");
  return new Uint8Array(await readFile(new URL(url)));
}

async function lengthOfLocal(url) {
  const { stat } = await import("node:fs/promises");
  return (await stat(new URL(url))).size;
}
return { isLocal, readLocal, lengthOfLocal };
}),
"shared_core.js": (() => {
const { loadCore } = load("core.js");
const { NetworkError, UnsupportedFileError } = load("errors.js");
const { NETWORKS } = load("latents.js");
const { isLocal, readLocal } = load("local.js");
const { crc32 } = load("numbers.js");


let compiled = null;
let shared = null;

function coreModule(given) {
  compiled ??= (given ? compile(given) : fetchModule()).catch((error) => {
    compiled = null;
    throw error;
  });
  return compiled;
}

function sharedCore(given) {
  shared ??= coreModule(given).then(loadCore).catch((error) => {
    shared = null;
    throw error;
  });
  return shared;
}

const compile = async (given) => (given instanceof WebAssembly.Module ? given : WebAssembly.compile(given));

const coreUrl = () => wasm();

const networks = new Map();

function sharedNetwork(number) {
  let network = networks.get(number);
  if (!network) {
    network = fetchNetwork(number);
    network.catch(() => networks.delete(number));
    networks.set(number, network);
  }
  return network;
}

async function fetchNetwork(number) {
  const base = coreUrl();
  if (base.protocol === "data:" || base.protocol === "blob:") throw new UnsupportedFileError("this page was saved without the network that latents need");
  const url = new URL(`latent_${number}.bin`, base);
  let bytes;
  if (isLocal(url.href)) bytes = await readLocal(url.href);
  else {
    const response = await fetch(url);
    if (!response.ok) throw new NetworkError(`${url} cannot be fetched: ${response.status}`);
    bytes = new Uint8Array(await response.arrayBuffer());
  }
  const known = NETWORKS[number];
  if (bytes.length !== known.bytes || crc32(bytes) !== known.crc) throw new NetworkError(`${url} is not network ${number}`);
  return bytes;
}

async function fetchModule() {
  const url = coreUrl();
  if (isLocal(url.href)) return compile(await readLocal(url.href));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be fetched: ${response.status}`);
  if (/^application\/wasm\b/.test(response.headers.get("content-type") ?? "")) return WebAssembly.compileStreaming(response);
  return compile(await response.arrayBuffer()); // of a server that does not know the type
}
return { coreModule, sharedCore, sharedNetwork };
}),
"work.js": (() => {
const { positionStep, STEP8 } = load("header.js");


const [READ, SEARCHED] = [4096, 64];
const CELL = 16384;
const [ROOM, GRID] = [32n, 16n];
const UNIT = 16;
const TILE = [128, 32];
const QUARTER = [16384, 16305, 16069, 15679, 15137, 14449, 13623, 12665, 11585, 10394, 9102, 7723, 6270, 4756, 3196, 1606, 0];
const COS = Array.from({ length: 64 }, (_, i) => (i <= 16 ? QUARTER[i] : i <= 32 ? -QUARTER[32 - i] : i <= 48 ? -QUARTER[i - 32] : QUARTER[64 - i]));
const LEVELS = Array.from({ length: 16 }, (_, level) => level);
const DIRECTIONS = [256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

function readingWork(file, numbers) {
    const chains = new Map();
  let [gaussians, searched] = [0, 0];
  for (const number of numbers) {
    const { count, parent } = file.sections[number];
    const chain = count + (parent < 0 ? 0 : chains.get(parent) ?? 0);
    chains.set(number, chain);
    gaussians += count;
    searched += chain;
  }
  return { gaussians, work: READ * gaussians + SEARCHED * searched };
}

const cellsWork = (gaussians, cells) => READ * gaussians + CELL * cells;

function drawingWork(header, columns, { region, scale, samples, columns: width, rows: height }) {
  const [gridScale, over] = [scale[0] * samples, scale[1]]; // points of the grid per px, a fraction
  const clip = [0, 1].map((axis) => {
    const margin = Math.ceil((UNIT * TILE[axis] * over) / gridScale);
    const start = UNIT * region[axis];
    const side = UNIT * (axis ? header.height : header.width);
    return [Math.max(start - margin, 0), Math.min(start + UNIT * region[axis + 2] + margin, side)];
  });
  const { count, sides, area } = boxes(header, columns, clip);
  const [p, q] = [BigInt(gridScale), BigInt(over)];
  const whole = 256n * q * q;
  const around = (p * p * area + p * q * 16n * ROOM * BigInt(sides) + whole - 1n) / whole;
  return around + ROOM * ROOM * BigInt(count) + GRID * BigInt(samples * samples) * BigInt(width) * BigInt(height);
}

function boxes(header, { level, x, y, log_scale: logScale, aspect, angle }, [[left, right], [upper, lower]]) {
  const steps = LEVELS.map((l) => positionStep(header, l));
  const shape = shapes(header);
  let [count, sides, low, area] = [0, 0, 0, 0n];
  for (let i = 0; i < level.length; i++) {
    const step = steps[level[i]];
    const [halfX, halfY] = shape(level[i], logScale[i], aspect[i], angle[i]);
    const middleX = Math.floor(((2 * x[i] + 1) * step) / 2 ** 29);
    const middleY = Math.floor(((2 * y[i] + 1) * step) / 2 ** 29);
    const across = Math.min(middleX + halfX, right) - Math.max(middleX - halfX, left);
    const down = Math.min(middleY + halfY, lower) - Math.max(middleY - halfY, upper);
    if (across <= 0 || down <= 0) continue;
    count++;
    sides += across + down;
    low += across * down; // below 2^48
    if (low >= 2 ** 52) [area, low] = [area + BigInt(low), 0];
  }
  return { count, sides, area: area + BigInt(low) };
}

function shapes(header) {
  const { log_scales: logScales, aspect: aspectIndex, angle: angleIndex, angle_slope: slope } = header.quantizer;
  const aspectStep = stepOf(aspectIndex);
  const logAspects = Array.from({ length: 64 }, (_, i) => Math.min(Math.floor((i * aspectStep) / 65536), 262144));
  const directions = LEVELS.map((level) => logAspects.map((a) => directionsOf(a, stepOf(angleIndex + slope * level))));
  const side = (variance) => Math.floor(Math.sqrt(Math.floor((49 * Math.max(variance, 0)) / 4))) + 1;
  const power = (eighths) =>
    Math.floor((STEP8[((eighths % 8) + 8) % 8] * 2 ** Math.max(0, Math.floor(eighths / 8))) / 65536);
  return (level, logScale, aspect, angle) => {
    const k = 16 * level + 48 + Math.floor((8 * (2 * logScale + 1)) / logScales);
    const d = Math.floor((2955 * logAspects[aspect]) / 2 ** 24);
    const [large, small] = [power(k + d), power(k - d)];
    const many = directions[level][aspect];
    const cosine = COS[Math.floor((128 * angle + many) / (2 * many)) % 64];
    const [middle, apart] = [Math.floor((large + small) / 2), Math.floor((large - small) / 2)];
    const part = Math.floor(apart / 16384) * cosine + Math.floor(((apart % 16384) * cosine) / 16384);
    return [side(middle + part), side(middle - part)];
  };
}

function stepOf(index) {
  const clamped = Math.min(Math.max(index, 0), 191);
  return STEP8[clamped & 7] * 2 ** (clamped >> 3);
}

function directionsOf(a, angleStep) {
  const t = Math.max(1, Math.floor(angleStep / 65536));
  const b = Math.floor((a * a) / 65536);
  const c = Math.floor((a * b) / 65536);
  const h = a + Math.floor(c / 6) + Math.floor(Math.floor((c * b) / 65536) / 120);
  const n = Math.floor((205887 * h) / (t * 65536));
  return DIRECTIONS.find((many) => many <= Math.max(1, n)) ?? 1;
}
return { readingWork, cellsWork, drawingWork };
}),
"latent_reading.js": (() => {
const { cellsIn, cellsOfTile, countOf, mostGaussians, overlap, rangesOfTiles, streamOfTile, tilesFor } = load("latents.js");
const { checkBound } = load("options.js");
const { pause } = load("pause.js");
const { joinColumns } = load("plan.js");
const { sharedNetwork } = load("shared_core.js");
const { cellsWork } = load("work.js");


const GAUSSIAN_BYTES = 512;
const COARSE = 16;
const REMEMBERED = 64;

class LatentReading {
    constructor(reading) {
    this.reading = reading;
        this.known = new Map();
  }

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
        const parts = [];
    for (const number of known.keys()) {
      await pause(options.signal);
      const own = overlap(cellsOfTile(file.header, file.sections[number]), cells);
      if (own) parts.push(await this.#make(core, known, own, options.level ?? 0));
    }
    return { columns: joinColumns(parts), work };
  }

    async decode(core, numbers, options) {
    const { file } = this.reading;
        const found = new Map();
    for (const number of numbers) {
      const cells = cellsOfTile(file.header, file.sections[number]);
      const known = await this.#tiles(core, tilesFor(file, cells), options);
      if (!known.has(number)) continue;
      found.set(number, await this.#make(core, known, cells, options.level ?? 0));
      options.onSections?.(new Map([[number, (found.get(number))]]));
    }
    return found;
  }

    async #make(core, known, cells, level) {
    return core.synthesize(this.reading.file, known, cells, await this.#network(), level);
  }

  #network() {
    return sharedNetwork((this.reading.file.latents).network);
  }

    async #tiles(core, numbers, { signal, onProgress }) {
    const { file, source } = this.reading;
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

    #remember(number, values) {
    this.known.delete(number);
    this.known.set(number, values);
    for (const first of this.known.keys()) if (this.known.size > REMEMBERED) this.known.delete(first);
  }
}
return { LatentReading };
}),
"reading.js": (() => {
const { checkChunk } = load("container.js");
const { TruncatedFileError } = load("errors.js");
const { LatentReading } = load("latent_reading.js");
const { checkBound } = load("options.js");
const { pause } = load("pause.js");
const { joinColumns } = load("plan.js");
const { decodable, rangesOf, sectionsIn, streamOf, withAncestors } = load("sections.js");
const { NAMES } = load("structs.js");
const { readingWork } = load("work.js");


const GAUSSIAN_BYTES = 512;
const TABLE_BYTES = 2 ** 17;
const GROUP = 4096;
const [REMEMBERED, TABLES] = [2 ** 17, 256];

class Reading {
    constructor(source, file, bounds) {
    this.source = source;
    this.file = file;
    this.bounds = bounds;
        this.known = new Map();
    this.isChecked = false;
    this.latents = file.latents ? new LatentReading(this) : null;
  }

    async read(core, { box, level, allowTruncated = false, signal, onProgress }) {
    const { file } = this;
    if (file.truncation && !allowTruncated) throw new TruncatedFileError(file.truncation.message);
    const isWhole = box === null && level === 0 && !allowTruncated && !this.isChecked;
    const request = this.source.request(isWhole ? [[0, file.bytes.length]] : [], signal);
    try {
      const options = { level, signal, onProgress };
      const found = await (this.latents ? this.latents.read(core, box, options) : this.#readSections(core, box, options));
      if (isWhole) await this.#checkAll(request, signal);
      return found;
    } finally {
      request.end();
    }
  }

    async #readSections(core, box, options) {
    const numbers = sectionsIn(this.file, box, options.level);
    const work = this.#checkBounds(withAncestors(this.file, numbers));
    return { columns: this.#join(numbers, await this.decode(core, numbers, options), options.level), work };
  }

    #join(numbers, found, level) {
    const parts = numbers.flatMap((number) => found.get(number) ?? []); // of a truncated file some are missing
    return joinColumns(parts.map((part) => coarse(part, level, this.file.header.channels)));
  }

    #checkBounds(needed) {
    const { gaussians, work } = readingWork(this.file, needed);
    const what = `reading ${gaussians} Gaussians`;
    const memory = gaussians * GAUSSIAN_BYTES + this.#parentsOf(needed).size * TABLE_BYTES;
    checkBound(memory, this.bounds.maxMemory, what, "bytes of memory", "maxMemory");
    checkBound(work, this.bounds.maxWork, what, "evaluations of Gaussians", "maxWork");
    return work;
  }

    #parentsOf(needed) {
    return new Set(needed.map((number) => this.file.sections[number].parent).filter((parent) => parent >= 0));
  }

    request(numbers, signal) {
    return this.source.request(rangesOf(this.file, this.latents ? numbers : decodable(this.file, numbers, this.known)), signal);
  }

    async decode(core, numbers, { level = 0, signal, onProgress, onSections } = {}) {
    if (this.latents) return this.latents.decode(core, numbers, { level, signal, onProgress, onSections });
    const { file, source } = this;
    const needed = withAncestors(file, numbers);
    this.#checkBounds(needed);
    const parents = this.#parentsOf(needed);
    const known = new Map(needed.flatMap((number) => this.#entry(number)));
    const found = new Map([...known].map(([number, each]) => [number, each.columns]));
    if (onSections && found.size) onSections(new Map(found));
    const missing = decodable(file, numbers, known);
    const request = source.request(rangesOf(file, missing), signal);
    let sections = 0;
    try {
      while (sections < missing.length) {
        await request.arrival(rangesOf(file, [missing[sections]]));
        await pause(signal);
        const group = this.#arrived(missing, sections);
        const streams = new Map(group.map((number) => [number, streamOf(file, number)]));
        const ancestors = withAncestors(file, group).filter((number) => !streams.has(number));
        const before = new Map(ancestors.map((number) => [number, (known.get(number))]));
        const result = core.decode(file, streams, { known: before, keep: parents, stopLevel: level });
        result.columns.forEach((columns, number) => found.set(number, columns));
        result.known.forEach((each, number) => known.set(number, each));
        sections += group.length;
        onSections?.(result.columns);
        onProgress?.({ sections, of: missing.length, bytes: source.bytesLoaded });
      }
    } finally {
      request.end();
      this.#remember(known);
    }
    return found;
  }

    #arrived(numbers, first) {
    const countOf = (place) => this.file.sections[numbers[place]].count;
    let last = first + 1;
    for (let gaussians = countOf(first); last < numbers.length; last++) {
      gaussians += countOf(last);
      if (gaussians > GROUP || !this.source.has(rangesOf(this.file, [numbers[last]]))) break;
    }
    return numbers.slice(first, last);
  }

    #entry(number) {
    const known = this.known.get(number);
    return known ? [[number, known]] : [];
  }

    async #checkAll(request, signal) {
    const { chunks, bytes } = this.file;
    await request.arrival([[0, bytes.length]]);
    for (const chunk of chunks) await checkChunk(bytes, chunk, () => pause(signal));
    this.isChecked = true;
  }

    #remember(found) {
    const all = new Map([...this.known, ...found]);
    this.known = new Map();
    let total = 0;
    for (const number of [...all.keys()].sort((a, b) => a - b)) {
      total += this.file.sections[number].count + TABLES;
      if (total > REMEMBERED) break;
      this.known.set(number, (all.get(number)));
    }
  }
}

function coarse(columns, level, channels) {
  const first = columns.level.findIndex((each) => each < level);
  if (first < 0) return columns;
  const entries = NAMES.map((name) => [name, columns[name].subarray(0, first)]);
  return (Object.fromEntries([...entries, ["colour", columns.colour.subarray(0, first * channels)]]));
}
return { GAUSSIAN_BYTES, Reading };
}),
"section_order.js": (() => {
const { tileOf, touches } = load("section_tile.js");


function sectionOrder(sections, box, centre) {
  const away = (section) => {
    const [x0, y0, x1, y1] = tileOf(section);
    return Math.hypot(Math.max(x0 - centre[0], 0, centre[0] - x1), Math.max(y0 - centre[1], 0, centre[1] - y1));
  };
  const seen = sections.filter((section) => touches(section, box)).map((section) => ({ section, distance: away(section) }));
  seen.sort((a, b) => b.section.top - a.section.top || a.distance - b.distance || a.section.number - b.section.number);
  return seen.map(({ section }) => section.number);
}
return { sectionOrder };
}),
"section_reader.js": (() => {
const { SplatError } = load("errors.js");
const { pause } = load("pause.js");
const { sectionOrder } = load("section_order.js");
const { rangesOf } = load("sections.js");


const STEP = 4096;
const [PATIENCE, FIRST] = [150, 500];

class SectionReader {
    constructor(desk, reading) {
    this.desk = desk;
    this.reading = reading;
        this.wanted = null;
    this.isRunning = false;
        this.missing = new Set();
    this.loading = new AbortController();
        this.fetching = [];
  }

    async ahead() {
    if (this.wanted) return;
    const { width, height } = this.reading.file.header;
    await this.need({ box: [0, 0, width, height], centre: [width / 2, height / 2], isAhead: true });
  }

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

    #order() {
    const { wanted, desk, missing } = this;
    if (!wanted) return [];
    const { file, source } = this.reading;
    const isHere = (number) => source.has(rangesOf(file, [number]));
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

    async #decode(order, signal) {
    const { sections } = this.reading.file;
    const { wanted } = this;
    let [sentAt, isFirst, isWhole] = [performance.now(), true, false]; // whole: the coarse levels
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

    #send(parts) {
    this.desk.add(parts);
    const { source, file } = this.reading;
    this.desk.port.postMessage({ type: "sections", parts, bytesLoaded: source.bytesLoaded, bytes: file.bytes.length });
  }
}
return { SectionReader };
}),
"multipart.js": (() => {

const PART_HEAD = 1024;
const HEAD_END = "\r\n\r\n";

function partsOf(body, boundary) {
  const decoder = new TextDecoder("latin1");
  const parts = [];
  for (let at = 0; at < body.length; ) {
    const head = decoder.decode(body.subarray(at, at + PART_HEAD));
    const end = head.indexOf(HEAD_END);
    const found = /^content-range: *bytes (\d+)-(\d+)\/(\d+) *$/im.exec(head.slice(0, Math.max(end, 0)));
    if (!head.trimStart().startsWith(`--${boundary}`) || !found) break; // the end, or none of ours
    const [start, last, length] = found.slice(1).map(Number);
    const from = at + end + HEAD_END.length;
    at = from + last + 1 - start;
    if (at <= from || at > body.length) break;
    parts.push({ start, length, bytes: body.subarray(from, at) });
  }
  return parts;
}
return { PART_HEAD, partsOf };
}),
"ranges.js": (() => {


function merge(ranges) {
    const merged = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged[merged.length - 1];
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else if (start < end) merged.push([start, end]);
  }
  return merged;
}

function without(ranges, others) {
    const left = [];
  for (const [from, end] of merge(ranges)) {
    let start = from;
    for (const [low, high] of others) {
      if (high <= start) continue;
      if (low >= end) break;
      if (low > start) left.push([start, low]);
      start = high;
    }
    if (start < end) left.push([start, end]);
  }
  return left;
}

const covers = (ranges, others) => without(ranges, others).length === 0;

function join(ranges, taken, { near, most, share }) {
  let allowed = share * sizeOf(ranges);
  const closed = new Set(); // places of ranges that are joined with the one before
  const gaps = ranges.slice(1).map(([end], i) => ({ place: i + 1, bytes: end - ranges[i][1] }));
  for (const { place, bytes } of gaps.sort((a, b) => a.bytes - b.bytes)) {
    if (bytes > near && (bytes > allowed || ranges.length - closed.size <= most)) break;
    if (taken.some(([start, end]) => start < ranges[place][0] && end > ranges[place - 1][1])) continue;
    closed.add(place);
    allowed -= bytes;
  }
    const joined = [];
  for (const [place, [start, end]] of ranges.entries()) {
    if (closed.has(place)) joined[joined.length - 1][1] = end;
    else joined.push([start, end]);
  }
  return joined;
}

const sizeOf = (ranges) => ranges.reduce((sum, [start, end]) => sum + end - start, 0);
return { merge, without, covers, join, sizeOf };
}),
"http.js": (() => {
const { ChangedFileError, LimitError, NetworkError, SplatError } = load("errors.js");
const { PART_HEAD, partsOf } = load("multipart.js");
const { covers, merge, sizeOf, without } = load("ranges.js");

const FINAL = [400, 401, 403, 404, 405, 410, 451];


const openUrl = (url, options) => twice(() => openOnce(url, options), options.signal);

async function openOnce(url, { first, most, signal }) {
  const response = await get(url, [[0, first]], signal);
  if (response.status === 416 && /\/0$/.test(response.headers.get("content-range") ?? "")) return { length: 0, whole: new Uint8Array() };
  const range = rangeOf(response);
  if (range && range.start === 0) {
    const remote = { url, length: range.length, version: versionOf(response) };
    const head = await bodyOf(response, url, Math.min(range.length, first), signal);
    return { length: range.length, head, read: (...given) => readPart(remote, ...given), readSeveral: (...given) => readSeveral(remote, ...given) };
  }
  const isUseless = response.status === 206 || response.status === 416; // a range that says too little of itself, or none at all
  if (isUseless) await response.body?.cancel();
  return openWhole(isUseless ? await get(url, null, signal) : response, url, most, signal);
}

async function openWhole(response, url, most, signal) {
  checkStatus(response, url, response.status === 200);
  const stated = response.headers.get("content-length");
  if (Number(stated ?? 0) > most) {
    await response.body?.cancel();
    throw new LimitError(`${url} has ${stated} bytes, this decoder reads at most ${most}`);
  }
  if (stated === null || response.headers.has("content-encoding")) {
    const whole = await bodyOf(response, url, most, signal, { isExact: false });
    return { length: whole.length, whole };
  }
  const remote = { url, length: Number(stated), version: versionOf(response) };
    let first = response;
    const read = async (_range, keep, stop) => {
    let kept = 0; // bytes that an earlier try has brought
    await twice(async () => {
      const answer = first ?? (await get(url, null, stop));
      first = null;
      checkStatus(answer, url, answer.status === 200);
      checkSame(answer, remote, Number(answer.headers.get("content-length")));
      let at = 0;
      await receive(answer, url, remote.length, stop, (bytes) => {
        const fresh = bytes.subarray(Math.max(0, kept - at));
        at += bytes.length;
        if (fresh.length) keep(at - fresh.length, fresh);
        kept = Math.max(kept, at);
      });
    }, stop);
  };
  return { length: remote.length, read, isUndivided: true };
}

async function readPart(remote, [start, end], keep, signal, isAlone) {
  const { url } = remote;
  const cache = isAlone ? "default" : "no-store";
  let at = start;
  await twice(async () => {
    const response = await get(url, [[at, end]], signal, cache);
    const range = rangeOf(response);
    if (range) checkSame(response, remote, range.length);
    checkStatus(response, url, range?.start === at, `a request for bytes ${at} to ${end - 1}`);
    await receive(response, url, end - at, signal, (bytes) => {
      keep(at, bytes);
      at += bytes.length;
    });
  }, signal);
}

async function readSeveral(remote, ranges, keep, signal) {
  const isPlain = remote.isPlain || isElsewhere(remote.url);
  const come = isPlain ? [] : await readTogether(remote, ranges, keep, signal).catch((error) => {
    if (error instanceof ChangedFileError || signal.aborted) throw error;
    return []; // each is asked for once more
  });
  const left = without(ranges, come);
  remote.isPlain ||= left.length > 0;
  await Promise.all(left.map((range) => readPart(remote, range, keep, signal, false)));
}

async function readTogether(remote, ranges, keep, signal) {
  const { url } = remote;
  const response = await get(url, ranges, signal, "no-store");
  const boundary = /^multipart\/byteranges;.*boundary="?([^";]+)/i.exec(response.headers.get("content-type") ?? "")?.[1];
  if (response.status !== 206 || !boundary) {
    await response.body?.cancel();
    return [];
  }
  checkSame(response, remote, remote.length);
  const most = sizeOf(ranges) + PART_HEAD * (ranges.length + 1);
  const parts = partsOf(await bodyOf(response, url, most, signal, { isExact: false }), boundary);
  const wanted = parts.filter(({ start, bytes, length }) => length === remote.length && covers([[start, start + bytes.length]], ranges));
  for (const { start, bytes } of wanted) keep(start, bytes);
  return merge(wanted.map(({ start, bytes }) => [start, start + bytes.length]));
}

const isElsewhere = (url) => typeof location !== "undefined" && new URL(url, location.href).origin !== location.origin;

async function twice(work, signal) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NetworkError) || error.isFinal || signal?.aborted) throw error;
    return work();
  }
}

async function get(url, ranges, signal, cache) {
  try {
    const Range = ranges?.map(([start, end]) => `${start}-${end - 1}`).join();
    return await fetch(url, { signal, cache, headers: Range ? { Range: `bytes=${Range}` } : {} });
  } catch (error) {
    throw signal?.aborted ? error : new NetworkError(`${url} cannot be fetched: ${reasonOf(error)}`);
  }
}

const reasonOf = (error) => (error instanceof Error ? String((error).cause?.message ?? error.message) : String(error));

function checkStatus(response, url, isRight, question) {
  if (isRight) return;
  response.body?.cancel().catch(() => {});
  const answer = `${url}: the server answered ${response.status} ${response.statusText}`.trim();
  throw new NetworkError(question ? `${answer} to ${question}` : answer, FINAL.includes(response.status));
}

function checkSame(response, { url, length: expected, version }, length) {
  if (length === expected && versionOf(response) === version) return;
  response.body?.cancel().catch(() => {});
  throw new ChangedFileError(`${url}: the file has changed on the server: open it again`);
}

function rangeOf(response) {
  const found = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (response.status !== 206 || !found || response.headers.has("content-encoding")) return null;
  return { start: Number(found[1]), length: Number(found[2]) };
}

const versionOf = (response) => response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";

async function receive(response, url, expected, signal, take, { isExact = true } = {}) {
  const Excess = isExact ? NetworkError : LimitError;
  let length = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || !value) break;
      length += value.length;
      if (length > expected) throw new Excess(`${url}: the server sends more than the ${expected} bytes that were asked for or are allowed`);
      take(value);
    }
  } catch (error) {
    reader?.cancel().catch(() => {});
    if (error instanceof SplatError || signal?.aborted) throw error;
    throw new NetworkError(`${url}: the connection ended after ${length} bytes (${reasonOf(error)})`);
  }
  if (isExact && length < expected) throw new NetworkError(`${url}: the server sent ${length} bytes instead of ${expected}`);
}

async function bodyOf(response, url, expected, signal, options) {
    const pieces = [];
  await receive(response, url, expected, signal, (bytes) => pieces.push(bytes), options);
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((start, piece) => (whole.set(piece, start), start + piece.length), 0);
  return whole;
}
return { openUrl };
}),
"source.js": (() => {
const { LimitError } = load("errors.js");
const { openUrl } = load("http.js");
const { isLocal, lengthOfLocal, readLocal } = load("local.js");
const { covers, join, merge, sizeOf, without } = load("ranges.js");

const MAX_FILE_BYTES = 2 ** 30;
const WHOLE_FIRST = 2 ** 14;
const MOST_REQUESTS = 7;
const JOINED = { near: 512, most: MOST_REQUESTS, share: 0.23 };


function checkLength(length) {
  if (length > MAX_FILE_BYTES) throw new LimitError(`the file has ${length} bytes, this decoder reads at most ${MAX_FILE_BYTES}`);
}

async function openGiven(given, first, signal) {
  if (given instanceof ArrayBuffer) return { length: given.byteLength, whole: new Uint8Array(given) };
  if (ArrayBuffer.isView(given))
    return { length: given.byteLength, whole: new Uint8Array(given.buffer, given.byteOffset, given.byteLength) };
  if (typeof Blob !== "undefined" && given instanceof Blob) {
    const read = async ([start, end], keep) =>
      keep(start, new Uint8Array(await given.slice(start, end).arrayBuffer()));
    return { length: given.size, read };
  }
  if (typeof given === "string" || given instanceof URL) return openUrlOrPath(String(given), first, signal);
  throw new TypeError("a source is an ArrayBuffer, a typed array, a Blob, a File or a URL");
}

async function openUrlOrPath(url, first, signal) {
  if (!isLocal(url)) return openUrl(url, { first, most: MAX_FILE_BYTES, signal });
  checkLength(await lengthOfLocal(url));
  const whole = await readLocal(url);
  return { length: whole.length, whole };
}

async function openSource(given, first, signal) {
  const opened = await openGiven(given, first, signal);
  checkLength(opened.length);
  return new Source(opened);
}

class Source {
    #read;
    #readSeveral;
    #isUndivided;
    #transfers = new Set();
  #closing = new AbortController();

    constructor({ length, whole, head, read, readSeveral, isUndivided = false }) {
    this.bytes = whole ?? allocate(length);
        this.loaded = whole ? merge([[0, length]]) : [];
    this.#read = read;
    this.#readSeveral = readSeveral;
    this.#isUndivided = isUndivided;
    if (head) this.#keep(0, head);
  }

    get bytesLoaded() {
    return sizeOf(this.loaded);
  }

    has(ranges) {
    return covers(ranges.map((range) => this.#within(range)), this.loaded);
  }

    async load(ranges, signal) {
    const request = this.request(ranges, signal);
    try {
      await request.arrival(ranges);
    } finally {
      request.end();
    }
  }

    request(ranges, signal) {
    signal?.throwIfAborted();
    const request = new Request((each) => this.has(each), (ended) => this.#release(ended), signal);
    const wanted = without(ranges.map((range) => this.#within(range)), this.loaded);
    const coming = merge([...this.#transfers].map(({ start, end }) => [start, end]));
    const taken = merge([...this.loaded, ...coming]);
    const missing = join(without(wanted, coming), taken, JOINED);
    if (missing.length) this.#closing.signal.throwIfAborted();
    this.#startAll(this.#isUndivided && missing.length ? merge([[0, this.bytes.length]]) : missing);
    for (const transfer of this.#transfers)
      if (wanted.some(([start, end]) => start < transfer.end && end > transfer.start)) transfer.users.add(request);
    return request;
  }

    #startAll(ranges) {
    const single = this.#readSeveral && ranges.length > MOST_REQUESTS ? MOST_REQUESTS - 1 : ranges.length;
    for (const range of ranges.slice(0, single)) this.#start([range]);
    if (single < ranges.length) this.#start(ranges.slice(single));
  }

    #start(ranges) {
    const users = new Set(); // of a request all ranges go on, or none
    const controller = new AbortController();
    const transfers = ranges.map(([start, end]) => ({ start, end, users, controller }));
    const keep = (at, bytes) => {
      this.#keep(at, bytes);
      const transfer = transfers.find(({ start, end }) => start <= at && at < end);
      if (transfer) transfer.start = at + bytes.length;
      for (const user of users) user.look();
    };
    const failed = (error) => {
      for (const user of users) user.fail(error);
    };
    const isAlone = this.#transfers.size === 0;
    for (const transfer of transfers) this.#transfers.add(transfer);
    const { signal } = controller;
    const reading =
      ranges.length > 1
        ? (this.#readSeveral)(ranges, keep, signal)
        : (this.#read)(ranges[0], keep, signal, isAlone);
    reading
      .finally(() => transfers.forEach((transfer) => this.#transfers.delete(transfer)))
      .catch(failed);
  }

    close() {
    this.#closing.abort();
    for (const { controller } of this.#transfers) controller.abort();
  }

    #release(request) {
    for (const transfer of this.#transfers) {
      transfer.users.delete(request);
      if (transfer.users.size || this.#isUndivided) continue; // a file that only comes whole would have to come again
      this.#transfers.delete(transfer);
      transfer.controller.abort();
    }
  }

    #keep(start, bytes) {
    this.bytes.set(bytes, start);
    this.loaded = merge([...this.loaded, [start, start + bytes.length]]);
  }

    #within([start, end]) {
    return [start, Math.min(end, this.bytes.length)];
  }
}

class Request {
    #waiting = [];
    #failures = [];
  #ending = new AbortController(); // of the listener
  #has;
  #release;

    constructor(has, release, signal) {
    this.#has = has;
    this.#release = release;
    const stop = () => {
      this.end();
      this.fail((signal).reason);
    };
    signal?.addEventListener("abort", stop, { signal: this.#ending.signal });
  }

    async arrival(ranges) {
    if (this.#has(ranges)) return;
    if (this.#failures.length) throw this.#failures[0];
    await new Promise((resolve, reject) => this.#waiting.push({ ranges, resolve, reject }));
  }

    look() {
    this.#waiting = this.#waiting.filter(({ ranges, resolve }) => !this.#has(ranges) || resolve());
  }

    fail(error) {
    this.look();
    this.#failures.push(error);
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
  }

    end() {
    this.#ending.abort();
    this.#release(this);
  }
}

function allocate(length) {
  try {
    return new Uint8Array(length);
  } catch {
    throw new LimitError(`the file has ${length} bytes, for which there is no memory`);
  }
}
return { MAX_FILE_BYTES, WHOLE_FIRST, openSource, Source, Request };
}),
"structure.js": (() => {
const { chunkAt, MAX_CHUNKS, MAX_DRAFT, MAX_HEADER, readHeader, SIGNATURE, SMALLEST_CHUNK } = load("container.js");
const { SplatError } = load("errors.js");
const { tableBytes } = load("latents.js");
const { checkBound } = load("options.js");
const { maximumIndex } = load("section_index.js");
const { readFile } = load("sections.js");


const FIRST = 2048;
const NEXT = 4096;
const INDEX_MEMORY = 100;

async function loadStructure(source, { maxMemory }, signal) {
  await source.load([[0, FIRST]], signal);
  const { bytes } = source;
  let start = SIGNATURE.length;
  const first = chunkOrNothing(bytes, start);
  if (first && first.length <= MAX_HEADER) await source.load([[start, first.offset + first.length + 4 + MAX_DRAFT]], signal);
  const header = readHeader(bytes);
  for (let number = 0; number < MAX_CHUNKS && bytes.length - start >= SMALLEST_CHUNK; number++) {
    if (!source.has([[start, start + SMALLEST_CHUNK]])) await source.load([[start, start + NEXT]], signal);
    const chunk = chunkOrNothing(bytes, start);
    if (!chunk) break; // readFile says why
    start = chunk.offset + chunk.length + 4;
    if (chunk.type === "LATN") await source.load([[chunk.start, Math.min(chunk.offset + tableBytes(header), start)]], signal);
    if (chunk.type !== "INDX" || chunk.length > maximumIndex(header)) continue;
    checkBound(INDEX_MEMORY * chunk.length, maxMemory, `an index of ${chunk.length} bytes`, "bytes of memory", "maxMemory");
    await source.load([[chunk.start, start + SMALLEST_CHUNK]], signal); // and how long GAUS is
  }
  return readFile(bytes);
}

function chunkOrNothing(bytes, start) {
  try {
    return chunkAt(bytes, start);
  } catch (error) {
    if (error instanceof SplatError) return null;
    throw error;
  }
}
return { loadStructure };
}),
"serve.js": (() => {
const { SplatError } = load("errors.js");
const { drawEllipses } = load("ellipses.js");
const { fileFacts } = load("facts.js");
const { readMetadata } = load("metadata.js");
const { boundsOf } = load("options.js");
const { drawTile, gather } = load("painter.js");
const { colorSpaceOf, imageOf } = load("pixels.js");
const { Reading } = load("reading.js");
const { SectionReader } = load("section_reader.js");
const { coreModule, sharedCore } = load("shared_core.js");
const { openSource, WHOLE_FIRST } = load("source.js");
const { loadStructure } = load("structure.js");
const { makeTileView } = load("view.js");


const PAGE_WORK = 2 ** 32;

function serve(port, { slices = false } = {}) {
  const desk = new Desk(port, slices);
  port.onmessage = async ({ data }) => {
    try {
      await desk.take(data);
    } catch (error) {
      port.postMessage({ type: "error", id: data.id, error: describeError(error) });
    }
  };
}

function describeError(error) {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { name, message, kind: error instanceof SplatError ? error.kind : "" };
}

class Desk {
    constructor(port, slices) {
    this.port = port;
    this.slices = slices;
        this.parts = new Map();
        this.ordered = [];
    this.bounds = boundsOf({});
        this.core = new Promise(() => {});
        this.prepared = undefined;
        this.reader = null;
        this.busy = Promise.resolve(); // drawings one after the other
        this.colorSpace = "srgb";
  }

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

    prepare({ source }) {
    const opening = source ? openSource(source, WHOLE_FIRST) : null;
    for (const each of [opening, coreModule()]) each?.catch(() => {}); // reported when it is needed
    this.prepared = { source, opening };
  }

    async open({ id, source, core, bounds }) {
    this.bounds = boundsOf(bounds);
    this.core = sharedCore(core);
    this.core.catch(() => {}); // reported by who needs it
    const { prepared } = this;
    this.prepared = undefined;
    const opened = await ((source === prepared?.source && prepared?.opening) || openSource(source, WHOLE_FIRST));
    const reading = new Reading(opened, await loadStructure(opened, this.bounds), this.bounds);
    const { file } = reading;
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

    add(parts) {
    for (const part of parts) this.parts.set(part.number, part);
    this.ordered = [...this.parts.values()].sort((a, b) => a.number - b.number);
  }

    async draw({ id, tile, levels, lineWidth = 1 }) {
    const started = performance.now();
    const core = await this.core;
    const header = (this.header);
    const { scale, left, top, columns, rows } = tile;
        let picture;
    if (levels === undefined) {
      const maxWork = this.slices ? Math.min(this.bounds.maxWork, PAGE_WORK) : this.bounds.maxWork;
      const data = await drawTile(core, header, this.ordered, tile, { maxWork, slices: this.slices });
      const pixels = imageOf(data, columns, rows, this.colorSpace);
      picture = typeof createImageBitmap === "undefined" ? pixels : await createImageBitmap((pixels));
    } else {
      const { box } = makeTileView(header.width, header.height, scale, [left, top, columns, rows]);
      const canvas = makeCanvas(columns, rows);
      const context = (canvas.getContext("2d"));
      drawEllipses(context, gather(this.ordered, box, header.channels), tile, levels, lineWidth);
      picture = "transferToImageBitmap" in canvas ? canvas.transferToImageBitmap() : await createImageBitmap(canvas);
    }
    const transfer = typeof ImageBitmap !== "undefined" && picture instanceof ImageBitmap ? [picture] : [];
    this.port.postMessage({ type: "drawn", id, picture, ms: performance.now() - started }, transfer);
  }
}

function makeCanvas(width, height) {
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}
return { serve, Desk };
}),
"engine.js": (() => {
const { CorruptFileError, LimitError, NetworkError, SplatError, TruncatedFileError, UnsupportedFileError } = load("errors.js");


const MAX_WORKERS = 4;
const AHEAD = 2;
const SMALL = 2 ** 15;
const KINDS = { CorruptFileError, LimitError, NetworkError, SplatError, TruncatedFileError, UnsupportedFileError };

const makeModuleWorker = () => new Worker(workerUrl());

class Engine {
    constructor(listener, { makeWorker = makeModuleWorker, core, workers } = {}) {
    this.listener = listener;
    this.makeWorker = typeof Worker === "undefined" ? null : makeWorker;
    this.core = core;
    const processors = typeof navigator === "undefined" ? 2 : (navigator.hardwareConcurrency ?? 2);
    this.most = workers ?? Math.min(Math.max(processors, 1), MAX_WORKERS);
        this.seats = [];
        this.asked = new Map();
    this.number = 0;
    this.isClosed = false;
    this.isReading = false;
        this.module = null;
    this.hasHired = false;
    this.hasDrawn = false;
  }

    async open(source, bounds = {}) {
    const message = { type: "open", source, core: this.core, bounds };
    const seat = await (isSmall(source) ? this.#pageSeat() : this.#seat());
    if (this.isClosed) throw new DOMException("the viewer was closed", "AbortError");
    this.seats.push(seat);
    const opened = this.#ask(seat, message);
    if (!seat.isPage) this.#hire();
    this.opened = (await opened);
    seat.isReady = true;
    return this.opened;
  }

    need(need) {
    this.isReading = true;
    this.seats[0]?.port.postMessage({ type: "need", ...need });
  }

    forget(numbers) {
    for (const seat of this.seats) seat.port.postMessage({ type: "forget", numbers });
  }

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

    async #draw(seat, { tile, levels, lineWidth, done, failed }) {
    seat.waiting++;
    try {
      const { picture } = await this.#ask(seat, { type: "draw", tile, levels, lineWidth });
      if (this.isClosed) picture.close?.();
      else done(picture);
      this.hasDrawn = true;
    } catch (error) {
      if (!this.isClosed) failed((error));
    } finally {
      seat.waiting--;
      if (!this.isClosed) this.pump();
    }
  }

    #ask(seat, message) {
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      seat.port.postMessage({ ...message, id });
    });
  }

    async #seat() {
    try {
      if (this.makeWorker) return this.#workerSeat(this.makeWorker());
    } catch {
      this.makeWorker = null; // as on a page whose policy forbids workers
    }
    return this.#pageSeat();
  }

    #workerSeat(worker) {
        const seat = { port: worker, waiting: 0, isReady: false, isPage: false, end: () => worker.terminate() };
    const waiting = ([]);
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

    async #pageSeat(seat = { port: { postMessage() {} }, waiting: 0, isReady: false, isPage: true, end() {} }) {
    const { serve } = await (async () => load("serve.js"))();
    const { port1, port2 } = new MessageChannel();
    serve((port2), { slices: true });
    port1.onmessage = ({ data }) => this.#take(seat, data);
    seat.port = port1;
    seat.isPage = true;
    seat.end = () => port1.close();
    return seat;
  }

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

    #instruct() {
    const { header, colorSpace } = (this.opened);
    for (const seat of this.seats.slice(1)) {
      seat.port.postMessage({ type: "header", header, colorSpace, core: this.module });
      seat.isReady = true;
    }
  }

    #share(message) {
    const numbers = message.parts.map((part) => part.number);
    for (const seat of this.seats.slice(1)) seat.port.postMessage({ type: "sections", parts: message.parts });
    this.listener.onLoaded(message);
    this.listener.onSections(numbers);
  }
}

const isSmall = (source) => (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) && source.byteLength <= SMALL;

function errorOf({ name, message, kind }) {
  const Kind = (KINDS)[name];
  if (Kind === SplatError) return new SplatError((kind), message);
  return Kind ? new Kind(message) : Object.assign(new Error(message), { name });
}
return { Engine };
}),
"tiles.js": (() => {


const TILE = 256;

function scaledSize({ width, height }, [numerator, denominator]) {
  return { width: Math.ceil((width * numerator) / denominator), height: Math.ceil((height * numerator) / denominator) };
}

function tilesOf(picture, scale, [originX, originY], view, margin = 0) {
  const { width, height } = scaledSize(picture, scale);
  const [firstColumn, lastColumn] = cells(originX, view.width, width, margin);
  const [firstRow, lastRow] = cells(originY, view.height, height, margin);
  const found = [];
  for (let row = firstRow; row <= lastRow; row++)
    for (let column = firstColumn; column <= lastColumn; column++) {
      const [left, top] = [column * TILE, row * TILE];
      const tile = { scale, left, top, columns: Math.min(TILE, width - left), rows: Math.min(TILE, height - top) };
      const [x, y] = [originX + left, originY + top];
      const isSeen = x < view.width && y < view.height && x + tile.columns > 0 && y + tile.rows > 0;
      found.push({ tile, isSeen, distance: Math.hypot(x + tile.columns / 2 - view.width / 2, y + tile.rows / 2 - view.height / 2) });
    }
  found.sort((a, b) => Number(b.isSeen) - Number(a.isSeen) || a.distance - b.distance);
  return found.map(({ tile, isSeen }) => ({ tile, isSeen }));
}

function cells(origin, extent, side, margin) {
  const last = Math.ceil(side / TILE) - 1;
  const at = (place) => Math.floor((place - origin) / TILE);
  return [Math.max(0, at(-margin)), Math.min(last, at(extent + margin - 1))];
}

const tileKey = ({ scale, left, top, columns }) => `${scale[0]}/${scale[1]} ${left} ${top} ${columns}`;

function boxOf({ scale, left, top, columns, rows }) {
  const unit = scale[1] / scale[0];
  return [left * unit, top * unit, (left + columns) * unit, (top + rows) * unit];
}
return { TILE, scaledSize, tilesOf, tileKey, boxOf };
}),
"splat_layer.js": (() => {
const { touches } = load("section_tile.js");
const { BoundedCache } = load("cache.js");
const { Engine } = load("engine.js");
const { scaleOf } = load("options.js");
const { boxOf, scaledSize, tileKey, tilesOf } = load("tiles.js");
const { makeTileView } = load("view.js");


const [CACHE_BYTES, CACHE_VIEWS] = [2 ** 26, 3];
const MARGIN = 256;
const OVERVIEW = 256;
const LONG = 8192;
const RESIDENT = 2 ** 22;
const SCALES = 3;

class SplatLayer {
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
        this.cache = new BoundedCache(CACHE_BYTES, ({ picture }) => picture.close?.());
        this.pending = new Set();
    this.refused = new Set();
    this.isDamaged = false; // or ends too early: some sections will never be there
        this.there = new Set();
        this.wanted = [];
    this.need = "";
    this.isRested = false;
    this.levels = 0;
    this.lineWidth = 1;
        this.scale = [1, 1];
        this.overview = null;
    this.bytes = 0;
    this.bytesLoaded = 0;
  }

    async open(source, bounds) {
    this.opened = await this.engine.open(source, bounds);
    const { header, bytes, bytesLoaded } = this.opened;
    this.size = { width: header.width, height: header.height };
    this.notes = this.opened.notes;
    [this.bytes, this.bytesLoaded] = [bytes, bytesLoaded];
    this.isRested = this.opened.sections.length === 0;
    const scale = (scaleOf(Math.min(1, OVERVIEW / Math.max(header.width, header.height))));
    const { width: columns, height: rows } = scaledSize(this.size, scale);
    this.whole = this.#wantedOf({ scale, left: 0, top: 0, columns, rows }, true);
  }

  close() {
    this.engine.close();
    this.cache.clear();
    this.overview?.picture.close?.();
    this.overview = null;
  }

    look(camera, origin, view, isZooming) {
    if (!this.size || !this.opened || isZooming) return;
    this.scale = (scaleOf(camera.zoom));
    this.cache.limit = Math.max(CACHE_BYTES, CACHE_VIEWS * 4 * view.width * view.height);
    const known = new Map(this.wanted.map((each) => [each.key, each]));
    this.wanted = tilesOf(this.size, this.scale, origin, view, MARGIN).map(({ tile, isSeen }) => {
      const before = known.get(tileKey(tile));
      return before ? Object.assign(before, { isSeen }) : this.#wantedOf(tile, isSeen);
    });
    this.#tellNeed(camera);
    this.engine.pump();
  }

    showEllipses(levels, lineWidth) {
    [this.levels, this.lineWidth] = [levels, lineWidth];
    this.engine.pump();
  }

    get isSharp() {
    const seen = this.wanted.filter((each) => each.isSeen);
    if (!seen.length) return false;
    const isDone = (key) => this.refused.has(key) || this.cache.entries.get(key)?.value.missing === 0;
    return seen.every((each) => isDone(each.key) && (!this.levels || isDone(this.#ellipsesKey(each))));
  }

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

    #paintOthers(context, { zoom }, origin, view, except) {
    if (this.overview) paintTile(context, this.overview, zoom, origin, true);
        const scales = new Map();
    for (const each of this.cache.values())
      if (each.kind === "pixels" && each.of !== except && isSeen(each, zoom, origin, view)) {
        const same = scales.get(each.of);
        if (same) same.push(each);
        else scales.set(each.of, [each]);
      }
    const away = ([{ tile }]) => Math.abs(Math.log((tile.scale[0] / tile.scale[1]) / zoom));
    const nearest = [...scales.values()].sort((a, b) => away(a) - away(b)).slice(0, SCALES);
    for (const same of nearest.reverse()) for (const each of same) paintTile(context, each, zoom, origin, true);
  }

    #wantedOf(tile, isSeen) {
    const { header, sections } = (this.opened);
    const { box } = makeTileView(header.width, header.height, tile.scale, [tile.left, tile.top, tile.columns, tile.rows]);
    const numbers = sections.filter((section) => touches(section, box)).map((section) => section.number);
    return { key: tileKey(tile), tile, isSeen, sections: numbers };
  }

    #tellNeed({ x, y }) {
    const boxes = this.wanted.filter((each) => each.isSeen).map((each) => boxOf(each.tile));
    if (!boxes.length) return;
    const [left, upper] = [0, 1].map((k) => Math.min(...boxes.map((box) => box[k])));
    const [right, lower] = [2, 3].map((k) => Math.max(...boxes.map((box) => box[k])));
    const margin = this.scale[1] / this.scale[0] + 4; // what the views of tiles look at around them
    const box = ([left - 4 * margin, upper - 4 * margin, right + 4 * margin, lower + 4 * margin]);
    const need = box.join();
    if (need === this.need) return;
    this.need = need;
    this.box = box;
    const { sections } = (this.opened);
    const missing = sections.filter((section) => !this.there.has(section.number) && touches(section, box));
    this.isRested = !missing.length;
    if (this.isRested) return;
    this.engine.need({ box, centre: [x, y] });
  }

    #missing({ sections }) {
    return sections.reduce((sum, number) => sum + Number(!this.there.has(number)), 0);
  }

    #isDue(drawn, missing, isHasty) {
    if (!missing) return drawn?.missing !== 0;
    return isHasty && (!drawn || missing < drawn.missing / 2);
  }

    #ellipsesKey({ key }) {
    return `${key} ${this.levels} ${this.lineWidth}`;
  }

    #of(kind) {
    const scale = this.scale.join("/");
    return kind === "pixels" ? scale : `${scale} ${this.levels} ${this.lineWidth}`;
  }

    #nextJob() {
    if (!this.opened || (!this.there.size && !this.isRested)) return null;
    if (!this.overview && !this.isRested && this.#isLong) return this.#overviewJob() ?? this.#tileJob();
    return this.#tileJob() ?? this.#overviewJob() ?? this.#tileJob(false);
  }

    get #isLong() {
    const sections = this.opened?.sections ?? [];
    let count = 0;
    for (const section of sections) if (!this.there.has(section.number) && this.box && touches(section, this.box)) count += section.count;
    return count > LONG;
  }

    #tileJob(isSeen = true) {
    const takesLong = !this.isRested && this.#isLong;
    for (const kind of isSeen ? (["pixels", "ellipses"]) : (["pixels"])) {
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

    #overviewJob() {
    const whole = (this.whole);
    const key = `overview ${whole.key}`;
    const missing = this.#missing(whole);
    if (this.pending.has(key) || this.refused.has(key) || !this.#isDue(this.overview, missing, true)) return null;
    return this.#job(key, whole.tile, "pixels", missing, (drawn) => {
      this.overview?.picture.close?.();
      this.overview = drawn;
    });
  }

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

    #arrived(numbers) {
    for (const number of numbers) this.there.add(number);
    this.#forget();
    this.events.onChange();
  }

    #forget() {
    const sections = (this.opened).sections;
    let count = [...this.there].reduce((sum, number) => sum + sections[number].count, 0);
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

    #loaded({ bytes, bytesLoaded }) {
    [this.bytes, this.bytesLoaded] = [bytes, bytesLoaded];
  }

    #failed(error) {
    this.need = "";
    this.events.onError(error);
  }

  #rested() {
    this.isRested = true;
    this.engine.pump();
    this.events.onChange();
  }

    #damaged(number, message) {
    this.there.add(number); // as far as it will ever be
    this.isDamaged = true;
    if (message && !this.notes?.includes(message)) this.notes?.push(message);
  }
}

function isSeen({ tile }, zoom, [x, y], { width, height }) {
  const box = boxOf(tile).map((each) => each * zoom);
  return x + box[0] < width && y + box[1] < height && x + box[2] > 0 && y + box[3] > 0;
}

function paintTile(context, { tile, picture }, zoom, [originX, originY], isOpaque) {
  const [x0, y0, x1, y1] = boxOf(tile).map((each, k) => Math.round(each * zoom) + (k % 2 ? originY : originX));
  if (x1 <= x0 || y1 <= y0) return;
  if (isOpaque) context.clearRect(x0, y0, x1 - x0, y1 - y0);
  context.drawImage(picture, x0, y0, x1 - x0, y1 - y0);
}
return { SplatLayer };
}),
"camera.js": (() => {

const MAX_ZOOM = 64;
const [SMALLEST, SMALL, ROUNDING] = [0.5, 1 / 8, 1e-9];

function fitZoom(picture, view, most = 1) {
  return Math.min(view.width / picture.width, view.height / picture.height, most);
}

function clampCamera({ x, y, zoom }, picture, view, fit) {
  const allowed = Math.min(Math.max(zoom, Math.min(fit * SMALLEST, SMALL)), Math.max(MAX_ZOOM, fit));
  const along = (middle, side, extent) => {
    const half = extent / allowed / 2;
    return side <= 2 * half * (1 + ROUNDING) ? side / 2 : Math.min(Math.max(middle, half), side - half);
  };
  return { x: along(x, picture.width, view.width), y: along(y, picture.height, view.height), zoom: allowed };
}

function zoomAt({ x, y, zoom: before }, zoom, [atX, atY], { width, height }) {
  const [fromX, fromY] = [atX - width / 2, atY - height / 2];
  return { x: x + fromX / before - fromX / zoom, y: y + fromY / before - fromY / zoom, zoom };
}

const moveBy = ({ x, y, zoom }, across, down) => ({ x: x - across / zoom, y: y - down / zoom, zoom });

const originOf = ({ x, y, zoom }, { width, height }) => [Math.round(width / 2 - x * zoom), Math.round(height / 2 - y * zoom)];

function between(from, to, part) {
  const zoom = from.zoom * (to.zoom / from.zoom) ** part;
  const isSame = Math.abs(to.zoom / from.zoom - 1) < 1e-9;
  const weight = isSame ? part : (1 / from.zoom - 1 / zoom) / (1 / from.zoom - 1 / to.zoom);
  return { x: from.x + (to.x - from.x) * weight, y: from.y + (to.y - from.y) * weight, zoom };
}
return { MAX_ZOOM, fitZoom, clampCamera, zoomAt, moveBy, originOf, between };
}),
"stage.js": (() => {
const { between, clampCamera, fitZoom, moveBy, originOf, zoomAt } = load("camera.js");


const [MOVE, REST] = [180, 110];
const SQUARE = 8;
const SQUARES = { light: ["#ffffff", "#dcdcdc"], dark: ["#3c3c3c", "#2a2a2a"] };

class Stage {
    constructor(element, canvas, events) {
    this.element = element;
    this.canvas = canvas;
    this.events = events;
        this.picture = { width: 1, height: 1 };
        this.view = { width: 1, height: 1 };
        this.camera = { x: 0.5, y: 0.5, zoom: 1 };
    this.isFit = true;
        this.base = null;
        this.other = null;
        this.border = null;
    this.hasAlpha = false;
        this.movement = null;
    this.movedAt = -Infinity;
    this.zoomedAt = -Infinity;
    this.isHeld = false;
    this.isResting = true;
    this.isSharp = false;
        this.isRolling = false;
    this.request = 0;
        this.timer = undefined;
        this.squares = null;
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

    show(base, picture, colorSpace, hasAlpha) {
    [this.base, this.picture, this.hasAlpha] = [base, picture, hasAlpha];
    this.#prepareCanvas(colorSpace);
    this.#resize();
    this.fit(false);
  }

    #prepareCanvas(colorSpace) {
    if (this.context && this.colorSpace === colorSpace) return;
    if (this.context) {
      const fresh = (this.canvas.cloneNode());
      this.canvas.replaceWith(fresh);
      this.canvas = fresh;
    }
    this.colorSpace = colorSpace;
    this.context = this.canvas.getContext("2d", { colorSpace });
  }

    get ratio() {
    return globalThis.devicePixelRatio || 1;
  }

    get fitZoom() {
    return fitZoom(this.picture, this.view, this.ratio);
  }

    fit(isSmooth = true) {
    const all = { x: this.picture.width / 2, y: this.picture.height / 2, zoom: this.fitZoom };
    if (isSmooth) this.goTo(all, true, true);
    else this.jump(all, true);
  }

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

    jump(camera, isFit = false) {
    this.goTo(camera, false, isFit);
    this.movedAt = this.zoomedAt = -Infinity;
  }

    get target() {
    return this.movement?.to ?? this.camera;
  }

    move(across, down, isSmooth = false) {
    const from = isSmooth ? this.target : this.camera;
    this.goTo(moveBy(from, across * this.ratio, down * this.ratio), isSmooth, this.isFit && from.zoom <= this.fitZoom);
  }

    zoomTo(zoom, at, isSmooth = true) {
    const place = (at ? at.map((each) => each * this.ratio) : [this.view.width / 2, this.view.height / 2]);
    const from = isSmooth ? this.target : this.camera;
    const allowed = clampCamera({ ...from, zoom }, this.picture, this.view, this.fitZoom).zoom;
    this.goTo(zoomAt(from, allowed, place, this.view), isSmooth);
  }

    hold(isHeld) {
    this.isHeld = isHeld;
    this.invalidate();
  }

  invalidate() {
    if (!this.request) this.request = requestAnimationFrame((now) => this.#frame(now));
  }

    #set(camera) {
    const now = performance.now();
    if (camera.zoom !== this.camera.zoom) this.zoomedAt = now;
    this.movedAt = now;
    this.isResting = false;
    this.camera = camera;
    this.events.onCamera(camera, this.isFit);
  }

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

    #part(context, left, right, paint) {
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, this.view.height);
    context.clip();
    paint();
    context.restore();
  }

    #paintSquares(context, [x, y]) {
    const side = Math.round(SQUARE * this.ratio);
    const colours = SQUARES[this.darkness.matches ? "dark" : "light"];
    if (this.squares?.side !== side || this.squares.colours !== colours)
      this.squares = { side, colours, pattern: makeSquares(context, side, colours) };
    context.save();
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = (this.squares.pattern);
    const { width, height } = this.picture;
    const { zoom } = this.camera;
    const [left, top] = [Math.max(x, 0), Math.max(y, 0)];
    const right = Math.min(x + Math.ceil(width * zoom), this.view.width);
    const bottom = Math.min(y + Math.ceil(height * zoom), this.view.height);
    context.fillRect(left, top, right - left, bottom - top);
    context.restore();
  }

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

function makeSquares(context, side, colours) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * side, height: 2 * side });
  const squares = (canvas.getContext("2d"));
  for (let k = 0; k < 4; k++) {
    squares.fillStyle = colours[(k + (k >> 1)) % 2];
    squares.fillRect((k % 2) * side, (k >> 1) * side, side, side);
  }
  return context.createPattern(canvas, "repeat");
}
return { Stage };
}),
"toolbar.js": (() => {
const { icon, make } = load("dom.js");


const GROUPS = [
  [
    { name: "minus", label: "Zoom out", key: "-" },
    { name: "zoom", label: "Zoom", key: "", text: "100 %" },
    { name: "plus", label: "Zoom in", key: "+" },
  ],
  [
    { name: "fit", label: "Fit to window", key: "0" },
    { name: "one", label: "One pixel to a pixel of the screen", key: "1", text: "1:1" },
    { name: "eight", label: "Eight times as large", key: "8", text: "8×" },
  ],
  [
    { name: "ellipses", label: "Gaussians as ellipses", key: "g", isSwitch: true },
    { name: "compare", label: "Compare with another picture", key: "c", isSwitch: true },
    { name: "info", label: "About this picture", key: "i", isSwitch: true },
    { name: "full", label: "Full screen", key: "f", isSwitch: true },
  ],
];

class Toolbar {
    constructor(act) {
        this.buttons = new Map();
    const groups = GROUPS.map((group) => make("div", { class: "splat-group" }, ...group.map((button) => this.#make(button, act))));
    this.element = make("div", { class: "splat-bar", role: "toolbar", "aria-label": "View", hidden: true }, ...groups);
  }

    #make({ name, label, key, text, isSwitch = false }, act) {
    const title = key ? `${label} (${key.toUpperCase()})` : label;
    const attributes = { type: "button", class: `splat-${name}`, title, "aria-label": label, "aria-pressed": isSwitch && "false" };
    const content = text ?? icon((name));
    const button = make("button", { ...attributes, "aria-keyshortcuts": key && (key === "+" ? "Plus" : key) }, content);
    button.addEventListener("click", () => act(name));
    this.buttons.set(name, button);
    return button;
  }

    setZoom(zoom) {
    const button = (this.buttons.get("zoom"));
    button.textContent = percent(zoom);
    button.setAttribute("aria-label", `Zoom ${percent(zoom)}`);
  }

    setPressed(name, isOn) {
    this.buttons.get(name)?.setAttribute("aria-pressed", String(isOn));
  }

    remove(name) {
    this.buttons.get(name)?.remove();
  }
}

const percent = (zoom) => `${zoom < 0.1 ? (100 * zoom).toPrecision(2) : Math.round(100 * zoom)} %`;
return { Toolbar, percent };
}),
"viewer.js": (() => {
const { make } = load("dom.js");
const { listen } = load("gestures.js");
const { grouped } = load("grouped.js");
const { ImageLayer } = load("image_layer.js");
const { formatLink, parseLink } = load("link.js");
const { Panel } = load("panel.js");
const { Slider } = load("slider.js");
const { SplatLayer } = load("splat_layer.js");
const { Stage } = load("stage.js");
const { percent, Toolbar } = load("toolbar.js");


const HELP =
  "Drag or use the arrow keys to move, the wheel, two fingers or plus and minus to zoom; 0 fits, 1 and 8 are 1:1 and eight times as large.";
const [STEP, FACTOR] = [80, 1.5];
const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const NAMES = {
  "+": "plus", "=": "plus", "-": "minus", _: "minus", 0: "fit", Home: "fit", 1: "one", 8: "eight",
  g: "ellipses", c: "compare", i: "info", f: "full",
};
const SHOWN = 8000;

class SplatViewer {
    constructor(element, options = {}) {
    this.element = element;
    this.options = options;
    this.name = "";
    this.hasEllipses = false;
    this.hasOpened = false;
    this.noted = 0;
        this.purpose = "open";
        this.alertTimer = undefined;
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
      if (this.layer === layer) this.#fail((error), true);
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
      this.#fail((error));
      throw error;
    }
  }

    async #layerOf(source) {
    const given = absolute(source);
    const isUrl = typeof given === "string";
    if (!isUrl || !/\.splat2d([?#]|$)/i.test(given)) {
      const blob = isUrl ? await (await fetch(given)).blob() : given instanceof Blob ? given : new Blob([(given)]);
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

    get view() {
    return { ...this.stage.target };
  }

    goTo(view) {
    this.stage.jump({ ...this.stage.target, ...view });
  }

  fit() {
    this.stage.fit();
  }

    showInfo(isShown) {
    const hadFocus = this.panel.element.contains(document.activeElement);
    this.panel.element.hidden = !isShown;
    this.toolbar.setPressed("info", isShown);
    this.element.classList.toggle("splat-with-panel", isShown);
    if (!isShown && hadFocus) this.toolbar.buttons.get("info")?.focus();
  }

    showEllipses(isShown) {
    this.toolbar.setPressed("ellipses", isShown);
    this.hasEllipses = isShown;
    this.#showEllipses();
  }

  #showEllipses() {
    this.layer?.showEllipses(this.hasEllipses ? this.panel.levels : 0, Math.max(1, Math.round(this.stage.ratio)));
    this.stage.invalidate();
  }

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

    settled() {
    const { stage } = this;
    return (
      new Promise((resolve) => {
        const look = () => (stage.isSharp && stage.isResting && !stage.request ? resolve() : setTimeout(look, 5));
        look();
      })
    );
  }

    close() {
    this.ending.abort();
    this.layer?.close();
    this.stage.other?.close();
    this.stage.close();
    this.layer = null;
    for (const part of this.parts) part.remove();
    this.element.classList.remove("splat-viewer", "splat-with-panel");
  }

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

    #key(event) {
    if (!this.layer?.opened || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof HTMLInputElement && event.target.type !== "checkbox") return;
    const step = STEP * (event.shiftKey ? 5 : 1);
    const isInPanel = this.panel.element.contains((event.target));
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
    (this.options.link ? document : element).addEventListener("keydown", (event) => this.#key((event)), { signal });
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

    #ask(purpose) {
    this.purpose = purpose;
    this.chooser.click();
  }

    #choose(file, purpose = "open") {
    this.chooser.value = "";
    if (file) this[purpose](file).catch(() => {}); // it has been said
  }

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
    }
  }

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

    #dispatch(type, detail = (undefined)) {
    if (type !== "open") this.element.removeAttribute("aria-busy");
    this.element.dispatchEvent(new CustomEvent(type, { detail }));
  }

    #fail(error, isLasting = false) {
    if (error.name === "AbortError") return;
    this.#say(error.message, isLasting);
    if (isLasting) this.welcome.hidden = false;
    this.#dispatch("error", error);
  }

    #say(message, isLasting = false) {
    this.alert.textContent = message;
    this.alert.hidden = false;
    clearTimeout(this.alertTimer);
    if (!isLasting) this.alertTimer = setTimeout(() => (this.alert.hidden = true), SHOWN);
  }
}

const absolute = (source) => (typeof source === "string" || source instanceof URL ? new URL(source, document.baseURI).href : source);

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
return { SplatViewer };
}),
"viewer_page.js": (() => {
const { startWorker, takeWorker } = load("workers.js");
const { SplatViewer } = load("viewer.js");

const element = (document.getElementById("viewer"));
const asked = new URLSearchParams(location.search);
const given = (globalThis).splat2dPage ?? {};
const source = given.source ?? element.dataset.src ?? asked.get("src");
const name = given.name ?? element.dataset.name ?? asked.get("name") ?? undefined;
const compare = given.compare ?? element.dataset.compare ?? asked.get("compare");
if (typeof source === "string" && !("makeWorker" in given)) startWorker(source); // it starts while the viewer is made

const viewer = new SplatViewer(element, { link: true, makeWorker: "makeWorker" in given ? given.makeWorker : takeWorker, core: given.core });
element.addEventListener("open", () => (document.title = viewer.name));
if (source) viewer.open(source, { name, compare: compare ? { source: compare } : undefined }).catch(() => {}); // the viewer says it
return { viewer };
}),
"worker.js": (() => {
load("errors.js");
load("ellipses.js");
load("facts.js");
load("metadata.js");
load("options.js");
load("painter.js");
load("pixels.js");
load("reading.js");
load("section_reader.js");
load("shared_core.js");
load("source.js");
load("structure.js");
load("view.js");
load("latent_reading.js");
load("latents.js");
load("level_colours.js");
load("grouped.js");
load("container.js");
load("zstd.js");
load("section_tile.js");
load("pause.js");
load("plan.js");
load("sections.js");
load("structs.js");
load("work.js");
load("section_order.js");
load("core.js");
load("local.js");
load("http.js");
load("multipart.js");
load("ranges.js");
load("section_index.js");
load("header.js");
load("numbers.js");
load("zstd_fse.js");
load("zstd_huffman.js");
load("memory.js");
const { serve } = load("serve.js");

serve((globalThis));
return {  };
}),

};
load(typeof document === "undefined" ? "worker.js" : "viewer_page.js");
})();
