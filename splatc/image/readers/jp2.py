"""The boxes of a JPEG 2000 file that say what its components are (ISO/IEC 15444-1, I.5.3): palette, mapping, order, and what is left out.

Pillow takes components as they come, and drops the second of two equal colours of a palette. So it is given a file without these boxes, and
the channels are made of its components here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from splatc.errors import InputImageError
from splatc.image.image import MODES
from splatc.image.readers.boxes import boxes, content, within
from splatc.image.readers.found import Found, resolution
from splatc.image.readers.premultiplied import divided
from splatc.image.readers.splice import Piece, spliced

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"
_GRAY = b"\1\0\0\0\0\0\x11"
"""A colour specification."""
_DESCRIBING = {b"pclr", b"cmap", b"cdef"}
_COLOUR, _ALPHA, _PREMULTIPLIED = 0, 1, 2
_COMMENT, _TILE = 0x64, 0x90
_MARKS = (b"Created by ", b"Creator: ", b"Kakadu-", b"OpenJPH ")  # what encoders sign with
_DAMAGED = "damaged picture: the {} of the JPEG 2000 file makes no sense"


@dataclass(frozen=True)
class _Channels:
    """How channels are made of components."""

    palette: NDArray[np.uint8] | None
    """(entries, columns)."""
    mapping: tuple[tuple[int, int | None], ...] | None
    """Component and column of the palette, None for the component itself; of each channel. None: all components as they are."""
    colours: tuple[int, ...] | None
    """The channels that are gray, or red, green and blue. None: all channels as they are."""
    alpha: int | None
    premultiplied: bool


def survey(stream: BinaryIO) -> Found:
    """See survey.survey."""
    pieces: list[Piece] = []
    inner: dict[bytes, bytes] = {}
    notes: list[str] = []
    start = streams = 0
    for box in boxes(stream):
        if box.kind == b"jp2h" and not inner:
            inside = list(within(content(stream, box)))
            inner = dict(reversed(inside))  # of several of a kind the first
            if b"pclr" in inner:  # components are indices; OpenJPEG takes one of them for gray only
                inside = [(kind, _GRAY if kind == b"colr" else data) for kind, data in inside]
            kept = b"".join(_box(kind, data) for kind, data in inside if kind not in _DESCRIBING)
            pieces = [(0, start), _box(b"jp2h", kept)]
            start = box.end
        elif box.kind == b"jp2c":
            streams += 1
            if streams == 1:
                notes += _comments(stream, box.start, box.end)
        if not inner:
            start = box.end
    if streams > 1:
        notes.append(f"only the first of {streams} pictures is coded")
    notes += _resolution(inner.get(b"res ", b""))
    if not _DESCRIBING & set(inner):
        return Found(stream, tuple(notes))
    channels, more = _described(inner)
    end = stream.seek(0, 2)
    return Found(
        spliced(stream, [*pieces, (start, end)]),
        (*notes, *more),
        arranged=partial(_arranged, channels),
        description="" if channels.palette is None else "JPEG2000, palette",
    )


def survey_codestream(stream: BinaryIO) -> Found:
    """The same of a code stream without boxes."""
    return Found(stream, tuple(_comments(stream, 0, stream.seek(0, 2))))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data


def _described(inner: dict[bytes, bytes]) -> tuple[_Channels, list[str]]:
    """What the boxes in the header say, and sentences about what is left out. Raises InputImageError for damaged ones."""
    notes: list[str] = []
    palette = colours = alpha = None
    mapping: tuple[tuple[int, int | None], ...] | None = None
    premultiplied = False
    if b"pclr" in inner:
        palette, depth = _palette(inner[b"pclr"])
        if depth > 8:
            notes.append(f"a palette of {depth} bits per sample is read as 8")
        mapping = tuple((0, column) for column in range(palette.shape[1]))
        if b"cmap" in inner:
            entries = struct.iter_unpack(">HBB", inner[b"cmap"][: len(inner[b"cmap"]) // 4 * 4])
            mapping = tuple((component, column if kind else None) for component, kind, column in entries)
            if any(column is not None and column >= palette.shape[1] for _, column in mapping):
                raise InputImageError(_DAMAGED.format("palette"))
    if len(inner.get(b"cdef", b"")) >= 2:
        (count,) = struct.unpack_from(">H", inner[b"cdef"])
        if len(inner[b"cdef"]) < 2 + 6 * count:
            raise InputImageError(_DAMAGED.format("list of channels"))
        definitions = [struct.unpack_from(">HHH", inner[b"cdef"], 2 + 6 * index) for index in range(count)]
        # What is no alpha and has no place of its own comes where it stands.
        placed = sorted((place, channel) for channel, kind, place in definitions if kind == _COLOUR)
        colours = tuple(channel for _, channel in placed)
        opacity = [(channel, kind) for channel, kind, _ in definitions if kind in (_ALPHA, _PREMULTIPLIED)]
        if opacity:
            alpha, premultiplied = opacity[0][0], opacity[0][1] == _PREMULTIPLIED
        further = len({channel for channel, _, _ in definitions}) - len(set(colours)) - (alpha is not None)
        if further > 0:
            notes.append(f"{further} further channels are left out")
    return _Channels(palette, mapping, colours, alpha, premultiplied), notes


def _palette(data: bytes) -> tuple[NDArray[np.uint8], int]:
    """(entries, columns) in 8 bits, and the bits of its deepest column."""
    entries, columns = struct.unpack_from(">HB", data) if len(data) >= 3 else (0, 0)
    depths = [(each & 0x7F) + 1 for each in data[3 : 3 + columns]]
    row = np.dtype([(str(index), ">u2" if depth > 8 else "u1") for index, depth in enumerate(depths)])
    if not entries or not columns or len(data) < 3 + columns + entries * row.itemsize or max(depths) > 16:
        raise InputImageError(_DAMAGED.format("palette"))
    table = np.frombuffer(data, row, entries, 3 + columns)
    scaled = [
        np.minimum(table[str(index)].astype(np.int64) * 255 // ((1 << depth) - 1), 255)
        for index, depth in enumerate(depths)
    ]
    return np.stack(scaled, axis=-1).astype(np.uint8), max(depths)


def _arranged(channels: _Channels, picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture that the components of a decoded one mean. Raises InputImageError where the boxes do not fit them."""
    if picture.mode not in MODES.values():  # 16-bit gray, CMYK: one channel, or of a fixed order
        if channels.palette is not None:
            raise InputImageError("JPEG 2000 with a palette of this kind is not supported: convert the picture to PNG")
        return picture
    components = np.asarray(picture).reshape(picture.height, picture.width, -1)  # (H, W, components)
    planes = [components[..., index] for index in range(components.shape[2])]
    try:
        if channels.palette is not None and channels.mapping is not None:
            table = channels.palette
            planes = [
                planes[component] if column is None else table[:, column][np.minimum(planes[component], len(table) - 1)]
                for component, column in channels.mapping
            ]
        if channels.colours is not None:
            order = [*channels.colours, *([] if channels.alpha is None else [channels.alpha])]
            planes = [planes[index] for index in order]
        mode = MODES[len(planes)]
    except (IndexError, KeyError):
        raise InputImageError(_DAMAGED.format("list of channels")) from None
    pixels = np.stack(planes, axis=-1)
    if channels.premultiplied:
        pixels[..., :-1] = divided(pixels)
    result = PIL.Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    return result if result.mode == mode else result.convert(mode)


def _resolution(data: bytes) -> list[str]:
    """The sentence about a resolution, of capture or of display."""
    for _, each in within(data):
        if len(each) >= 10:
            down, down_by, across, across_by, down_power, across_power = struct.unpack_from(">HHHHbb", each)
            if down_by and across_by:
                x, y = across / across_by * 10.0**across_power, down / down_by * 10.0**down_power  # points per metre
                sentence = resolution(x * 0.0254, y * 0.0254, "dpi")
                return [sentence] if sentence else []
    return []


def _comments(stream: BinaryIO, start: int, end: int) -> list[str]:
    """The sentence about comments in the main header of a code stream."""
    count, at = 0, start + 2  # behind SOC
    while at + 4 <= end:
        stream.seek(at)
        marker, length = struct.unpack(">HH", stream.read(4))
        if marker >> 8 != 0xFF or marker & 0xFF == _TILE or length < 2:
            break
        if marker & 0xFF == _COMMENT and length > 4:
            text = stream.read(min(length - 2, 64))[2:]  # behind what says whether it is text
            count += bool(text.strip(b"\0 ")) and not text.startswith(_MARKS)
        at += 2 + length
    return [] if not count else ["the comment is left out" if count == 1 else f"{count} comments are left out"]
