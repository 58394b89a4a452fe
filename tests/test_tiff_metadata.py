"""What a TIFF file says beside its pixels, in every type that its tags may have, and kept when a TIFF file is written again."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from splatc.image.image import Image
from splatc.image.readers import exif as exif_block
from splatc.image.readers import load
from splatc.image.readers.calibration import ADOBE_RGB
from splatc.image.readers.orientation import turned
from splatc.image.saving import FORMATS, save
from tests.tiff_files import Page, Tag, tiff

RGB = np.random.default_rng(4).integers(0, 256, (30, 40, 3))
EXIF: dict[int, Tag] = {0x9003: (2, b"2026:01:02 03:04:05\0"), 0xA001: (3, (0xFFFF,))}
R03: dict[int, Tag] = {1: (2, b"R03\0"), 2: (7, b"0100")}


def loaded(data: bytes, folder: Path) -> Image:
    path = folder / "in.tif"
    path.write_bytes(data)
    return load(str(path))


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 16, 17])
@pytest.mark.parametrize("big", [False, True])
def test_orientation_in_any_type_of_number(kind: int, big: bool, tmp_path: Path) -> None:
    values = {2: b"6\0", 5: (6, 1), 10: (6, 1)}.get(kind, (6,))
    if kind in (16, 17) and not big:
        pytest.skip("types of BigTIFF")
    image = loaded(tiff(Page(RGB, 2, tags={274: (kind, values)}), big=big), tmp_path)
    assert (image.pixels == turned(RGB.astype(np.uint8), 6)).all()
    assert image.notes == ()


@pytest.mark.parametrize("value", [0, 9, 1 << 40])
def test_odd_orientation_of_bigtiff_turns_nothing(value: int, tmp_path: Path) -> None:
    assert (loaded(tiff(Page(RGB, 2, tags={274: (16, (value,))}), big=True), tmp_path).pixels == RGB).all()


@pytest.mark.parametrize("order", "<>")
def test_interoperability_is_kept_and_gives_the_colours(order: str, tmp_path: Path) -> None:
    alone: dict[int, Tag] = {0xA001: (3, (0xFFFF,))}
    for exif in (EXIF, alone, dict[int, Tag]()):
        image = loaded(tiff(Page(RGB, 2, directories={34665: exif, 40965: R03}), order=order), tmp_path)
        assert image.notes == ()
        assert image.metadata.icc == ADOBE_RGB.profile(3)
        assert _index(image.metadata.exif) == b"R03\0"
        written = io.BytesIO()
        save(image, written, FORMATS[".tif"])
        again = loaded(written.getvalue(), tmp_path)
        assert _index(again.metadata.exif) == b"R03\0"
        assert again.notes == ()


def test_damaged_interoperability_gets_a_note(tmp_path: Path) -> None:
    page = Page(RGB, 2, directories={34665: EXIF | {40965: (4, (1 << 30,))}})
    image = loaded(tiff(page), tmp_path)
    assert (image.pixels == RGB).all()
    assert image.notes == ("EXIF that cannot be kept is left out: interoperability",)
    assert b"2026:01:02" in image.metadata.exif


def _index(exif: bytes) -> bytes:
    directory = int(exif_block.numbers(exif, exif_block.find(exif, exif_block.EXIF_IFD))[0])
    inner = exif_block.numbers(exif, exif_block.find(exif, exif_block.INTEROPERABILITY_IFD, directory))
    field = exif_block.find(exif, 1, int(inner[0]))
    assert field is not None
    return exif[field.offset : field.offset + field.size]
