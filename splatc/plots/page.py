"""A plot as one HTML file: pictures, or the file itself with a viewer, styles and scripts are all in it, and it may fetch nothing."""

from __future__ import annotations

import base64
import html
import io
import math

import numpy as np
import PIL.Image

from splatc.bitstream.structure import Structure
from splatc.plots.figure import FULL_ERROR, Bitmap, Figure, chosen, rgb
from splatc.plots.sheet import with_ellipses
from splatc.view import page
from splatc.view.bundle import style_sheet
from splatc.view.page import hash_source

MAX_ELLIPSES = 5000
"""A browser draws so many without delay."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: {width}px; padding: 0 1rem; color: #222; background: #fff; }}
{style}
figure {{ margin: 1rem 0; }} figure img {{ max-width: 100%; }}
table {{ border-collapse: collapse; width: 100%; }} td {{ padding: 1px 8px 1px 0; white-space: nowrap; }}
td:last-child {{ width: 100%; }} .bar {{ background: #426eb4; height: 12px; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #1b1b1b; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}</p>
{stage}
{error}
<h2>Bits per Gaussian</h2>
<table>{rows}</table>
{script}
</body>
</html>
"""

_STYLE = """.stage {{ position: relative; max-width: 100%; width: {width}px; aspect-ratio: {width} / {height}; }}
.stage > * {{ position: absolute; inset: 0; width: 100%; height: 100%; }}
#after {{ clip-path: inset(0 0 0 50%); }}
#divider {{ left: 50%; width: 2px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }}
input[type=range] {{ width: 100%; margin: .5rem 0; }}
ellipse {{ fill: none; vector-effect: non-scaling-stroke; stroke-width: 1; }}
#ellipses {{ visibility: hidden; background: #ffffffa8; }}
#ellipses.on {{ visibility: visible; }}"""

_STAGE = """<div class="stage">
<img id="before" alt="{before_name}" src="{before}">
<img id="after" alt="{after_name}" src="{after}">
<svg id="ellipses" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-label="Gaussians">{ellipses}</svg>
<div id="divider"></div>
</div>
<input id="slider" type="range" min="0" max="100" step="0.1" value="50" aria-label="between {before_name} and {after_name}">
<p>Left of the line: {before_name}; right of it: {after_name}.
<label><input id="show" type="checkbox"> {ellipses_label}</label></p>"""

_SCRIPT = """
const slider = document.getElementById("slider");
function move() {
  document.getElementById("after").style.clipPath = `inset(0 0 0 ${slider.value}%)`;
  document.getElementById("divider").style.left = `${slider.value}%`;
}
slider.addEventListener("input", move);
const show = document.getElementById("show");
function toggle() { document.getElementById("ellipses").classList.toggle("on", show.checked); }
show.addEventListener("change", toggle);
move();
toggle();
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {script}"

_VIEWER_STYLE = "#viewer {{ max-width: 100%; width: {width}px; aspect-ratio: {width} / {height}; }}\n"
_VIEWER_STAGE = '<div id="viewer" data-embedded></div>'
_STYLES_OF_ALL = "'unsafe-inline'"
"""Rows have a style each, the length of their bar."""


def write(figure: Figure, file: Structure) -> bytes:
    """The plot as the bytes of an HTML file: with pictures in it, or with ``file`` and the viewer of ``splatc view``, whichever is shorter.

    The slider moves between file and original; between file and ellipses, where there is no original and there are pictures.
    """
    pictures = _with_pictures(figure)
    if file.file_bytes > len(pictures):
        return pictures
    return min(pictures, _with_viewer(figure, file.content()), key=len)


def _with_pictures(figure: Figure) -> bytes:
    height, width = figure.picture.shape[:2]
    if figure.original is None:
        before, before_name = with_ellipses(figure), "its Gaussians"
    else:
        before, before_name = figure.original, "the original"
    shown = chosen(figure.gaussians, MAX_ELLIPSES)
    some = f"{len(shown)} of the {len(figure.gaussians)}" if len(shown) < len(figure.gaussians) else f"the {len(shown)}"
    stage = _STAGE.format(
        width=width,
        height=height,
        before=_inline(before, figure.profile),
        before_name=before_name,
        after=_inline(figure.picture, figure.profile),
        after_name="the file",
        ellipses=_ellipses(figure),
        ellipses_label=f"show {some} Gaussians at one standard deviation",
    )
    policy = _POLICY.format(script=hash_source(_SCRIPT))
    return _page(figure, policy, _STYLE.format(width=width, height=height), stage, f"<script>{_SCRIPT}</script>")


def _with_viewer(figure: Figure, content: bytes) -> bytes:
    height, width = figure.picture.shape[:2]
    original = None
    if figure.original is not None:
        original = page.Original("the original", "image/png", _png(figure.original, figure.profile))
    script = b"".join(page.body([page.Item(figure.name, content)], alone=True, original=original))
    style = style_sheet() + _VIEWER_STYLE.format(width=width, height=height)
    return _page(figure, page.policy(_STYLES_OF_ALL), style, _VIEWER_STAGE, script.decode())


def _page(figure: Figure, policy: str, style: str, stage: str, script: str) -> bytes:
    facts = figure.facts
    summary = (
        f"{facts['width']} x {facts['height']}, {facts['gaussians']} Gaussians, {facts['bytes']} bytes, "
        f"{facts['bits_per_pixel']:.4f} bpp, CR {facts['compression_ratio']:.1f}, {facts['blend']} blend"
    )
    if figure.psnr_db is not None:
        summary += f", PSNR {figure.psnr_db:.2f} dB" if math.isfinite(figure.psnr_db) else ", equal to the original"
    return _PAGE.format(
        policy=policy,
        title=html.escape(figure.name),
        width=figure.picture.shape[1],
        style=style,
        summary=html.escape(summary),
        stage=stage,
        error=_error(figure),
        rows=_rows(figure),
        script=script,
    ).encode()


def _inline(picture: Bitmap, profile: bytes = b"") -> str:
    return "data:image/png;base64," + base64.b64encode(_png(picture, profile)).decode()


def _png(picture: Bitmap, profile: bytes) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(picture).save(buffer, "PNG", optimize=True, icc_profile=profile or None)
    return buffer.getvalue()


def _ellipses(figure: Figure) -> str:
    shown = chosen(figure.gaussians, MAX_ELLIPSES)
    degrees = np.degrees(shown.angle)
    return "".join(
        f'<ellipse rx="{s1:.1f}" ry="{s2:.1f}" transform="translate({x:.1f} {y:.1f}) rotate({degrees:.0f})" '
        f'stroke="#{r:02x}{g:02x}{b:02x}"/>'
        for (x, y), (s1, s2), degrees, (r, g, b) in zip(
            shown.mean.tolist(), shown.scale.tolist(), degrees.tolist(), rgb(shown).tolist(), strict=True
        )
    )


def _error(figure: Figure) -> str:
    if figure.error is None:
        return ""
    caption = f"Error of each pixel: black none, white from {FULL_ERROR:.0%} of full range on"
    return f'<figure><img alt="error" src="{_inline(figure.error)}"><figcaption>{caption}</figcaption></figure>'


def _rows(figure: Figure) -> str:
    count, longest = max(1, figure.facts["gaussians"]), max(figure.bits.values(), default=1.0) or 1.0
    total = max(1.0, sum(figure.bits.values()))
    return "".join(
        f"<tr><td>{html.escape(name)}</td><td>{bits / count:.2f}</td><td>{bits / total:.1%}</td>"
        f'<td><div class="bar" style="width:{100 * bits / longest:.1f}%"></div></td></tr>'
        for name, bits in figure.bits.items()
    )
