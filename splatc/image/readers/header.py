"""What the header of a picture file says of its size, with no pixel decoded: for estimates of what a picture will take."""

from __future__ import annotations

import io
from typing import BinaryIO

import PIL.Image

from splatc.image.readers import netpbm, pillow_source, tiff
from splatc.image.readers.extent import Extent, extent, stated_extent
from splatc.image.readers.opening import open_surveyed
from splatc.image.readers.source import MAX_PIPED, explained
from splatc.runtime.files import open_input, read_all

__all__ = ["Extent", "extent_of"]


def extent_of(path: str) -> Extent:
    """The size of the picture in a file. Raises InputError, InputImageError (not a picture) and LimitError."""
    with open_input(path) as stream, explained(path):
        seekable = stream if stream.seekable() else io.BytesIO(read_all(stream, path, limit=MAX_PIPED))
        head = seekable.read(4)
        seekable.seek(0)
        if tiff.is_tiff(head):
            return stated_extent(tiff.header_of(seekable))
        if netpbm.is_pam(head):
            return stated_extent(netpbm.read_header(seekable))
        return extent(_opened(seekable))


def _opened(stream: BinaryIO) -> PIL.Image.Image:
    """The opened picture; a survey, which reads all of a file, only where its reader stumbles over something."""
    try:
        return pillow_source.open_header(stream)
    except Exception:  # readers raise almost anything
        return open_surveyed(stream)[1]
