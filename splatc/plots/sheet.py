"""A plot as one PNG picture, drawn with Pillow alone."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from splatc.plots.figure import FULL_ERROR, Bitmap, Figure, chosen, rgb

MAX_ELLIPSES = 20000
CORNERS = 24
"""Of the polygon that stands for an ellipse."""
MARGIN, TITLE, BAR = 16, 22, 20
"""px"""
INK, FAINT, FILL = (30, 30, 30), (110, 110, 110), (66, 110, 180)


def draw(figure: Figure) -> bytes:
    """The plot as the bytes of a PNG file."""
    panels = [(f"{figure.name}: {_summary(figure)}", figure.picture), (_ellipses_title(figure), with_ellipses(figure))]
    if figure.original is not None and figure.error is not None:
        panels.append(("original", figure.original))
        panels.append((f"error, white from {FULL_ERROR:.0%} of full range; PSNR {figure.psnr_db:.2f} dB", figure.error))
    height, width = figure.picture.shape[:2]
    width = max(width, 300)
    rows = -(-len(panels) // 2)
    bars = _bars(figure, 2 * width + MARGIN)
    sheet = PIL.Image.new(
        "RGB",
        (2 * width + 3 * MARGIN, rows * (height + TITLE + MARGIN) + bars.height + 2 * MARGIN),
        "white",
    )
    pen = PIL.ImageDraw.Draw(sheet)
    for index, (title, picture) in enumerate(panels):
        x, y = MARGIN + (index % 2) * (width + MARGIN), MARGIN + (index // 2) * (height + TITLE + MARGIN)
        pen.text((x, y), _fitting(title, width), INK, _font())
        sheet.paste(PIL.Image.fromarray(picture), (x, y + TITLE))
    sheet.paste(bars, (MARGIN, MARGIN + rows * (height + TITLE + MARGIN)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True, icc_profile=figure.profile or None)
    return buffer.getvalue()


def with_ellipses(figure: Figure) -> Bitmap:
    """The picture, paler, under an outline at one standard deviation of each Gaussian in its colour."""
    pale = PIL.Image.fromarray((figure.picture // 3 + 165).astype(np.uint8))
    pen = PIL.ImageDraw.Draw(pale)
    shown = chosen(figure.gaussians, MAX_ELLIPSES)
    around = np.linspace(0.0, 2.0 * np.pi, CORNERS + 1)
    along, across = np.cos(around) * shown.scale[:, :1], np.sin(around) * shown.scale[:, 1:]  # (N, CORNERS + 1)
    c, s = np.cos(shown.angle)[:, np.newaxis], np.sin(shown.angle)[:, np.newaxis]
    # Pillow's coordinates are of pixel corners' grid, less half a pixel.
    x = shown.mean[:, :1] + c * along - s * across - 0.5
    y = shown.mean[:, 1:] + s * along + c * across - 0.5
    outlines = np.stack([x, y], axis=-1)  # (N, CORNERS + 1, 2)
    for outline, colour in zip(outlines, rgb(shown) * 0.8, strict=True):
        pen.line([tuple(point) for point in outline.tolist()], fill=tuple(colour.astype(int).tolist()))
    return np.asarray(pale)


def _bars(figure: Figure, width: int) -> PIL.Image.Image:
    """Bits per Gaussian, by part of the file."""
    count = max(1, figure.facts["gaussians"])
    total = max(1.0, sum(figure.bits.values()))
    image = PIL.Image.new("RGB", (width, TITLE + BAR * len(figure.bits)), "white")
    pen = PIL.ImageDraw.Draw(image)
    pen.text((0, 0), "bits per Gaussian", INK, _font())
    longest = max(figure.bits.values(), default=1.0) or 1.0
    for index, (name, bits) in enumerate(figure.bits.items()):
        y = TITLE + index * BAR
        pen.text((0, y), name, INK, _font())
        length = max(1, round((width - 330) * bits / longest))
        pen.rectangle((110, y + 2, 110 + length, y + BAR - 5), fill=FILL)
        pen.text((120 + length, y), f"{bits / count:.2f}  ({bits / total:.1%})", FAINT, _font())
    return image


def _summary(figure: Figure) -> str:
    facts = figure.facts
    return f"{facts['width']} x {facts['height']}, {facts['bytes']} bytes, CR {facts['compression_ratio']:.1f}"


def _ellipses_title(figure: Figure) -> str:
    total, shown = len(figure.gaussians), min(len(figure.gaussians), MAX_ELLIPSES)
    return f"{total} Gaussians at one standard deviation" + (f", {shown} of them drawn" if shown < total else "")


def _fitting(text: str, width: int) -> str:
    """`text`, cut off at `width` px."""
    while len(text) > 1 and _font().getlength(text) > width:
        text = text[:-2] + "\u2026"
    return text


def _font() -> PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont:
    return PIL.ImageFont.load_default(14)
