"""The viewer (splatc/web/viewer.js) in Chromium: what it shows is what `splatc.decode` gives, and it does what is asked of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

import numpy as np
import PIL.Image
import pytest

import conformance
import splatc
from splatc import bitstream
from splatc.bitstream import Metadata
from tests.bitstream_cases import header_for, random_quantized
from tests.browser import Browser
from tests.test_web_core import large_file
from tests.test_web_module import profile, rgba
from tests.web_server import WEB, Server

FOLDER = conformance.FOLDER
SCALES = ("1/8", "1", "6")
TOLERANCE = 2
"""Of 255, as a canvas keeps colours multiplied by alpha."""
SQUARE, SQUARES = 8, (255, 220)
"""px and gray of what lies below a transparent picture on a light page."""
READY = "const { viewer } = globalThis.splat2dModules['viewer_page.js']; await viewer.settled();"
HOSTILE = "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    files = tmp_path_factory.mktemp("files")
    (files / "large.splat2d").write_bytes(large_file())
    hostile = Metadata(b"", b"II*\0" + HOSTILE.encode(), f"<x:xmpmeta>{HOSTILE}</x:xmpmeta>".encode())
    header = header_for(32, 24)
    quantized = random_quantized(np.random.default_rng(3), header, 20, levels=3)
    (files / "hostile.splat2d").write_bytes(bitstream.encode(header, quantized, hostile))
    wide = Metadata(profile("Display P3"))
    (files / "wide.splat2d").write_bytes(bitstream.encode(header, quantized, wide))
    (files / "broken.splat2d").write_bytes(b"no picture")
    damaged = bytearray((FOLDER / "sections.splat2d").read_bytes())
    damaged[-60] ^= 255
    (files / "damaged.splat2d").write_bytes(damaged)
    PIL.Image.new("RGB", (64, 48), (255, 0, 0)).save(files / "red.png")
    with Server(folders={"conformance": FOLDER, "files": files}) as running:
        html = (WEB / "viewer.html").read_text()
        running.pages["/viewer.html"] = html.replace("<head>", '<head>\n    <base href="/web/" />')
        yield running


def show(browser: Browser, site: Server, path: str, *, anchor: str = "", **query: str) -> Any:
    """Open the viewer with a file, and wait until it is sharp; where it looks."""
    browser.open(f"{site.url}/viewer.html?{urlencode({'src': path, **query})}{anchor}")
    return browser.run(f"{READY} return viewer.view;")


def clean(browser: Browser) -> list[str]:
    """What the console said, but of a page without an icon."""
    return [each for each in browser.complaints() if "favicon" not in each]


def picture_of(browser: Browser) -> np.ndarray:
    """(height, width, 3): the view without what lies over it."""
    browser.run(
        "for (const each of document.querySelectorAll('.splat-viewer > :not(.splat-stage)')) each.style.opacity = 0;"
    )
    return browser.screenshot().astype(float)


def over_squares(samples: np.ndarray, left: int, top: int) -> np.ndarray:
    """What is seen of (H, W, C) of 8 bits at a place of the page."""
    colour, alpha = np.split(rgba(samples).astype(float), [3], axis=2)
    rows, columns = np.mgrid[top : top + len(samples), left : left + samples.shape[1]] // SQUARE
    below = np.where((rows + columns) % 2, *reversed(SQUARES))[..., None]
    shown: np.ndarray = (colour * alpha + below * (255 - alpha)) / 255
    return shown


@pytest.mark.parametrize("name", [entry["name"] for entry in conformance.manifest(FOLDER)])
def test_every_conformance_file(browser: Browser, site: Server, name: str) -> None:
    show(browser, site, f"/conformance/{name}.splat2d")
    with splatc.open(FOLDER / f"{name}.splat2d") as picture:
        for scale in SCALES:
            zoom = float(Fraction(scale))
            view = browser.run(f"{READY} viewer.goTo({{ zoom: {zoom} }}); await viewer.settled(); return viewer.view;")
            assert view["zoom"] == zoom
            expected = picture.read(scale=scale, bit_depth=8)
            height, width = expected.shape[:2]
            left, top = round(640 - view["x"] * zoom + 1e-9), round(400 - view["y"] * zoom + 1e-9)
            seen = picture_of(browser)[max(top, 0) : top + height, max(left, 0) : left + width]
            over = over_squares(expected, left, top)[max(-top, 0) :, max(-left, 0) :][: len(seen), : seen.shape[1]]
            assert np.abs(seen - over).max() <= TOLERANCE, f"{name} at {scale}"
    assert not clean(browser)


def test_a_large_picture(browser: Browser, site: Server) -> None:
    """Tiles join, whatever the scale; what has been seen before and what has not is the same."""
    show(browser, site, "/files/large.splat2d")
    with splatc.open(io.BytesIO(large_file())) as picture:
        for zoom, scale in ((0.25, "1/4"), (1, "1"), (3, "3")):
            view = browser.run(
                f"{READY} viewer.goTo({{ x: 700, y: 600, zoom: {zoom} }}); await viewer.settled(); return viewer.view;"
            )
            left, top = round(640 - view["x"] * zoom + 1e-9), round(400 - view["y"] * zoom + 1e-9)
            expected = rgba(picture.read(scale=scale, bit_depth=8))[..., :3]
            seen = picture_of(browser)
            x0, y0 = max(left, 0), max(top, 0)
            part = expected[y0 - top : 800 - top, x0 - left : 1280 - left]
            off = np.abs(seen[y0 : y0 + len(part), x0 : x0 + part.shape[1]] - part).max()
            assert off <= TOLERANCE, f"{scale}: {off}"
    assert not clean(browser)


@pytest.mark.parametrize("made", ["{ throw new Error('none'); }", "new Worker('/nothing.js', { type: 'module' })"])
def test_without_workers_the_page_draws(browser: Browser, site: Server, made: str) -> None:
    show(browser, site, "/conformance/rgb.splat2d")
    expected = picture_of(browser)
    site.pages["/empty.html"] = (
        '<!doctype html><link rel="stylesheet" href="/web/viewer.css" /><body class="splat-page"><main></main>'
    )
    browser.open(f"{site.url}/empty.html")
    browser.run(
        "const { SplatViewer } = await import('/web/viewer.js');"
        f"const viewer = new SplatViewer(document.querySelector('main'), {{ makeWorker: () => {made} }});"
        "await viewer.open('/conformance/rgb.splat2d'); await viewer.settled();"
    )
    assert np.array_equal(picture_of(browser), expected)


def mouse(browser: Browser, kind: str, x: int, y: int, **more: Any) -> None:
    browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})


def keys(browser: Browser, *names: str) -> None:
    for name in names:
        text = {"text": name} if len(name) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            browser.driver.execute_cdp_cmd(
                "Input.dispatchKeyEvent", {"type": kind, "key": name, **(text if kind == "keyDown" else {})}
            )


def test_mouse_wheel_and_keys(browser: Browser, site: Server) -> None:
    where = f"{READY} return viewer.view;"
    show(browser, site, "/files/large.splat2d", anchor="#500,400,2")
    mouse(browser, "mousePressed", 600, 300, button="left", clickCount=1)
    for step in range(1, 6):
        mouse(browser, "mouseMoved", 600 - 20 * step, 300 + 6 * step, button="left", buttons=1)
    mouse(browser, "mouseReleased", 500, 330, button="left", clickCount=1)
    assert browser.run(where) == {"x": 550, "y": 385, "zoom": 2}
    mouse(browser, "mouseWheel", 640, 400, deltaX=0, deltaY=-300)
    seen = browser.run(where)
    assert (seen["x"], seen["y"]) == pytest.approx((550, 385)) and seen["zoom"] == pytest.approx(4)
    assert browser.run("return location.hash") == "#550,385,4"
    for pressed in (1, 2):
        mouse(browser, "mousePressed", 640, 400, button="left", clickCount=pressed)
        mouse(browser, "mouseReleased", 640, 400, button="left", clickCount=pressed)
    assert browser.run(where)["zoom"] == pytest.approx(8)
    for name, zoom in (("8", 8), ("1", 1), ("+", 1.5), ("-", 1)):
        keys(browser, name)
        assert browser.run(where)["zoom"] == pytest.approx(zoom), name
    keys(browser, "8")
    before = browser.run(where)
    keys(browser, "ArrowRight", "ArrowDown")
    after = browser.run(where)
    assert (after["x"], after["y"]) == pytest.approx((before["x"] + 10, before["y"] + 10))
    keys(browser, "0")
    assert browser.run(f"{where}")["zoom"] < 1
    assert browser.run("return location.hash") == ""
    assert browser.run("return document.querySelector('.splat-live').textContent").startswith("Zoom ")


def test_two_fingers(browser: Browser, site: Server) -> None:
    show(browser, site, "/files/large.splat2d", anchor="#500,400,2")
    cdp = browser.driver.execute_cdp_cmd
    cdp("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def touch(kind: str, *places: tuple[int, int]) -> None:
        cdp(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)]},
        )

    touch("touchStart", (590, 400), (690, 400))
    for apart in (60, 80, 100):
        touch("touchMove", (640 - apart, 400), (640 + apart, 400))
    touch("touchEnd")
    cdp("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert browser.run(f"{READY} return viewer.view;") == pytest.approx({"x": 500, "y": 400, "zoom": 4})


def test_links(browser: Browser, site: Server) -> None:
    assert show(browser, site, "/files/large.splat2d", anchor="#400,300.5,5") == {"x": 400, "y": 300.5, "zoom": 5}
    browser.run("location.hash = '#500,400,2'; await new Promise((resolve) => setTimeout(resolve, 50));")
    assert browser.run(f"{READY} return viewer.view;") == {"x": 500, "y": 400, "zoom": 2}
    assert show(browser, site, "/conformance/rgb.splat2d", anchor="#<b>,1,2")["zoom"] == 1


def test_names_and_metadata_never_become_html(browser: Browser, site: Server) -> None:
    show(browser, site, "/files/hostile.splat2d", name=HOSTILE, compare="/files/red.png")
    browser.run(
        f"{READY} viewer.showInfo(true); await viewer.compare('/files/red.png', {{ name: {json.dumps(HOSTILE)} }});"
    )
    assert browser.run("return document.querySelectorAll('.splat-viewer img, .splat-viewer script').length") == 0
    assert browser.run("return document.querySelector('.splat-panel h2').textContent") == HOSTILE
    assert browser.run("return document.querySelector('.splat-after').textContent") == HOSTILE
    assert "EXIF" in browser.run("return document.querySelector('.splat-facts').textContent")
    assert browser.run("return document.title") != "ran"
    assert not clean(browser)


def test_the_panel_says_what_info_says(browser: Browser, site: Server) -> None:
    show(browser, site, "/conformance/everything.splat2d")
    keys(browser, "i")
    said = browser.run("return document.querySelector('.splat-facts').innerText").replace("\u202f", "")
    info = splatc.info(FOLDER / "everything.splat2d")
    for text in (
        f"{info['width']} \u00d7 {info['height']}",
        f"{info['bytes']} bytes",
        f"CR {info['compression_ratio']:.1f}",
        info["blend"],
    ):
        assert text in said, text
    for each in info["levels"]:
        assert f"level {each['level']}" in said
    keys(browser, "Escape")
    assert browser.run("return document.querySelector('.splat-panel').hidden")


def test_ellipses_of_the_levels_that_are_ticked(browser: Browser, site: Server) -> None:
    show(browser, site, "/conformance/levels.splat2d", anchor="#32,24,8")
    plain = picture_of(browser)
    keys(browser, "g")
    browser.run(READY)
    outlined = picture_of(browser)
    assert (np.abs(outlined - plain).max(axis=2) > 40).mean() > 0.001
    browser.run("for (const box of document.querySelectorAll('.splat-levels input')) if (box.checked) box.click();")
    browser.run(READY)
    assert np.array_equal(picture_of(browser), plain)


def test_a_line_between_two_pictures(browser: Browser, site: Server) -> None:
    show(browser, site, "/conformance/rgb.splat2d", compare="/files/red.png", anchor="#32,24,8")
    browser.run(READY)
    assert tuple(picture_of(browser)[400, 700]) == (255, 0, 0)
    assert tuple(picture_of(browser)[400, 600]) != (255, 0, 0)
    browser.run("document.querySelector('.splat-handle').focus();")
    keys(browser, *["ArrowLeft"] * 4)
    assert browser.run("return document.querySelector('.splat-handle').getAttribute('aria-valuenow')") == "42"
    assert tuple(picture_of(browser)[400, 600]) == (255, 0, 0)
    browser.run(f"{READY} await viewer.compare('/conformance/gray.splat2d'); await viewer.settled();")
    red, green, blue = picture_of(browser)[400, 700]
    assert red == green == blue


def test_pictures_one_after_the_other(browser: Browser, site: Server) -> None:
    """Each in its colour space, whatever the one before had."""
    show(browser, site, "/conformance/rgb.splat2d", anchor="#32,24,8")
    expected = picture_of(browser)
    space = "return viewer.stage.context.getContextAttributes().colorSpace;"
    opened = f"{READY} await viewer.open(arguments[0]); await viewer.settled(); {space}"
    assert browser.run(opened, "/files/wide.splat2d") == "display-p3"
    assert browser.run(opened, "/conformance/rgb.splat2d") == "srgb"
    assert browser.run("return document.title") == "rgb.splat2d"
    browser.run(f"{READY} viewer.goTo({{ x: 32, y: 24, zoom: 8 }}); await viewer.settled();")
    assert np.array_equal(picture_of(browser), expected)


def test_what_is_broken_is_said(browser: Browser, site: Server) -> None:
    said = "return document.querySelector('.splat-alert').textContent"
    for path, words in (("/files/broken.splat2d", "not a .splat2d file"), ("/files/nothing.splat2d", "404")):
        browser.open(f"{site.url}/viewer.html?src={path}")
        browser.run(
            "while (document.querySelector('.splat-alert').hidden) await new Promise((resolve) => setTimeout(resolve, 5));"
        )
        assert words in browser.run(said)
        assert not browser.run("return document.querySelector('.splat-welcome').hidden")
    show(browser, site, "/files/damaged.splat2d")
    assert "damaged" in browser.run("return document.querySelector('.splat-status').textContent")
    assert "CRC" in browser.run(
        "const alert = document.querySelector('.splat-alert'); return alert.hidden ? '' : alert.textContent"
    )
    keys(browser, "i")
    assert "CRC" in browser.run("return document.querySelector('.splat-note').textContent")


def test_bytes_are_counted(browser: Browser, site: Server) -> None:
    show(browser, site, "/files/large.splat2d", anchor="#20,20,8")
    said = browser.run("return document.querySelector('.splat-status').textContent").replace("\u202f", "")
    loaded, of, size, unit = said.split()
    assert (of, unit, int(size)) == ("of", "bytes", len(large_file()))
    assert 0 < int(loaded) < int(size)


def test_the_page_stands_still_neither_while_it_draws_nor_when_it_is_closed(browser: Browser, site: Server) -> None:
    show(browser, site, "/files/large.splat2d", anchor="#700,600,2")
    gaps = browser.run(
        f"{READY} const times = []; const end = performance.now() + 700;"
        "while (performance.now() < end) {"
        "  viewer.stage.move(-9, -5); times.push(await new Promise(requestAnimationFrame)); }"
        "return times.slice(1).map((time, k) => time - times[k]);"
    )
    assert np.median(gaps) < 33, gaps
    browser.run(f"{READY} viewer.close();")
    assert browser.run("return document.getElementById('viewer').children.length") == 0


def test_every_control_has_a_name(browser: Browser, site: Server) -> None:
    show(browser, site, "/conformance/rgb.splat2d", compare="/files/red.png")
    browser.run(f"{READY} viewer.showInfo(true);")
    names = browser.run(
        "return [...document.querySelectorAll('button, [tabindex=\"0\"], input:not([hidden])')].map((each) =>"
        " each.getAttribute('aria-label') || each.labels?.[0]?.textContent || each.textContent);"
    )
    assert len(names) > 12 and all(names)


def test_no_movement_for_those_who_want_none(browser: Browser, site: Server) -> None:
    cdp = browser.driver.execute_cdp_cmd
    cdp("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    show(browser, site, "/conformance/rgb.splat2d")
    moving = browser.run(f"{READY} viewer.stage.zoomTo(8); return viewer.stage.movement;")
    cdp("Emulation.setEmulatedMedia", {"features": []})
    assert moving is None


def test_declarations_name_what_the_class_has() -> None:
    declared, written = (WEB / "viewer.d.ts").read_text(), (WEB / "viewer.js").read_text()
    for name in (
        "open(",
        "compare(",
        "goTo(",
        "fit(",
        "showInfo(",
        "showEllipses(",
        "showCompare(",
        "settled(",
        "close(",
    ):
        assert f"\n  {name}" in declared
        assert f"\n  {name}" in written or f"\n  async {name}" in written
