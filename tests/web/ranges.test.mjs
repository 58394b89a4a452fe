/** Which bytes are fetched together: by lists alone, and for windows of a file with an index. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { covers, join, merge, sizeOf, without } from "../../splatc/web/ranges.js";

test("merged ranges ascend and do not touch", () => {
  assert.deepEqual(merge([[5, 9], [0, 2], [9, 12], [1, 3], [20, 20], [30, 31], [6, 7]]), [[0, 3], [5, 12], [30, 31]]);
  assert.deepEqual(merge([]), []);
});

test("what is left without others", () => {
  assert.deepEqual(without([[0, 10], [20, 30]], [[2, 4], [8, 22], [29, 40]]), [[0, 2], [4, 8], [22, 29]]);
  assert.deepEqual(without([[0, 10]], []), [[0, 10]]);
  assert.ok(covers([[2, 4], [6, 6]], [[0, 5]]));
  assert.ok(!covers([[2, 6]], [[0, 5]]));
});

test("as many bytes as numbers of a set would say", () => {
  let state = 1;
  const random = (/** @type {number} */ below) => (state = (state * 48271) % 2147483647) % below;
  const some = () => Array.from({ length: random(6) }, () => [random(60), random(20)].map((each, i, [start]) => (i ? start + each : start)));
  const numbers = (ranges) => new Set(ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i)));
  for (let round = 0; round < 300; round++) {
    const [wanted, there] = [some(), merge(some())];
    const missing = without(wanted, there);
    const expected = [...numbers(wanted)].filter((each) => !numbers(there).has(each)).sort((a, b) => a - b);
    assert.deepEqual([...numbers(missing)], expected);
    assert.equal(sizeOf(missing), expected.length);
    const joined = join(missing, there, { near: 3, most: 2, share: 0.5 });
    assert.ok(covers(missing, joined));
    assert.equal([...numbers(joined)].filter((each) => numbers(there).has(each)).length, 0, "nothing is fetched twice");
    assert.ok(joined.length <= missing.length);
  }
});

test("neighbours are joined: near ones always, others where that is cheap and there are many", () => {
  const ranges = [[0, 100], [110, 200], [260, 300], [400, 500]];
  const joined = (/** @type {object} */ bounds, taken = []) => join(ranges, taken, { near: 10, most: 1, share: 0, ...bounds });
  assert.deepEqual(joined({}), [[0, 200], [260, 300], [400, 500]]);
  assert.deepEqual(joined({ near: 9 }), ranges);
  assert.deepEqual(joined({ share: 0.25 }), [[0, 300], [400, 500]], "82 bytes may be fetched besides, 10 and 60 are");
  assert.deepEqual(joined({ share: 1 }), [[0, 500]]);
  assert.deepEqual(joined({ share: 1, most: 3 }), [[0, 200], [260, 300], [400, 500]]);
  assert.deepEqual(joined({ share: 1 }, [[220, 221]]), [[0, 200], [260, 500]], "not over bytes that are there");
  assert.deepEqual(ranges[0], [0, 100], "what was given stays");
});
