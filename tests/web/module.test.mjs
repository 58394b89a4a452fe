/** The public module: integers of the conformance set, pixels and work of views as Python has them. tests/test_web_module.py makes the cases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scaleOf } from "../../splatc/web/options.js";
import { open } from "../../splatc/web/splat2d.js";
import { readFile, sectionsIn } from "../../splatc/web/core.js";
import { withAncestors } from "../../splatc/web/sections.js";
import { makeView, stripsOf } from "../../splatc/web/view.js";
import { drawingWork, readingWork } from "../../splatc/web/work.js";
import { bytesOf, conformanceFile, integersDigest, makeCore, MANIFEST } from "./common.mjs";

const folder = process.env.SPLATC_WEB_CASES;
const { views } = JSON.parse(new TextDecoder().decode(bytesOf(`${folder}/cases.json`)));
const core = await makeCore();

for (const entry of MANIFEST)
  test(`integers of ${entry.name}`, async () => {
    const picture = await open(conformanceFile(entry.name));
    const { width, height, channels, depth, count } = picture.header;
    assert.deepEqual([width, height, channels, depth, count], [entry.width, entry.height, entry.channels, entry.bit_depth, entry.gaussians]);
    const found = await picture.gaussians();
    assert.equal(integersDigest(found.integers, channels), entry.integers_sha256);
    const lengths = [found.mean, found.scale, found.angle, found.colour].map((array) => array.length);
    assert.deepEqual(lengths, [2 * count, 2 * count, count, channels * count]);
  });

test("there are views", () => assert.ok(views.length > 25));

for (const { says, path, options, file, shape, reading, drawing } of views)
  test(`pixels of ${says}`, async () => {
    const bytes = bytesOf(path);
    for (const source of [bytes, new Blob([bytes])]) {
      const picture = await open(source);
      const { width, height, data } = await picture.read(options);
      assert.deepEqual([height, width], shape);
      assert.deepEqual(data, new Uint8ClampedArray(bytesOf(`${folder}/${file}`)));
    }
    const whole = readFile(bytes);
    const { header } = whole;
    const region = options.region ?? [0, 0, header.width, header.height];
    const scale = scaleOf(options.scale ?? 1);
    const view = makeView(header.width, header.height, region, scale);
    const isWhole = !options.region;
    const needed = withAncestors(whole, sectionsIn(whole, isWhole ? null : view.box, options.maxLevel ?? 0));
    assert.equal(readingWork(whole, needed).work, reading);
    if (isWhole && !options.maxLevel)
      assert.equal(drawingWork(header, core.decodeFile(whole), { ...view, region, scale }), BigInt(drawing));
  });

test("strips are all of a view, of whole tiles", () => {
  for (const scale of [[1, 1], [1, 3], [2, 7], [3, 1]])
    for (const region of [[0, 0, 900, 700], [13, 57, 801, 500]]) {
      const view = makeView(900, 700, region, scale);
      for (const work of [1, 2 ** 30, 2 ** 60]) {
        const strips = [...stripsOf(view, work)];
        assert.deepEqual([strips[0][0], strips.at(-1)[1]], [0, view.rows]);
        strips.slice(1).forEach(([first], i) => assert.equal(first, strips[i][1]));
        assert.equal(strips.length > 1, work > 2 ** 29);
      }
    }
});

test("a second read goes on from what the first has decoded, with the same pixels", async () => {
  const picture = await open(new Blob([conformanceFile("sections")]));
  const { width, height } = picture;
  const region = [width >> 1, height >> 1, width >> 2, height >> 2];
  const first = await picture.read({ region });
  const loaded = picture.bytesLoaded;
  assert.deepEqual((await picture.read({ region })).data, first.data);
  assert.equal(picture.bytesLoaded, loaded);
  const coarse = await (await open(conformanceFile("sections"))).read({ maxLevel: 2 });
  assert.deepEqual((await picture.read({ maxLevel: 2 })).data, coarse.data);
  const [a, b] = await Promise.all([picture.read(), picture.read({ region })]);
  assert.deepEqual(b.data, first.data, "also two at once");
  assert.equal(a.width, width);
});

test("progress is reported", async () => {
  const calls = [];
  const picture = await open(new Blob([conformanceFile("sections")]));
  await picture.read({ onProgress: (progress) => calls.push(progress) });
  const last = calls.at(-1);
  assert.equal(last.sections, last.of);
  assert.equal(last.bytes, picture.bytes);
});

test("an index that would take too much memory is not read", async () => {
  await assert.rejects(open(conformanceFile("sections"), { maxMemory: 5000 }), { name: "LimitError", message: /an index of \d+ bytes/ });
  assert.equal((await open(conformanceFile("sections"), { maxMemory: 50_000 })).width, 64);
});

test("scales in every form", () => {
  assert.deepEqual(["1/8", "2", 0.125, [2, 16], 1 / 3, 3, 0.3].map(scaleOf), [[1, 8], [2, 1], [1, 8], [1, 8], [1, 3], [3, 1], [3, 10]]);
  for (const wrong of [0, -1, NaN, Infinity, "x", "1/0", [1], [1, -2], {}, 1e-9]) assert.throws(() => scaleOf(wrong), RangeError);
});
