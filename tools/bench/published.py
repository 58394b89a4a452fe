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


# Approximate, as the project's design brief quotes them. The original GaussianImage (arXiv 2403.08551) is left out: no figure of its
# codec on Kodak could be had but as a curve.
_PLUS = "arXiv 2512.19108 (AAAI 2026), approximate"
_COOL_CHIC = "Cool-chic 5; minutes of encoding, no Gaussians"

KODAK = (
    Reference("GaussianImage++", 0.10, 24.1, _PLUS),
    Reference("GaussianImage++", 0.24, 26.7, _PLUS),
    Reference("GaussianImage++", 0.48, 28.7, _PLUS),
    Reference("Cool-chic 5", 0.084, 27.4, _COOL_CHIC),
    Reference("Cool-chic 5", 0.219, 30.9, _COOL_CHIC),
    Reference("Cool-chic 5", 0.482, 34.5, _COOL_CHIC),
)


def references(pictures: Collection[str]) -> tuple[Reference, ...]:
    """What was published on exactly these pictures, given by their file names: means over other sets compare with nothing."""
    kodak = {f"kodim{number:02d}" for number in range(1, 25)}
    return KODAK if {name.partition(".")[0].lower() for name in pictures} == kodak else ()
