"""What files state of their colours is kept as a profile that shows the same, or named in a note."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
from click.testing import CliRunner

from splatc.cli import main
from splatc.errors import InputImageError
from splatc.image.image import Image
from splatc.image.readers import calibration, cicp, load
from splatc.image.readers.avif_metadata import avif_metadata
from splatc.image.readers.calibration import ADOBE_RGB, LINEAR, ROMM, SRGB
from splatc.image.readers.icc import ColourSpace, Curve, SampledCurve
from splatc.image.readers.jpeg_profile import joined
from tests.test_icc import as_srgb, by_formula
from tests.test_orientation import png, raw_profile, saved

FIELD = Path(__file__).parent / "field"
RGB = np.random.default_rng(7).integers(0, 256, (12, 20, 3)).astype(np.uint8)
GRAY = RGB[..., :1]
ICC_SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
P3 = cicp.colour_space(12, 13)
BT2020 = cicp.colour_space(9, 14)
WIDE_LINEAR = ColourSpace("sixteen_bit", cicp.PRIMARIES[9][0], curves=(Curve(1.0),))


def read(data: bytes, folder: Path) -> Image:
    (folder / "in").write_bytes(data)
    return load(str(folder / "in"))


def check(image: Image, space: ColourSpace | None) -> None:
    """The picture's colours are shown as the numbers say, by littleCMS."""
    assert space is not None
    known = (
        "10 bits per sample are read as 8",
        "damaged PNG chunks are left out: iCCP (its profile cannot be unpacked)",
    )
    assert set(image.notes) <= set(known)
    colours = image.pixels[..., 0] if image.channels == 1 else image.pixels
    if space == SRGB:
        assert image.metadata.icc == b""
        return
    assert image.metadata.icc
    expected = by_formula(space, np.repeat(image.pixels, 3, axis=2) if image.channels == 1 else colours)
    if image.channels == 1:
        expected = by_formula(ColourSpace("gray", curves=space.curves), np.repeat(image.pixels, 3, axis=2))
    assert np.abs(as_srgb(image.metadata.icc, colours) - expected).max() <= 1


def gama(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", value)


def chrm(*values: int) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *values)


def iccp(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"name\0\0" + zlib.compress(profile)


SRGB_CHRM = chrm(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
WIDE_CHRM = chrm(31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600)
PNG: dict[str, tuple[list[tuple[bytes, bytes]], ColourSpace | None]] = {
    "nothing": ([], SRGB),
    "linear": ([gama(100000)], LINEAR),
    "exponent 1.8": ([gama(55556)], ColourSpace("1.8", curves=(Curve(100000 / 55556),))),
    "the exponent that means sRGB": ([gama(45455)], SRGB),
    "it and sRGB's chromaticities": ([gama(45455), SRGB_CHRM], SRGB),
    "it and others": (
        [gama(45455), WIDE_CHRM],
        ColourSpace("2.2", cicp.PRIMARIES[9][0], curves=(Curve(100000 / 45455),)),
    ),
    "linear and sixteen_bit": ([gama(100000), WIDE_CHRM], WIDE_LINEAR),
    "chromaticities alone": ([WIDE_CHRM], ColourSpace("sixteen_bit", cicp.PRIMARIES[9][0])),
    "sRGB against gamma": ([gama(100000), (b"sRGB", b"\0"), WIDE_CHRM], SRGB),
    "profile against sRGB": ([(b"sRGB", b"\0"), iccp(ADOBE_RGB.profile(3))], ADOBE_RGB),
    "profile against gamma": ([gama(100000), iccp(ADOBE_RGB.profile(3))], ADOBE_RGB),
    "profile of sRGB against gamma": ([gama(100000), iccp(ICC_SRGB)], SRGB),
    "numbers against profile": ([(b"cICP", bytes([12, 13, 0, 1])), iccp(ADOBE_RGB.profile(3))], P3),
    "numbers of sRGB against profile": ([(b"cICP", bytes([1, 13, 0, 1])), iccp(ADOBE_RGB.profile(3))], SRGB),
    "numbers against all": ([(b"cICP", bytes([9, 14, 0, 1])), (b"sRGB", b"\0"), gama(100000)], BT2020),
    "unspecified numbers": ([(b"cICP", bytes([2, 2, 0, 1])), gama(100000)], LINEAR),
    "damaged profile": ([(b"iCCP", b"name\0\0xx"), gama(100000)], LINEAR),
    "profile as text": ([raw_profile(b"zTXt", "icc", ADOBE_RGB.profile(3))], ADOBE_RGB),
    "EXIF alone": (
        [(b"eXIf", b"MM\0*" + struct.pack(">IHHHIIIHHHIHHI", 8, 1, 0x8769, 4, 1, 26, 0, 1, 0xA001, 3, 1, 2, 0, 0))],
        ADOBE_RGB,
    ),
}


@pytest.mark.parametrize("name", PNG)
def test_png(name: str, tmp_path: Path) -> None:
    chunks, space = PNG[name]
    check(read(png(RGB, chunks), tmp_path), space)


@pytest.mark.parametrize("chunks", [[gama(100000)], [gama(100000), WIDE_CHRM], [(b"cICP", bytes([9, 8, 0, 1]))]])
def test_gray_and_16_bits(chunks: Any, tmp_path: Path) -> None:
    check(read(png(GRAY, chunks), tmp_path), LINEAR)
    sixteen_bit = read(png(RGB.astype(np.uint16) * 257, chunks), tmp_path)
    assert sixteen_bit.metadata.icc == read(png(RGB, chunks), tmp_path).metadata.icc != b""
    palette = PIL.Image.open(io.BytesIO(png(RGB, []))).quantize(16)
    data = saved(palette, "PNG")
    kind, content = chunks[0]
    data = (
        data[:33]
        + struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        + data[33:]
    )
    assert read(data, tmp_path).metadata.icc


NONSENSE = {
    "a gamma of zero": [gama(0)],
    "white without light": [chrm(31270, 0, 64000, 33000, 30000, 60000, 15000, 6000)],
    "one chromaticity": [chrm(*[30000] * 8)],
    "zeros": [chrm(*[0] * 8)],
    "unknown numbers": [(b"cICP", bytes([3, 13, 0, 1]))],
    "another matrix": [(b"cICP", bytes([9, 14, 9, 1]))],
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_no_profile_is_made_of_gets_a_note(name: str, tmp_path: Path) -> None:
    image = read(png(RGB, NONSENSE[name]), tmp_path)
    assert (image.pixels == RGB).all()
    assert image.metadata.icc == b""
    (note,) = image.notes
    assert "make no sense" in note or "taken as sRGB" in note


def test_hdr_is_refused_wherever_it_is_stated(tmp_path: Path) -> None:
    big = (b"tEXt", b"Comment\0" + b"x" * 100_000)  # no longer within what a glance would see
    for transfer in (16, 18):
        for data in (
            png(RGB, [big, (b"cICP", bytes([9, transfer, 0, 1]))]),
            avif(9, transfer),
            jp2([b"\5\0\0" + struct.pack(">HHHB", 9, transfer, 0, 128)]),
        ):
            with pytest.raises(InputImageError, match="HDR"):
                read(data, tmp_path)


def test_hdr_of_another_item_is_not_the_picture_s() -> None:
    data = avif(1, 13)
    inner = b"colrnclx" + struct.pack(">HHHB", 9, 16, 9, 128)
    first = int.from_bytes(data[:4], "big")
    before = data[:first] + struct.pack(">I4s", 8 + len(inner), b"free") + inner + data[first:]
    assert avif_metadata(io.BytesIO(before)).cicp == (1, 13)


def avif(primaries: int, transfer: int, **options: Any) -> bytes:
    data = saved(RGB, "AVIF", quality=95, **options)
    at = data.find(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :] if at > 8 else data


@pytest.mark.parametrize(
    ("primaries", "transfer"), [(1, 13), (12, 13), (9, 14), (9, 1), (1, 8), (2, 2), (2, 13), (5, 6)]
)
def test_avif(primaries: int, transfer: int, tmp_path: Path) -> None:
    space = SRGB if {primaries, transfer} <= {1, 2, 13} else cicp.colour_space(primaries, transfer)
    check(read(avif(primaries, transfer), tmp_path), space)


def test_a_profile_in_avif_counts_more(tmp_path: Path) -> None:
    check(read(avif(9, 14, icc_profile=ADOBE_RGB.profile(3)), tmp_path), ADOBE_RGB)


def jp2(colours: list[bytes], pixels: Any = RGB) -> bytes:
    """With other colour specifications."""
    data = saved(pixels, "JPEG2000")
    start = data.find(b"colr") - 4
    end = start + int.from_bytes(data[start : start + 4], "big")
    new = b"".join(struct.pack(">I4s", 8 + len(each), b"colr") + each for each in colours)
    header = data.find(b"jp2h") - 4
    size = int.from_bytes(data[header : header + 4], "big") + len(new) - (end - start)
    return data[:header] + struct.pack(">I", size) + data[header + 4 : start] + new + data[end:]


JP2: dict[str, tuple[list[bytes], ColourSpace | None]] = {
    "sRGB": ([b"\1\0\0\0\0\0\x10"], SRGB),
    "restricted profile": ([b"\2\0\0" + LINEAR.profile(3)], LINEAR),
    "any profile": ([b"\3\0\0" + ADOBE_RGB.profile(3)], ADOBE_RGB),
    "the first of two": ([b"\2\0\0" + LINEAR.profile(3), b"\1\0\0\0\0\0\x10"], LINEAR),
    "sRGB and a profile": ([b"\1\0\0\0\0\0\x10", b"\2\0\0" + LINEAR.profile(3)], SRGB),
    "a vendor's, then a profile": ([b"\4\0\0" + bytes(20), b"\2\0\0" + LINEAR.profile(3)], LINEAR),
    "ROMM": ([b"\1\0\0\0\0\0\x15"], ROMM),
    "by numbers": ([b"\5\0\0" + struct.pack(">HHHB", 9, 14, 0, 128)], BT2020),
}


@pytest.mark.parametrize("name", JP2)
def test_jpeg_2000(name: str, tmp_path: Path) -> None:
    colours, space = JP2[name]
    check(read(jp2(colours), tmp_path), space)


def test_jpeg_2000_of_gray_and_of_unknown_colours(tmp_path: Path) -> None:
    check(read(jp2([b"\2\0\0" + LINEAR.profile(1)], GRAY[..., 0]), tmp_path), LINEAR)
    check(read(jp2([b"\1\0\0\0\0\0\x11"], GRAY[..., 0]), tmp_path), SRGB)
    with pytest.raises(InputImageError, match="colour space number 14"):
        read(jp2([b"\1\0\0\0\0\0\x0e"]), tmp_path)


def bmp(kind: bytes, ends: list[float], exponents: list[float], profile: bytes = b"", size: int = 124) -> bytes:
    """A file with a header of version 4 or 5."""
    rows = b"".join(row[:, ::-1].tobytes() + bytes(-len(row) * 3 % 4) for row in RGB[::-1])
    header = struct.pack("<IiiHHIIiiII", size, RGB.shape[1], RGB.shape[0], 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    header += bytes(16) + kind + struct.pack("<9i", *(round(value * (1 << 30)) for value in ends))
    header += struct.pack("<3I", *(round(value * 65536) for value in exponents))
    start = 14 + size + len(rows)
    if size == 124:
        header += struct.pack("<4I", 4, start - 14, len(profile), 0)
    return b"BM" + struct.pack("<IHHI", start + len(profile), 0, 0, 14 + size) + header + rows + profile


ADOBE_ENDS = [0.64, 0.33, 0.03, 0.21, 0.71, 0.08, 0.15, 0.06, 0.79]
SRGB_ENDS = [0.64, 0.33, 0.03, 0.30, 0.60, 0.10, 0.15, 0.06, 0.79]
SRGB_XYZ = [0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505]
BMP: dict[str, tuple[bytes, ColourSpace | None]] = {
    "sRGB": (bmp(b"BGRs", ADOBE_ENDS, [1.0] * 3), SRGB),
    "Windows": (bmp(b" niW", ADOBE_ENDS, [1.0] * 3), SRGB),
    "calibrated": (bmp(bytes(4), ADOBE_ENDS, [563 / 256] * 3), ADOBE_RGB),
    "calibrated, version 4": (bmp(bytes(4), ADOBE_ENDS, [563 / 256] * 3, size=108), ADOBE_RGB),
    "calibrated as sRGB": (bmp(bytes(4), SRGB_ENDS, [2.2] * 3), SRGB),
    "calibrated by colours": (bmp(bytes(4), SRGB_XYZ, [1.0] * 3), LINEAR),
    "three exponents": (
        bmp(bytes(4), SRGB_ENDS, [1.0, 1.5, 2.0]),
        ColourSpace("three", curves=(Curve(1.0), Curve(1.5), Curve(2.0))),
    ),
    "zeros": (bmp(bytes(4), [0.0] * 9, [0.0] * 3), SRGB),
    "exponents alone": (bmp(bytes(4), [0.0] * 9, [1.0] * 3), LINEAR),
    "embedded": (bmp(b"DEBM", [0.0] * 9, [0.0] * 3, ADOBE_RGB.profile(3)), ADOBE_RGB),
}


@pytest.mark.parametrize("name", BMP)
def test_bmp(name: str, tmp_path: Path) -> None:
    data, space = BMP[name]
    image = read(data, tmp_path)
    assert (image.pixels == RGB).all()
    check(image, space)


def test_a_profile_that_a_bmp_only_names_gets_a_note(tmp_path: Path) -> None:
    image = read(bmp(b"KNIL", [0.0] * 9, [0.0] * 3, b"c:\\adobe.icc\0"), tmp_path)
    assert image.notes == ("its colour profile is another file, and is left out",)


def test_tiff(tmp_path: Path) -> None:
    sixteen_bit = {319: tuple(value for xy in ADOBE_RGB.primaries for value in xy), 318: ADOBE_RGB.white}
    table = tuple(round(65535 * (at / 255) ** 1.5) for at in range(256))
    curve = SampledCurve(table)
    check(read(saved(RGB, "TIFF", tiffinfo=sixteen_bit), tmp_path), ColourSpace("sixteen_bit", ADOBE_RGB.primaries))
    check(read(saved(RGB, "TIFF", tiffinfo={301: table}), tmp_path), ColourSpace("table", curves=(curve,)))
    check(read(saved(RGB, "TIFF", tiffinfo={301: table * 3}), tmp_path), ColourSpace("table", curves=(curve,)))
    check(read(saved(GRAY[..., 0], "TIFF", tiffinfo={301: table}), tmp_path), ColourSpace("table", curves=(curve,)))
    check(read(saved(RGB, "TIFF", tiffinfo=sixteen_bit, icc_profile=LINEAR.profile(3)), tmp_path), LINEAR)
    image = read(saved(RGB, "TIFF", tiffinfo={301: table[:9]}), tmp_path)
    assert "make no sense" in image.notes[0]


def exif_of(colour_space: int, index: bytes = b"", **tags: Any) -> PIL.Image.Exif:
    exif = PIL.Image.Exif()
    if index:
        exif.get_ifd(0x8769)[0xA005] = {1: index.decode()}
    exif.get_ifd(0x8769)[0xA001] = colour_space
    for name, value in tags.items():
        exif.get_ifd(0x8769)[0xA500] = value if name == "gamma" else 2.2
        if name == "primaries":
            exif[319], exif[318] = value, (0.3127, 0.329)
    return exif


EXIF: dict[str, tuple[PIL.Image.Exif, ColourSpace]] = {
    "sRGB": (exif_of(1), SRGB),
    "sRGB, whatever the index": (exif_of(1, b"R03"), SRGB),
    "Adobe RGB": (exif_of(0xFFFF, b"R03"), ADOBE_RGB),
    "Adobe RGB as a number": (exif_of(2), ADOBE_RGB),
    "uncalibrated": (exif_of(0xFFFF, b"R98"), SRGB),
    "chromaticities": (
        exif_of(0xFFFF, primaries=(0.64, 0.33, 0.21, 0.71, 0.15, 0.06)),
        ColourSpace("2.2", ADOBE_RGB.primaries, curves=(Curve(2.2),)),
    ),
}


@pytest.mark.parametrize("name", EXIF)
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_exif(kind: str, name: str, tmp_path: Path) -> None:
    exif, space = EXIF[name]
    check(read(saved(RGB, kind, exif=exif.tobytes()), tmp_path), space)
    check(read(saved(RGB, kind, exif=exif.tobytes(), icc_profile=LINEAR.profile(3)), tmp_path), LINEAR)


def test_qoi(tmp_path: Path) -> None:
    data = bytearray(saved(RGB, "QOI"))
    data[13] = 1
    check(read(bytes(data), tmp_path), LINEAR)
    data[13] = 0
    check(read(bytes(data), tmp_path), SRGB)


def segment(number: int, total: int, data: bytes) -> tuple[str, bytes]:
    return "APP2", b"ICC_PROFILE\0" + bytes([number, total]) + data


def test_segments_of_jpeg() -> None:
    profile = ADOBE_RGB.profile(3)
    a, b, c = profile[:100], profile[100:300], profile[300:]
    sound = [
        [segment(1, 1, profile)],
        [segment(1, 3, a), segment(2, 3, b), segment(3, 3, c)],
        [segment(3, 3, c), ("APP2", b"MPF\0"), segment(1, 3, a), segment(2, 3, b)],
        [segment(1, 1, profile)] * 2,
        [segment(1, 2, a), segment(2, 2, b + c)] * 2,
        [segment(1, 1, a), segment(1, 1, b), segment(1, 1, c)],
        [segment(0, 3, a), segment(1, 3, b), segment(2, 3, c)],
        [segment(1, 4, a), segment(2, 4, b), segment(3, 4, c)],
    ]
    for segments in sound:
        assert joined(segments) == (profile, "")
    for segments in ([segment(1, 3, a), segment(3, 3, c)], [segment(2, 3, b)]):
        found, note = joined(segments)
        assert found == b""
        assert "of its 3 segments are there" in note
    assert joined([("APP1", b"Exif\0\0"), ("APP2", b"ICC_PROFILE\0\1")]) == (b"", "")


FROM_THE_FIELD: dict[str, ColourSpace | None] = {
    "png_cicp_p3.png": P3,
    "png_gamma_linear.png": LINEAR,
    "avif_nclx_bt2020.avif": BT2020,
    "jp2_icc_linear.jp2": LINEAR,
    "jpeg_icc_twice.jpg": None,
}


@pytest.mark.parametrize("name", FROM_THE_FIELD)
def test_from_the_field_to_a_picture_again(name: str, tmp_path: Path) -> None:
    source, coded, result = FIELD / name, tmp_path / "a.splat2d", tmp_path / "a.png"
    encoded = CliRunner().invoke(main, ["encode", str(source), str(coded), "-e", "1", "--size", "1500"])
    assert encoded.exit_code == 0, encoded.output
    assert "left out" not in encoded.stderr
    assert "taken as" not in encoded.stderr
    assert CliRunner().invoke(main, ["decode", str(coded), str(result)]).exit_code == 0
    stored = load(str(source))
    with PIL.Image.open(result) as decoded:
        shown = as_srgb(decoded.info["icc_profile"], np.asarray(decoded.convert("RGB")))
    space = FROM_THE_FIELD[name]
    expected = by_formula(space, stored.pixels) if space else as_srgb(stored.metadata.icc, stored.pixels)
    assert np.abs(shown - expected).mean() < 4
    assert np.abs(stored.pixels - expected).mean() > 4  # they would not be without their profile


def test_numbers_that_are_not_given_are_nothing() -> None:
    assert calibration.calibrated("x", []) is None
    assert calibration.of_exif(b"") is None
    assert calibration.of_bmp(io.BytesIO(b"BM")) == (None, "")
