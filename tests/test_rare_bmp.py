"""BMP of rare kinds: what Pillow refuses or reads as something else comes in as it is shown."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.errors import InputImageError
from splatc.image.image import Image
from splatc.image.readers import load

RNG = np.random.default_rng(4)
PALETTE = RNG.integers(0, 256, (256, 4)).astype(np.uint8)
"""Blue, green, red and nothing."""
COLOURS = PALETTE[:, 2::-1]
W, H = 7, 5


def bmp(
    bits: int,
    pixels: bytes,
    *,
    compression: int = 0,
    header: int = 40,
    masks: tuple[int, ...] = (),
    colours: int = 0,
    size: tuple[int, int] = (W, H),
    resolution: tuple[int, int] = (2835, 2835),
) -> bytes:
    """A file of a header of so many bytes, of a palette, and of pixels from the bottom up."""
    fields = struct.pack("<iiHHIIiiII", *size, 1, bits, compression, 0, *resolution, colours, 0)
    fields += struct.pack(f"<{len(masks)}I", *masks)
    head = struct.pack("<I", header) + fields.ljust(120, b"\0")[: max(header - 4, len(fields) if masks else 0)]
    palette = PALETTE[:colours].tobytes()
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(head) + len(palette)) + head + palette + pixels


def loaded(tmp_path: Path, data: bytes) -> Image:
    path = tmp_path / "in.bmp"
    path.write_bytes(data)
    return load(str(path))


def rows(values: NDArray[np.integer]) -> bytes:
    """From the bottom up, each row of whole groups of four bytes."""
    return b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in values[::-1])


def channel(values: NDArray[np.integer], mask: int) -> NDArray[np.float64]:
    """What the bits of a mask say, 0..255."""
    low = mask & -mask
    shown: NDArray[np.float64] = (values & mask) / low * 255.0 / (mask / low)
    return shown


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0xF800, 0x7E0, 0x1F)),
        (16, (0x7C00, 0x3E0, 0x1F)),
        (16, (0xF00, 0xF0, 0xF)),
        (16, (0xF00, 0xF0, 0xF, 0xF000)),
        (16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
        (32, (0x3FF00000, 0xFFC00, 0x3FF)),
        (32, (0xFF, 0xFF00, 0xFF0000)),
        (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    ],
)
def test_colours_in_any_bits(tmp_path: Path, bits: int, masks: tuple[int, ...], top_down: bool) -> None:
    values = RNG.integers(0, 2**bits, (H, W)).astype(f"<u{bits // 8}")
    header = 108 if len(masks) == 4 else 40
    stored = rows(values[::-1] if top_down else values)
    size = (W, -H if top_down else H)
    image = loaded(tmp_path, bmp(bits, stored, compression=3, header=header, masks=masks, size=size))
    expected = np.stack([channel(values, mask) for mask in masks], axis=-1)
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected).max() <= 1  # Pillow rounds down
    assert image.notes == ()


def test_alpha_that_was_never_filled(tmp_path: Path) -> None:
    values = RNG.integers(0, 1 << 24, (H, W)).astype("<u4")
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    image = loaded(tmp_path, bmp(32, rows(values), compression=3, header=108, masks=masks))
    assert image.pixels.shape == (H, W, 3)
    assert (image.pixels[..., 2] == values & 0xFF).all()
    assert "zero everywhere" in image.notes[0]


def test_runs_with_steps_and_an_early_end(tmp_path: Path) -> None:
    indices = np.zeros((4, 6), np.uint8)
    indices[3, :3], indices[2, 4], indices[1, 1:5] = 5, 7, [1, 2, 3, 4]
    runs = bytes([3, 5, 0, 2, 1, 1, 1, 7, 0, 0, 0, 2, 1, 0, 0, 4, 1, 2, 3, 4, 0, 1])
    image = loaded(tmp_path, bmp(8, runs, compression=1, colours=256, size=(6, 4)))
    assert (image.pixels == COLOURS[indices]).all()
    indices[:] = 0
    indices[3, :5], indices[2, 1:4] = [1, 2, 1, 2, 1], [3, 4, 5]
    runs = bytes([5, 0x12, 0, 0, 0, 2, 1, 0, 0, 3, 0x34, 0x50, 0, 1])
    image = loaded(tmp_path, bmp(4, runs, compression=2, colours=16, size=(6, 4)))
    assert (image.pixels == COLOURS[indices]).all()
    with pytest.raises(InputImageError, match="its runs end in row 2 of 4"):
        loaded(tmp_path, bmp(4, runs[:-2], compression=2, colours=16, size=(6, 4)))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("header", [16, 24, 40, 64, 108])
def test_indices_and_headers(tmp_path: Path, bits: int, header: int) -> None:
    indices = RNG.integers(0, 1 << bits, (H, W)).astype(np.uint8)
    spread = np.unpackbits(indices[..., np.newaxis], axis=-1)[..., 8 - bits :].reshape(H, -1)
    stored = rows(np.packbits(spread, axis=1))
    image = loaded(tmp_path, bmp(bits, stored, header=header, colours=1 << bits))
    assert (image.pixels == COLOURS[indices]).all()


@pytest.mark.parametrize("header", [12, 16, 40, 60, 64, 124])
def test_24_bits_and_headers(tmp_path: Path, header: int) -> None:
    values = RNG.integers(0, 256, (H, W, 3)).astype(np.uint8)
    stored = rows(values[..., ::-1].reshape(H, -1))
    data = bmp(24, stored, header=header)
    if header == 12:
        data = b"BM" + struct.pack("<IHHIIHHHH", 0, 0, 0, 26, 12, W, H, 1, 24) + stored
    assert (loaded(tmp_path, data).pixels == values).all()


@pytest.mark.parametrize("compression", [4, 5])
def test_other_compressions_are_named(tmp_path: Path, compression: int) -> None:
    with pytest.raises(InputImageError, match=f"BMP of compression {compression} is not supported"):
        loaded(tmp_path, bmp(24, bytes(200), compression=compression))


def test_too_few_pixels(tmp_path: Path) -> None:
    stored = rows(RNG.integers(0, 65536, (H, W)).astype("<u2"))
    with pytest.raises(InputImageError, match="truncated"):
        loaded(tmp_path, bmp(16, stored[:-3], compression=3, masks=(0xF00, 0xF0, 0xF)))


def test_resolution(tmp_path: Path) -> None:
    stored = rows(RNG.integers(0, 256, (H, W * 3)).astype(np.uint8))
    assert loaded(tmp_path, bmp(24, stored, resolution=(11811, 11811))).notes == (
        "the resolution (299.999 dpi) is left out",
    )
    assert loaded(tmp_path, bmp(24, stored, resolution=(0, 0))).notes == ()
