"""Files after scenes from public bug trackers (tests/field): their pixels are read, and a note names what is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from splatc.image.readers import load
from splatc.image.readers.header import extent_of

FIELD = Path(__file__).parent / "field"
QUADRANTS = np.array([[200, 40, 40], [40, 180, 60], [50, 60, 190], [230, 230, 230]])
"""Upper left, upper right, lower left, lower right."""

NOTES = {
    "avif_major_brand_mif1.avif": [],
    "bmp_565.bmp": [],
    "exif_gps_signed_rational.tif": [],
    "jpeg_iptc_comment_dpi.jpg": [
        "the comment is left out",
        "IPTC data are left out",
        "the resolution (300 dpi) is left out",
    ],
    "jpeg_motion_photo.jpg": [
        "the video behind the picture (a motion photo) is left out",
        "the keys of a motion photo are left out of XMP",
    ],
    "jpeg_without_eoi.jpg": ["the JPEG file lacks its end marker; its pixels are complete"],
    "png_bad_crc_in_text.png": ["damaged PNG chunks are left out: tEXt (wrong checksum)"],
    "png_text_over_1MB.png": ["PNG text is left out: workflow"],
    "stereo.mpo": ["only the first of 2 pictures is coded"],
    "tga32_no_alpha_bits.tga": [],
}


@pytest.mark.parametrize("name", NOTES)
def test_notes(name: str) -> None:
    assert [*load(str(FIELD / name)).notes] == NOTES[name]


@pytest.mark.parametrize(
    "name", ["bmp_565.bmp", "png_bad_crc_in_text.png", "stereo.mpo", "jpeg_motion_photo.jpg", "tga32_no_alpha_bits.tga"]
)
def test_quadrants(name: str) -> None:
    pixels = load(str(FIELD / name)).pixels
    assert pixels.shape == (48, 64, 3)
    found = pixels[[8, 8, 40, 40], [10, 54, 10, 54]].astype(int)
    assert np.abs(found - QUADRANTS).max() <= 6


@pytest.mark.parametrize("name", NOTES)
def test_what_is_known_from_the_header_is_what_comes_in(name: str) -> None:
    extent, image = extent_of(str(FIELD / name)), load(str(FIELD / name))
    assert (extent.width, extent.height) == (image.width, image.height)
    assert extent.channels >= image.channels


def test_a_motion_photo_s_keys_go_with_its_video() -> None:
    xmp = load(str(FIELD / "jpeg_motion_photo.jpg")).metadata.xmp
    assert b"Motion" not in xmp
    assert b"MicroVideo" not in xmp


def test_what_is_left_of_exif_can_be_read(tmp_path: Path) -> None:
    loaded = load(str(FIELD / "exif_gps_signed_rational.tif"))
    exif = PIL.Image.Exif()
    exif.load(loaded.metadata.exif)
    assert len(exif) > 0
    with PIL.Image.open(FIELD / "exif_gps_signed_rational.tif") as picture:
        assert (loaded.pixels == np.asarray(picture)).all()


def test_a_jpeg_without_its_end_marker_is_decoded_as_with_it(tmp_path: Path) -> None:
    data = (FIELD / "jpeg_without_eoi.jpg").read_bytes()
    (tmp_path / "whole.jpg").write_bytes(data + b"\xff\xd9")
    assert (load(str(tmp_path / "whole.jpg")).pixels == load(str(FIELD / "jpeg_without_eoi.jpg")).pixels).all()
