"""Picture files written from strips of samples, so that a picture larger than memory can be decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO, NamedTuple

from splatc.bitstream import Metadata
from splatc.image.image import Samples


class Shape(NamedTuple):
    """What a file says of its picture before the samples come."""

    width: int
    height: int
    channels: int
    """1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
    bit_depth: int
    """8 or 16."""


Writer = Callable[[BinaryIO, Shape, Iterable[Samples], Metadata], None]
"""Writes strips (R, W, C), from top to bottom, of any heights that make `height` in all, into a seekable stream."""
