/** Zstandard frames of every level and content are what zstd makes of them, damaged ones an error of ours; metadata of files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf } from "../../splatc/web/metadata.js";
import { CorruptFileError, open, SplatError } from "../../splatc/web/splat2d.js";
import { bytesOf } from "./common.mjs";

const folder = process.env.SPLATC_WEB_CASES;
const { frames, pictures } = JSON.parse(new TextDecoder().decode(bytesOf(`${folder}/cases.json`)));

test("there are frames", () => assert.ok(frames.length > 40));

for (const { says, frame, content } of frames)
  test(`frame of ${says}`, () => {
    const found = contentOf("exif", bytesOf(`${folder}/${frame}`));
    assert.deepEqual(Buffer.from(found), Buffer.from(bytesOf(`${folder}/${content}`)));
  });

test("damaged frames are refused, or read as something else, but do no other harm", () => {
  let refused = 0;
  for (const { frame } of frames.filter((_, i) => i % 2 === 0)) {
    const sound = bytesOf(`${folder}/${frame}`);
    for (let round = 0; round < 20; round++) {
      const bytes = sound.slice();
      bytes[(round * 7919) % bytes.length] ^= 1 << round % 8;
      try {
        contentOf("exif", round % 3 ? bytes : bytes.subarray(0, (round * 104729) % bytes.length));
      } catch (error) {
        assert.ok(error instanceof SplatError, error.stack);
        refused++;
      }
    }
  }
  assert.ok(refused > 100, `${refused}`);
});

test("a frame with something behind it is refused", () => {
  const bytes = bytesOf(`${folder}/${frames[0].frame}`);
  assert.throws(() => contentOf("exif", Uint8Array.of(...bytes, 0)), CorruptFileError);
});

for (const { says, path, fields, colorSpace, note } of pictures)
  test(`metadata of ${says}`, async () => {
    const picture = await open(bytesOf(path));
    const found = await picture.metadata;
    for (const [name, file] of Object.entries(fields)) assert.deepEqual(Buffer.from(found[name]), Buffer.from(bytesOf(`${folder}/${file}`)), name);
    assert.equal((await picture.read()).colorSpace, colorSpace);
    assert.match(picture.notes.join(), new RegExp(note || "^$"));
  });
