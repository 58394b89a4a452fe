"""A plot as one HTML file: pictures, styles and the dozen lines of script are all in it, and it may fetch nothing."""

from __future__ import annotations

import base64
import html
import io
import math

import numpy as np
import PIL.Image

from splatc.plots.figure import FULL_ERROR, Bitmap, Figure, chosen, rgb
from splatc.plots.sheet import with_ellipses

MAX_ELLIPSES = 5000
"""A browser draws so many without delay."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: {width}px; padding: 0 1rem; color: #222; background: #fff; }}
.stage {{ position: relative; max-width: 100%; width: {width}px; aspect-ratio: {width} / {height}; }}
.stage > * {{ position: absolute; inset: 0; width: 100%; height: 100%; }}
#after {{ clip-path: inset(0 0 0 50%); }}
#divider {{ left: 50%; width: 2px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }}
input[type=range] {{ width: 100%; margin: .5rem 0; }}
ellipse {{ fill: none; vector-effect: non-scaling-stroke; stroke-width: 1; }}
#ellipses {{ visibility: hidden; background: #ffffffa8; }}
#ellipses.on {{ visibility: visible; }}
figure {{ margin: 1rem 0; }} figure img {{ max-width: 100%; }}
table {{ border-collapse: collapse; width: 100%; }} td {{ padding: 1px 8px 1px 0; white-space: nowrap; }}
td:last-child {{ width: 100%; }} .bar {{ background: #426eb4; height: 12px; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #1b1b1b; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}</p>
<div class="stage">
<img id="before" alt="{before_name}" src="{before}">
<img id="after" alt="{after_name}" src="{after}">
<svg id="ellipses" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-label="Gaussians">{ellipses}</svg>
<div id="divider"></div>
</div>
<input id="slider" type="range" min="0" max="100" step="0.1" value="50" aria-label="between {before_name} and {after_name}">
<p>Left of the line: {before_name}; right of it: {after_name}.
<label><input id="show" type="checkbox"> {ellipses_label}</label></p>
{error}
<h2>Bits per Gaussian</h2>
<table>{rows}</table>
<script>
const slider = document.getElementById("slider");
function move() {{
  document.getElementById("after").style.clipPath = `inset(0 0 0 ${{slider.value}}%)`;
  document.getElementById("divider").style.left = `${{slider.value}}%`;
}}
slider.addEventListener("input", move);
const show = document.getElementById("show");
function toggle() {{ document.getElementById("ellipses").classList.toggle("on", show.checked); }}
show.addEventListener("change", toggle);
move();
toggle();
</script>
</body>
</html>
"""


def write(figure: Figure) -> bytes:
    """The plot as the bytes of an HTML file. The slider moves between original and file, or between ellipses and file."""
    height, width = figure.picture.shape[:2]
    facts = figure.facts
    summary = (
        f"{facts['width']} x {facts['height']}, {facts['gaussians']} Gaussians, {facts['bytes']} bytes, "
        f"{facts['bits_per_pixel']:.4f} bpp, CR {facts['compression_ratio']:.1f}, {facts['blend']} blend"
    )
    if figure.psnr_db is not None:
        summary += f", PSNR {figure.psnr_db:.2f} dB" if math.isfinite(figure.psnr_db) else ", equal to the original"
    if figure.original is None:
        before, before_name = with_ellipses(figure), "its Gaussians"
    else:
        before, before_name = figure.original, "the original"
    shown = chosen(figure.gaussians, MAX_ELLIPSES)
    some = f"{len(shown)} of the {len(figure.gaussians)}" if len(shown) < len(figure.gaussians) else f"the {len(shown)}"
    page = _PAGE.format(
        title=html.escape(figure.name),
        summary=html.escape(summary),
        width=width,
        height=height,
        before=_inline(before, figure.profile),
        before_name=before_name,
        after=_inline(figure.picture, figure.profile),
        after_name="the file",
        ellipses=_ellipses(figure),
        ellipses_label=f"show {some} Gaussians at one standard deviation",
        error=_error(figure),
        rows=_rows(figure),
    )
    return page.encode()


def _inline(picture: Bitmap, profile: bytes = b"") -> str:
    buffer = io.BytesIO()
    PIL.Image.fromarray(picture).save(buffer, "PNG", optimize=True, icc_profile=profile or None)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


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
