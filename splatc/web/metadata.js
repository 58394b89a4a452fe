/** Colour profile, EXIF and XMP: what a file carries beside its picture (spec/metadata.md). What is damaged costs no pixel, but a note. */
import { isComplete, payload } from "./container.js";
import { corrupt, LimitError, SplatError } from "./errors.js";
import { decodeFrame, readFrameHeader, ZstdError } from "./zstd.js";

/**
 * @typedef {import("./sections.js").SplatFile} SplatFile
 * @typedef {import("./source.js").Source} Source
 */

const MAX_CONTENT = 2 ** 24;
const MAX_PAYLOAD = 2 ** 25;

/**
 * What a chunk of metadata holds; nothing where there is none, where the file ends before it, or where it is damaged.
 * @param {Source} source
 * @param {SplatFile} file
 * @param {string} type
 * @param {(text: string) => void} note called with a sentence on what is damaged
 */
export async function readMetadata(source, file, type, note) {
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

/**
 * Throws CorruptFileError, or LimitError.
 * @param {string} type
 * @param {Uint8Array} bytes payload
 */
export function contentOf(type, bytes) {
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
