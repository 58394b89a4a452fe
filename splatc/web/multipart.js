/** The body of an answer to a request for several ranges: multipart/byteranges (RFC 9110, section 14.6; RFC 2046, section 5.1). */

/** Bytes that the head of a part may have, boundary included; servers take some 150. */
export const PART_HEAD = 1024;
const HEAD_END = "\r\n\r\n";

/**
 * Its parts, as far as they are whole: where each begins in the file, its bytes, and how long the file is said to be.
 * @param {Uint8Array} body
 * @param {string} boundary
 */
export function partsOf(body, boundary) {
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
