"""A page of pictures: what the codecs make of each at each ratio, with a line between any two, and crops of all beside each other.

The line, and all that one does with a mouse, is of the viewer in splatc/web. The page is a folder: index.html and lossless pictures.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
import PIL.Image

from bench import kept
from bench.codec import Codec
from bench.metrics import METRICS
from bench.results import Point
from splatc.image.image import Samples
from splatc.view.bundle import WEB, start_script, style_sheet
from splatc.view.document import END, begin
from splatc.view.page import in_script

SOURCES = Path(__file__).parents[1] / "pages"
SIDE = 768
"""Of larger pictures only the middle is shown, px."""


def write_page(
    target: Path, folder: Path, points: Sequence[Point], codecs: Mapping[str, Codec], pictures: Mapping[str, Samples]
) -> None:
    """Write the page.

    Args:
        target: The folder of the page, which is made.
        folder: That of the points and of the files that were kept.
        points: What is shown, in this order.
        codecs: By their settings: what decodes the files.
        pictures: By the name of the file.
    """
    (target / "pictures").mkdir(parents=True, exist_ok=True)
    listed = [_picture(target, folder, name, pixels, points, codecs) for name, pixels in pictures.items()]
    script = (
        f'<script type="application/json" id="pictures">{in_script(listed)}</script>\n<script>{_script()}</script>\n'
    )
    style = style_sheet() + (SOURCES / "rd_page.css").read_text("utf-8")
    page = begin("Rate and distortion", f"<style>{style}</style>") + script + END
    (target / "index.html").write_text(page, encoding="utf-8")


def _picture(
    target: Path,
    folder: Path,
    name: str,
    pixels: Samples,
    points: Sequence[Point],
    codecs: Mapping[str, Codec],
) -> dict[str, object]:
    """What the page knows of a picture."""
    stem = Path(name).stem
    raw = f"{pixels.nbytes} bytes of pixels"
    original = {"name": "original", "facts": raw, "source": _save(target, f"{stem}-original", pixels)}
    ours = [point for point in points if point.picture == name and point.size is not None and not point.above]
    ratios = []
    for ratio in sorted({point.ratio for point in ours}):
        files: list[dict[str, str]] = [original]
        for point in ours:
            decoded = kept.decode(folder, point, codecs[point.settings], pixels.shape) if point.ratio == ratio else None
            if decoded is not None:
                source = _save(target, f"{stem}-{Path(point.file).stem}", decoded)
                files.append({"name": point.codec, "facts": facts(point), "source": source})
        ratios.append({"ratio": f"{ratio:g}", "files": files})
    return {"name": stem, "ratios": ratios}


def facts(point: Point) -> str:
    """The line below a crop."""
    found = [(metric, getattr(point, metric.key)) for metric in METRICS]
    values = [f"{metric.name} {value:{metric.form}}" for metric, value in found if value is not None]
    return "\n".join([f"{point.size} bytes, {point.bpp:.3f} bpp", ", ".join(values)])


def _save(target: Path, name: str, pixels: Samples) -> str:
    """Write the middle of a picture without loss; returns its address on the page."""
    height, width, channels = pixels.shape
    top, left = max(0, height - SIDE) // 2, max(0, width - SIDE) // 2
    part = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
    path = f"pictures/{name}.webp"
    PIL.Image.fromarray(part[..., 0] if channels == 1 else part).save(target / path, lossless=True, quality=50)
    return quote(path)


def _script() -> str:
    """The page's module with those of the viewer that it needs, in one."""
    with tempfile.TemporaryDirectory() as folder:
        for module in [*WEB.glob("*.js"), SOURCES / "rd_page.js"]:
            shutil.copy(module, folder)
        return start_script("rd_page.js", "", Path(folder))
