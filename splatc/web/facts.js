/** What `splatc info` says of a file, as rows of a name and a text. */
import { grouped } from "./grouped.js";
import { profileName } from "./pixels.js";

const COLOURS = ["gray", "gray and alpha", "RGB", "RGB and alpha"];
const METADATA = /** @type {Record<string, string>} */ ({ iccp: "colour profile", exif: "EXIF", xmpd: "XMP" });

/**
 * @param {import("./sections.js").SplatFile} file
 * @param {Uint8Array} icc
 * @returns {[string, string][]}
 */
export function fileFacts({ bytes, header, chunks, sections, latents }, icc) {
  const { width, height, channels, depth, normalized, background, quantizer, count } = header;
  const size = bytes.length;
  const lengths = sections.map((section) => section.length);
  const spread = lengths.length > 1 ? ` of ${grouped(Math.min(...lengths))} to ${grouped(Math.max(...lengths))} bytes` : "";
  const head = chunks[0].offset;
  const ratio = (width * height * channels * depth) / 8 / size;
  /** @type {[string, string][]} */
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
