"""Whatever bytes stand where metadata are looked for, reading them raises nothing: they do not decide whether a picture is read."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from splatc.errors import InputImageError
from splatc.image.readers import calibration, jpeg_profile, xmp
from splatc.image.readers.avif_metadata import avif_metadata
from splatc.image.readers.colour import kept_profile
from splatc.image.readers.file_metadata import _of_cicp, _of_jp2, _of_png
from splatc.image.readers.icc import gray_of
from splatc.image.readers.jp2_metadata import jp2_metadata
from splatc.image.readers.orientation import orientation_of, upright
from splatc.image.readers.png_metadata import png_metadata
from tests.test_exif import jpeg_with_thumbnail
from tests.test_file_colours import ADOBE_ENDS, EXIF, bmp
from tests.test_orientation import PLACES, jp2, raw_profile, short
from tests.test_xmp import packet

FIELD = Path(__file__).parent / "field"


def _png(data: bytes) -> None:
    said = png_metadata(io.BytesIO(data))
    kept_profile(list(_of_png(said, [])), 3)
    orientation_of(said.exif, said.xmp)


def _jp2(data: bytes) -> None:
    said = jp2_metadata(io.BytesIO(data))
    with contextlib.suppress(InputImageError):  # a colour space that is none of ours
        kept_profile(list(_of_jp2(said.colours, [])), 3)
    upright(said.exif, said.xmp, 6)


def _avif(data: bytes) -> None:
    said = avif_metadata(io.BytesIO(data))
    list(_of_cicp(said.cicp, [], True))
    upright(said.exif, b"", 6)


def _bmp(data: bytes) -> None:
    colours, _ = calibration.of_bmp(io.BytesIO(data))
    if colours:
        kept_profile([colours], 3)


def _exif(data: bytes) -> None:
    colours = calibration.of_exif(data)
    if colours:
        kept_profile([colours], 3)
    upright(data, b"", 6)


def _xmp(data: bytes) -> None:
    upright(b"", xmp.in_utf8(data), orientation_of(b"", xmp.in_utf8(data)))


def _segments(data: bytes) -> None:
    found, _ = jpeg_profile.joined([("APP2", data[at : at + 60]) for at in range(0, len(data), 60)])
    kept_profile([found] if found else [], 3)


def _icc(data: bytes) -> None:
    kept_profile([data, gray_of(data) or data], 1)


CASES: dict[str, tuple[Callable[[bytes], None], bytes]] = {
    "PNG, cICP": (_png, (FIELD / "png_cicp_p3.png").read_bytes()),
    "PNG, gAMA": (_png, (FIELD / "png_gamma_linear.png").read_bytes()),
    "JPEG 2000": (_jp2, (FIELD / "jp2_icc_linear.jp2").read_bytes()[:800]),
    "JPEG 2000, EXIF": (_jp2, jp2(b"JpgTiffExif->JP2" + short(6))[-120:]),
    "AVIF": (_avif, PLACES["AVIF, boxes"](6)),
    "BMP": (_bmp, bmp(bytes(4), ADOBE_ENDS, [2.2] * 3)[:200]),
    "EXIF, thumbnail": (_exif, jpeg_with_thumbnail(6)[0]),
    "EXIF, colours": (_exif, EXIF["chromaticities"][0].tobytes().removeprefix(b"Exif\0\0")),
    "XMP": (_xmp, packet("tiff:Orientation='6'")),
    "segments": (_segments, b"".join(b"ICC_PROFILE\0" + bytes([n + 1, 9]) + bytes(46) for n in range(9))),
    "profile": (_icc, calibration.ADOBE_RGB.profile(3)),
    "profile of text": (
        _png,
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 99) + b"".join(raw_profile(b"zTXt", "exif", short(6))),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_damaged_metadata_raise_nothing(name: str) -> None:
    read, sound = CASES[name]
    rng = np.random.default_rng(len(name))
    read(sound)
    for at in range(0, len(sound), 23):
        read(sound[:at])
    for _ in range(60):
        data = bytearray(sound)
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] = (0, 1, 255, int(rng.integers(0, 256)))[rng.integers(0, 4)]
        read(bytes(data))
