"""What the bench asks of a codec: the best file under a limit of bytes, and what it decodes to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from splatc.image.image import Samples


@dataclass(frozen=True)
class Measurement:
    """A file on disk and what it decodes to."""

    size: int
    """Bytes."""
    pixels: Samples
    """(H, W, C)."""
    encode_seconds: float
    """splatc: of the whole process. Others: of the one encoding that was chosen, not of the search for it."""
    decode_seconds: float
    note: str = ""


class Codec(Protocol):
    """What makes files of pictures."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> str:
        """All that determines the files."""

    def measure(
        self, picture: Path, pixels: Samples, ratios: Sequence[float], folder: Path
    ) -> Iterator[Measurement | None]:
        """For each compression ratio the best file of at most that size, or None if the codec cannot get that small.

        ``pixels``, (H, W, C) uint8, are those of the file ``picture``; ``folder`` is for temporary files.
        """


def size_limit(pixels: Samples, ratio: float) -> int:
    """The largest file that has at least this compression ratio, in bytes."""
    return math.floor(pixels.nbytes / ratio)
