"""``splatc view`` in Chromium: pages show what the files hold, from a server and from a disk, and run no script but their own."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import splatc as api
from splatc import bitstream
from splatc.bitstream.layout import Layer
from splatc.cli.console import one_line
from tests.bitstream_cases import header_for, random_quantized
from tests.browser import Browser
from tests.test_view_page import hostile_metadata, view
from tests.view_calls import HOSTILE, UNDECODABLE, serving

TOLERANCE = 2
"""Of 255."""
SECONDS = 60


def wait_for(browser: Browser, condition: str) -> None:
    """Until an expression of JavaScript is true."""
    deadline = time.monotonic() + SECONDS
    while not browser.run(f"return Boolean({condition})"):
        assert time.monotonic() < deadline, f"{condition}: {browser.complaints()}"
        time.sleep(0.05)


def settle(browser: Browser) -> None:
    """Until the viewer is as sharp as it gets."""
    wait_for(browser, "document.querySelector('.splat-viewer:not([aria-busy])')")
    browser.run("await new Promise((done) => setTimeout(done, 300));")


def shown(browser: Browser, width: int, height: int) -> np.ndarray:
    """So many px in the middle of the window."""
    pixels = browser.screenshot().astype(int)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def assert_shows(browser: Browser, address: str, data: bytes) -> None:
    """That a page shows a file of 64 x 48 px, a pixel for a pixel."""
    browser.open(f"{address}#32,24,1")
    settle(browser)
    off = np.abs(shown(browser, 64, 48) - api.decode(data)).max()
    assert off <= TOLERANCE
    assert browser.complaints() == []


def test_a_served_file_is_on_the_screen(browser: Browser, tiny_splat: Path, tiny_file: bytes) -> None:
    with serving(tiny_splat) as running:
        assert_shows(browser, running.url, tiny_file)
        assert browser.run("return document.title") == "tiny.splat2d"


@pytest.mark.parametrize("name", ["page.html", "a page #1?%.html"])
def test_a_saved_page_opens_from_the_disk(
    name: str, browser: Browser, tiny_splat: Path, tiny_file: bytes, tmp_path: Path
) -> None:
    out = tmp_path / name
    assert view(tiny_splat, "--save", out).exit_code == 0
    tiny_splat.unlink()
    assert_shows(browser, out.as_uri(), tiny_file)


def test_a_saved_page_is_served_by_any_server(
    browser: Browser, tiny_splat: Path, tiny_file: bytes, tmp_path: Path
) -> None:
    from tests.web_server import Server as AnyServer

    (tmp_path / "site").mkdir()
    assert view(tiny_splat, "--save", tmp_path / "site" / "page.html").exit_code == 0
    with AnyServer(folders={"site": tmp_path / "site"}) as other:
        assert_shows(browser, f"{other.url}/site/page.html", tiny_file)


@pytest.mark.parametrize("saved", [False, True])
def test_the_original_is_beside_the_file(
    saved: bool, browser: Browser, tiny_splat: Path, tiny_picture: Path, tiny_file: bytes, tmp_path: Path
) -> None:
    original = np.asarray(PIL.Image.open(tiny_picture)).astype(int)

    def both(address: str) -> None:
        browser.open(f"{address}#32,24,1")
        settle(browser)
        wait_for(browser, "document.querySelector('.splat-slider:not([hidden])')")
        settle(browser)
        seen = shown(browser, 64, 48)
        assert np.abs(seen[:, :8] - api.decode(tiny_file).astype(int)[:, :8]).max() <= TOLERANCE
        assert np.abs(seen[:, -8:] - original[:, -8:]).max() <= TOLERANCE
        assert browser.complaints() == []

    if saved:
        assert view(tiny_splat, "--save", tmp_path / "page.html", "--source", tiny_picture).exit_code == 0
        both((tmp_path / "page.html").as_uri())
    else:
        with serving(tiny_splat, original=tiny_picture) as running:
            both(running.url)


NAMES = [*HOSTILE, *([os.fsdecode(UNDECODABLE)] if sys.platform == "linux" else [])]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of files with hostile names and XMP."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(hostile_metadata())
    return folder


def assert_harmless(browser: Browser, address: str) -> None:
    """That names are text in the gallery and in the viewer of each file, and that nothing of them has run."""
    browser.open(address)
    wait_for(browser, f"document.querySelectorAll('.splat-gallery .is-drawn').length === {len(NAMES)}")
    names = browser.run("return [...document.querySelectorAll('.splat-gallery bdi')].map((each) => each.textContent)")
    assert sorted(names) == sorted(map(one_line, NAMES))
    links = browser.run("return [...document.querySelectorAll('.splat-gallery a')].map((each) => each.href)")
    for name, link in zip(names, links, strict=True):
        browser.open(link)
        settle(browser)
        browser.run("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'i' }))")
        assert browser.run("return document.title") == name
        assert name in browser.run("return document.querySelector('.splat-panel').textContent")
        own = "early_worker.js|served.js|saved.js"  # the scripts of the page
        assert browser.run(
            f"return [...document.querySelectorAll('img, script:not([type])')].every((each) => each.src || /{own}/.test(each.text))"
        )
        assert browser.complaints() == []


def test_hostile_names_run_nothing_from_a_server(browser: Browser, hostile: Path) -> None:
    with serving(hostile) as running:
        assert_harmless(browser, running.url)


def test_hostile_names_run_nothing_from_a_disk(browser: Browser, hostile: Path, tmp_path: Path) -> None:
    assert view(hostile, "--save", tmp_path / "page.html").exit_code == 0
    assert_harmless(browser, (tmp_path / "page.html").as_uri())


def test_an_inline_script_would_be_reported(browser: Browser, tiny_splat: Path, tmp_path: Path) -> None:
    """That the policies are there: the tests above would not notice otherwise."""
    inject = (
        "const made = document.createElement('script'); made.textContent = 'document.title = 1';"
        "document.body.append(made); return document.title"
    )
    assert view(tiny_splat, "--save", tmp_path / "page.html").exit_code == 0
    with serving(tiny_splat) as running:
        for address in (running.url, (tmp_path / "page.html").as_uri()):
            browser.open(address)
            settle(browser)
            assert browser.run(inject) == "tiny.splat2d"
            assert any("Content Security Policy" in each for each in browser.complaints())


@pytest.fixture(scope="module")
def many_levels() -> bytes:
    """4096 x 3072 px, 40 000 Gaussians in sections by levels: much more than a thumbnail needs."""
    header = header_for(4096, 3072)
    gaussians = random_quantized(np.random.default_rng(5), header, 40_000, levels=10)
    levels = int(gaussians.level.max()) + 1
    return bitstream.encode(header, gaussians, layout=(Layer(levels - 3, 12), Layer(3, 11)))


STILL = """
const count = () => document.querySelectorAll(".is-drawn").length;
for (let before = -1; before !== count(); await new Promise((done) => setTimeout(done, 1000))) before = count();
"""
"""Until no more thumbnails come."""


def test_thumbnails_are_of_what_is_seen(browser: Browser, tmp_path: Path, tiny_file: bytes) -> None:
    for number in range(80):
        (tmp_path / f"{number:02}.splat2d").write_bytes(tiny_file)
    with serving(tmp_path) as running:
        browser.open(running.url, 800, 600)
        wait_for(browser, "document.querySelectorAll('.splat-gallery .is-drawn').length > 9")
        browser.run(STILL)
        assert browser.run("return document.querySelectorAll('.is-drawn').length") < 40
        browser.run("scrollTo(0, document.body.scrollHeight)")
        wait_for(browser, "document.querySelector('li:last-child.is-drawn')")
        assert browser.complaints() == []


def test_thumbnails_take_coarse_levels_alone(browser: Browser, tmp_path: Path, many_levels: bytes) -> None:
    for number in range(3):
        (tmp_path / f"{number}.splat2d").write_bytes(many_levels)
    fetched: dict[str, int] = {}
    with serving(tmp_path) as running:
        browser.open(running.url)
        wait_for(browser, "document.querySelectorAll('.splat-gallery .is-drawn').length === 3")
        script = "return performance.getEntriesByType('resource').map(({ name, transferSize }) => [name, transferSize])"
        for name, size in browser.run(script):
            fetched[name] = fetched.get(name, 0) + size
    files = [size for name, size in fetched.items() if name.endswith(".splat2d")]
    assert len(files) == 3
    assert max(files) < 0.25 * len(many_levels)
