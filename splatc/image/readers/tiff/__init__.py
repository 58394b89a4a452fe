"""TIFF means what its tags say: which picture of a file, how its samples lie, what they show, and who decompresses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from splatc.errors import InputImageError, LimitError
from splatc.image.image import Samples
from splatc.image.readers import large_source
from splatc.image.readers.icc import ColourSpace
from splatc.image.readers.orientation import orientation_of
from splatc.image.readers.tiff import metadata, readers, wide
from splatc.image.readers.tiff.complaints import muted
from splatc.image.readers.tiff.directory import Directory, TiffBytes
from splatc.image.readers.tiff.layout import CIELAB, CMYK, Layout, layout_of
from splatc.image.readers.tiff.pages import choose

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_COMMON = (1, 5, 8, 32773, 32946)
"""Compressions that every reader knows: where one of them fails, the file is damaged."""


@dataclass(frozen=True)
class TiffPicture:
    """A TIFF picture whose pixels can be read, turned as it is shown."""

    width: int
    height: int
    channels: int
    bit_depth: int
    strips: Callable[[], Iterator[Samples]]
    description: str
    notes: tuple[str, ...]
    colours: tuple[ColourSpace | bytes, ...]
    """What the file says of the colours that `strips` yields, what counts most first."""
    orientation: int
    """How the stored pixels were turned, 1..8 as EXIF counts."""
    exif: bytes
    xmp: bytes


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as TIFF and BigTIFF do. `head`: its first four bytes."""
    return head[:4] in _MAGIC


def header_of(stream: BinaryIO) -> Layout:
    """What the tags of the picture in a file say, with no pixel decompressed. Raises as open_tiff does."""
    return layout_of(choose(TiffBytes(stream)).directory)


def open_tiff(stream: BinaryIO, path: str | None, stream_above: int) -> TiffPicture:
    """The picture in a TIFF file, `path` of it where it has a name; more than `stream_above` pixels by a reader that streams.

    Raises InputImageError (damaged, of a kind that splatc does not code or that needs another reader) and LimitError (too large), and
    whatever else the readers raise on damaged files.
    """
    choice = choose(TiffBytes(stream))
    page = choice.directory
    layout = layout_of(page)
    exif, exif_notes = metadata.exif_of(page)
    xmp = metadata.xmp_of(page)
    orientation = orientation_of(metadata.orientation_tag(page), xmp)
    rows = _read(page, layout, orientation, path, stream_above)
    colours, colour_notes = metadata.colours_of(page, layout.bits)
    if layout.photometric in (CMYK, CIELAB):
        colours, colour_notes = (), ()
    return TiffPicture(
        rows.width, rows.height, layout.channels, layout.bit_depth, rows.strips, layout.description,
        (*choice.notes, *layout.notes, *rows.notes, *exif_notes, *colour_notes), colours, orientation, exif, xmp,
    )  # fmt: skip


def _read(page: Directory, layout: Layout, orientation: int, path: str | None, stream_above: int) -> readers.Rows:
    """By the first reader that knows this arrangement: Pillow, unless the picture is large, as everyone has it."""
    ways: list[Callable[[], readers.Rows]] = []
    if readers.pillow_knows(page, layout):
        ways.append(lambda: readers.open_pillow(page, layout, orientation))
    elif wide.knows(page, layout):
        ways.append(lambda: readers.open_wide(page, layout, orientation))
    if readers.tifffile_knows(page, layout):
        ways.append(lambda: readers.open_tifffile(page, layout, orientation))
    if readers.vips_knows(page, layout):
        ways.append(lambda: readers.open_vips(page, layout, orientation, path))
        if path is not None and layout.width * layout.height > stream_above:
            ways = ways[::-1]  # row by row, or at least not in memory
    failure: Exception | None = None
    for way in ways:
        try:
            with muted():
                return way()
        except (LimitError, MemoryError):
            raise
        except Exception as error:  # readers raise almost anything
            if layout.compression in _COMMON:
                raise
            failure = failure or error
    if failure is not None:
        raise InputImageError(
            f"TIFF with {layout.compression_name} compression: it is damaged, or no installed reader knows it "
            f"({' '.join(str(failure).split())}): convert the picture to TIFF with deflate, or to PNG"
        ) from failure
    raise InputImageError(_needs(page, layout))


def _needs(page: Directory, layout: Layout) -> str:
    """A sentence that says what this file is, and which extra reads it if any does."""
    kind = f"{layout.description.removeprefix('TIFF, ')}, {layout.bits} bits per sample, {layout.compression_name} compression"
    if page.file.big and page.file.order == ">":
        kind = f"big-endian BigTIFF, {kind}"
    if layout.samples > 1:
        kind += f", {layout.samples} {'separate' if layout.planar == 2 else 'interleaved'} channels"
    extra = all(large_source.installed(name) for name in ("tifffile", "imagecodecs", "pyvips"))
    advice = "" if extra else "pip install splatc[uhr] reads more kinds of TIFF, or "
    return (
        f"TIFF of this kind ({kind}) is not supported by what is installed: "
        f"{advice}convert the picture to interleaved TIFF of 8 or 16 bits, or to PNG"
    )
