/** The tiles of a view and their order; what is kept of them; the order of sections; pixels of tiles are those of the whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedCache } from "../../splatc/web/cache.js";
import { scaleOf } from "../../splatc/web/options.js";
import { touches } from "../../splatc/web/section_tile.js";
import { drawTile, gather } from "../../splatc/web/painter.js";
import { sectionOrder } from "../../splatc/web/section_order.js";
import { open, LimitError } from "../../splatc/web/splat2d.js";
import { boxOf, scaledSize, TILE, tileKey, tilesOf } from "../../splatc/web/tiles.js";
import { makeTileView } from "../../splatc/web/view.js";
import { readFile, sectionsIn, streamsOf } from "../../splatc/web/core.js";
import { conformanceFile, makeCore, MANIFEST } from "./common.mjs";

const core = await makeCore();
const picture = { width: 2000, height: 1500 };

test("tiles cover what is seen of a picture, once, nearest to the middle first", () => {
  const view = { width: 700, height: 500 };
  for (const scale of [[1, 1], [3, 7], [5, 2]])
    for (const origin of [[0, 0], [-333, -77], [650, 480], [-100000, 0]]) {
      const found = tilesOf(picture, scale, origin, view);
      const size = scaledSize(picture, scale);
      let seen = 0;
      for (const { tile, isSeen } of found) {
        assert.ok(isSeen);
        assert.ok(tile.left % TILE === 0 && tile.left + tile.columns <= size.width && tile.columns > 0);
        const [x, y] = [origin[0] + tile.left, origin[1] + tile.top];
        const across = Math.min(x + tile.columns, view.width) - Math.max(x, 0);
        const down = Math.min(y + tile.rows, view.height) - Math.max(y, 0);
        seen += Math.max(across, 0) * Math.max(down, 0);
      }
      const across = Math.min(origin[0] + size.width, view.width) - Math.max(origin[0], 0);
      const down = Math.min(origin[1] + size.height, view.height) - Math.max(origin[1], 0);
      assert.equal(seen, Math.max(across, 0) * Math.max(down, 0));
      assert.equal(new Set(found.map(({ tile }) => tileKey(tile))).size, found.length);
      const away = found.map(({ tile }) => Math.hypot(origin[0] + tile.left + tile.columns / 2 - 350, origin[1] + tile.top + tile.rows / 2 - 250));
      assert.deepEqual(away, [...away].sort((a, b) => a - b));
    }
});

test("those around a view come last", () => {
  const found = tilesOf(picture, [1, 1], [-600, -600], { width: 512, height: 512 }, TILE);
  const first = found.findIndex(({ isSeen }) => !isSeen);
  assert.ok(first > 0 && first < found.length);
  assert.ok(found.slice(first).every(({ isSeen }) => !isSeen));
  assert.deepEqual(boxOf({ scale: [1, 2], left: 256, top: 0, columns: 256, rows: 10 }), [512, 0, 1024, 20]);
});

test("a cache keeps what was used last, within its bound", () => {
  const gone = [];
  const cache = new BoundedCache(10, (value) => gone.push(value));
  for (const name of ["a", "b", "c"]) cache.set(name, name, 4);
  assert.deepEqual([gone, cache.cost], [["a"], 8]);
  assert.equal(cache.get("b"), "b");
  cache.set("d", "d", 4);
  assert.deepEqual(gone, ["a", "c"]);
  cache.set("b", "e", 2);
  assert.deepEqual([gone, cache.cost, [...cache.values()]], [["a", "c", "b"], 6, ["d", "e"]]);
  cache.set("x", "x", 50);
  assert.deepEqual([[...cache.values()], cache.cost], [["x"], 50], "what is needed now is kept, however large");
  cache.clear();
  assert.deepEqual([cache.cost, cache.get("x"), gone.at(-1)], [0, undefined, "x"]);
});

test("sections: coarse ones first, near ones first, none that is not seen", () => {
  const { sections } = readFile(conformanceFile("sections"));
  const order = sectionOrder(sections, [0, 0, 1e6, 1e6], [0, 0]);
  assert.equal(order.length, sections.length);
  const tops = order.map((number) => sections[number].top);
  assert.deepEqual(tops, [...tops].sort((a, b) => b - a));
  const box = [60, 40, 62, 42];
  const seen = sectionOrder(sections, box, [61, 41]);
  assert.ok(seen.length < sections.length);
  assert.deepEqual([...seen].sort((a, b) => a - b), sections.filter((each) => touches(each, box)).map((each) => each.number));
});

/** Sections as a worker of a viewer keeps them. */
function partsOf(file) {
  const { columns } = core.decode(file, streamsOf(file, sectionsIn(file, null)));
  return [...columns].map(([number, found]) => ({ ...file.sections[number], level: found.level, gaussians: core.dequantize(file.header, found) }));
}

for (const { name, channels } of MANIFEST)
  test(`tiles of ${name} are the whole, at every scale`, async () => {
    const bytes = conformanceFile(name);
    const file = readFile(bytes);
    const parts = partsOf(file);
    const whole = await open(bytes);
    for (const scale of ["1", "1/3", "7/5", "1/17"].map(scaleOf)) {
      const expected = await whole.read({ scale });
      const size = scaledSize(file.header, scale);
      assert.deepEqual([expected.width, expected.height], [size.width, size.height]);
      const side = 40;
      for (let top = 0; top < size.height; top += side)
        for (let left = 0; left < size.width; left += side) {
          const [columns, rows] = [Math.min(side, size.width - left), Math.min(side, size.height - top)];
          const tile = { scale, left, top, columns, rows };
          for (const slices of [false, true]) {
            const data = await drawTile(core, file.header, parts, tile, { maxWork: 2 ** 37, slices });
            for (let row = 0; row < rows; row++) {
              const from = 4 * ((top + row) * size.width + left);
              assert.deepEqual(data.subarray(4 * row * columns, 4 * (row + 1) * columns), expected.data.subarray(from, from + 4 * columns));
            }
          }
        }
    }
    assert.ok(channels > 0);
  });

test("work is bounded, and only what may be seen is gathered", async () => {
  const file = readFile(conformanceFile("crowd"));
  const parts = partsOf(file);
  const tile = { scale: [4, 1], left: 0, top: 0, columns: 64, rows: 64 };
  await assert.rejects(drawTile(core, file.header, parts, tile, { maxWork: 1000 }), LimitError);
  const scattered = readFile(conformanceFile("sections"));
  const { box } = makeTileView(scattered.header.width, scattered.header.height, [64, 1], [0, 0, 8, 8]);
  assert.ok(gather(partsOf(scattered), box, scattered.header.channels).angle.length < scattered.header.count);
});
