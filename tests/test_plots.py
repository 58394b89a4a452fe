"""``splatc plot``: what is drawn lies where it belongs, and the page holds everything that it shows."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import splatc
from splatc import bitstream
from splatc.bitstream.structure import Structure
from splatc.cli import main
from splatc.decoder.picture import Picture
from splatc.gaussians import Gaussians
from splatc.image.readers import load
from splatc.plots import figure, page, sheet
from tests.bitstream_cases import header_for, random_quantized
from tests.browser import Browser
from tests.test_view_browser import wait_for


def plot(*arguments: str, stdin: bytes = b"") -> tuple[int, str, bytes]:
    result = CliRunner().invoke(main, ["plot", *arguments], input=stdin)
    return result.exit_code, result.stderr, result.stdout_bytes


def made_of(data: bytes, name: str) -> figure.Figure:
    return figure.make_figure(Picture(io.BytesIO(data)), name)


def page_of(data: bytes, name: str = "tiny") -> str:
    return page.write(made_of(data, name), Structure(io.BytesIO(data))).decode()


class Elements(HTMLParser):
    """The elements of a page and what they refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "poster")]


def test_page_is_self_contained_and_shows_file_and_original(
    tmp_path: Path, tiny_splat: Path, tiny_picture: Path
) -> None:
    out = tmp_path / "plot.html"
    assert plot(str(tiny_splat), "-o", str(out), "--source", str(tiny_picture)) == (0, "", b"")
    text = out.read_text("utf-8")
    elements = Elements(text)
    assert elements.names.count("ellipse") == 100
    assert len(elements.references) == 3
    assert all(each.startswith("data:image/png;base64,") for each in elements.references)
    assert not re.search(r"https?:|@import|url\(", text)
    before, after, _ = (
        np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(each.partition(",")[2])))) for each in elements.references
    )
    assert (before == np.asarray(PIL.Image.open(tiny_picture))).all()
    assert (after == splatc.decode(tiny_splat.read_bytes())).all()
    assert "100 Gaussians" in text and "PSNR" in text and "<script src" not in text


def test_page_without_original_compares_with_the_ellipses(tiny_splat: Path) -> None:
    text = page_of(tiny_splat.read_bytes(), "<b>&.splat2d")
    assert "&lt;b&gt;&amp;.splat2d" in text
    assert "<b>" not in text
    assert "its Gaussians" in text


@pytest.mark.parametrize("with_source", [False, True])
def test_sheet_holds_the_picture_itself(
    with_source: bool, tmp_path: Path, tiny_splat: Path, tiny_picture: Path
) -> None:
    out = tmp_path / "plot.png"
    source = ["--source", str(tiny_picture)] if with_source else []
    assert plot(str(tiny_splat), "-o", str(out), *source) == (0, "", b"")
    drawn = np.asarray(PIL.Image.open(out))
    x, y = sheet.MARGIN, sheet.MARGIN + sheet.TITLE
    assert (drawn[y : y + 48, x : x + 64] == splatc.decode(tiny_splat.read_bytes())).all()
    again = plot("-", "-o", "-", stdin=tiny_splat.read_bytes())[2]
    assert again.startswith(b"\x89PNG")


def test_ellipses_lie_around_their_means() -> None:
    one = Gaussians(
        mean=np.array([[40.0, 20.0]], np.float32),
        scale=np.array([[12.0, 4.0]], np.float32),
        angle=np.array([0.0], np.float32),
        colour=np.array([[0.0, 0.0, 0.0]], np.float32),
    )
    data = splatc.encode_gaussians(one, 80, 40, blend="sum", precision=2)
    drawn = sheet.with_ellipses(made_of(data, "one"))
    rows, columns = np.nonzero(drawn.min(axis=2) < 100)
    assert (columns.min(), columns.max()) == pytest.approx((28, 52), abs=1.5)
    assert (rows.min(), rows.max()) == pytest.approx((16, 24), abs=1.5)


def test_large_pictures_and_many_gaussians_are_reduced(monkeypatch: pytest.MonkeyPatch, tiny_file: bytes) -> None:
    monkeypatch.setattr(figure, "MAX_SIDE", 32)
    monkeypatch.setattr(page, "MAX_ELLIPSES", 7)
    made = made_of(tiny_file, "tiny")
    assert made.picture.shape == (24, 32, 3)
    assert made.gaussians.mean.max() <= 33
    text = page_of(tiny_file)
    assert text.count("<ellipse") == 7
    assert "show 7 of the 100 Gaussians" in text


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_gray_and_alpha_are_shown_as_rgb_on_white(channels: int) -> None:
    nothing = Gaussians(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0, 2), (0,), (0, channels))))
    data = splatc.encode_gaussians(nothing, 9, 7, background=(0,) * channels, bit_depth=16)
    made = made_of(data, "empty")
    assert made.picture.shape == (7, 9, 3)
    assert (made.picture == (0 if channels == 1 else 255)).all()
    assert sheet.draw(made).startswith(b"\x89PNG")
    assert page_of(data)


def test_the_colour_profile_is_that_of_the_file(tiny_file: bytes) -> None:
    profile = load(str(Path(__file__).parent / "images" / "icc_display_p3.png")).metadata.icc
    header, gaussians = bitstream.decode(tiny_file)
    data = bitstream.encode(header, gaussians, bitstream.Metadata(icc=profile))
    made, after = made_of(data, "tiny"), Elements(page_of(data)).references[1]
    for image in (sheet.draw(made), base64.b64decode(after.partition(",")[2])):
        assert PIL.Image.open(io.BytesIO(image)).info["icc_profile"] == profile


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["tiny.splat2d", "-o", "plot.svg"], 2, "plot.svg: plots are written as .png or .html"),
        (["tiny.splat2d", "-o", "tiny.png"], 2, "tiny.png: exists already"),
        (["tiny.splat2d", "-o", "plot.png", "--source", "small.png"], 2, "give the picture that was encoded"),
        (["tiny.png", "-o", "plot.png"], 3, "not a .splat2d file"),
    ],
)
def test_what_cannot_be_plotted(
    arguments: list[str],
    exit_code: int,
    message: str,
    tmp_path: Path,
    tiny_picture: Path,
    tiny_splat: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    PIL.Image.new("RGB", (8, 8)).save("small.png")
    code, stderr, _ = plot(*arguments)
    assert (code, message in stderr) == (exit_code, True), stderr
    assert not Path("plot.png").exists()


STATE = """
const style = (name) => getComputedStyle(document.getElementById(name));
const hidden = style("ellipses").visibility;
document.getElementById("show").click();
const slider = document.getElementById("slider");
slider.value = 75;
slider.dispatchEvent(new Event("input"));
const widths = [...document.images].map((each) => each.naturalWidth);
return [widths, hidden, style("ellipses").visibility, style("after").clipPath];
"""


def red_and_blue(folder: Path, width: int, height: int, name: str) -> Path:
    """The page of a blue file whose original is red."""
    nothing = Gaussians(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0, 2), (0,), (0, 3))))
    (folder / "blue.splat2d").write_bytes(splatc.encode_gaussians(nothing, width, height, background=(0, 0, 255)))
    PIL.Image.new("RGB", (width, height), (255, 0, 0)).save(folder / "red.png")
    code = plot(str(folder / "blue.splat2d"), "-o", str(folder / name), "--source", str(folder / "red.png"))
    assert code == (0, "", b"")
    return folder / name


def assert_red_left_of_blue(browser: Browser, width: int) -> None:
    pixels = browser.screenshot()
    row = next(row for row in pixels if (row == (255, 0, 0)).all(axis=1).sum() > 100)
    red, blue = (np.nonzero((row == colour).all(axis=1))[0] for colour in ((255, 0, 0), (0, 0, 255)))
    assert len(red) == pytest.approx(width / 2, abs=8) and len(blue) == pytest.approx(width / 2, abs=8)
    assert red.max() < blue.min()


def test_page_works_in_a_browser(tmp_path: Path, browser: Browser) -> None:
    """Left of the line the original, red, right of it the file, blue; the slider moves the line, the box shows the ellipses."""
    path = red_and_blue(tmp_path, 320, 200, "plot.html")
    browser.open(path.as_uri(), 600, 900)
    assert_red_left_of_blue(browser, 320)
    assert browser.run(STATE) == [[320, 320, 320], "hidden", "visible", "inset(0px 0px 0px 75%)"]
    assert browser.complaints() == []


def noisy() -> bytes:
    """A file whose picture takes more bytes as PNG than the viewer does."""
    header = header_for(900, 700)
    return bitstream.encode(header, random_quantized(np.random.default_rng(8), header, 3000, levels=6))


def test_the_viewer_is_in_the_page_where_that_is_smaller(tmp_path: Path, browser: Browser) -> None:
    data = noisy()
    (tmp_path / "noisy.splat2d").write_bytes(data)
    assert plot(str(tmp_path / "noisy.splat2d"), "-o", str(tmp_path / "plot.html")) == (0, "", b"")
    text = (tmp_path / "plot.html").read_text("utf-8")
    assert len(text) < len(page._with_pictures(made_of(data, "noisy")))
    assert base64.b64encode(data).decode() in text
    assert "<ellipse" not in text and "data:image/png" not in text and "Bits per Gaussian" in text
    browser.open((tmp_path / "plot.html").as_uri(), 1000, 1200)
    wait_for(browser, "document.querySelector('.splat-viewer:not([aria-busy])')")
    left, top = browser.run("const { x, y } = document.getElementById('viewer').getBoundingClientRect(); return [x, y]")
    wait_for(browser, "document.body.scrollHeight > 0")
    shown = browser.screenshot()[round(top) + 100 : round(top) + 200, round(left) + 100 : round(left) + 200]
    expected = splatc.decode(data)[100:200, 100:200]
    assert np.abs(shown.astype(int) - expected).max() <= 2
    assert browser.complaints() == []
