"""The target of an encoding, a size or a PSNR, as given by the user, and as bytes or a number of Gaussians."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from splatc.errors import UsageError

if TYPE_CHECKING:
    from splatc.image.image import Image

DEFAULT_CR = 100.0

USUAL_PSNR = 31.0
"""dB of photographs at the default ratio (README, Kodak)."""
USUAL_SLOPE = 2.6
"""dB for twice the bytes: Kodak from CR 500 to CR 50 (README)."""
LEAST_RATIO, MOST_RATIO = 20.0, 1000.0
"""Where searches for a PSNR begin: small enough to be quick."""

ROOM, FEW = 200, 10
"""Bytes and Gaussians that suffice for any picture of a few pixels."""
MOST_BYTES = 1 << 62
"""What is allowed beyond this is as good as no limit, which a ratio near 0 means."""

OPTIONS = {"cr": "--cr {:g}", "bpp": "--bpp {:g}", "size": "--size {}", "psnr": "--psnr {:g}", "count": "-n {}"}
"""What the command line calls each wish, with its value."""
ARGUMENTS = {"cr": "cr={:g}", "bpp": "bpp={:g}", "size": "size={}", "psnr": "psnr={:g}", "count": "count={}"}
"""What the Python functions call it."""


@dataclass(frozen=True)
class Request:
    """The wishes as given; at most one is not None."""

    cr: float | None = None
    """Bytes of the raw samples over those of the file."""
    bpp: float | None = None
    """Bits of the file per pixel."""
    size: int | None = None
    """Bytes of the file."""
    count: int | None = None
    """Gaussians."""
    psnr: float | None = None
    """dB that the file must reach."""

    def check(self, words: dict[str, str] = OPTIONS) -> None:
        """Raises UsageError if there is more than one target; `words` is how it names them."""
        given = [words[name].partition(" ")[0].partition("=")[0] for name in words if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other: give one target")

    def resolve(self, image: Image, words: dict[str, str] = OPTIONS) -> tuple[Literal["bytes", "count"], int]:
        """What the file of a picture must not exceed; for a PSNR, where the search for it begins (quality_search.py).

        Raises UsageError if that is less than a byte.
        """
        if self.count is not None:
            return "count", self.count
        if self.size is not None:
            return "bytes", self.size
        if self.psnr is not None:
            ratio = DEFAULT_CR * 2.0 ** (min(USUAL_PSNR - self.psnr, 100.0) / USUAL_SLOPE)
            return "bytes", math.ceil(image.pixels.nbytes / min(max(ratio, LEAST_RATIO), MOST_RATIO))
        if self.bpp is not None:
            wish, limit = words["bpp"].format(self.bpp), self.bpp * image.width * image.height / 8
        else:
            ratio = DEFAULT_CR if self.cr is None else self.cr
            wish, limit = words["cr"].format(ratio), image.pixels.nbytes / ratio
        if limit < 1:
            raise UsageError(
                f"{wish} leaves this picture of {image.width} x {image.height} less than one byte: "
                f"ask for bytes, as {words['size'].format(ROOM)} does, or for Gaussians, as {words['count'].format(FEW)} does"
            )
        return "bytes", int(min(limit, MOST_BYTES))
