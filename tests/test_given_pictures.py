"""What programs give to be encoded: arrays of every layout, images of Pillow's in every mode; the same pixels, or a sentence."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest

import splatc
import splatc.pillow_plugin
from splatc.errors import InputImageError, LimitError
from splatc.image.given import image_of
from splatc.image.readers import load
from tests.test_pillow_plugin import P3

RGB = np.random.default_rng(2).integers(0, 256, (6, 8, 3), np.uint8)
SIXTEEN_BIT = np.random.default_rng(3).integers(0, 65536, (6, 8), np.uint16)


class Interface:
    """An object of some other library with an array in it."""

    def __init__(self, array: np.ndarray) -> None:
        self.__array_interface__ = array.__array_interface__
        self._array = array


class Subclass(np.ndarray):
    pass


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS: dict[str, Any] = {
    "as it is": lambda array: array,
    "Fortran": np.asfortranarray,
    "every second": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
    "read only": read_only,
    "subclass": lambda array: array.view(Subclass),
    "interface": Interface,
    "list of rows": list,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "little-endian": lambda array: array.astype(array.dtype.newbyteorder("<")),
    "masked": lambda array: np.ma.MaskedArray(array),
    "broadcast": lambda array: np.broadcast_to(array, array.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "array", [RGB, SIXTEEN_BIT, RGB.astype(np.uint16) * 257], ids=["RGB", "gray, 16 bits", "RGB, 16 bits"]
)
def test_every_layout_is_the_same_picture(array: np.ndarray, layout: str) -> None:
    image = image_of(LAYOUTS[layout](array))
    assert (image.pixels.reshape(array.shape) == array).all()
    assert image.pixels.dtype == array.dtype.newbyteorder("=")
    assert image.pixels.dtype.isnative


def test_a_big_endian_array_gives_the_same_file() -> None:
    assert splatc.encode(SIXTEEN_BIT.astype(">u2"), count=3, effort=1) == splatc.encode(SIXTEEN_BIT, count=3, effort=1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (None, "array=None is no picture: expected an array"),
        ("photo.png", "array='photo.png' is a path, and encode takes pixels"),
        (b"\x89PNG", "is no picture: expected an array"),
        (RGB > 7, r"an array of bool is no picture.*numpy\.uint8\(255\) \* array"),
        (RGB / 255, r"an array of float64 is no picture.*\(255 \* array\)\.round\(\)\.astype\(numpy\.uint8\)"),
        (RGB.astype(np.float16), "an array of float16 is no picture"),
        (RGB.astype(np.int64), r"an array of int64 is no picture.*array\.astype\(numpy\.uint8\)"),
        (RGB.astype(np.uint32), "an array of uint32 is no picture"),
        (RGB.astype(object), "an array of object is no picture"),
        (RGB.astype(complex), "an array of complex128 is no picture"),
        (RGB.tolist(), "an array of int64 is no picture"),
        ([[1, 2], [3]], "is no picture: "),
        (RGB.transpose(2, 0, 1), r"shape \(3, 6, 8\) is no picture.*array\.transpose\(1, 2, 0\)"),
        (RGB[np.newaxis], r"shape \(1, 6, 8, 3\) is no picture"),
        (RGB[:0], r"shape \(0, 8, 3\) is no picture"),
        (np.uint8(7), r"shape \(\) is no picture"),
        (np.ma.MaskedArray(RGB, RGB > 200), r"array\.filled\(0\)"),
        (np.zeros((6, 8), [("r", "u1"), ("g", "u1")]), "is no picture"),
        (object(), "an array of object is no picture"),
    ],
)
def test_what_is_no_picture_says_how_to_make_one(array: Any, message: str) -> None:
    with pytest.raises(InputImageError, match=message) as caught:
        splatc.encode(array, effort=1)
    assert len(str(caught.value)) < 400


def test_too_many_pixels_are_refused_before_they_are_copied() -> None:
    with pytest.raises(LimitError, match="the format allows at most"):
        splatc.encode(np.broadcast_to(np.uint8(0), (1 << 20, 1 << 20)))


def pillow(mode: str) -> PIL.Image.Image:
    """A picture of a mode."""
    if mode.startswith("I;16"):
        order = ">u2" if mode == "I;16B" else "<u2" if mode != "I;16N" else "=u2"
        return PIL.Image.frombytes(mode, (8, 6), SIXTEEN_BIT.astype(order).tobytes())
    picture = PIL.Image.fromarray(RGB)
    by_way = {"RGBa": ("RGBA",), "La": ("LA",), "PA": ("P",)}
    for each in (*by_way.get(mode, ()), mode):
        picture = picture.convert(each)
    return picture


SHOWN = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}
"""Mode: that in which its samples are coded; RGB of all others that are."""


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "LA", "La", "PA"]
)
def test_images_of_8_bits_are_what_they_show(mode: str) -> None:
    picture = pillow(mode)
    expected = np.asarray(picture.convert(SHOWN.get(mode, "RGB")))
    assert (image_of(picture).pixels.reshape(expected.shape) == expected).all()


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I;16N"])
def test_images_of_16_bits_in_every_byte_order(mode: str) -> None:
    assert (image_of(pillow(mode)).pixels[..., 0] == SIXTEEN_BIT).all()
    stream = io.BytesIO()
    pillow(mode).save(stream, "SPLAT2D", count=3, effort=1)
    assert stream.getvalue() == splatc.encode(SIXTEEN_BIT, count=3, effort=1)


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_images_that_no_file_holds(mode: str) -> None:
    with pytest.raises(InputImageError, match=f"an image of Pillow's mode {mode} "):
        splatc.encode(pillow(mode))


@pytest.mark.parametrize(
    ("mode", "transparency", "channels"),
    [
        ("1", 255, 2),
        ("L", 7, 2),
        ("RGB", (1, 2, 3), 4),
        ("P", 3, 4),
        ("P", bytes(range(256)), 4),
        ("I;16", int(SIXTEEN_BIT[2, 3]), 2),
    ],
)
def test_what_info_says_of_transparency_becomes_alpha(mode: str, transparency: Any, channels: int) -> None:
    picture = pillow(mode)
    if isinstance(transparency, int | tuple) and mode in ("L", "RGB", "P"):
        picture.putpixel((0, 0), transparency)
    picture.info["transparency"] = transparency
    image = image_of(picture)
    assert image.channels == channels
    assert image.pixels[..., -1].min() < image.pixels[..., -1].max()


def test_a_palette_whose_colours_are_all_opaque_is_rgb() -> None:
    picture = PIL.Image.new("P", (4, 3), 1)
    picture.putpalette([0, 0, 0, 255, 10, 20, 30, 255], "RGBA")
    assert image_of(picture).pixels[0, 0].tolist() == [10, 20, 30]


def test_a_palette_with_alpha_of_its_own() -> None:
    picture = PIL.Image.new("P", (4, 3), 1)
    picture.putpalette([0, 0, 0, 0, 10, 20, 30, 128], "RGBA")
    assert image_of(picture).pixels[0, 0].tolist() == [10, 20, 30, 128]


def test_the_profile_is_that_of_the_picture_where_it_fits_its_samples() -> None:
    picture = pillow("RGB")
    picture.info["icc_profile"] = P3
    assert image_of(picture).metadata.icc == P3
    assert image_of(picture, b"").metadata.icc == b""
    assert image_of(picture, b"own").metadata.icc == b"own"
    for mode in ("L", "CMYK"):
        other = picture.convert(mode)
        other.info["icc_profile"] = P3 if mode == "L" else b"\0" * 16 + b"CMYK"
        assert image_of(other).metadata.icc == b""


def test_inks_go_through_their_profile_as_those_of_a_file_do() -> None:
    from tests.test_pixels import IMAGES

    path = IMAGES / "cmyk_adobe.jpg"
    with PIL.Image.open(path) as picture:
        assert (image_of(picture).pixels == load(str(path)).pixels).all()


def test_exif_with_and_without_the_prefix_of_jpeg() -> None:
    exif = PIL.Image.Exif()
    exif[0x010E] = "words"
    assert exif.tobytes().startswith(b"Exif\0\0")
    data = splatc.encode(RGB, count=2, effort=1, exif=exif.tobytes())
    assert data == splatc.encode(RGB, count=2, effort=1, exif=memoryview(exif.tobytes()[6:]))
    assert PIL.Image.open(io.BytesIO(data)).getexif()[0x010E] == "words"


def test_a_truncated_or_closed_file_is_a_sentence(tmp_path: Path) -> None:
    stream = io.BytesIO()
    PIL.Image.fromarray(np.tile(RGB, (20, 20, 1))).save(stream, "PNG")
    with pytest.raises(InputImageError, match="damaged or truncated picture: "):
        splatc.encode(PIL.Image.open(io.BytesIO(stream.getvalue()[:400])))
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    closed = PIL.Image.open(tmp_path / "a.png")
    closed.close()
    with pytest.raises(InputImageError, match="picture"):
        splatc.encode(closed)
