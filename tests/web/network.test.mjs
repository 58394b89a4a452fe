/** Files on a server: with ranges, without, and from servers that go wrong. tests/test_web_network.py serves them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { ChangedFileError, NetworkError, open } from "../../splatc/web/splat2d.js";
import { openSource } from "../../splatc/web/source.js";
import { bytesOf } from "./common.mjs";

const server = process.env.SPLATC_WEB_SERVER;
const bytes = bytesOf(process.env.SPLATC_WEB_FILE);
const { mosaic, windows } = JSON.parse(process.env.SPLATC_WEB_WINDOWS);
const expected = await open(bytes);

const url = (way) => `${server}/${way}/large.splat2d`;
const log = async (key) => (await fetch(`${server}/log/${encodeURIComponent(key)}`)).json();
const region = [10, 20, 64, 48];

const SAME = [
  "ranges", "whole", "chunked", "slow-whole", "drops-once", "changed-once", "unsatisfied", "unavailable-once", "drops-whole-once",
];
for (const way of SAME)
  test(`a file is the same: ${way}`, async () => {
    const picture = await open(url(way));
    assert.deepEqual((await picture.read({ region })).data, (await expected.read({ region })).data);
    assert.deepEqual((await picture.read({ scale: 0.25 })).data, (await expected.read({ scale: 0.25 })).data);
    assert.equal(picture.bytesLoaded, bytes.length);
  });

test("a region takes a part of the bytes, each once for all readers", async () => {
  const picture = await open(new URL(url("counted")));
  await picture.read({ region, maxLevel: 3 });
  assert.ok(picture.bytesLoaded < bytes.length, `${picture.bytesLoaded} of ${bytes.length}`);
  await Promise.all([picture.read({ region }), picture.read({ region }), picture.read({ maxLevel: 2 })]);
  await picture.read();
  const { ranges, sent } = await log("counted");
  assert.equal(sent, bytes.length);
  assert.ok(ranges.length < 16, `${ranges.length} requests`);
});

test("the first request is as long as was asked for", async () => {
  await open(url("first"), { firstBytes: 5000 });
  await open(url("first"), { firstBytes: 1e6 });
  assert.deepEqual((await log("first")).ranges, [[0, 5000], [0, bytes.length]]);
  for (const firstBytes of [10, "5000", 3000.5]) await assert.rejects(open(url("first"), { firstBytes }), RangeError);
});

for (const { window, read } of windows)
  test(`a window of a mosaic costs hardly more than splatc.open reads: ${window}`, async () => {
    const name = `${mosaic}?${window}`;
    const before = await log(mosaic);
    const picture = await open(`${server}/${name}`);
    await picture.read({ region: window });
    const after = await log(mosaic);
    assert.ok(after.sent - before.sent <= 1.25 * read, `${after.sent - before.sent} bytes, splatc.open reads ${read}`);
    assert.ok(after.requests - before.requests <= 8, `${after.requests - before.requests} requests`);
  });

/** Of a server: how many requests twelve ranges far apart take, after the first of the file. */
const SEVERAL = { several: 7, plain: 6 + 1 + 6, "whole-of-several": 6 + 1 + 6, partial: 6 + 1 + 1, "other-file": 6 + 1 + 6, "drops-several": 6 + 1 + 6 };
for (const [way, requests] of Object.entries(SEVERAL))
  test(`many ranges at once: ${way}`, async () => {
    const before = (await log(way)).requests;
    const source = await openSource(url(way), 2048);
    const step = Math.floor((bytes.length - 2048) / 13);
    const ranges = Array.from({ length: 12 }, (_, i) => [2048 + (i + 1) * step, 2048 + (i + 1) * step + 40]);
    assert.ok(step > 700, `${step}`);
    await source.load(ranges);
    for (const [start, end] of ranges) assert.deepEqual(source.bytes.subarray(start, end), bytes.subarray(start, end));
    assert.equal((await log(way)).requests - before, 1 + requests);
    await source.load(ranges.map(([start]) => [start + 300, start + 310]));
    assert.equal((await log(way)).requests - before, 1 + requests + (way === "several" ? 7 : 12), "a server is not asked again for what it does not give");
    source.close();
  });

test("sections are decoded while others are on their way, coarse ones first", async () => {
  for (const way of ["slow", "slow-whole"]) {
    const reported = [];
    const picture = await open(url(way));
    await picture.read({ onProgress: (progress) => reported.push(progress) });
    assert.ok(reported[0].bytes < bytes.length / 2, `${way}: ${JSON.stringify(reported)}`);
    assert.equal(reported.at(-1).sections, reported.at(-1).of);
  }
});

test("coarse levels are there after a part of the bytes", async () => {
  const picture = await open(`${server}/${mosaic}`);
  const [coarse] = picture.layers;
  await picture.read({ maxLevel: coarse.level, scale: "1/16" });
  assert.equal(picture.bytesLoaded, coarse.end);
  assert.equal(picture.layers.at(-1).level, 0);
  assert.ok(picture.layers.every((layer, i) => i === 0 || layer.end > picture.layers[i - 1].end));
  const { layers } = await open(bytesOf("spec/conformance/rgb.splat2d"));
  assert.deepEqual(layers.map((layer) => layer.level), [0], "a file without an index");
});

test("what is no longer wanted is no longer fetched", async () => {
  const picture = await open(url("slow"));
  const controller = new AbortController();
  const reading = picture.read({ signal: controller.signal });
  await later(120);
  controller.abort();
  await assert.rejects(reading, { name: "AbortError" });
  const loaded = picture.bytesLoaded;
  await later(200);
  assert.equal(picture.bytesLoaded, loaded);
  assert.ok(loaded < bytes.length);
  assert.ok((await log("slow")).hungUp);
  assert.deepEqual((await picture.read({ region })).data, (await expected.read({ region })).data, "and comes when it is wanted again");
});

test("a picture that is closed fetches no more", async () => {
  const picture = await open(url("slow"));
  const reading = picture.read();
  picture.close();
  await assert.rejects(reading, { name: "AbortError" });
});

for (const [way, Kind] of [
  ["missing", NetworkError], ["drops", NetworkError], ["changed", ChangedFileError], ["other-length", ChangedFileError],
  ["wrong-range", NetworkError], ["unsatisfied-later", NetworkError], ["short-whole", NetworkError],
])
  test(`errors of a server are reported: ${way}`, async () => {
    const read = async () => (await open(url(way))).read();
    await assert.rejects(read, (error) => error instanceof Kind && error.kind === "network" && error.message.includes(server));
    const { ranges } = await log(way);
    assert.equal(ranges.length, { missing: 1, "short-whole": 2 }[way] ?? 3, "and asked once more, if that could help");
  });

test("after a dropped connection the rest is asked for", async () => {
  const picture = await open(`${url("drops-once")}?again`);
  await picture.read();
  assert.deepEqual((await log("drops-once?again")).ranges, [[0, 2048], [2048, bytes.length], [bytes.length - 10, bytes.length]]);
});

test("a file that ends too early shows what it has", async () => {
  const picture = await open(`${server}/files/cut.splat2d`);
  assert.ok(picture.truncated);
  await assert.rejects(picture.read(), { name: "TruncatedFileError" });
  const found = await picture.gaussians({ allowTruncated: true });
  assert.ok(found.count > 100 && found.count < picture.header.count);
  const shown = await picture.read({ allowTruncated: true, scale: "1/4" });
  assert.equal(shown.width, 275);
});

test("an empty file and no server", async () => {
  await assert.rejects(open(url("empty")), { name: "CorruptFileError" });
  await assert.rejects(open("http://127.0.0.1:1/x.splat2d"), NetworkError);
});

test("a request ends when it is aborted", async () => {
  const controller = new AbortController();
  const opening = open(url("hangs"), { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(opening, { name: "AbortError" });
});

test("a file of this machine by its URL", async () => {
  const { pathToFileURL } = await import("node:url");
  const picture = await open(pathToFileURL(process.env.SPLATC_WEB_FILE));
  assert.equal(picture.bytes, bytes.length);
});
