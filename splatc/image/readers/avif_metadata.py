"""What an AVIF file says beside its pixels: EXIF, and how its colours are meant (AV1 Image File Format, 2.2 and 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from splatc.image.readers import av1
from splatc.image.readers.avif_items import Property, avif_items, track_properties

_UNSPECIFIED = (2, 2)


@dataclass(frozen=True)
class AvifMetadata:
    """What belongs to the primary item, or to the first track of a sequence without one."""

    cicp: tuple[int, int] | None = None
    """Primaries and transfer by their numbers in ITU-T H.273: of its colour box, else of the coded picture itself."""
    exif: bytes = b""
    """A TIFF structure, as it stands in the file."""
    bits: int = 8
    """Per sample."""


def avif_metadata(stream: BinaryIO) -> AvifMetadata:
    """What a file says; what cannot be understood says nothing."""
    items = avif_items(stream)
    properties = items.of_picture() or track_properties(stream)
    numbers = _nclx(properties)
    if numbers in (None, _UNSPECIFIED):
        configuration = _first(properties, b"av1C")
        coded = (*items.tiles(), items.primary)[0]
        numbers = av1.colours(configuration[4:]) or av1.colours(items.data(stream, coded)) or numbers
    exif = b""
    for number, kind in items.types.items():
        if kind == b"Exif":
            data = items.data(stream, number)
            exif = data[4 + int.from_bytes(data[:4], "big") :]  # it says first how far its TIFF structure is
            break
    return AvifMetadata(numbers, exif, _bits(properties))


def _nclx(properties: list[Property]) -> tuple[int, int] | None:
    """Primaries and transfer of the first colour box that holds numbers."""
    for kind, data in properties:
        if kind == b"colr" and data[:4] == b"nclx" and len(data) >= 10:
            return int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")
    return None


def _bits(properties: list[Property]) -> int:
    """By the box that lists them for each channel, else by the configuration of the decoder."""
    listed, flags = _first(properties, b"pixi"), _first(properties, b"av1C")[2:3]
    if len(listed) > 5:
        return listed[5]  # behind version, flags and the number of channels
    high_bitdepth, twelve_bit = (flags[0] >> 6 & 1, flags[0] >> 5 & 1) if flags else (0, 0)
    return 8 + 2 * high_bitdepth + 2 * (high_bitdepth & twelve_bit)


def _first(properties: list[Property], wanted: bytes) -> bytes:
    """The content of the first box of a kind; empty if there is none."""
    return next((data for kind, data in properties if kind == wanted), b"")
