/** The integers of every other decoder: of whole files, section by section, of the coarser levels, of a file that is still arriving. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { joinColumns, readFile, sectionsIn, streamsOf } from "../../splatc/web/core.js";
import { bytesOf, conformanceFile, integersDigest, makeCore, MANIFEST } from "./common.mjs";

const core = await makeCore();

for (const entry of MANIFEST)
  test(`integers of ${entry.name}`, () => {
    const file = readFile(conformanceFile(entry.name));
    const { width, height, channels, depth, count } = file.header;
    const expected = [entry.width, entry.height, entry.channels, entry.bit_depth, entry.gaussians];
    assert.deepEqual([width, height, channels, depth, count], expected);
    assert.equal(integersDigest(core.decodeFile(file), channels), entry.integers_sha256);
  });

test("sections one by one, each from what its ancestors have left", () => {
  const file = readFile(conformanceFile("sections"));
  const parents = new Set(file.sections.map((section) => section.parent));
  const known = new Map();
  const parts = [];
  for (const { number } of file.sections) {
    const streams = streamsOf(file, [number], known);
    assert.deepEqual([...streams.keys()], [number], "its ancestors are known");
    const found = core.decode(file, streams, { known, keep: parents });
    parts.push(found.columns.get(number));
    found.known.forEach((each, of) => known.set(of, each));
  }
  assert.ok(known.size > 1 && parts.length > known.size);
  const { integers_sha256: expected } = MANIFEST.find((entry) => entry.name === "sections");
  assert.equal(integersDigest(joinColumns(parts), file.header.channels), expected);
});

test("a section without its parent is a mistake of the caller", () => {
  const file = readFile(conformanceFile("sections"));
  const child = file.sections.find((section) => section.parent >= 0);
  const streams = streamsOf(file, [child.number]);
  streams.delete(child.parent);
  assert.throws(() => core.decode(file, streams), TypeError);
});

const cases = process.env.SPLATC_WEB_CASES;

test("parts of files are those that Python reads", { skip: !cases && "tests/test_web_core.py makes the cases" }, () => {
  const { parts } = JSON.parse(new TextDecoder().decode(bytesOf(`${cases}/cases.json`)));
  assert.ok(parts.length > 10);
  for (const { path, length, box, stop_level: stopLevel, count, sha256 } of parts) {
    const file = readFile(bytesOf(path).subarray(0, length));
    const wanted = sectionsIn(file, box, stopLevel);
    const { columns } = core.decode(file, streamsOf(file, wanted), { stopLevel });
    const joined = joinColumns(wanted.filter((number) => columns.has(number)).map((number) => columns.get(number)));
    const says = `${path}: ${length} bytes, box ${box}, levels from ${stopLevel}`;
    assert.equal(joined.level.length, count, says);
    assert.equal(integersDigest(joined, file.header.channels), sha256, says);
  }
});

test("a file that is cut off is refused as a whole", () => {
  const bytes = conformanceFile("sections");
  const file = readFile(bytes.subarray(0, bytes.length - 9));
  assert.ok(file.sections.length > 0 && file.truncation);
  assert.throws(() => core.decodeFile(file), { name: "TruncatedFileError", kind: "corrupt" });
});
