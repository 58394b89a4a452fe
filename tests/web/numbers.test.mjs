/** Numbers and checksums as spec/header.md and spec/container.md have them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, Numbers } from "../../splatc/web/numbers.js";

const numbers = (...bytes) => new Numbers(Uint8Array.from(bytes), "the test");

test("the CRC-32 of the specification, also of pieces", () => {
  const text = new TextEncoder().encode("123456789");
  assert.equal(crc32(text), 0xcbf43926);
  assert.equal(crc32(text.subarray(0, 4), text.subarray(4)), 0xcbf43926);
});

test("varints have one to five bytes and their shortest form", () => {
  assert.equal(numbers(0).varint(), 0);
  assert.equal(numbers(0xac, 0x02).varint(), 300);
  assert.equal(numbers(0xff, 0xff, 0xff, 0xff, 0x7f).varint(), 2 ** 35 - 1);
  assert.throws(() => numbers(0x80, 0x80, 0x80, 0x80, 0x80, 0x01).varint(), /longer than five bytes/);
  assert.throws(() => numbers(0xac, 0x00).varint(), /shortest form/);
  assert.throws(() => numbers(0xac).varint(), /ends too early/);
});

test("other numbers", () => {
  assert.equal(numbers(0x80).i8(), -128);
  assert.equal(numbers(0x01, 0x02, 0x03, 0xff).u32(), 0xff030201);
  assert.throws(() => numbers(1, 2, 3).u32(), { name: "CorruptFileError", kind: "corrupt" });
  const rest = numbers(1, 2);
  rest.u8();
  assert.throws(() => rest.end(), /has 2 bytes, expected 1/);
});
