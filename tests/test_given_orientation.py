"""Orientation in the EXIF and XMP that programs give: nothing is turned twice, all is stored upright (spec/metadata.md)."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

import splatc
import splatc.pillow_plugin
from splatc.image.readers import exif as exif_block
from splatc.image.readers import xmp as xmp_packet
from splatc.image.readers.orientation import turned
from tests.test_exif import jpeg_with_thumbnail
from tests.test_xmp import packet

PIXELS = np.zeros((24, 32, 3), np.uint8)
PIXELS[:12, :16] = 255


def tag(orientation: int, kind: int = 3) -> bytes:
    """EXIF that states it as SHORT (3) or LONG (4)."""
    value = orientation.to_bytes(2 if kind == 3 else 4, "big").ljust(4, b"\0")
    return b"MM\0*\0\0\0\x08\0\1" + (274).to_bytes(2, "big") + bytes([0, kind]) + b"\0\0\0\1" + value + bytes(4)


def stored(data: bytes) -> tuple[np.ndarray, bytes, bytes]:
    with splatc.open(io.BytesIO(data)) as picture:
        metadata = picture.metadata()
    return splatc.decode(data), metadata.exif, metadata.xmp


def near(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and float(np.abs(a.astype(int) - b).mean()) < 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [3, 4])
def test_an_array_is_as_it_is_shown(orientation: int, kind: int) -> None:
    data = splatc.encode(PIXELS, count=40, effort=1, exif=tag(orientation, kind))
    pixels, exif, _ = stored(data)
    assert near(pixels, PIXELS)
    assert exif_block.orientation(exif) == 1
    assert data == splatc.encode(PIXELS, count=40, effort=1, exif=tag(1, kind))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_of_pillow_is_turned_once(orientation: int) -> None:
    image, shown = PIL.Image.fromarray(PIXELS), turned(PIXELS, orientation)
    file = io.BytesIO()
    image.save(file, "SPLAT2D", count=40, effort=1, exif=b"Exif\0\0" + tag(orientation))
    for data in (file.getvalue(), splatc.encode(image, count=40, effort=1, exif=tag(orientation))):
        pixels, exif, _ = stored(data)
        assert near(pixels, shown)
        assert exif_block.orientation(exif) == 1
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", exif=b"Exif\0\0" + tag(orientation))
    views = [PIL.ImageOps.exif_transpose(PIL.Image.open(each)) for each in (file, jpeg)]
    assert near(np.asarray(views[0]), np.asarray(views[1]))


def test_orientation_in_xmp() -> None:
    given = packet("tiff:Orientation='6'")
    pixels, _, xmp = stored(splatc.encode(PIXELS, count=40, effort=1, xmp=given))
    assert near(pixels, PIXELS)
    assert xmp_packet.orientation(xmp) == 1
    pixels, _, xmp = stored(splatc.encode(PIL.Image.fromarray(PIXELS), count=40, effort=1, xmp=given))
    assert near(pixels, turned(PIXELS, 6))
    assert xmp_packet.orientation(xmp) == 1
    _, _, xmp = stored(splatc.encode(PIXELS, count=40, effort=1, xmp="<x/>".encode("utf-16")))
    assert xmp == b"<x/>"


def test_no_lying_thumbnail_stays() -> None:
    exif, _ = jpeg_with_thumbnail(6)
    assert exif_block.without_thumbnail(exif) != exif
    for array in (PIXELS, PIL.Image.fromarray(PIXELS)):
        _, kept, _ = stored(splatc.encode(array, count=9, effort=1, exif=exif))
        assert kept == exif_block.without_thumbnail(exif_block.with_orientation_1(exif))


def test_what_is_no_exif_is_stored_as_it_is() -> None:
    _, exif, _ = stored(splatc.encode(PIXELS, count=9, effort=1, exif=b"none of it"))
    assert exif == b"none of it"
