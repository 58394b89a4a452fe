"""splatc/web in Chromium: what a page shows is what `splatc.decode` gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import conformance
import splatc
from tests.browser import Browser
from tests.test_web_module import rgba
from tests.test_web_network import mosaic_file
from tests.web_server import Server

FOLDER = conformance.FOLDER
NAMES = [entry["name"] for entry in conformance.manifest(FOLDER)]
SCALES = ("1/8", "1", "6")
TOLERANCE = 2
"""Of 255: the rasterizer is the same, but a canvas keeps colours multiplied by alpha."""
LEFT = (0, 30, 240)
"""px of the page, for each scale: the widest file has 200."""

DRAW = """
const { open } = await import("/web/splat2d.js");
const [names, scales, left] = arguments;
document.body.replaceChildren();
let top = 0;
for (const name of names) {
  const picture = await open(`/conformance/${name}.splat2d`);
  let height = 0;
  for (const [place, scale] of scales.entries()) {
    const image = await picture.read({ scale });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.style.cssText = `position: absolute; left: ${left[place]}px; top: ${top}px`;
    canvas.getContext("2d").putImageData(image, 0, 0);
    document.body.append(canvas);
    height = Math.max(height, image.height);
  }
  top += height;
}
await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
return [...document.querySelectorAll("canvas")].map(({ offsetLeft, offsetTop, width, height }) => [offsetLeft, offsetTop, width, height]);
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    with Server(mosaic_file(), {"conformance": FOLDER}) as running:
        running.pages["/empty.html"] = "<!doctype html><title>empty</title><body></body>"
        yield running


def over_white(samples: np.ndarray) -> np.ndarray:
    """What a white page shows of (H, W, C) of 8 bits."""
    colour, alpha = np.split(rgba(samples).astype(float), [3], axis=2)
    shown: np.ndarray = (colour * alpha + 255 * (255 - alpha)) / 255
    return shown


def test_every_conformance_file_at_every_scale(browser: Browser, site: Server) -> None:
    browser.open(f"{site.url}/empty.html", 1500, 6000)
    places = iter(browser.run(DRAW, NAMES, SCALES, LEFT))
    shown = browser.screenshot().astype(float)
    for name in NAMES:
        with splatc.open(FOLDER / f"{name}.splat2d") as picture:
            for scale in SCALES:
                left, top, width, height = next(places)
                expected = over_white(picture.read(scale=scale, bit_depth=8))
                assert expected.shape[:2] == (height, width), name
                off = np.abs(shown[top : top + height, left : left + width] - expected).max()
                assert off <= TOLERANCE, f"{name} at {scale}: {off}"
    assert not browser.complaints()


def test_pages_are_strict_about_what_they_run(browser: Browser, site: Server) -> None:
    """The tests would not notice an inline script or style otherwise."""
    site.pages["/inline.html"] = "<!doctype html><body><script>document.title = 'ran'</script>"
    browser.open(f"{site.url}/inline.html")
    assert browser.run("return document.title") == ""
    assert "Content Security Policy" in " ".join(browser.complaints())


def test_ranges_are_fetched_side_by_side(browser: Browser, site: Server) -> None:
    """Chromium's cache would let them in one after the other."""
    browser.open(f"{site.url}/empty.html")
    together = browser.run(
        """
        const { open } = await import("/web/splat2d.js");
        const picture = await open("/late/mosaic.splat2d");
        await picture.read({ region: [3000, 5000, 512, 512] });
        return (await (await fetch("/log/late")).json()).together;
        """
    )
    assert together > 1
