/** What a worker of a viewer answers: files are opened, sections come as they are needed, tiles are drawn; damage costs a part of a picture. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { Engine } from "../../splatc/web/engine.js";
import { boundsOf } from "../../splatc/web/options.js";
import { Reading } from "../../splatc/web/reading.js";
import { sectionOrder } from "../../splatc/web/section_order.js";
import { SectionReader } from "../../splatc/web/section_reader.js";
import { rangesOf } from "../../splatc/web/sections.js";
import { Desk, serve } from "../../splatc/web/serve.js";
import { openSource } from "../../splatc/web/source.js";
import { loadStructure } from "../../splatc/web/structure.js";
import { open, SplatError } from "../../splatc/web/splat2d.js";
import { bytesOf, conformanceFile, makeCore } from "./common.mjs";

const core = bytesOf("splatc/web/core.wasm");

/** A worker as a page sees it, and all that it has said. */
function makeDesk() {
  const { port1, port2 } = new MessageChannel();
  const sent = [];
  let look = () => {};
  serve(port2);
  port1.on("message", (message) => (sent.push(message), look()));
  let id = 0;
  const until = (isIt) =>
    new Promise((resolve) => {
      look = () => sent.find(isIt) && resolve(sent.find(isIt));
      look();
    });
  const ask = (message) => {
    const own = ++id;
    port1.postMessage({ ...message, id: own });
    return until((each) => each.id === own);
  };
  return { sent, ask, until, post: (message) => port1.postMessage(message), close: () => port1.close() };
}

const ALL = { box: [-1e6, -1e6, 1e6, 1e6], centre: [0, 0] };

test("a file is read section by section, and drawn as the decoder does", async () => {
  const bytes = conformanceFile("sections");
  const desk = makeDesk();
  const { header, sections, facts } = await desk.ask({ type: "open", source: new Blob([bytes]), core, bounds: {} });
  assert.ok(sections.length > 3 && facts.some(([name]) => name === "Gaussians"));
  desk.post({ type: "need", ...ALL });
  const rested = await desk.until((each) => each.type === "rested");
  assert.ok(rested.bytesLoaded > 0.9 * bytes.length, `${rested.bytesLoaded}`);
  const numbers = desk.sent.filter((each) => each.type === "sections").flatMap((each) => each.parts.map((part) => part.number));
  assert.deepEqual([...numbers].sort((a, b) => a - b), sections.map((each) => each.number), "each once");
  const tile = { scale: [1, 1], left: 0, top: 0, columns: header.width, rows: header.height };
  const { picture } = await desk.ask({ type: "draw", tile });
  assert.deepEqual(picture.data, (await (await open(bytes)).read()).data);
  desk.close();
});

test("another worker draws what it is sent", async () => {
  const [reader, other] = [makeDesk(), makeDesk()];
  const { header, colorSpace } = await reader.ask({ type: "open", source: conformanceFile("rgb"), core, bounds: {} });
  reader.post({ type: "need", ...ALL });
  const { parts } = await reader.until((each) => each.type === "sections");
  const { core: compiled } = await reader.until((each) => each.type === "core");
  other.post({ type: "header", header, colorSpace, core: compiled });
  other.post({ type: "sections", parts });
  const tile = { scale: [2, 1], left: 5, top: 6, columns: 70, rows: 60 };
  const [a, b] = await Promise.all([reader, other].map((desk) => desk.ask({ type: "draw", tile })));
  assert.deepEqual(a.picture.data, b.picture.data);
  other.post({ type: "forget", numbers: parts.map((part) => part.number) });
  assert.notDeepEqual((await other.ask({ type: "draw", tile })).picture.data, a.picture.data);
  [reader, other].forEach((desk) => desk.close());
});

/** A desk that a test looks into, what it has said, and the message that opens a file. */
function openDesk(source) {
  const sent = [];
  const desk = new Desk({ postMessage: (message) => sent.push(message) }, false);
  const message = { type: "open", id: 1, source, core, bounds: {} };
  return { desk, sent, message };
}

test("a part of a view needs a part of a file", async () => {
  const { desk } = openDesk();
  const bounds = boundsOf({});
  const source = await openSource(conformanceFile("sections"), 2048);
  const reader = new SectionReader(desk, new Reading(source, await loadStructure(source, bounds), bounds));
  desk.core = makeCore();
  await reader.need({ box: [1, 1, 3, 3], centre: [2, 2] });
  const { length } = reader.reading.file.sections;
  assert.ok(desk.parts.size > 0 && desk.parts.size < length, `${desk.parts.size} of ${length}`);
  await reader.need(ALL);
  assert.equal(desk.parts.size, length);
});

test("what came with the first bytes is decoded before a view asks, and said again to workers that come later", async () => {
  const { desk, sent, message } = openDesk(conformanceFile("sections"));
  await desk.take(message);
  const numbers = () => sent.filter((each) => each.type === "sections").flatMap((each) => each.parts.map((part) => part.number));
  const all = desk.reader.reading.file.sections.map((each) => each.number);
  assert.deepEqual(numbers().sort((a, b) => a - b), all);
  assert.ok(!sent.some((each) => each.type === "rested"));
  await desk.take({ type: "repeat" });
  assert.deepEqual(numbers().length, 2 * all.length);
  await desk.take({ type: "need", ...ALL });
  assert.ok(sent.some((each) => each.type === "rested") && numbers().length === 2 * all.length);
});

test("nothing is fetched ahead", async () => {
  const { desk, sent } = openDesk();
  const bounds = boundsOf({});
  const source = await openSource(conformanceFile("sections"), 2048);
  const reading = new Reading(source, await loadStructure(source, bounds), bounds);
  const [, , third] = sectionOrder(reading.file.sections, ALL.box, ALL.centre);
  const [end] = rangesOf(reading.file, [third]);
  source.has = ([range]) => range[0] < end[0] || range[0] > end[1];
  desk.core = makeCore();
  await new SectionReader(desk, reading).ahead();
  assert.ok(desk.parts.size === 2 && !desk.parts.has(third) && !sent.some((each) => each.type === "rested"), `${desk.parts.size}`);
});

test("what was prepared is opened; another file is opened as well", async () => {
  const [address, other] = ["rgb", "sum"].map((name) => new URL(`../../spec/conformance/${name}.splat2d`, import.meta.url).href);
  for (const source of [address, other]) {
    const { desk, sent, message } = openDesk(source);
    desk.take({ type: "prepare", source: address });
    const { opening } = desk.prepared;
    await desk.take(message);
    assert.equal(desk.reader.reading.source === (await opening), source === address);
    assert.equal(sent.filter((each) => each.type === "opened").length, 1);
  }
  const { desk } = openDesk();
  desk.take({ type: "prepare", source: "file:///nowhere.splat2d" });
  desk.take({ type: "prepare" });
});

test("a damaged section is named, and the others are shown", async () => {
  const bytes = conformanceFile("sections").slice();
  bytes[bytes.length - 60] ^= 255; // in the last stream
  const desk = makeDesk();
  const { sections } = await desk.ask({ type: "open", source: bytes, core, bounds: {} });
  desk.post({ type: "need", ...ALL });
  await desk.until((each) => each.type === "rested");
  const damaged = desk.sent.filter((each) => each.type === "damaged");
  assert.equal(damaged.length, 1);
  assert.match(damaged[0].message, /CRC/);
  assert.equal(desk.sent.filter((each) => each.type === "sections").flatMap((each) => each.parts).length, sections.length - 1);
  desk.close();
});

test("a file that ends too early shows what it has", async () => {
  const bytes = conformanceFile("sections");
  for (const length of [bytes.length - 9, bytes.length >> 1, 200]) {
    const desk = makeDesk();
    const answer = await desk.ask({ type: "open", source: bytes.slice(0, length), core, bounds: {} });
    assert.match(answer.notes.join(), /truncated|too early|ends/);
    desk.post({ type: "need", ...ALL });
    if (answer.sections.length) await desk.until((each) => each.type === "rested");
    const tile = { scale: [1, 1], left: 0, top: 0, columns: 8, rows: 8 };
    assert.equal((await desk.ask({ type: "draw", tile })).picture.data.length, 256);
    desk.close();
  }
});

test("errors keep their kind, and a drawing that fails costs no other", async () => {
  const desk = makeDesk();
  const refused = await desk.ask({ type: "open", source: bytesOf("README.md"), core, bounds: {} });
  assert.deepEqual([refused.type, refused.error.name, refused.error.kind], ["error", "CorruptFileError", "corrupt"]);
  await desk.ask({ type: "open", source: conformanceFile("rgb"), core, bounds: {} });
  const tile = { scale: [1, 1], left: 0, top: 0, columns: 8, rows: 8 };
  assert.equal((await desk.ask({ type: "draw", tile: { ...tile, scale: [0, 1] } })).error.name, "RangeError");
  assert.equal((await desk.ask({ type: "draw", tile })).type, "drawn");
  assert.match((await desk.ask({ type: "dance" })).error.message, /dance/);
  desk.close();
});

/** What an engine is asked by a layer. */
function listenerOf(jobs) {
  const sent = { sections: [], errors: [] };
  const nothing = () => {};
  const listener = {
    nextJob: () => jobs.shift() ?? null, onSections: (numbers) => sent.sections.push(...numbers), onLoaded: nothing, onDamaged: nothing,
    onError: (error) => sent.errors.push(error), onRested: () => (sent.isRested = true),
  };
  return { listener, sent };
}

test("without workers the page draws itself", async () => {
  const jobs = [];
  const { listener, sent } = listenerOf(jobs);
  const engine = new Engine(listener, { makeWorker: null, core });
  const { header } = await engine.open(conformanceFile("rgb"));
  engine.need(ALL);
  while (!sent.isRested) await new Promise((resolve) => setTimeout(resolve, 5));
  const tile = { scale: [1, 1], left: 0, top: 0, columns: header.width, rows: header.height };
  const picture = await new Promise((done, failed) => (jobs.push({ tile, done, failed }), engine.pump()));
  assert.deepEqual(picture.data, (await (await open(conformanceFile("rgb"))).read()).data);
  engine.close();
  const refusing = new Engine(listener, { makeWorker: null, core });
  await assert.rejects(refusing.open(bytesOf("README.md")), SplatError);
  refusing.close();
});

test("a small file in memory is drawn by the page; workers start when that is done, and draw what comes later", async () => {
  const jobs = [];
  const { listener, sent } = listenerOf(jobs);
  const workers = [];
  const makeWorker = () => {
    const worker = { terminate() {}, postMessage: (message) => desk.take(message) };
    const desk = new Desk({ postMessage: (data) => worker.onmessage({ data }) }, false);
    workers.push(desk);
    return worker;
  };
  globalThis.Worker = class {}; // Node has none of that name
  const engine = new Engine(listener, { makeWorker, core, workers: 2 });
  delete globalThis.Worker;
  const { header } = await engine.open(conformanceFile("rgb"));
  while (!sent.sections.length) await new Promise((resolve) => setTimeout(resolve, 5));
  const tile = { scale: [1, 1], left: 0, top: 0, columns: header.width, rows: header.height };
  const draw = () => new Promise((done, failed) => (jobs.push({ tile, done, failed }), engine.pump()));
  assert.equal(workers.length, 0);
  const first = await draw();
  while (!workers[1]?.parts.size) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(workers.length, 2);
  let drawings = 0;
  for (const desk of workers) {
    const { draw: own } = desk;
    desk.draw = (message) => (drawings++, own.call(desk, message));
  }
  assert.deepEqual((await draw()).data, first.data);
  assert.equal(drawings, 1);
  engine.close();
});
