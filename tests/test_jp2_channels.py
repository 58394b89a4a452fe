"""What the boxes of a JPEG 2000 file say of its components: palette, mapping, order of channels; and what is left out of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from splatc.errors import InputImageError
from splatc.image.image import Image
from splatc.image.readers import load
from tests.odd_files import box, saved

ROWS, COLUMNS = np.mgrid[:20, :24]
GRAY = (ROWS * 9 + COLUMNS * 3).astype(np.uint8)
RGB = np.stack([ROWS * 9, COLUMNS * 7, (ROWS + COLUMNS) * 3], axis=-1).astype(np.uint8)
ALPHA = (255 - COLUMNS * 5).astype(np.uint8)
RGBA = np.dstack([RGB, ALPHA])
PALETTE = np.random.default_rng(1).integers(0, 256, (256, 4)).astype(np.uint8)
PALETTE[[9, 30, 31], :] = PALETTE[[8, 2, 2], :]  # equal colours under different indices
SRGB, SYCC, IS_GRAY = 16, 18, 17
RED, GREEN, BLUE, WHOLE = 1, 2, 3, 0
COLOUR, OPACITY, PREMULTIPLIED, UNKNOWN = 0, 1, 2, 65535


def jp2(samples: Any, colour: int, *described: bytes, behind: bytes = b"") -> bytes:
    """A file of these components, losslessly, and further boxes in its header."""
    components = 1 if samples.ndim == 2 else samples.shape[2]
    stream = saved("JPEG2000", PIL.Image.fromarray(samples), no_jp2=True, irreversible=False)
    header = box(b"ihdr", struct.pack(">IIHBBBB", *samples.shape[:2], components, 7, 7, 0, 0))
    header += box(b"colr", b"\1\0\0" + struct.pack(">I", colour)) + b"".join(described)
    start = b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return start + box(b"jp2h", header) + box(b"jp2c", stream) + behind


def cdef(*channels: tuple[int, int, int]) -> bytes:
    """Channel, kind and place of each."""
    return box(b"cdef", struct.pack(">H", len(channels)) + b"".join(struct.pack(">HHH", *each) for each in channels))


def pclr(table: Any, bits: int = 8) -> bytes:
    data = table.astype(">u2" if bits > 8 else np.uint8).tobytes()
    return box(b"pclr", struct.pack(">HB", *table.shape) + bytes([bits - 1]) * table.shape[1] + data)


def cmap(*channels: tuple[int, int, int]) -> bytes:
    """Component, whether by the palette, and column of each."""
    return box(b"cmap", b"".join(struct.pack(">HBB", *each) for each in channels))


def read(data: bytes, folder: Path) -> Image:
    (folder / "in").write_bytes(data)
    return load(str(folder / "in"))


THREE = cmap((0, 1, 0), (0, 1, 1), (0, 1, 2))
FOUR = (0, COLOUR, RED), (1, COLOUR, GREEN), (2, COLOUR, BLUE), (3, OPACITY, WHOLE)
FILES = {
    "natural order": (jp2(RGBA, SRGB, cdef(*FOUR)), RGBA),
    "blue first": (jp2(RGB, SRGB, cdef((0, COLOUR, BLUE), (1, COLOUR, GREEN), (2, COLOUR, RED))), RGB[..., ::-1]),
    "alpha first": (
        jp2(
            RGBA[..., [3, 0, 1, 2]].copy(),
            SRGB,
            cdef((0, OPACITY, WHOLE), (1, COLOUR, RED), (2, COLOUR, GREEN), (3, COLOUR, BLUE)),
        ),
        RGBA,
    ),
    "gray, alpha first": (
        jp2(np.dstack([ALPHA, GRAY]), IS_GRAY, cdef((0, OPACITY, WHOLE), (1, COLOUR, 1))),
        np.dstack([GRAY, ALPHA]),
    ),
    "a channel of no meaning": (jp2(RGBA, SRGB, cdef(*FOUR[:3], (3, UNKNOWN, UNKNOWN))), RGB),
    "palette": (jp2(GRAY, SRGB, pclr(PALETTE[:, :3]), THREE), PALETTE[GRAY, :3]),
    "palette of 12 bits": (
        jp2(GRAY, SRGB, pclr(PALETTE[:, :3].astype(int) * 4095 // 255, 12), THREE),
        (PALETTE[:, :3].astype(int) * 4095 // 255 * 255 // 4095)[GRAY].astype(np.uint8),
    ),
    "palette, mapped in another order": (
        jp2(GRAY, SRGB, pclr(PALETTE[:, :3]), cmap((0, 1, 2), (0, 1, 1), (0, 1, 0))),
        PALETTE[GRAY, 2::-1],
    ),
    "palette of gray": (jp2(GRAY, IS_GRAY, pclr(PALETTE[:, :1]), cmap((0, 1, 0))), PALETTE[GRAY, :1]),
    "palette with alpha": (
        jp2(GRAY, SRGB, pclr(PALETTE), cmap((0, 1, 0), (0, 1, 1), (0, 1, 2), (0, 1, 3)), cdef(*FOUR)),
        PALETTE[GRAY],
    ),
    "palette, alpha beside it": (
        jp2(
            np.dstack([GRAY, ALPHA]),
            SRGB,
            pclr(PALETTE[:, :3]),
            cmap((0, 1, 0), (0, 1, 1), (0, 1, 2), (1, 0, 0)),
            cdef(*FOUR),
        ),
        np.dstack([PALETTE[GRAY, :3], ALPHA]),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_channels_are_what_the_boxes_say(tmp_path: Path, name: str) -> None:
    data, expected = FILES[name]
    image = read(data, tmp_path)
    assert np.array_equal(image.pixels, expected)
    assert ("palette" in image.description) == ("palette" in name)
    expected = {"a channel of no meaning": "1 further channels", "palette of 12 bits": "12 bits per sample"}.get(
        name, ""
    )
    assert len(image.notes) == bool(expected) and all(expected in note for note in image.notes)


def test_premultiplied_colours_are_divided_by_alpha(tmp_path: Path) -> None:
    stored = np.dstack([(RGB * (ALPHA[..., np.newaxis] / 255)).round().astype(np.uint8), ALPHA])
    image = read(jp2(stored, SRGB, cdef(*FOUR[:3], (3, PREMULTIPLIED, WHOLE))), tmp_path)
    assert np.abs(image.pixels.astype(int) - RGBA).max() <= 2


@pytest.mark.parametrize(
    "boxes",
    [
        [box(b"cdef", b"\0\3\0\0")],
        [cdef((0, COLOUR, RED), (1, COLOUR, GREEN), (9, COLOUR, BLUE))],
        [cdef()],
        [box(b"pclr", b"\1\0\3\7\7\7\0")],
        [box(b"pclr", b"")],
        [pclr(PALETTE), cmap((0, 1, 7))],
        [pclr(PALETTE), cmap((5, 1, 0))],
    ],
)
def test_boxes_that_make_no_sense_are_said(tmp_path: Path, boxes: list[bytes]) -> None:
    with pytest.raises(InputImageError, match=r"the (list of channels|palette) of the JPEG 2000 file"):
        read(jp2(RGB if boxes[0][4:8] == b"cdef" else GRAY, SRGB, *boxes), tmp_path)


def test_what_is_left_out_gets_a_note(tmp_path: Path) -> None:
    resolution = box(b"res ", box(b"resc", struct.pack(">HHHHbb", 11811, 1, 11811, 1, 0, 0)))
    stream = saved("JPEG2000", PIL.Image.fromarray(RGB), no_jp2=True)
    image = read(jp2(RGB, SRGB, resolution, behind=box(b"jp2c", stream)), tmp_path)
    assert image.notes == ("only the first of 2 pictures is coded", "the resolution (299.999 dpi) is left out")
    for options in ({}, {"no_jp2": True}):
        written = read(saved("JPEG2000", PIL.Image.fromarray(RGB), comment="by hand", **options), tmp_path)
        assert written.notes == ("the comment is left out",)
        assert read(saved("JPEG2000", PIL.Image.fromarray(RGB), **options), tmp_path).notes == ()
