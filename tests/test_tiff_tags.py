"""Which picture of a TIFF file is coded, what is refused and what is said of the rest, with and without the optional readers."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.errors import InputImageError, LimitError
from splatc.image.image import Image
from splatc.image.readers import large_source, load, source
from splatc.image.readers.orientation import turned
from splatc.image.readers.tiff import layout
from tests.tiff_files import LONG, SHORT, Page, Tag, tiff

RGB = np.random.default_rng(4).integers(0, 256, (30, 40, 3))
GRAY = RGB[..., :1]
GPS: dict[int, Tag] = {1: (2, b"S\0"), 2: (10, (-33, 1, -51, 1, -35, 1)), 5: (9, (-1,)), 99: (12, (2.5,))}
EXIF: dict[int, Tag] = {0x9003: (2, b"2026:01:02 03:04:05\0"), 0x829A: (10, (-1, 60)), 0x9204: (9, (7,))}


def loaded(data: bytes, folder: Path) -> Image:
    path = folder / "in.tif"
    path.write_bytes(data)
    return load(str(path))


def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_source, "installed", lambda name: False)


@pytest.mark.parametrize("plain", [False, True])
def test_white_is_zero_and_12_bits_and_bands_in_every_installation(
    plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plain:
        without_extras(monkeypatch)
    sixteen_bit = GRAY * 257
    assert (loaded(tiff(Page(65535 - sixteen_bit, 0, 16)), tmp_path).pixels == sixteen_bit).all()
    twelve = loaded(tiff(Page(GRAY, 1, 12)), tmp_path)  # little of the range is used
    assert (twelve.pixels == np.rint(GRAY * 65535 / 4095)).all()
    bands = np.concatenate([RGB, GRAY], axis=-1) * 257
    four = loaded(tiff(Page(bands, 1, 16, extra=(0, 0, 0))), tmp_path)
    assert (four.pixels == bands[..., :3]).all()
    assert four.notes == ("of 4 bands without a meaning the first three are coded as red, green and blue",)


def test_big_endian_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiff(Page(RGB, 2), order=">", big=True)
    for reader in ("pyvips", "tifffile"):
        pytest.importorskip(reader)
        monkeypatch.setattr(large_source, "installed", lambda name, only=reader: name == only)
        assert (loaded(data, tmp_path).pixels == RGB).all()
    without_extras(monkeypatch)
    with pytest.raises(InputImageError, match=r"big-endian BigTIFF.*pip install splatc\[uhr\]"):
        loaded(data, tmp_path)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (Page(GRAY, 1, 8, sample_format=2), r"signed samples \(8 bits\)"),
        (Page(GRAY, 1, 16, sample_format=2), r"signed samples \(16 bits\)"),
        (Page(RGB.astype(np.float32), 2, 32, sample_format=3), "floating-point"),
        (Page(GRAY.astype(np.float16), 1, 16, sample_format=3), "floating-point"),
        (Page(GRAY, 1, 32), "32-bit integers"),
        (Page(GRAY, 1, 24), "24-bit integers"),
        (Page(GRAY, 1, 64, sample_format=6), "complex"),
        (Page(RGB, 2, (5, 6, 5), segments=[bytes(3000)]), "different depths"),
        (Page(RGB, 32845), "LogLuv"),
        (Page(GRAY, 32803), "raw file"),
        (Page(GRAY, 34892), "raw file"),
        (Page(RGB, 12345), "interpretation 12345"),
        (Page(GRAY, 3), "no colour map"),
        (Page(GRAY, 2), "1 samples a pixel"),
        (Page(GRAY, 1, without=(256,)), "no width"),
        (Page(GRAY, 1, without=(273,)), "its TIFF tags do not say where the pixels are"),
        (Page(GRAY, 1, tags={273: (LONG, (1 << 30,))}), "behind the file"),
        (Page(GRAY, 1, tags={257: (LONG, (20000,))}), "1 strips, where its TIFF tags declare 667"),
        (Page(GRAY, 1, tags={257: (LONG, (20000,)), 278: (LONG, (20000,))}), "cannot hold"),
        (Page(GRAY, 1, rows=0x7FFFFFFF, tags={278: (LONG, (0,))}), "no size of strips"),
        (Page(GRAY, 1, tile=(16, 16), tags={322: (SHORT, (8,))}), "6 tiles"),
        (Page(GRAY, 1, compression=8, tags={257: (LONG, (1 << 23,)), 278: (LONG, (1 << 23,))}), "cannot hold"),
    ],
)
def test_what_is_refused_is_named(page: Page, message: str, tmp_path: Path) -> None:
    for big in (False, True):
        with pytest.raises(InputImageError, match=message) as caught:
            loaded(tiff(page, big=big), tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(1 << 31, 1), (1 << 16, 1 << 15), ((1 << 32) - 1, (1 << 32) - 1)])
@pytest.mark.parametrize("compression", [1, 8, 50000, 34925, 7])
def test_headers_that_claim_too_much(size: tuple[int, int], compression: int, tmp_path: Path) -> None:
    page = Page(
        GRAY, 1, compression=compression, segments=[bytes(50)], tags={256: (LONG, size[:1]), 257: (LONG, size[1:])}
    )
    begin = time.monotonic()
    with pytest.raises(LimitError, match="more than the 536870912 pixels"):
        loaded(tiff(page), tmp_path)
    assert time.monotonic() - begin < 1


def test_too_many_channels_are_refused_before_they_are_decompressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_MAX_BYTES", 10000)
    with pytest.raises(LimitError, match="9 channels of 40 x 30"):
        loaded(tiff(Page(np.tile(RGB, 3), 1)), tmp_path)


THUMBNAIL = Page(RGB[:10, :12], 2, tags={254: (LONG, (1,))})


def test_the_picture_is_coded_not_its_thumbnail(tmp_path: Path) -> None:
    whole = Page(RGB, 2)
    small = (RGB[:10, :12] != RGB[10:20, 12:24]).any() and "a smaller copy of the picture is left out"
    others = "only the first of 3 pictures in the file is coded"
    mask = Page(np.ones((30, 40, 1), int), 4, 1, tags={254: (LONG, (4,))})
    old = Page(RGB[:10, :12], 2, tags={255: (SHORT, (2,))})
    cases: list[tuple[tuple[Page, ...], tuple[Any, ...]]] = [
        ((THUMBNAIL, whole), (small,)),
        ((old, whole), (small,)),
        ((whole, THUMBNAIL, THUMBNAIL), ("2 smaller copies are left out",)),
        ((whole, Page(GRAY), Page(GRAY)), (others,)),
        ((mask, whole), ("a transparency mask is left out",)),
        ((Page(RGB[:10, :12], 2, tags={254: (LONG, (1,))}, sub_files=[whole]),), (small,)),
        ((Page(RGB, 2, sub_files=[THUMBNAIL]),), (small,)),
    ]
    for pages, notes in cases:
        for order in "<>":
            found = loaded(tiff(*pages, order=order), tmp_path)
            assert (found.pixels == RGB).all()
            assert found.notes == notes


def test_a_chain_that_never_ends(tmp_path: Path) -> None:
    data = bytearray(tiff(Page(RGB, 2), Page(GRAY)))
    (first,) = struct.unpack_from("<I", data, 4)
    second_link = data.rfind(bytes(4))
    struct.pack_into("<I", data, second_link, first)
    assert (loaded(bytes(data), tmp_path).pixels == RGB).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_at_every_depth(orientation: int, tmp_path: Path) -> None:
    upright = turned(RGB.astype(np.uint16), orientation)
    for bits in (8, 16):
        page = Page(RGB, 2, bits, tags={274: (3, (orientation,))})
        assert (loaded(tiff(page, order=">"), tmp_path).pixels == upright).all()


def test_streamed_and_turned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyvips")
    monkeypatch.setattr(source, "STREAM_ABOVE", 0)
    for orientation in range(1, 9):
        page = Page(GRAY * 257, 0, 16, tags={274: (3, (orientation,))}, compression=5)
        upright = turned((65535 - GRAY * 257).astype(np.uint16), orientation)
        assert (loaded(tiff(THUMBNAIL, page), tmp_path).pixels == upright).all()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
def test_metadata_of_any_type_are_kept(order: str, big: bool, tmp_path: Path) -> None:
    if big and order == ">":
        pytest.importorskip("tifffile")
    tags: dict[int, Tag] = {271: (2, b"Maker\0"), 270: (7, b"a\xff\0"), 700: (1, b"<x/>"), 33550: (12, (1.0, 1.0, 0.0)),
                            282: (5, (300, 1)), 283: (5, (300, 1)), 33723: (7, b"iptc")}  # fmt: skip
    page = Page(RGB, 2, tags=tags, directories={34665: EXIF, 34853: GPS})
    found = loaded(tiff(page, order=order, big=big), tmp_path)
    assert (found.pixels == RGB).all()
    assert set(found.notes) == {
        "GeoTIFF tags (the place on Earth) are left out", "IPTC data are left out", "the resolution (300 dpi) is left out",
    }  # fmt: skip
    assert found.metadata.xmp == b"<x/>"
    assert found.metadata.exif[:2] == (b"II" if order == "<" else b"MM")
    assert b"2026:01:02 03:04:05\0" in found.metadata.exif
    assert struct.pack(order + "6i", -33, 1, -51, 1, -35, 1) in found.metadata.exif


@pytest.mark.parametrize("tag", [(99, b"????"), (3, (7,)), (4, (1 << 31,)), (2, b"")])
def test_damaged_metadata_cost_no_pixels(tag: Any, tmp_path: Path) -> None:
    for code in (34665, 34853, 271, 306, 700, 34675, 282, 33550, 40965, 65000):
        from tests import tiff_files

        tiff_files.FORMATS.setdefault(99, "s")
        assert (loaded(tiff(Page(RGB, 2, tags={code: tag})), tmp_path).pixels == RGB).all()


def test_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    for data in (tiff(Page(RGB, 2)), tiff(THUMBNAIL, Page(RGB, 2), order=">", big=True)):
        if data[:2] == b"MM":
            pytest.importorskip("tifffile")
        monkeypatch.setattr("sys.stdin", type("", (), {"buffer": Pipe(data)})())
        assert (load("-").pixels == RGB).all()


def test_any_byte_of_the_head_may_be_wrong(tmp_path: Path) -> None:
    """Pixels or a sentence, never anything else."""
    data = tiff(Page(RGB[:8, :9], 2, tags={274: (SHORT, (6,))}, directories={34853: GPS}), THUMBNAIL)
    rng = np.random.default_rng(0)
    start = data.find(struct.pack("<HHI", 256, LONG, 1)) - 2
    places = [*range(2, 8), *range(start, min(start + 170, len(data)))]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= int(rng.integers(1, 256))
        try:
            pixels: NDArray[Any] = loaded(bytes(damaged), tmp_path).pixels
        except (InputImageError, LimitError) as error:
            assert "\n" not in str(error)
        else:
            assert pixels.size
