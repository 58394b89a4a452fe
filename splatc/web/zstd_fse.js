/** Finite state entropy of Zstandard (RFC 8878, 4.1): streams of bits, and tables of states. */

/**
 * @typedef {object} FseTable
 * @property {number} accuracy log2 of the number of states
 * @property {Uint8Array} symbols of each state
 * @property {Uint8Array} bits that are read for the next state
 * @property {Uint16Array} bases to which they are added
 */

const MAX_SYMBOLS = 256;

/** Bits from the first byte on, the lowest first. */
export class ForwardBits {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

  /**
   * Throws RangeError behind the end.
   * @param {number} count up to 24
   */
  read(count) {
    const end = this.position + count;
    if (end > 8 * this.bytes.length) throw new RangeError("the bits are at their end");
    const value = bitsAt(this.bytes, this.position, count);
    this.position = end;
    return value;
  }
}

/** Bits from the highest one that is set in the last byte backwards; in front of the first byte there are zeros, at negative positions. */
export class BackwardBits {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const last = bytes[bytes.length - 1];
    if (!last) throw new RangeError("a stream of bits has no mark at its end");
    this.bytes = bytes;
    this.position = 8 * (bytes.length - 1) + 31 - Math.clz32(last);
  }

  /** @param {number} count up to 31 */
  read(count) {
    this.position -= count;
    if (this.position >= 0) return bitsAt(this.bytes, this.position, count);
    const there = Math.max(0, this.position + count);
    return bitsAt(this.bytes, 0, there) * 2 ** (count - there);
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} position
 * @param {number} count
 */
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

/**
 * The table of a block that has one code alone.
 * @param {number} symbol
 * @returns {FseTable}
 */
export const singleTable = (symbol) => ({ accuracy: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) });

/**
 * @param {number} accuracy
 * @param {number[]} shares of the states that each symbol has; -1 is less than one
 * @returns {FseTable}
 */
export function defaultTable(accuracy, shares) {
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

/**
 * A table as it stands at the beginning of some bytes, and how many of them it takes. Throws RangeError if it is none.
 * @param {Uint8Array} bytes
 * @param {number} mostAccuracy
 */
export function readTable(bytes, mostAccuracy) {
  const stream = new ForwardBits(bytes);
  const accuracy = stream.read(4) + 5;
  if (accuracy > mostAccuracy) throw new RangeError("a table is too large");
  /** @type {number[]} */
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

/**
 * @param {ForwardBits} stream
 * @param {number} rest of the states
 */
function readShare(stream, rest) {
  const width = 32 - Math.clz32(rest + 1); // of the largest value
  const half = 1 << (width - 1);
  const short = 2 * half - 1 - (rest + 1); // so many values take a bit less
  const low = stream.read(width - 1);
  if (low < short) return low - 1;
  return (stream.read(1) ? low + half - short : low) - 1;
}
