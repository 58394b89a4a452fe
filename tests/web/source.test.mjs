/** Bytes on their way: shared, cancelled, and failing. What they come from is played by the test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Source } from "../../splatc/web/source.js";

const LENGTH = 100_000;

/** A source whose bytes come when the test says so. */
function play(more = {}) {
  const asked = [];
  const read = ([start, end], keep, signal) =>
    new Promise((resolve, reject) => {
      let at = start;
      const send = (bytes = end - at) => {
        keep(at, new Uint8Array(bytes).fill(1));
        at += bytes;
        if (at === end) resolve();
      };
      signal.addEventListener("abort", () => reject(signal.reason));
      asked.push({ range: [start, end], send, fail: reject, signal });
    });
  return { source: new Source({ length: LENGTH, read, ...more }), asked };
}

const ranges = (asked) => asked.map((each) => each.range);
const turn = () => new Promise((resolve) => setTimeout(resolve));

test("bytes are waited for in the order of need, while all are on their way", async () => {
  const { source, asked } = play();
  const request = source.request([[0, 1000], [50_000, 51_000]]);
  assert.deepEqual(ranges(asked), [[0, 1000], [50_000, 51_000]]);
  let arrived = false;
  const first = request.arrival([[0, 500]]).then(() => (arrived = true));
  asked[0].send(499);
  await turn();
  assert.ok(!arrived);
  asked[0].send(1);
  await first;
  assert.equal(source.bytesLoaded, 500);
  asked[1].send();
  await request.arrival([[50_000, 51_000]]);
  asked[0].send();
  await request.arrival([[0, 1000]]);
});

test("several who ask at once share what is on its way", async () => {
  const { source, asked } = play();
  const all = [source.load([[0, 1000]]), source.load([[0, 400], [600, 2000]]), source.load([[100, 200]])];
  assert.deepEqual(ranges(asked), [[0, 1000], [1000, 2000]]);
  asked.forEach((each) => each.send());
  await Promise.all(all);
  await source.load([[0, 2000]]);
  assert.equal(asked.length, 2);
});

test("a request that no reader needs any longer ends; what has come of it stays", async () => {
  const { source, asked } = play();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = source.load([[0, 3000]], one.signal);
  const second = source.load([[2000, 3000]], two.signal);
  asked[0].send(1000);
  one.abort();
  await assert.rejects(first, { name: "AbortError" });
  assert.ok(!asked[0].signal.aborted, "the second still needs it");
  two.abort();
  await assert.rejects(second, { name: "AbortError" });
  assert.ok(asked[0].signal.aborted);
  const third = source.load([[0, 3000]]);
  assert.deepEqual(ranges(asked)[1], [1000, 3000]);
  asked[1].send();
  await third;
  assert.throws(() => source.request([[0, 10]], one.signal), { name: "AbortError" });
});

test("a reader that has ended gets nothing more, and the others go on", async () => {
  const { source, asked } = play();
  const request = source.request([[0, 1000]]);
  const other = source.load([[0, 1000]]);
  request.end();
  request.end();
  assert.ok(!asked[0].signal.aborted);
  asked[0].send();
  await other;
});

test("a failure reaches all that wait for these bytes, also later, and asked for again by others", async () => {
  const { source, asked } = play();
  const request = source.request([[0, 1000], [50_000, 51_000]]);
  const waiting = request.arrival([[0, 1000]]);
  const elsewhere = source.load([[70_000, 71_000]]);
  asked[0].fail(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  await assert.rejects(request.arrival([[0, 10]]), /gone/);
  asked[2].send();
  await elsewhere;
  const again = source.load([[0, 1000]]);
  asked[3].send();
  await again;
});

test("ranges end where the file does", async () => {
  const { source, asked } = play();
  const loading = source.load([[LENGTH - 10, LENGTH + 50], [LENGTH + 5, LENGTH + 9]]);
  assert.deepEqual(ranges(asked), [[LENGTH - 10, LENGTH]]);
  asked[0].send();
  await loading;
  assert.ok(source.has([[LENGTH - 1, LENGTH + 50]]));
});

test("near ranges are one request, far ones are not", () => {
  const { source, asked } = play();
  source.request([[0, 1000], [1400, 2000], [9000, 9100]]);
  assert.deepEqual(ranges(asked), [[0, 2000], [9000, 9100]]);
  source.request([[8000, 8990], [9200, 9300]]);
  assert.deepEqual(ranges(asked).slice(2), [[8000, 8990], [9200, 9300]], "what is on its way is not fetched again");
});

test("a file that comes whole comes once, and goes on when one reader has left", async () => {
  const { source, asked } = play({ isUndivided: true });
  const controller = new AbortController();
  const first = source.load([[0, 1000]], controller.signal);
  const second = source.load([[500, 2000]]);
  assert.deepEqual(ranges(asked), [[0, LENGTH]]);
  controller.abort();
  await assert.rejects(first, { name: "AbortError" });
  asked[0].send(2000);
  await second;
  assert.ok(!asked[0].signal.aborted);
  const third = source.load([[0, LENGTH]]);
  source.close();
  await assert.rejects(third, { name: "AbortError" });
});
