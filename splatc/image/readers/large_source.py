"""Pictures that need not fit into memory: libvips decodes PNG, JPEG and TIFF from top to bottom (tifffile: splatc.image.readers.tiff).

Both are optional (``pip install splatc[uhr]``); without them Pillow decodes the whole picture into memory.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np

from splatc.errors import LimitError
from splatc.image.image import Samples
from splatc.image.readers.pillow_source import ROWS

COPIED = 1 << 26
"""Bytes of a compressed file, which libtiff reads by a descriptor or wants in memory as a whole."""


def on_disk(stream: BinaryIO, size: int) -> BinaryIO:
    """A stream that has no descriptor as a temporary file, if it is large and there is a place for one."""
    if size < COPIED:
        return stream
    try:
        file = tempfile.TemporaryFile(prefix="splatc-")  # noqa: SIM115 - goes with the picture that is read from it
    except OSError:
        return stream
    try:
        shutil.copyfileobj(stream, file, 1 << 20)
    except OSError as error:
        raise LimitError(f"no room for {size} bytes in the folder of temporary files: {error}") from error
    file.seek(0)
    return cast(BinaryIO, file)


@dataclass(frozen=True)
class Stored:
    """Pixels as they lie in a file, before its orientation is applied."""

    width: int
    height: int
    channels: int
    bit_depth: int
    strips: Callable[[], Iterator[Samples]]


def installed(name: str) -> bool:
    """Whether this package can be imported; pyvips cannot without the library that it calls."""
    try:
        importlib.import_module(name)
    except (ImportError, OSError):
        return False
    return True


def open_vips(path: str, orientation: int) -> Stored | None:
    """A file through libvips, turned by `orientation` (1..8 as EXIF counts); None if it is not 8- or 16-bit gray or RGB.

    Rows are decoded as they are asked for; where they must be turned by more than a mirror, libvips lays large pictures into a
    temporary file of its own. Raises pyvips.Error for a damaged file.
    """
    import pyvips

    # Without `revalidate`, libvips remembers the pixels of a file that has another content by now.
    picture = pyvips.Image.new_from_file(path, access=_access(orientation), fail_on="truncated", revalidate=True)
    channels = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb16": 3}
    if picture.format not in ("uchar", "ushort") or picture.interpretation not in channels:
        return None
    if picture.bands - channels[picture.interpretation] not in (0, 1):
        return None
    return _stored(picture, orientation)


def open_vips_page(file: str | bytes, page: int, orientation: int) -> Stored:
    """The same of one page of a TIFF file, given by its name or by its bytes, with as many channels of 8 or 16 bits as it has.

    Raises pyvips.Error for a damaged file, and where libvips does not know its kind.
    """
    import pyvips

    options = {
        "access": _access(orientation),
        "fail_on": "error",
        "page": page,
        "revalidate": True,
    }  # less than "error": zeros for what is damaged
    if isinstance(file, str):
        return _stored(pyvips.Image.tiffload(file, **options), orientation)
    return _stored(pyvips.Image.tiffload_buffer(file, **options), orientation)


def _access(orientation: int) -> str:
    return "sequential" if orientation <= 2 else "random"


def _stored(picture: Any, orientation: int) -> Stored:
    turns: dict[int, Callable[[], Any]] = {
        2: lambda: picture.fliphor(),
        3: lambda: picture.rot180(),
        4: lambda: picture.flipver(),
        5: lambda: picture.rot90().fliphor(),
        6: lambda: picture.rot90(),
        7: lambda: picture.rot270().fliphor(),
        8: lambda: picture.rot270(),
    }
    shown = turns[orientation]() if orientation > 1 else picture
    dtype: type[np.uint8 | np.uint16] = np.uint8 if picture.format == "uchar" else np.uint16

    def strips() -> Iterator[Samples]:
        import pyvips

        region = pyvips.Region.new(shown)
        for top in range(0, shown.height, ROWS):
            rows = min(ROWS, shown.height - top)
            data = region.fetch(0, top, shown.width, rows)
            samples: Samples = np.frombuffer(data, dtype)
            yield samples.reshape(rows, shown.width, shown.bands)

    return Stored(shown.width, shown.height, shown.bands, np.dtype(dtype).itemsize * 8, strips)
