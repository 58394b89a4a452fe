/** Numbers as files have them, and the checksum of their chunks (spec/header.md, "Encodings"; spec/container.md, "Chunk"). */
import { corrupt } from "./errors.js";

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32 as in PNG, of several pieces one behind the other.
 * @param {...ArrayLike<number>} pieces
 */
export const crc32 = (...pieces) => ~pieces.reduce(addToCrc, -1) >>> 0;

/**
 * What a CRC-32 has come to behind one more piece: -1 before the first, and its complement is the CRC.
 * @param {number} value
 * @param {ArrayLike<number>} bytes
 */
export function addToCrc(value, bytes) {
  for (let i = 0; i < bytes.length; i++) value = CRC_TABLE[(value ^ bytes[i]) & 255] ^ (value >>> 8);
  return value;
}

/** Reads numbers from bytes, one after the other (spec/header.md, "Encodings"). */
export class Numbers {
  /**
   * @param {Uint8Array} bytes
   * @param {string} where what they are, for messages
   */
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

  /** @param {string} what */
  #wrong(what) {
    return corrupt(`the number that ends at byte ${this.position} of ${this.where} ${what}`);
  }

  end() {
    if (this.position !== this.bytes.length) throw corrupt(`${this.where} has ${this.bytes.length} bytes, expected ${this.position}`);
  }
}
