/** Files with latents: integers, pixels and work are those of Python, which tests/test_web_latents.py writes down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError, open } from "../../splatc/web/splat2d.js";
import { layersOf, readFile, rangesOf } from "../../splatc/web/sections.js";
import { fileFacts } from "../../splatc/web/facts.js";
import { bytesOf, integersDigest, makeCore, NETWORK } from "./common.mjs";

const folder = process.env.SPLATC_WEB_CASES;
const { integers, pixels, bounds, large } = JSON.parse(new TextDecoder().decode(bytesOf(`${folder}/cases.json`)));

for (const { path, length, region, level, count, sha256 } of integers)
  test(`integers of ${path}: ${length} bytes, ${region}, level ${level}`, async () => {
    for (const source of [bytesOf(path).slice(0, length), new Blob([bytesOf(path).slice(0, length)])]) {
      const picture = await open(source);
      const found = await picture.gaussians({ region, level, allowTruncated: true });
      assert.equal(found.count, count);
      assert.equal(integersDigest(found.integers, picture.header.channels), sha256);
    }
  });

for (const { path, region, scale, level, samples, width, height } of pixels)
  test(`pixels of ${path}: ${region}, scale ${scale}, level ${level}`, async () => {
    const picture = await open(bytesOf(path));
    const found = await picture.read({ region, scale, maxLevel: level });
    assert.deepEqual([found.width, found.height], [width, height]);
    const wanted = bytesOf(`${folder}/${samples}`);
    const channels = picture.header.channels;
    for (let i = 0; i < width * height; i++)
      for (let k = 0; k < 3; k++) assert.equal(found.data[4 * i + k], wanted[channels * i + (channels === 3 ? k : 0)]);
  });

test("work is what Python says", async () => {
  for (const { path, region, scale, work } of bounds) {
    await (await open(bytesOf(path), { maxWork: work })).read({ region, scale });
    await assert.rejects(async () => (await open(bytesOf(path), { maxWork: work - 1 })).read({ region, scale }), LimitError);
  }
});

test("the core alone reads a whole file", async () => {
  const core = await makeCore();
  const file = readFile(bytesOf(large));
  const { sha256, count } = integers.find((each) => each.path === large && !each.region && !each.level);
  const columns = core.decodeFile(file, NETWORK);
  assert.equal(columns.level.length, count);
  assert.equal(integersDigest(columns, file.header.channels), sha256);
});

test("a region takes the tiles around it, and no more", async () => {
  const bytes = bytesOf(large);
  const file = readFile(bytes);
  assert.equal(file.sections.length, 4);
  assert.equal(rangesOf(file, [3]).length, 4);
  assert.deepEqual(layersOf(file), [{ level: 1, end: bytes.length - 4 }]);
  assert.ok(fileFacts(file, new Uint8Array(0)).some(([name, text]) => name === "latents" && text.startsWith("network 1, q ")));
  const picture = await open(new Blob([bytes]));
  await picture.read({ region: [0, 0, 64, 64] });
  assert.ok(picture.bytesLoaded < bytes.length);
});
