"""The bench's page of pictures in Chromium: files of a ratio side by side, the viewer's line between two, and none of their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from rd_bench import main
from splatc.image.image import Samples
from tests.browser import Browser
from tests.test_view_browser import wait_for

RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of 96 x 64 px with a red and a blue half, noisy at the top, by JPEG and WebP at two ratios."""
    folder = tmp_path_factory.mktemp("page")
    pixels: Samples = np.zeros((64, 96, 3), np.uint8)
    pixels[:, :48], pixels[:, 48:] = RED, BLUE
    pixels[:16] += np.random.default_rng(1).integers(0, 40, (16, 96, 3), np.uint8)
    for name in ("one", "another #1?%<script>"):
        PIL.Image.fromarray(pixels).save(folder / f"{name}.png")
        pixels[0, 0] = 0  # the same picture twice would be one
    arguments = [str(folder), "--out", str(folder / "out"), "--page", str(folder / "page")]
    assert main([*arguments, "--codecs", "jpeg", "webp", "--cr", "10", "20"]) == 0
    return folder / "page" / "index.html"


def captions(browser: Browser) -> list[str]:
    found = browser.run("return [...document.querySelectorAll('figcaption')].map((each) => each.innerText)")
    assert isinstance(found, list)
    return found


def open_page(browser: Browser, page: Path) -> None:
    browser.open(page.as_uri())
    wait_for(browser, "document.querySelector('.splat-viewer:not([aria-busy])')")


def test_files_of_a_ratio_stand_beside_each_other_with_their_bytes(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    found = captions(browser)
    assert [text.partition("\n")[0] for text in found] == ["original", "JPEG", "WebP"]
    assert "18432 bytes of pixels" in found[0]
    assert all(" bpp\nPSNR " in text and "GMSD " in text for text in found[1:])
    browser.run(
        "const select = document.querySelectorAll('select')[1]; select.selectedIndex = 1;"
        "select.dispatchEvent(new Event('change'));"
    )
    wait_for(browser, "document.querySelector('.splat-viewer:not([aria-busy])')")
    assert captions(browser) != found
    assert browser.complaints() == []


def test_the_line_has_one_file_on_its_left_and_another_on_its_right(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    names = "return [...document.querySelectorAll('.splat-before, .splat-after')].map((each) => each.textContent)"
    assert browser.run(names) == ["JPEG", "WebP"]
    browser.run("document.querySelectorAll('input[name=left]')[0].click()")
    assert browser.run(names) == ["original", "WebP"]
    browser.run(
        "document.querySelector('.splat-one').click(); await new Promise((done) => setTimeout(done, 500));"
        "document.querySelector('.splat-viewer').scrollIntoView()"
    )
    box = browser.run(
        "const box = document.querySelector('.splat-viewer').getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2]"
    )
    x, y = (round(value) for value in box)
    pixels = browser.screenshot().astype(int)
    assert np.abs(pixels[y + 20, x - 40] - RED).max() <= 1  # the original itself
    assert np.abs(pixels[y + 20, x + 40] - BLUE).max() <= 40


def test_crops_show_where_one_looks(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    centre = (
        "const box = document.querySelectorAll('figure canvas')[0].getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2 + scrollY]"
    )
    browser.resize(1280, 1400)
    x, y = (round(value) for value in browser.run(centre))
    pixels = browser.screenshot().astype(int)
    assert np.abs(pixels[y, x - 20] - RED).max() <= 1 and np.abs(pixels[y, x + 20] - BLUE).max() <= 1


def test_names_and_facts_can_be_left_out(browser: Browser, page: Path) -> None:
    open_page(browser, page)
    browser.run("document.getElementById('blind').click()")
    wait_for(browser, "document.querySelector('.splat-viewer:not([aria-busy])')")
    assert [text.strip() for text in captions(browser)] == ["A", "B", "C"]
    assert browser.run("return document.body.innerText").count("JPEG") == 0
