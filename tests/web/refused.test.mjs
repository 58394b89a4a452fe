/** What the public module refuses, and how: hostile and truncated files, too much work, wrong arguments, aborted calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as splat2d from "../../splatc/web/splat2d.js";
import { bytesOf, conformanceFile } from "./common.mjs";

const { open } = splat2d;
const KINDS = { corrupt: splat2d.CorruptFileError, unsupported: splat2d.UnsupportedFileError, limit: splat2d.LimitError };
const rows = new TextDecoder().decode(bytesOf("tests/hostile/README.md")).matchAll(/^\| ([a-z0-9-]+) \| \d+ \| (\w+) \|/gm);
const cases = [...rows].map(([, name, kind]) => ({ name, kind }));

test("the list is read", () => assert.ok(cases.length > 120));

for (const { name, kind } of cases)
  test(`${name} is refused`, async () => {
    const bytes = bytesOf(`tests/hostile/${name}.splat2d`);
    for (const source of [bytes, new Blob([bytes])]) {
      const read = async () => (await open(source)).read();
      if (name.startsWith("metadata-")) {
        const picture = await open(source);
        assert.ok((await picture.read()).width > 0, "it costs no pixel");
        const { icc, exif, xmp } = await picture.metadata;
        assert.equal(icc.length + exif.length + xmp.length, 0);
        assert.match(picture.notes.join(), /comes without it/);
        continue;
      }
      await assert.rejects(read, (error) => {
        assert.ok(error instanceof KINDS[kind], error.stack);
        assert.equal(error.kind, kind);
        return true;
      });
    }
  });

test("every length of a file that is cut off is refused, and shown on demand where its header is whole", async () => {
  const bytes = conformanceFile("sections");
  let shown = 0;
  for (let length = 0; length < bytes.length; length += length < 200 ? 1 : 97) {
    const part = bytes.subarray(0, length);
    await assert.rejects(async () => (await open(part)).read(), splat2d.CorruptFileError);
    try {
      const picture = await open(new Blob([part]));
      assert.ok(picture.truncated);
      await picture.read({ allowTruncated: true });
      shown++;
    } catch (error) {
      assert.ok(error instanceof splat2d.CorruptFileError, error.stack);
    }
  }
  assert.ok(shown > 5);
});

test("bounds are kept", async () => {
  const bytes = conformanceFile("crowd");
  for (const bounds of [{ maxPixels: 100 }, { maxMemory: 1000 }, { maxWork: 1000 }])
    await assert.rejects(async () => (await open(bytes, bounds)).read(), splat2d.LimitError);
  await assert.rejects(async () => (await open(bytes)).read({ scale: 1024 }), splat2d.LimitError);
});

test("wrong arguments are refused", async () => {
  for (const source of [null, undefined, 5, {}]) await assert.rejects(open(source), TypeError);
  await assert.rejects(open(conformanceFile("rgb"), { maxWork: 0 }), RangeError);
  const picture = await open(conformanceFile("rgb"));
  for (const options of [{ scale: 0 }, { scale: "x" }, { maxLevel: 16 }, { maxLevel: 0.5 }, { region: [0, 0, 0, 1] }, { region: [1] }])
    await assert.rejects(picture.read(options), RangeError);
  await assert.rejects(picture.gaussians({ level: -1 }), RangeError);
});

test("aborted calls end with the reason, and the picture goes on working", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(open(conformanceFile("rgb"), { signal }), /enough/);
  const picture = await open(conformanceFile("crowd"));
  await assert.rejects(picture.read({ signal }), /enough/);
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error("later"));
  await assert.rejects(picture.read({ signal: controller.signal, onProgress }), /later/);
  assert.equal((await picture.read()).width, picture.width);
});
