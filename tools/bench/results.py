"""Measured points, and the file that keeps them: one JSON object a line, only ever appended to.

A point belongs to the content of a picture, to the codec's settings (for splatc: a hash of its source) and to a target, and is the
best file within it or that of the next level. The same four make the same point, which is why a bench can go on where it was
stopped, and why points of different code never mix.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

Key = tuple[str, str, float, bool]


@dataclass(frozen=True)
class Point:
    """One picture, one codec, one target; or, without a size, the fact that the codec cannot make so small a file."""

    picture: str
    """Name of the picture's file."""
    digest: str
    """Of the content of that file."""
    pixels: int
    """Width x height."""
    codec: str
    settings: str
    """All that determines the codec's files."""
    ratio: float
    """The target: raw bytes over file bytes, at least."""
    size: int | None = None
    """Bytes of the file on disk."""
    psnr: float = 0.0
    """dB, over all samples; 100 for equal pictures."""
    ms_ssim: float = 0.0
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0
    note: str = ""
    """What was chosen among the codec's variants."""
    limit: int = 0
    """Bytes that the target allows."""
    above: bool = False
    """Whether it is the file of the next level, which has more bytes than that."""
    ssimulacra2: float | None = None
    """Missing, like those below, where what computes it was not installed."""
    butteraugli: float | None = None
    gmsd: float | None = None
    file: str = ""
    """Where the file is kept, within the folder of the points."""

    @property
    def key(self) -> Key:
        return self.digest, self.settings, self.ratio, self.above

    @property
    def bpp(self) -> float:
        """Bits of the whole file per pixel; only of a point that has a size."""
        assert self.size is not None
        return 8 * self.size / self.pixels


P = TypeVar("P", bound=Point)


def load(path: Path) -> dict[Key, Point]:
    """All points of a file."""
    return load_as(path, Point)


def load_as(path: Path, kind: type[P]) -> dict[Key, P]:
    """All points of a file that holds one kind of them; a line that a killed run left unfinished is passed over."""
    points: dict[Key, P] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                point = kind(**json.loads(line))
            except (json.JSONDecodeError, TypeError):
                continue
            points[point.key] = point
    return points


def append(path: Path, point: Point) -> None:
    """Add a line with one write. It begins with a line break as well, against what a killed run may have left before it."""
    with path.open("ab", buffering=0) as stream:
        stream.write(f"\n{json.dumps(asdict(point))}\n".encode())
