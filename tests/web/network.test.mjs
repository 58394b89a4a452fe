/** Files on a server: with ranges, without, and from servers that go wrong. tests/test_web_module.py serves them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkError, open } from "../../splatc/web/splat2d.js";
import { bytesOf } from "./common.mjs";

const server = process.env.SPLATC_WEB_SERVER;
const bytes = bytesOf(process.env.SPLATC_WEB_FILE);
const expected = await open(bytes);

const url = (way) => `${server}/${way}/large.splat2d`;
const region = [10, 20, 64, 48];

for (const way of ["ranges", "whole", "chunked", "drops-once"])
  test(`a file is the same: ${way}`, async () => {
    const picture = await open(url(way));
    assert.deepEqual((await picture.read({ region })).data, (await expected.read({ region })).data);
    assert.deepEqual((await picture.read({ scale: 0.25 })).data, (await expected.read({ scale: 0.25 })).data);
    assert.equal(picture.bytesLoaded, bytes.length);
  });

test("a region takes a part of the bytes, in few requests, each byte once", async () => {
  const picture = await open(new URL(url("counted")));
  await picture.read({ region, maxLevel: 3 });
  assert.ok(picture.bytesLoaded < bytes.length, `${picture.bytesLoaded} of ${bytes.length}`);
  await Promise.all([picture.read({ region }), picture.read({ region }), picture.read({ maxLevel: 2 })]);
  await picture.read();
  const { requests, sent } = await (await fetch(`${server}/counted/log`)).json();
  assert.equal(sent, bytes.length);
  assert.ok(requests < 16, `${requests} requests`);
});

for (const way of ["missing", "drops", "changed", "wrong-range", "short-whole"])
  test(`a server that fails is reported: ${way}`, async () => {
    const read = async () => (await open(url(way))).read();
    await assert.rejects(read, (error) => error instanceof NetworkError && error.message.includes(server));
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
