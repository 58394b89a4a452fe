/** The memory of core.wasm: structs as C lays them out, and buffers one behind the other. The core itself allocates nothing. */
import { LimitError } from "./errors.js";

/** @typedef {"i32" | "i64" | "f32" | "f64" | "pointer"} FieldType */

/** @type {Record<FieldType, number>} */
const BYTES = { i32: 4, i64: 8, f32: 4, f64: 8, pointer: 4 };

/** @type {Record<FieldType, (view: DataView, at: number, value: number) => void>} */
const WRITE = {
  i32: (view, at, value) => view.setInt32(at, value, true),
  i64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  f32: (view, at, value) => view.setFloat32(at, value, true),
  f64: (view, at, value) => view.setFloat64(at, value, true),
  pointer: (view, at, value) => view.setUint32(at, value, true),
};

/** @type {Record<FieldType, (view: DataView, at: number) => number>} */
const READ = {
  i32: (view, at) => view.getInt32(at, true),
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  f32: (view, at) => view.getFloat32(at, true),
  f64: (view, at) => view.getFloat64(at, true),
  pointer: (view, at) => view.getUint32(at, true),
};

/** A struct of core.h, with the alignment that C gives it on wasm32. */
export class Struct {
  /**
   * @param {number} kind its number for core_struct_bytes
   * @param {...[FieldType, string]} fields types, and names in their order; "name[4]" is an array
   */
  constructor(kind, ...fields) {
    this.kind = kind;
    /** @type {Map<string, {type: FieldType, offset: number, length: number}>} */
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

  /**
   * Writes all fields: those that are not named are 0.
   * @param {DataView} view
   * @param {number} at
   * @param {Record<string, number | boolean | ArrayLike<number>>} values
   */
  write(view, at, values) {
    for (const name of Object.keys(values)) if (!this.fields.has(name)) throw new TypeError(`no field is called ${name}`);
    for (const [name, { type, offset, length }] of this.fields) {
      const value = values[name] ?? 0;
      const numbers = typeof value === "object" ? value : [value];
      for (let i = 0; i < length; i++) WRITE[type](view, at + offset + i * BYTES[type], Number(numbers[i] ?? 0));
    }
  }

  /**
   * @param {DataView} view
   * @param {number} at
   * @param {string} name
   */
  read(view, at, name) {
    const field = this.fields.get(name);
    if (!field) throw new TypeError(`no field is called ${name}`);
    return READ[field.type](view, at + field.offset);
  }
}

/**
 * @param {number} value
 * @param {number} unit
 */
const alignUp = (value, unit) => Math.ceil(value / unit) * unit;

const PAGE = 65536;

/** Buffers one behind the other, each aligned to 64 bytes, which are all given back at once. A view of the memory ends when it grows. */
export class Arena {
  /**
   * @param {WebAssembly.Memory} memory
   * @param {number} base where free memory begins
   * @param {number} most bytes that the memory may have
   */
  constructor(memory, base, most) {
    this.memory = memory;
    this.base = this.used = alignUp(base, 64);
    this.most = most;
  }

  /** Gives back all buffers but those that were taken before `keep`. */
  reset() {
    this.used = this.base;
  }

  /** What was taken so far stays. */
  keep() {
    this.base = this.used;
  }

  /**
   * The address of so many bytes; the memory grows if it has to. Throws LimitError.
   * @param {number} bytes
   */
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

  /**
   * The address of a copy of an array.
   * @param {ArrayBufferView} array
   */
  put(array) {
    const address = this.take(array.byteLength);
    new Uint8Array(this.memory.buffer, address, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return address;
  }

  /**
   * The address of structs, one behind the other.
   * @param {Struct} struct
   * @param {Record<string, number | boolean | ArrayLike<number>>[]} rows
   */
  putStructs(struct, rows) {
    const address = this.take(struct.bytes * rows.length);
    const view = new DataView(this.memory.buffer);
    rows.forEach((row, i) => struct.write(view, address + i * struct.bytes, row));
    return address;
  }

  /**
   * A copy of some of the memory.
   * @template {Uint8Array | Uint16Array | Int16Array | Int32Array | Float32Array} T
   * @param {{new (buffer: ArrayBufferLike, offset: number, length: number): T}} type of its numbers
   * @param {number} address
   * @param {number} length numbers
   * @returns {T}
   */
  copy(type, address, length) {
    return /** @type {T} */ (new type(this.memory.buffer, address, length).slice());
  }
}
