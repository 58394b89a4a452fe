/** Samples: within the tolerance of the conformance set, and those of the native core to the last bit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeView, readFile } from "../../splatc/web/core.js";
import { bytesOf, conformanceFile, makeCore } from "./common.mjs";

const folder = process.env.SPLATC_WEB_CASES;
const skip = !folder && "tests/test_web_core.py makes the cases";
const { samples: cases } = skip ? { samples: [] } : JSON.parse(new TextDecoder().decode(bytesOf(`${folder}/cases.json`)));
const core = await makeCore();

const TYPES = { 8: Uint8Array, 16: Uint16Array, 32: Float32Array };

/** Samples in a file, in the byte order of this machine. */
function samplesOf(name, depth) {
  const bytes = bytesOf(`${folder}/${name}`);
  return new TYPES[depth](bytes.slice().buffer);
}

function draw({ path, region, scale, depth }) {
  const file = readFile(bytesOf(path));
  const { header } = file;
  const view = makeView(header.width, header.height, region ?? undefined, scale);
  const placed = core.place(header, core.dequantize(header, core.decodeFile(file)), view);
  return { placed, view, samples: core.draw(placed, { depth }) };
}

test("there are cases", { skip }, () => assert.ok(cases.length >= 20));

for (const each of cases)
  test(`samples of ${each.says}`, () => {
    const { placed, view, samples } = draw(each);
    const native = samplesOf(each.native, each.depth);
    assert.equal(samples.length, native.length);
    assert.deepEqual([view.rows, view.columns], each.shape);
    const at = samples.findIndex((sample, i) => sample !== native[i]);
    assert.equal(at, -1, `sample ${at} is ${samples[at]}, the native core has ${native[at]}`);
    if (each.reference) {
      const reference = samplesOf(each.reference, each.depth);
      const off = samples.reduce((most, sample, i) => Math.max(most, Math.abs(sample - reference[i])), 0);
      assert.ok(off <= each.tolerance, `a sample is off by ${off}, allowed are ${each.tolerance}`);
    }
    const [first, last] = [Math.floor(view.rows / 3), Math.ceil((2 * view.rows) / 3)];
    const row = samples.length / view.rows;
    const strip = core.draw(placed, { depth: each.depth, first, last });
    assert.deepEqual(strip, samples.slice(first * row, last * row), "a strip is a part of the whole");
  });

test("views that are none are refused", () => {
  for (const region of [[0, 0, 65, 48], [-1, 0, 2, 2], [0, 0, 0, 1], [0.5, 0, 1, 1]])
    assert.throws(() => makeView(64, 48, region), RangeError);
  for (const scale of [[0, 1], [1, 0], [1, 65537], [1025, 1], [0.5, 1]])
    assert.throws(() => makeView(64, 48, undefined, scale), RangeError);
});

test("memory is bounded", async () => {
  const small = await makeCore({ maxMemory: 8 * 2 ** 20 });
  const file = readFile(conformanceFile("crowd"));
  const drawAt = (scale) => {
    const view = makeView(64, 48, undefined, scale);
    return small.draw(small.place(file.header, small.dequantize(file.header, small.decodeFile(file)), view));
  };
  assert.equal(drawAt([4, 1]).length, 256 * 192 * 3);
  assert.throws(() => drawAt([64, 1]), { name: "LimitError", kind: "limit", message: /MiB/ });
  assert.equal(drawAt([4, 1]).length, 256 * 192 * 3);
});
