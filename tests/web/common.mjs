/** What the tests of splatc/web/ share: the core, files, and integers as text. tests/test_web_core.py says what it runs them with. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadCore } from "../../splatc/web/core.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** @param {string} path below the root of the repository, or absolute */
export const bytesOf = (path) => new Uint8Array(readFileSync(resolve(ROOT, path)));

export const MANIFEST = JSON.parse(new TextDecoder().decode(bytesOf("spec/conformance/manifest.json"))).files;

/** @param {string} name of a file of the conformance set */
export const conformanceFile = (name) => bytesOf(`spec/conformance/${name}.splat2d`);

/** What files with latents need. */
export const NETWORK = bytesOf("splatc/web/latent_1.bin");

export const makeCore = (options = {}) => loadCore(bytesOf(process.env.SPLATC_WASM ?? "splatc/web/core.wasm"), options);

/** The SHA-256 of integers as spec/conformance/README.md has them. */
export function integersDigest(columns, channels) {
  const names = ["level", "x", "y", "log_scale", "aspect", "angle", "offset"];
  const hash = createHash("sha256");
  for (let i = 0; i < columns.level.length; i++) {
    const colour = columns.colour.subarray(i * channels, (i + 1) * channels);
    hash.update([...names.map((name) => columns[name][i]), ...colour].join(" ") + "\n");
  }
  return hash.digest("hex");
}
