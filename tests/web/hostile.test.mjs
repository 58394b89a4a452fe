/** Files that must be refused, by the kind of error that tests/hostile/README.md says; and damage, which gives no other error than these. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "../../splatc/web/numbers.js";
import { readFile, SplatError } from "../../splatc/web/core.js";
import { bytesOf, conformanceFile, makeCore, NETWORK } from "./common.mjs";

const core = await makeCore();
const rows = new TextDecoder().decode(bytesOf("tests/hostile/README.md")).matchAll(/^\| ([a-z0-9-]+) \| (\d+) \| (\w+) \|/gm);
const cases = [...rows].map(([, name, bytes, kind]) => ({ name, bytes: Number(bytes), kind }));

test("the list is read", () => assert.ok(cases.length > 120));

for (const { name, bytes, kind } of cases.filter((each) => !each.name.startsWith("metadata-")))
  test(`${name} is refused`, () => {
    const data = bytesOf(`tests/hostile/${name}.splat2d`);
    assert.equal(data.length, bytes);
    assert.throws(() => core.decodeFile(readFile(data), NETWORK), (error) => {
      assert.ok(error instanceof SplatError, `${error}`);
      assert.equal(error.kind, kind, error.message);
      return true;
    });
  });

/** Numbers from 0 to 2^32 - 1 that look random (xorshift). */
function* noise(seed) {
  for (let x = seed; ; yield x >>> 0) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
}

for (const name of ["rgb", "sections", "crowd"])
  test(`damage to ${name}, with the CRC of its chunk made right again, is an error of ours or a picture`, () => {
    const sound = conformanceFile(name);
    const file = readFile(sound);
    const random = noise(1 + name.length);
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      const data = sound.slice();
      const chunk = file.chunks[random.next().value % file.chunks.length];
      for (let k = 0; k <= round % 3; k++) data[chunk.offset + (random.next().value % chunk.length)] = random.next().value;
      const end = chunk.offset + chunk.length;
      const crc = crc32(data.subarray(chunk.start, chunk.start + 4), data.subarray(chunk.offset, end));
      new DataView(data.buffer).setUint32(end, crc, true);
      try {
        const damaged = readFile(data);
        core.dequantize(damaged.header, core.decodeFile(damaged));
      } catch (error) {
        assert.ok(error instanceof SplatError, `round ${round}: ${error.stack}`);
        refused++;
      }
    }
    assert.ok(refused > 50 && refused < 150, `${refused} of 150`);
    assert.equal(core.decodeFile(file).level.length, file.header.count, "the core goes on working");
  });
