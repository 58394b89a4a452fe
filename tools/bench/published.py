"""Figures of other people's papers, for the report to show beside ours: none of them was measured here."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Reference(NamedTuple):
    """A mean over the 24 Kodak pictures."""

    codec: str
    bpp: float
    psnr: float
    """dB."""
    source: str


# Those of GaussianImage++ are approximate, as the project's design brief quotes them. The original GaussianImage (arXiv 2403.08551) is
# left out: no figure of its codec on Kodak could be had but as a curve.
_PLUS = "arXiv 2512.19108 (AAAI 2026), approximate"
_VTM = "CompressAI, results/image/kodak/vtm.json (intra, 4:4:4)"
_COOL_CHIC = "Cool-chic 5.0.1, results/v5.0/image-kodak.tsv, averaged; minutes of encoding a picture"
_C3 = "arXiv 2312.02753, adaptive: baselines/kodak.py of its repository; minutes of encoding a picture"
_ELIC = "arXiv 2203.10886: CompressAI, results/image/kodak/paper-elic2022_mse.json; a large trained network"
_MLIC = "arXiv 2211.07273: results/kodak/mlicplus_mse.json of its repository; a large trained network"
_CURVES = (
    ("GaussianImage++", _PLUS, ((0.10, 24.1), (0.24, 26.7), (0.48, 28.7))),
    (
        "VTM 4:4:4",
        _VTM,
        (
            (0.04824, 26.145),
            (0.11250, 28.493),
            (0.24582, 31.200),
            (0.49055, 34.262),
            (0.87481, 37.420),
            (1.43085, 40.424),
        ),
    ),
    (
        "Cool-chic 5.0",
        _COOL_CHIC,
        ((0.08386, 27.435), (0.21856, 30.859), (0.48190, 34.521), (0.75942, 37.247), (1.35713, 41.167)),
    ),
    (
        "C3",
        _C3,
        (
            (0.07928, 27.032),
            (0.12280, 28.377),
            (0.14091, 28.839),
            (0.19468, 29.946),
            (0.22516, 30.489),
            (0.27178, 31.267),
            (0.34902, 32.392),
            (0.51459, 34.369),
            (0.72768, 36.397),
            (0.91423, 37.882),
            (1.40753, 40.883),
        ),
    ),
    (
        "ELIC",
        _ELIC,
        ((0.1235, 29.113), (0.1965, 30.698), (0.3337, 32.784), (0.4908, 34.577), (0.7041, 36.488), (0.8573, 37.624)),
    ),
    (
        "MLIC+",
        _MLIC,
        ((0.1124, 29.198), (0.1823, 30.782), (0.2815, 32.401), (0.4270, 34.139), (0.5912, 35.763), (0.8103, 37.374)),
    ),
)
KODAK = tuple(Reference(codec, bpp, psnr, source) for codec, source, curve in _CURVES for bpp, psnr in curve)


def references(pictures: Collection[str]) -> tuple[Reference, ...]:
    """What was published on exactly these pictures, given by their file names: means over other sets compare with nothing."""
    kodak = {f"kodim{number:02d}" for number in range(1, 25)}
    return KODAK if {name.partition(".")[0].lower() for name in pictures} == kodak else ()
