"""What a hostile file is, and the three sound ones that most are made from."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from splatc import bitstream
from splatc.bitstream import Header, Layer, Metadata
from splatc.bitstream.header import DRAFT_VERSION, MODELS
from splatc.blend import Blend
from splatc.quantize import QuantizedGaussians
from splatc.steps import Quantizer

Kind = Literal["corrupt", "unsupported", "limit"]


@dataclass(frozen=True)
class Case:
    """One rule that a file breaks."""

    name: str
    """Of the file, without its extension."""
    data: bytes
    kind: Kind
    says: str
    """What the error message must contain; plain text."""
    parts: tuple[str, ...] = ()
    """The parts in which ``verify`` finds it, where decoding alone does not (metadata)."""


def gaussians(header: Header, cells: list[tuple[int, int, int]]) -> QuantizedGaussians:
    """Gaussians of no special shape or colour at (level, x, y)."""
    table = np.array(cells, np.int32).reshape(-1, 3)
    count = len(table)
    some = np.arange(count, dtype=np.int32)
    none = np.zeros(count, np.int32)
    colour = np.stack([some % 7 - 3] * header.channels, axis=1).astype(np.int32)
    return QuantizedGaussians(table[:, 0], table[:, 1], table[:, 2], some % 5, none, none, none, colour)


@functools.cache
def plain() -> bytes:
    """64 x 48 px, RGB, five Gaussians, no index: HEAD, GAUS."""
    header = Header(64, 48, 3, (128, 128, 128), Blend.NORMALIZED, quantizer=Quantizer(position=114, position_slope=4))
    return bitstream.encode(header, gaussians(header, [(2, 3, 4), (2, 20, 9), (1, 7, 7), (0, 1, 1), (0, 100, 90)]))


@functools.cache
def draft() -> bytes:
    """`plain` as a file of the draft: HEAD, DRFT, GAUS."""
    header, content = bitstream.decode(plain())
    return bitstream.encode(replace(header, version=DRAFT_VERSION), content)


@functools.cache
def modelled() -> bytes:
    """100 long Gaussians of many directions, with all models of the draft: HEAD, DRFT, GAUS."""
    header = Header(64, 48, 3, (128, 128, 128), version=DRAFT_VERSION, models=MODELS)
    some = np.arange(100, dtype=np.int32)
    level = np.repeat(np.array([2, 0], np.int32), 50)
    angle, colour = some * 7 % 12, np.stack([some % 7 - 3] * 3, axis=1).astype(np.int32)
    content = QuantizedGaussians(level, some % 10, some % 9, some % 5, some % 4 + 7, angle, some % 3, colour)
    return bitstream.encode(header, content)


@functools.cache
def divided() -> bytes:
    """64 x 48 px, RGB, with an index of five sections and all metadata: HEAD, iccp, INDX, GAUS, exif, xmpd."""
    header = Header(64, 48, 3, (128, 128, 128), Blend.NORMALIZED, quantizer=Quantizer(position=114, position_slope=4))
    coarse = [(1, 10 * i, 7 * i) for i in range(8)]
    fine = [(0, 12 * i + 1, 9 * i + 20) for i in range(14)]
    content = Metadata(icc=b"profile " * 8, exif=b"II*\0" + bytes(8), xmp=b"<x:xmpmeta/>")
    return bitstream.encode(header, gaussians(header, coarse + fine), content, layout=(Layer(1, 6), Layer(1, 5)))


def noise(seed: int, length: int) -> bytes:
    """The same random bytes on every machine."""
    return random.Random(seed).randbytes(length)
