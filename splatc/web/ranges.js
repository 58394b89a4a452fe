/** Lists of ranges of bytes: what is there, what is missing, and what is fetched in one request. */

/** @typedef {[number, number]} Range [start, end), bytes of the file */

/**
 * The same bytes in ascending order, as few ranges as it takes.
 * @param {Range[]} ranges
 * @returns {Range[]}
 */
export function merge(ranges) {
  /** @type {Range[]} */
  const merged = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged[merged.length - 1];
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else if (start < end) merged.push([start, end]);
  }
  return merged;
}

/**
 * The bytes of some ranges that are in none of others.
 * @param {Range[]} ranges
 * @param {Range[]} others merged
 * @returns {Range[]}
 */
export function without(ranges, others) {
  /** @type {Range[]} */
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

/**
 * Whether all bytes of some ranges are in others.
 * @param {Range[]} ranges
 * @param {Range[]} others merged
 */
export const covers = (ranges, others) => without(ranges, others).length === 0;

/**
 * Joins neighbours, so that they take fewer requests: the nearest first, all that are at most `near` bytes apart, and more as long as there are
 * more than `most` ranges and the bytes between are at most `share` of all. These are then fetched, too, so no two ranges are joined that have
 * bytes of `taken` between them.
 * @param {Range[]} ranges merged
 * @param {Range[]} taken merged
 * @param {{near: number, most: number, share: number}} bounds
 * @returns {Range[]}
 */
export function join(ranges, taken, { near, most, share }) {
  let allowed = share * sizeOf(ranges);
  const closed = new Set(); // places of ranges that are joined with the one before
  const gaps = ranges.slice(1).map(([end], i) => ({ place: i + 1, bytes: end - ranges[i][1] }));
  for (const { place, bytes } of gaps.sort((a, b) => a.bytes - b.bytes)) {
    if (bytes > near && (bytes > allowed || ranges.length - closed.size <= most)) break;
    if (taken.some(([start, end]) => start < ranges[place][0] && end > ranges[place - 1][1])) continue;
    closed.add(place);
    allowed -= bytes;
  }
  /** @type {Range[]} */
  const joined = [];
  for (const [place, [start, end]] of ranges.entries()) {
    if (closed.has(place)) joined[joined.length - 1][1] = end;
    else joined.push([start, end]);
  }
  return joined;
}

/**
 * Bytes of ranges.
 * @param {Range[]} ranges merged
 */
export const sizeOf = (ranges) => ranges.reduce((sum, [start, end]) => sum + end - start, 0);
