"""What a picture file holds beside its pixels is kept or named in a note, and never decides whether the pixels are read."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

from splatc.cli import main
from splatc.errors import InputImageError
from splatc.image.image import Image
from splatc.image.readers import avif, load
from tests.odd_files import PICTURE, QUADRANTS, avif_with, box, chunk, jpeg_with, png_with, saved, segment

GAIN_MAP = "the HDR gain map is left out"
VIDEO = "the video behind the picture (a motion photo) is left out"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100)
HDRGM = b"http://ns.adobe.com/xap/1.0/\0<x xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/' hdrgm:Version='1.0'/>"
TWO = b"MPF\0II*\0\x08\0\0\0\x01\0\x01\xb0\x04\0\x01\0\0\0\x02\0\0\0\0\0\0\0"
"""An index of two pictures."""


def iptc(number: int, content: bytes) -> bytes:
    """A Photoshop segment with one resource."""
    resource = b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content
    return segment(0xED, b"Photoshop 3.0\0" + resource)


def density(unit: int, x: int, y: int) -> bytes:
    return segment(0xE0, b"JFIF\0\1\1" + struct.pack(">BHH", unit, x, y) + b"\0\0")


def exif_with_resolution() -> bytes:
    exif = PIL.Image.Exif()
    exif[282] = exif[283] = 300.0
    return exif.tobytes()


JPEG = {
    "comment": (jpeg_with(segment(0xFE, b"by hand")), ["the comment is left out"]),
    "comments": (jpeg_with(*[segment(0xFE, b"by hand")] * 3), ["3 comments are left out"]),
    "IPTC": (jpeg_with(iptc(0x0404, b"\x1c\x02\x05\0\x04name")), ["IPTC data are left out"]),
    "paths": (
        jpeg_with(iptc(2000, b"path")),
        ["Photoshop's own data, such as paths and print settings, are left out"],
    ),
    "Photoshop's resolution": (
        jpeg_with(iptc(0x03ED, struct.pack(">IHHIHH", 150 << 16, 1, 1, 150 << 16, 1, 1)), jfif=False),
        ["the resolution (150 dpi) is left out"],
    ),
    "density": (jpeg_with(density(1, 300, 300), jfif=False), ["the resolution (300 dpi) is left out"]),
    "density of cm": (jpeg_with(density(2, 118, 59), jfif=False), ["the resolution (118 x 59 px/cm) is left out"]),
    "aspect": (
        jpeg_with(density(0, 2, 1), jfif=False),
        ["the shape of the pixels (1:2) is left out: they are taken as squares"],
    ),
    "no density": (jpeg_with(density(0, 1, 1), jfif=False), []),
    "density in EXIF as well": (jpeg_with(density(1, 300, 300), segment(0xE1, exif_with_resolution()), jfif=False), []),
    "EXIF that is none": (jpeg_with(segment(0xE1, b"Exif\0\0junk")), ["EXIF is damaged and is left out"]),
    "further XMP": (
        jpeg_with(segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + b"<more/>")),
        ["extended XMP of 7 bytes is left out"],
    ),
    "other programs": (
        jpeg_with(segment(0xEC, b"Ducky\0\1"), segment(0xEB, b"JP\0\1")),
        ["data of other programs are left out: APP12 Ducky, APP11 JP"],
    ),
    "video": (jpeg_with(behind=MP4), [VIDEO]),
    "video of Samsung": (jpeg_with(behind=b"\0\0\x30\x0aMotionPhoto_Data" + MP4), [VIDEO]),
    "anything behind": (jpeg_with(behind=b"hello"), ["5 bytes behind the end of the picture are left out"]),
    "padding": (jpeg_with(behind=bytes(64)), []),
    "second JPEG": (jpeg_with(behind=saved("JPEG")), ["only the first of several pictures is coded"]),
    "two in an index": (jpeg_with(segment(0xE2, TWO), behind=saved("JPEG")), ["only the first of 2 pictures is coded"]),
    "gain map": (jpeg_with(segment(0xE1, HDRGM), segment(0xE2, TWO), behind=saved("JPEG")), [GAIN_MAP]),
    "gain map behind": (jpeg_with(segment(0xE2, TWO), behind=jpeg_with(segment(0xE1, HDRGM))), [GAIN_MAP]),
    "gain map of ISO": (jpeg_with(segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0")), [GAIN_MAP]),
    "gain map of Apple": (
        jpeg_with(segment(0xE2, TWO), behind=jpeg_with(segment(0xE1, b"urn:com:apple:photo:2020:aux:hdrgainmap"))),
        [GAIN_MAP],
    ),
}
ODD = {
    "short JFIF": jpeg_with(segment(0xE0, b"JFIF\0"), jfif=False),
    "cut Photoshop resource": jpeg_with(segment(0xED, b"Photoshop 3.0\x008BIM\x04")),
    "damaged index of pictures": jpeg_with(segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\x03")),
    "short Adobe": jpeg_with(segment(0xEE, b"Adobe")),
    "short profile": jpeg_with(segment(0xE2, b"ICC_PROFILE\0")),
}
PNG = {
    "text": (
        png_with(chunk(b"tEXt", b"Title\0x"), chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"y"))),
        ["PNG text is left out: Title, Author"],
    ),
    "late text": (png_with(late=chunk(b"iTXt", b"Comment\0\0\0\0\0z")), ["PNG text is left out: Comment"]),
    "bomb in a text": (
        png_with(chunk(b"zTXt", b"big\0\0" + zlib.compress(bytes((1 << 24) + 1)))),
        ["PNG text is left out: big"],
    ),
    "bomb in a profile": (
        png_with(chunk(b"iCCP", b"big\0\0" + zlib.compress(bytes((1 << 24) + 1)))),
        ["the colour profile is longer than 16 MiB and is left out: the colours are taken as sRGB"],
    ),
    "damaged profile": (
        png_with(chunk(b"iCCP", b"bad\0\0junk")),
        ["damaged PNG chunks are left out: iCCP (its profile cannot be unpacked)"],
    ),
    "resolution": (
        png_with(chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))),
        ["the resolution (299.999 dpi) is left out"],
    ),
    "shape": (
        png_with(chunk(b"pHYs", struct.pack(">IIB", 1, 2, 0))),
        ["the shape of the pixels (2:1) is left out: they are taken as squares"],
    ),
    "time": (png_with(chunk(b"tIME", bytes(7))), ["PNG chunks are left out: tIME"]),
    "wrong checksums": (
        png_with(chunk(b"tEXt", b"Title\0x", wrong=True), chunk(b"pHYs", bytes(9), wrong=True)),
        ["damaged PNG chunks are left out: tEXt (wrong checksum), pHYs (wrong checksum)"],
    ),
    "wrong checksum of transparency": (
        png_with(chunk(b"tRNS", bytes(6), wrong=True)),
        ["damaged PNG chunks are left out: tRNS (wrong checksum)"],
    ),
    "short": (png_with(chunk(b"gAMA", b"\0")), ["damaged PNG chunks are left out: gAMA (too short)"]),
    "behind": (png_with(behind=b"hello"), ["5 bytes behind the end of the PNG file are left out"]),
    "no end": (png_with()[:-12], ["the PNG file lacks its end (IEND)"]),
    "wrong checksum of the end": (png_with()[:-1] + b"x", ["damaged PNG chunks are left out: IEND (wrong checksum)"]),
    "EXIF that is none": (png_with(chunk(b"eXIf", b"junk" * 4)), ["EXIF is damaged and is left out"]),
    "cut off behind its pixels": (
        png_with()[:-12] + chunk(b"tEXt", b"Title\0x")[:-6],
        ["the PNG file is damaged or cut off behind its pixels"],
    ),
}


def loaded(tmp_path: Path, data: bytes) -> Image:
    path = tmp_path / "in"
    path.write_bytes(data)
    return load(str(path))


@pytest.mark.parametrize("name", JPEG)
def test_jpeg(tmp_path: Path, name: str) -> None:
    data, notes = JPEG[name]
    image = loaded(tmp_path, data)
    assert [*image.notes] == notes
    assert (image.pixels == np.asarray(PIL.Image.open(io.BytesIO(saved("JPEG"))))).all()


@pytest.mark.parametrize("name", ODD)
def test_odd_segments_do_not_cost_the_picture(tmp_path: Path, name: str) -> None:
    assert (loaded(tmp_path, ODD[name]).pixels == np.asarray(PIL.Image.open(io.BytesIO(saved("JPEG"))))).all()


@pytest.mark.parametrize("name", PNG)
def test_png(tmp_path: Path, name: str) -> None:
    data, notes = PNG[name]
    image = loaded(tmp_path, data)
    assert [*image.notes] == notes
    assert (image.pixels == QUADRANTS).all()


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"IDAT"])
def test_damage_in_a_critical_png_chunk_is_named(tmp_path: Path, kind: bytes) -> None:
    data = bytearray(saved("PNG", PICTURE.quantize(4)))
    at = data.index(kind)
    (length,) = struct.unpack_from(">I", data, at - 4)
    data[at + 4 + length] ^= 1
    with pytest.raises(InputImageError, match=f"PNG chunk {kind.decode()} at byte {at - 4} has a wrong checksum"):
        loaded(tmp_path, bytes(data))


@pytest.mark.parametrize("rows", [0, 1, 47, 48])
def test_png_of_too_few_rows_is_refused(tmp_path: Path, rows: int) -> None:
    plain = saved("PNG")
    pixels = b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in QUADRANTS[:rows])
    data = plain[:33] + chunk(b"IDAT", zlib.compress(pixels)) + plain[-12:]
    if rows == 48:
        assert (loaded(tmp_path, data).pixels == QUADRANTS).all()
        return
    with pytest.raises(InputImageError, match=f"end after {rows * 193} of {48 * 193} bytes"):
        loaded(tmp_path, data)


def test_an_unknown_critical_png_chunk_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputImageError, match="PNG chunk QQQQ at byte 33 is critical and unknown"):
        loaded(tmp_path, png_with(chunk(b"QQQQ", b"")))


@pytest.mark.parametrize("packed", [False, True])
def test_xmp_of_more_than_a_megabyte_in_png_is_kept(tmp_path: Path, packed: bool) -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b"text " * 300_000 + b"</x:xmpmeta>"
    body = b"XML:com.adobe.xmp\0" + bytes([packed, 0, 0, 0]) + (zlib.compress(packet) if packed else packet)
    image = loaded(tmp_path, png_with(chunk(b"iTXt", body)))
    assert image.metadata.xmp == packet
    assert image.notes == ()


def test_frames(tmp_path: Path) -> None:
    frames = [PICTURE, PICTURE.rotate(180), PICTURE.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)]
    for kind in ("GIF", "PNG", "WEBP", "AVIF"):
        image = loaded(tmp_path, saved(kind, PICTURE, save_all=True, append_images=frames[1:]))
        assert image.notes == ("only the first of 3 frames is coded",), kind
        outer = np.abs(image.pixels[::47, ::63].astype(int) - QUADRANTS[::47, ::63])
        assert outer.max() < 60, kind
    outside = saved("PNG", PICTURE, save_all=True, append_images=frames[1:], default_image=True)
    assert loaded(tmp_path, outside).notes == ("only the first of 3 frames is coded",)


def test_gif(tmp_path: Path) -> None:
    plain = saved("GIF", PICTURE.quantize(4))
    body = plain.index(b",", 13 + 12)
    comment, program = b"!\xfe\x05hello\0", b"!\xff\x0bXMP DataXMP\x01x\0"
    image = loaded(tmp_path, plain[:body] + comment + program + plain[body:])
    assert image.notes == ("the comment is left out", "GIF extensions are left out: XMP DataXMP")


def test_webp(tmp_path: Path) -> None:
    data = saved("WEBP", lossless=True, exif=exif_with_resolution()) + b"ABCD\x02\0\0\0xx"
    data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    image = loaded(tmp_path, data)
    assert image.notes == ("WebP chunks are left out: ABCD",)
    assert (image.pixels == QUADRANTS).all()


def test_pnm(tmp_path: Path) -> None:
    plain = saved("PPM")
    several = "only the first of several pictures is coded"
    assert loaded(tmp_path, plain).notes == ()
    assert loaded(tmp_path, plain + plain).notes == (several,)
    assert loaded(tmp_path, plain + b"\n" + plain).notes == (several,)
    assert loaded(tmp_path, b"P6\n# by hand\n" + plain[3:]).notes == ("comments are left out",)
    assert loaded(tmp_path, plain + b"hello").notes == ("5 bytes behind the end of the picture are left out",)
    bits = saved("PPM", PICTURE.convert("1"))
    assert loaded(tmp_path, bits + bits).notes == (several,)


def test_avif_crop_and_shape_of_pixels(tmp_path: Path) -> None:
    squares, all_of_it = struct.pack(">II", 1, 1), struct.pack(">8I", 64, 1, 48, 1, 0, 1, 0, 1)
    assert loaded(tmp_path, avif_with(box(b"pasp", squares), box(b"clap", all_of_it))).notes == ()
    wide, part = struct.pack(">II", 2, 1), struct.pack(">8I", 32, 1, 24, 1, 0, 1, 0, 1)
    assert loaded(tmp_path, avif_with(box(b"pasp", wide), box(b"clap", part))).notes == (
        "the shape of the pixels (2:1) is left out: they are taken as squares",
        "the crop to 32 x 24 px (AVIF clap) is not applied: the whole picture is coded",
    )


def test_avif_gain_map_and_further_pictures() -> None:
    def item(number: int, kind: bytes) -> bytes:
        return box(b"infe", b"\2\0\0\0" + struct.pack(">HH", number, 0) + kind + b"\0")

    def notes(*kinds: bytes) -> tuple[str, ...]:
        items = b"".join(item(number, kind) for number, kind in enumerate(kinds, 1))
        parts = box(b"pitm", bytes(4) + b"\0\1") + box(b"iinf", bytes(4) + struct.pack(">H", len(kinds)) + items)
        data = box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4) + parts)
        return avif.survey(io.BytesIO(data)).notes

    assert notes(b"av01", b"Exif") == ()
    assert notes(b"av01", b"tmap") == (GAIN_MAP,)
    assert notes(b"av01", b"av01") == ("only the first of 2 pictures is coded",)


def test_odd_exif_does_not_cost_an_avif_picture(tmp_path: Path) -> None:
    exif = exif_with_resolution()
    data = saved("AVIF", exif=exif)
    assert loaded(tmp_path, data).metadata.exif == exif.removeprefix(b"Exif\0\0")
    at = data.index(exif.removeprefix(b"Exif\0\0")[:8])
    image = loaded(tmp_path, data[:at] + b"junk" + data[at + 4 :])
    assert image.notes == ("EXIF is damaged and is left out",)
    assert image.pixels.shape == QUADRANTS.shape


def test_avif_with_a_video(tmp_path: Path) -> None:
    assert loaded(tmp_path, saved("AVIF") + box(b"mpvd", MP4)).notes == (VIDEO,)
    assert loaded(tmp_path, saved("AVIF") + box(b"free", MP4)).notes == ()


@pytest.mark.parametrize("brand", [b"mif1", b"miaf", b"MA1B"])
def test_avif_by_any_of_its_brands(tmp_path: Path, brand: bytes) -> None:
    data = saved("AVIF", quality=100, subsampling="4:4:4").replace(b"ftypavif", b"ftyp" + brand, 1)
    assert np.abs(loaded(tmp_path, data).pixels - QUADRANTS).max() < 10


@pytest.mark.parametrize(("brand", "name"), [(b"heic", "HEIC"), (b"mif1", "HEIF")])
def test_other_heif_is_refused_by_name(tmp_path: Path, brand: bytes, name: str) -> None:
    data = saved("AVIF")
    (end,) = struct.unpack_from(">I", data)
    with pytest.raises(InputImageError, match=name):
        loaded(tmp_path, data[:end].replace(b"avif", brand) + data[end:])


def test_notes_reach_people_and_programs_once(tmp_path: Path) -> None:
    path = tmp_path / "in.jpg"
    path.write_bytes(jpeg_with(segment(0xFE, b"by hand"), behind=MP4))
    out = tmp_path / "out.splat2d"
    result = CliRunner().invoke(main, ["encode", str(path), str(out), "-e", "1", "--size", "400", "--json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["notes"] == ["the comment is left out", VIDEO]
    for sentence in ("the comment is left out", VIDEO):
        assert result.stderr.count(sentence) == 1
