/** Where one looks: arithmetic of views, and links to them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { between, clampCamera, fitZoom, MAX_ZOOM, moveBy, originOf, zoomAt } from "../../splatc/web/camera.js";
import { formatLink, parseLink } from "../../splatc/web/link.js";

const view = { width: 1280, height: 800 };
const picture = { width: 7287, height: 4220 };
const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} and ${b}`);
/** px of the picture at a place of the view */
const at = ({ x, y, zoom }, [px, py]) => [x + (px - view.width / 2) / zoom, y + (py - view.height / 2) / zoom];

test("all of a picture is seen, and small ones are not enlarged", () => {
  assert.equal(fitZoom(picture, view), 1280 / 7287);
  assert.equal(fitZoom({ width: 100, height: 8000 }, view), 0.1);
  assert.equal(fitZoom({ width: 100, height: 50 }, view), 1);
  assert.equal(fitZoom({ width: 100, height: 50 }, view, 2), 2);
});

test("what is at a place stays there when one zooms", () => {
  const camera = { x: 3000, y: 2000, zoom: 0.7 };
  for (const place of [[0, 0], [640, 400], [1279, 13]]) {
    const closer = zoomAt(camera, 5.5, place, view);
    at(closer, place).forEach((each, k) => near(each, at(camera, place)[k]));
    assert.equal(closer.zoom, 5.5);
  }
});

test("so it does all the way of a movement between two such cameras", () => {
  const camera = { x: 3000, y: 2000, zoom: 0.7 };
  const place = [100, 700];
  const to = zoomAt(camera, 8, place, view);
  assert.deepEqual(between(camera, to, 0), camera);
  for (const part of [0.1, 0.5, 0.9]) at(between(camera, to, part), place).forEach((each, k) => near(each, at(camera, place)[k], 1e-6));
  near(between(camera, to, 1).x, to.x, 1e-9);
  assert.deepEqual(between(camera, moveBy(camera, -70, 0), 0.5), { x: 3050, y: 2000, zoom: 0.7 });
});

test("a large picture covers the view, a small one is in its middle, and the zoom has bounds", () => {
  const fit = fitZoom(picture, view);
  const { x, y } = clampCamera({ x: -50, y: 1e9, zoom: 1 }, picture, view, fit);
  assert.deepEqual([x, y], [640, 4220 - 400]);
  assert.deepEqual(clampCamera({ x: 9, y: 9, zoom: fit }, picture, view, fit), { x: 7287 / 2, y: 4220 / 2, zoom: fit });
  assert.equal(clampCamera({ x: 9, y: 9, zoom: 1e9 }, picture, view, fit).zoom, MAX_ZOOM);
  assert.equal(clampCamera({ x: 9, y: 9, zoom: 1e-9 }, picture, view, fit).zoom, fit / 2);
  assert.equal(clampCamera({ x: 9, y: 9, zoom: 1e-9 }, { width: 64, height: 48 }, view, 1).zoom, 1 / 8);
});

test("the corner of a picture is at a whole pixel", () => {
  assert.deepEqual(originOf({ x: 0, y: 0, zoom: 3 }, view), [640, 400]);
  assert.ok(originOf({ x: 17.3, y: 8.6, zoom: 1.7 }, view).every(Number.isInteger));
});

test("links say where one looks, to a pixel of the screen", () => {
  for (const camera of [{ x: 384, y: 256, zoom: 4 }, { x: 0.13, y: 8000.25, zoom: 64 }, { x: 8123.4567, y: 3, zoom: 0.0781253 }]) {
    const link = formatLink(camera);
    assert.match(link, /^#[\d.,]+$/);
    const found = parseLink(link);
    near(found.zoom / camera.zoom, 1, 1e-4);
    near(found.x * camera.zoom, camera.x * camera.zoom, 1);
    near(found.y * camera.zoom, camera.y * camera.zoom, 1);
  }
  assert.equal(formatLink({ x: 384, y: 256, zoom: 4 }), "#384,256,4");
  assert.deepEqual(parseLink("#-1.5,2,0.25"), { x: -1.5, y: 2, zoom: 0.25 });
  for (const wrong of ["", "#", "#1,2", "#1,2,3,4", "#1,2,0", "#1,2,-3", "#a,b,c", "#1e3,2,3", "#<b>,2,3", "#NaN,1,1", "#Infinity,1,1"])
    assert.equal(parseLink(wrong), null, wrong);
});
