"""What the bench asks of a codec: the best file under a limit of bytes, and what it decodes to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from splatc.image.image import Samples

Shape = tuple[int, int, int]
"""Height, width and channels of a picture."""


@dataclass(frozen=True)
class Measurement:
    """A file and what it decodes to."""

    data: bytes
    """All of the file."""
    pixels: Samples
    """(H, W, C)."""
    encode_seconds: float
    """splatc: of the whole process. Others: of the one encoding that was chosen, not of the search for it."""
    decode_seconds: float
    note: str = ""
    above: Measurement | None = None
    """The file of the next level, above the limit: between the two lies what the codec has at the limit itself."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


class Codec(Protocol):
    """What makes files of pictures."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> str:
        """All that determines the files."""

    @property
    def suffix(self) -> str:
        """Of the names of its files."""

    def measure(
        self, picture: Path, pixels: Samples, ratios: Sequence[float], folder: Path
    ) -> Iterator[Measurement | None]:
        """For each compression ratio the best file of at most that size, or None if the codec cannot get that small.

        ``pixels``, (H, W, C) uint8, are those of the file ``picture``; ``folder`` is for temporary files.
        """

    def decode(self, data: bytes, shape: Shape, folder: Path) -> Samples:
        """What a file of this codec decodes to; ``shape`` is that of the picture that it was made of."""


def size_limit(pixels: Samples, ratio: float) -> int:
    """The largest file that has at least this compression ratio, in bytes."""
    return math.floor(pixels.nbytes / ratio)
