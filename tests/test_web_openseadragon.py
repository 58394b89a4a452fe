"""Tiles for OpenSeadragon: they are those of the picture at every level, and what it asks of a tile source is there.

OpenSeadragon itself is not part of the tests. SPLATC_OPENSEADRAGON=FOLDER runs those builds, too, whose openseadragon.js lie below FOLDER:

    npm pack openseadragon@6.1.1 && tar xzf openseadragon-*.tgz
    SPLATC_OPENSEADRAGON=package .venv/bin/python -m pytest tests/test_web_openseadragon.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import conformance
import splatc
from tests.browser import Browser
from tests.test_web_browser import TOLERANCE, over_white
from tests.test_web_core import large_file
from tests.web_server import Server

BUILDS = sorted(Path(os.environ.get("SPLATC_OPENSEADRAGON", os.devnull)).rglob("build/openseadragon/openseadragon.js"))
SIZE = (1100, 900)

TILE = """
const [options, level, x, y, isNew] = arguments;
const { tileSource } = await import("/web/openseadragon.js");
const source = await tileSource("/pages/large.splat2d", options);
const canvas = await new Promise((resolve, reject) => {
  const finish = (data, request, type) => (data ? resolve(type === "context2d" ? data.canvas : data) : reject(new Error(type)));
  const fail = (message) => reject(new Error(message));
  source.downloadTileStart({ tile: { level, x, y }, userData: {}, finish, ...(isNew ? { fail } : {}) });
});
document.body.replaceChildren(canvas);
await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
const { width, height, maxLevel, minLevel } = source;
return { width, height, maxLevel, minLevel, tile: [canvas.width, canvas.height], url: source.getTileUrl(level, x, y) };
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "large.splat2d").write_bytes(large_file())
    (folder / "plain.css").write_text(
        "body { margin: 0 } canvas { display: block } #map { width: 800px; height: 600px }"
    )
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Server]:
    folders = {"pages": folder, "conformance": conformance.FOLDER}
    folders |= {f"osd{i}": build.parent for i, build in enumerate(BUILDS)}
    with Server(folders=folders) as running:
        yield running


def open_page(browser: Browser, site: Server, script: str = "") -> None:
    head = '<!doctype html><title>map</title><link rel="stylesheet" href="/pages/plain.css">'
    site.pages["/map.html"] = f'{head}{script}<body><div id="map"></div></body>'
    browser.open(f"{site.url}/map.html")


@pytest.mark.parametrize(
    "level, x, y, enlarge", [(11, 1, 1, 1), (11, 4, 3, 1), (10, 2, 1, 1), (8, 0, 0, 1), (14, 17, 15, 8), (13, 3, 2, 8)]
)
def test_a_tile_is_that_part_of_the_picture(
    browser: Browser, site: Server, folder: Path, level: int, x: int, y: int, enlarge: int
) -> None:
    open_page(browser, site)
    reported = browser.run(TILE, {"enlarge": enlarge}, level, x, y, level % 2 == 0)
    width, height = reported["tile"]
    assert (reported["width"], reported["height"]) == (SIZE[0] * enlarge, SIZE[1] * enlarge)
    assert (reported["minLevel"], reported["maxLevel"]) == ((8, 11) if enlarge == 1 else (8, 14))
    scale = Fraction(enlarge, 2 ** (reported["maxLevel"] - level))
    with splatc.open(folder / "large.splat2d") as picture:
        whole = [-(-side * scale.numerator // scale.denominator) for side in SIZE]
        assert (width, height) == tuple(min(256, side - 256 * at) for side, at in zip(whole, (x, y), strict=True))
        left, top = (int(256 * at / scale) for at in (x, y))
        region = (left, top, min(int(256 / scale), SIZE[0] - left), min(int(256 / scale), SIZE[1] - top))
        expected = over_white(picture.read(region, scale, bit_depth=8))
    shown = browser.screenshot()[:height, :width].astype(float)
    assert np.abs(shown - expected).max() <= TOLERANCE
    assert reported["url"].endswith(f"/{level}/{x}/{y}")


def test_errors_are_reported(browser: Browser, site: Server) -> None:
    open_page(browser, site)
    reported = browser.run(
        """
        const { tileSource } = await import("/web/openseadragon.js");
        const nameOf = (promise) => promise.then(() => "", (error) => error.name);
        const names = [];
        for (const options of [{ tileSize: 100 }, { enlarge: 3 }]) names.push(await nameOf(tileSource("/pages/large.splat2d", options)));
        names.push(await nameOf(tileSource("/missing/a")));
        const source = await tileSource("/pages/large.splat2d");
        const outside = { level: 11, x: 99, y: 0 };
        const start = (more) => new Promise((resolve) => {
          const finish = (data, _, message) => resolve([data, typeof message]);
          source.downloadTileStart({ tile: outside, userData: {}, finish, ...more(resolve) });
        });
        names.push(await start(() => ({})), await start((resolve) => ({ fail: (message) => resolve(typeof message) })));
        const [finish, fail] = ["finished", "failed"].map((word) => () => names.push(word));
        const job = { tile: { level: 11, x: 0, y: 0 }, userData: {}, finish, fail };
        source.downloadTileStart(job);
        source.downloadTileAbort(job);
        await new Promise((resolve) => setTimeout(resolve, 300));
        return names;
        """
    )
    assert reported == ["RangeError", "RangeError", "NetworkError", [None, "string"], "string"]


if BUILDS:

    @pytest.mark.parametrize("build", range(len(BUILDS)), ids=lambda i: BUILDS[i].parts[-4])
    def test_openseadragon_shows_the_picture(browser: Browser, site: Server, folder: Path, build: int) -> None:
        open_page(browser, site, f'<script src="/osd{build}/openseadragon.js"></script>')
        reported = browser.run(
            """
            const { tileSource } = await import("/web/openseadragon.js");
            const viewer = OpenSeadragon({
              id: "map", tileSources: await tileSource("/pages/large.splat2d"), showNavigationControl: false, drawer: "canvas",
              immediateRender: true, animationTime: 0, imageSmoothingEnabled: false,
            });
            const errors = [];
            viewer.addHandler("tile-load-failed", ({ message }) => errors.push(message));
            await new Promise((resolve) => viewer.addHandler("open", resolve));
            const item = viewer.world.getItemAt(0);
            viewer.viewport.fitBounds(item.imageToViewportRectangle(100, 100, 800, 600), true); // one px of the picture to one of the page
            while (!item.getFullyLoaded()) await new Promise((resolve) => setTimeout(resolve, 20));
            await new Promise((resolve) => setTimeout(resolve, 500));
            return errors;
            """
        )
        assert reported == []
        with splatc.open(folder / "large.splat2d") as picture:
            expected = over_white(picture.read((100, 100, 800, 600), bit_depth=8))
        shown = browser.screenshot()[:600, :800].astype(float)
        assert np.abs(shown - expected).mean() < 1
