/**
 * The compiled core in a browser: reads streams, places and draws Gaussians. Arrays in, arrays out; splatc/core/core.h has the meaning of
 * every number, and of the names of structs and fields here.
 *
 *     const core = await loadCore(fetch(new URL("core.wasm", import.meta.url)));
 *     const file = readFile(bytes);
 *     const columns = core.decodeFile(file);
 *     const view = makeView(file.header.width, file.header.height);
 *     const samples = core.draw(core.place(file.header, core.dequantize(file.header, columns), view));
 *
 * A call holds the memory of the module for as long as it runs, and nothing of it afterwards; so one core serves any number of files.
 */
import { corrupt, SplatError } from "./errors.js";
import { cellsOfTile, latentsOf, planeOf, streamOfTile } from "./latents.js";
import { Arena } from "./memory.js";
import { joinColumns, planOf } from "./plan.js";
import { checkFile, readFile, sectionsIn, streamsOf } from "./sections.js";
import { COLUMNS, DECODE, DRAW, GAUSSIANS, HEADER, LATENT_TILE, LEVEL, NAMES, PARTITIONS, PLACED, SECTION, SITE, STEPS, SYNTHESIS, TABLES, VIEW, floatWidths } from "./structs.js";
import { makeView } from "./view.js";

export { checkFile, joinColumns, makeView, readFile, sectionsIn, SplatError, streamsOf };

/**
 * @typedef {import("./header.js").Header} Header
 * @typedef {import("./sections.js").SplatFile} SplatFile
 * @typedef {import("./section_index.js").Section} Section
 * @typedef {import("./plan.js").Columns} Columns
 * @typedef {import("./plan.js").Known} Known
 * @typedef {import("./plan.js").Plan} Plan
 * @typedef {import("./view.js").View} View
 *
 * @typedef {object} Gaussians
 * @property {Float32Array} mean (N, 2) px
 * @property {Float32Array} scale (N, 2) px
 * @property {Float32Array} angle (N) rad
 * @property {Float32Array} colour (N, channels) of full range
 *
 * @typedef {object} Placed Gaussians on the grid of a view
 * @property {Header} header
 * @property {View} view
 * @property {number} count
 * @property {Uint8Array} memory (count) core_placed
 * @property {number} entries of the lists of all tiles together
 */

const VERSION = 3;
const MAX_MEMORY = 2 ** 31;
const OK = 0;
const BEYOND_MARGIN = 5;
const TOO_SMALL = 10;
/** What statuses of a section mean. */
const MESSAGES = [
  "",
  "a stream of the GAUS chunk holds an impossible code: the file is damaged",
  "more points in a half than in the whole: the GAUS chunk is damaged",
  "an escape stands for a residual that has a symbol of its own: the GAUS chunk is damaged",
  "a stream of the GAUS chunk does not end where its last Gaussian does: the file is damaged",
];

/** And of a tile of latents. */
const LATENT_MESSAGES = [
  "",
  "a stream of the LATN chunk holds an impossible code: the file is damaged",
  "",
  "an escape stands for a latent that has a symbol of its own: the LATN chunk is damaged",
  "a stream of the LATN chunk does not end where its last latent does: the file is damaged",
];

/**
 * Loads core.wasm.
 * @param {Response | Promise<Response> | BufferSource | WebAssembly.Module} source
 * @param {{maxMemory?: number}} [options] bytes that decoding and drawing may take, at most 2^32
 */
export async function loadCore(source, { maxMemory = MAX_MEMORY } = {}) {
  const given = await source;
  if (given instanceof WebAssembly.Module) return new Core(new WebAssembly.Instance(given), maxMemory);
  const loading = given instanceof Response ? WebAssembly.instantiateStreaming(given) : WebAssembly.instantiate(given);
  return new Core((await loading).instance, maxMemory);
}

export class Core {
  /**
   * @param {WebAssembly.Instance} instance
   * @param {number} maxMemory
   */
  constructor(instance, maxMemory) {
    /** @type {Record<string, any>} the functions of core.h; int64_t are bigint */
    this.functions = instance.exports;
    if (this.functions.core_version() !== VERSION) throw new Error("core.wasm is of another version than core.js");
    for (const struct of [HEADER, SECTION, LEVEL, DECODE, COLUMNS, GAUSSIANS, VIEW, DRAW, LATENT_TILE, SYNTHESIS])
      if (this.#sizeOf(struct.kind) !== struct.bytes) throw new Error(`struct ${struct.kind} of core.wasm is another than that of core.js`);
    this.arena = new Arena(this.functions.memory, this.functions.__heap_base.value, maxMemory);
    this.partitions = this.arena.take(this.#sizeOf(PARTITIONS)); // 0 as all new memory, and kept
    this.arena.keep();
    /** @type {WeakMap<Header, {steps: Uint8Array, first: Uint8Array}>} */
    this.derived = new WeakMap();
  }

  /** @param {number} kind of a struct */
  #sizeOf(kind) {
    return Number(this.functions.core_struct_bytes(kind));
  }

  /** @param {number} status of a call, which can only fail by a mistake of this module */
  #check(status) {
    if (status !== OK) throw new Error(`the core was called with wrong arguments (status ${status})`);
  }

  /**
   * Addresses of what follows from a header: its steps, and the tables that a section without a parent starts from.
   * @param {Header} header
   */
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

  /**
   * All Gaussians of a whole file, whose every chunk is checked. Throws SplatError.
   * @param {SplatFile} file
   * @param {Uint8Array} [network] that a file with latents needs: latent_1.bin
   */
  decodeFile(file, network) {
    checkFile(file);
    if (file.latents) return this.#decodeTiles(file, network ?? new Uint8Array(0));
    const { columns } = this.decode(file, streamsOf(file, sectionsIn(file, null)));
    return joinColumns([...columns.values()]);
  }

  /**
   * @param {SplatFile} file
   * @param {Uint8Array} network
   */
  #decodeTiles(file, network) {
    const tiles = file.sections.map(({ number }) => [number, this.decodeTile(file, number, /** @type {Uint8Array} */ (streamOfTile(file, number)), network)]);
    const known = /** @type {import("./latents.js").Tiles} */ (new Map(/** @type {any} */ (tiles)));
    return joinColumns(file.sections.map((tile) => this.synthesize(file, known, cellsOfTile(file.header, tile), network)));
  }

  /**
   * The latents of a tile: (latents, rows, columns). Throws SplatError.
   * @param {SplatFile} file with latents
   * @param {number} number
   * @param {Uint8Array} stream
   * @param {Uint8Array} network
   */
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

  /**
   * The Gaussians of cells that lie in one tile.
   * @param {SplatFile} file with latents
   * @param {import("./latents.js").Tiles} known the tiles that these cells need
   * @param {import("./latents.js").Cells} cells
   * @param {Uint8Array} network
   * @param {number} [leastLevel] finer ones are left out
   * @returns {Columns}
   */
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
    return /** @type {Columns} */ (Object.fromEntries(entries));
  }

  /**
   * The Gaussians of sections. Each ancestor of one is itself among them, or known. A stream that is shorter than its section says was cut
   * off: the levels that were complete come back. Throws SplatError for the first that is damaged.
   * @param {SplatFile} file
   * @param {Map<number, Uint8Array>} streams of sections, by number: `streamsOf`
   * @param {object} [options]
   * @param {Map<number, Known>} [options.known] sections that were decoded before
   * @param {Set<number>} [options.keep] of those that are decoded whole: what others need that will go on from them
   * @param {number} [options.stopLevel] finer levels are left out
   * @returns {{columns: Map<number, Columns>, known: Map<number, Known>}} by number, in file order; without those that were known before
   */
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

  /**
   * Puts everything that a decoder reads or writes into memory.
   * @param {Header} header
   * @param {Plan} plan
   * @param {Map<number, Known>} known
   */
  #putTask(header, { places, rows, levels, streams, count, slots, chains }, known) {
    const { arena, functions } = this;
    const { steps, first } = this.#derive(header);
    const tablesBytes = this.#sizeOf(TABLES);
    const sizes = rows.map((row, place) => Number(functions.core_decode_workspace(BigInt(row.count), BigInt(chains[place]))));
    const workspaceBytes = Math.ceil(sizes.reduce((most, size) => Math.max(most, size), 0) / 64) * 64;
    const byteCount = streams.reduce((sum, stream) => sum + stream.length, 0);
    /** @type {Record<string, number>} */
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

  /**
   * @param {number} status of a section that was not decoded
   * @param {Section} section
   * @param {number} address of it
   */
  #damage(status, section, address) {
    if (MESSAGES[status]) return corrupt(MESSAGES[status]);
    if (status !== BEYOND_MARGIN) return new Error(`the core was called with wrong arguments (status ${status})`);
    const beyond = SECTION.read(new DataView(this.arena.memory.buffer), address, "beyond");
    return corrupt(`an ellipse lies ${beyond.toFixed(1)} px beyond its tile, the INDX chunk says ${section.margin}: the file is damaged`);
  }

  /**
   * Copies what was decoded.
   * @param {SplatFile} file
   * @param {Plan} plan
   * @param {Record<string, number>} at
   * @param {Map<number, Known>} before
   * @param {Set<number>} keep
   */
  #results(file, { numbers, rows, slots }, at, before, keep) {
    const { arena } = this;
    const { channels } = file.header;
    const view = new DataView(arena.memory.buffer);
    const tablesBytes = this.#sizeOf(TABLES);
    /** @type {Map<number, Columns>} */
    const columns = new Map();
    /** @type {Map<number, Known>} */
    const known = new Map();
    for (const [place, number] of numbers.entries()) {
      if (before.has(number)) continue;
      const decoded = SECTION.read(view, at.sections + place * SECTION.bytes, "decoded");
      const { start } = rows[place];
      const column = (/** @type {string} */ name, width = 1) => arena.copy(Int32Array, at[name] + 4 * width * start, width * decoded);
      const entries = NAMES.map((name) => [name, column(name)]);
      const own = /** @type {Columns} */ (Object.fromEntries([...entries, ["colour", column("colour", channels)]]));
      columns.set(number, own);
      if (!keep.has(number) || decoded < file.sections[number].count) continue;
      const tables = at.tables + (slots.get(number) ?? 0) * tablesBytes;
      known.set(number, { columns: own, tables: arena.copy(Uint8Array, tables, tablesBytes) });
    }
    return { columns, known };
  }

  /**
   * Integers -> Gaussians (spec/quantization.md).
   * @param {Header} header
   * @param {Columns} columns
   * @returns {Gaussians}
   */
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
    return /** @type {Gaussians} */ (Object.fromEntries(arrays));
  }

  /**
   * Gaussians -> where and how wide they are on the grid of a view.
   * @param {Header} header
   * @param {Gaussians} gaussians
   * @param {View} view
   * @returns {Placed}
   */
  place(header, gaussians, view) {
    const { arena, functions } = this;
    arena.reset();
    const count = gaussians.angle.length;
    const bytes = count * this.#sizeOf(PLACED);
    const at = this.#putView(view);
    const names = /** @type {(keyof Gaussians)[]} */ (Object.keys(floatWidths(header.channels)));
    const given = Object.fromEntries(names.map((name) => [name, arena.put(gaussians[name])])); // who calls may have put more beside them
    const placed = arena.take(bytes);
    const arrays = arena.putStructs(GAUSSIANS, [given]);
    this.#check(functions.core_place(at, BigInt(count), arrays, header.channels, Number(header.normalized), placed));
    const entries = Number(functions.core_count_entries(at, BigInt(count), placed));
    return { header, view, count, memory: arena.copy(Uint8Array, placed, bytes), entries };
  }

  /** @param {View} view */
  #putView({ box, ...fields }) {
    return this.arena.putStructs(VIEW, [fields]);
  }

  /**
   * Draws rows of a view: (last - first, columns, channels) samples, clamped and rounded to 8 or 16 bits, or floats, which are neither.
   * Throws LimitError if that takes more memory than is allowed.
   * @param {Placed} placed
   * @param {object} [options]
   * @param {8 | 16 | 32} [options.depth] of samples; by default that of the file
   * @param {number} [options.first] row
   * @param {number} [options.last] one past the last row
   * @returns {Uint8Array | Uint16Array | Float32Array}
   */
  draw({ header, view, count, memory, entries }, { depth = header.depth, first = 0, last = view.rows } = {}) {
    const { arena, functions } = this;
    arena.reset();
    const type = /** @type {typeof Uint8Array} */ ({ 8: Uint8Array, 16: Uint16Array, 32: Float32Array }[depth]);
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
