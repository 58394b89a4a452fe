/** Structs as C lays them out, and buffers behind one another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena, Struct } from "../../splatc/web/memory.js";
import { makeCore } from "./common.mjs";

test("fields are aligned as in C", () => {
  const struct = new Struct(0, ["i32", "a"], ["i64", "b"], ["pointer", "c"], ["f64", "d[2]"], ["f32", "e"]);
  assert.deepEqual([...struct.fields.values()].map((field) => field.offset), [0, 8, 16, 24, 40]);
  assert.equal(struct.bytes, 48);
});

test("what is written is read; fields that are not named are 0; wrong names are refused", () => {
  const struct = new Struct(0, ["i32", "a"], ["i64", "b"], ["f64", "c[2] d"]);
  const view = new DataView(new Uint8Array(64).fill(1).buffer);
  struct.write(view, 8, { a: -3, c: [0.5, 0.25], b: -(2 ** 40) });
  assert.deepEqual(["a", "b", "c", "d"].map((name) => struct.read(view, 8, name)), [-3, -(2 ** 40), 0.5, 0]);
  assert.equal(view.getFloat64(8 + 24, true), 0.25);
  assert.throws(() => struct.write(view, 8, { e: 1 }), TypeError);
});

test("an arena grows, keeps and gives back", () => {
  const arena = new Arena(new WebAssembly.Memory({ initial: 1 }), 100, 2 ** 20);
  const kept = arena.put(Uint8Array.of(1, 2, 3));
  assert.equal(kept, 128);
  arena.keep();
  const next = arena.take(100_000);
  assert.equal(next, 192);
  assert.deepEqual(arena.copy(Uint8Array, kept, 3), Uint8Array.of(1, 2, 3), "also when the memory has grown");
  arena.reset();
  assert.equal(arena.take(1), next);
  assert.throws(() => arena.take(2 ** 20), { kind: "limit" });
});

test("a core.wasm of other structs or of another version is refused", async () => {
  const { Core } = await import("../../splatc/web/core.js");
  const { functions } = await makeCore();
  const instance = (/** @type {object} */ changes) => ({ exports: { ...functions, ...changes } });
  assert.ok(new Core(instance({}), 2 ** 31));
  assert.throws(() => new Core(instance({ core_version: () => 0 }), 2 ** 31), /another version/);
  assert.throws(() => new Core(instance({ core_struct_bytes: () => 8n }), 2 ** 31), /struct 0/);
});
