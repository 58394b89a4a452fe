"""The first look at a picture file: its parts, its size against the limits, and its reader, with no pixel decoded."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import BinaryIO

import PIL.Image

from splatc.errors import LimitError
from splatc.image.image import MAX_PIXELS
from splatc.image.readers import pillow_source, sniffing
from splatc.image.readers.found import DAMAGED_EXIF, Found
from splatc.image.readers.survey import HEAD, survey

PIXELS_PER_BYTE = 2000
"""A file of fewer bytes shows next to nothing, or announces what it does not have: deflate packs 1030 bytes into one."""
MODEST = 1 << 26
"""Pixels that are read from however short a file: they take less than 1 GB in Pillow."""


def open_surveyed(stream: BinaryIO, *, trusted: bool = False) -> tuple[Found, PIL.Image.Image]:
    """What stands in a seekable stream, and the picture in it, opened but not decoded.

    `trusted` allows large pictures of however few bytes. Raises InputImageError, LimitError (too large) and what Pillow raises.
    """
    stream.seek(0)
    sniffing.refuse_by_first_bytes(stream.read(HEAD))
    found = survey(stream)
    size = stream.seek(0, io.SEEK_END)
    if found.size is not None:
        _check_size(found.size, size, trusted)
    if found.rewritten is not None:
        found = replace(found, stream=found.rewritten(), rewritten=None)
    try:
        picture = pillow_source.open_header(found.stream)
    except Exception:  # readers raise almost anything
        if found.without_exif is None:
            raise
        found = replace(found, stream=found.without_exif(), notes=(*found.notes, DAMAGED_EXIF))
        picture = pillow_source.open_header(found.stream)
    _check_size(picture.size, size, trusted)
    if found.check is not None:
        found.check()
    return found, picture


def _check_size(shape: tuple[int, int], size: int, trusted: bool) -> None:
    """Raise LimitError for a picture of more pixels than are accepted, or than so many bytes hold."""
    width, height = shape
    if width * height > MAX_PIXELS:
        raise LimitError(f"{width} x {height} is more than the {MAX_PIXELS} pixels that splatc accepts")
    if width * height > max(MODEST, PIXELS_PER_BYTE * size) and not trusted:
        raise LimitError(
            f"{width} x {height} pixels in a file of {size} bytes look like a decompression bomb: "
            "splatc encode --max-memory 8GiB reads it all the same"
        )
