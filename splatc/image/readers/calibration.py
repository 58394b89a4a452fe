"""Colour spaces that files describe by chromaticities, exponents and tables: PNG, BMP, TIFF, EXIF; and a few that have a name."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from splatc.image.readers import exif as exif_block
from splatc.image.readers.icc import D65, SRGB_CURVE, SRGB_PRIMARIES, ColourSpace, Curve, SampledCurve, Transfer, Xy

SRGB = ColourSpace("sRGB")
LINEAR = ColourSpace("Linear sRGB", curves=(Curve(1.0),))
ADOBE_RGB = ColourSpace(
    "Compatible with Adobe RGB (1998)", ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), D65, (Curve(563 / 256),)
)
ROMM = ColourSpace(
    "ROMM RGB",
    ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)),
    (0.3457, 0.3585),
    (Curve(1.8, c=1 / 16, d=16 / 512),),
)
_CLOSE = 0.005
"""Chromaticities that are meant to be the same."""
_SRGB_EXPONENTS = (2.2 / 1.05, 2.2 / 0.95)
"""What means sRGB, if the chromaticities are its own or unknown: older files say it by an exponent of 2.2. The tolerance is libpng's."""
_WHITE_POINT, _CHROMATICITIES, _TRANSFER_FUNCTION = 318, 319, 301  # tags of TIFF and EXIF
_COLOUR_SPACE, _GAMMA, _INTEROPERABILITY = 0xA001, 0xA500, 1  # tags of EXIF
_CALIBRATED, _EMBEDDED, _LINKED = 0, b"DEBM", b"KNIL"  # bV5CSType; its letters stand there in the other order


def calibrated(
    name: str, exponents: Sequence[float], primaries: Sequence[Xy] = (), white: Xy = D65
) -> ColourSpace | None:
    """The space that a file describes, in which sRGB is recognised; None if it describes none.

    Args:
        exponents: Of light over samples: one, or one for each of red, green and blue; none where the file does not say.
        primaries: Of red, green and blue; none where the file does not say.
    """
    if not exponents and not primaries:
        return None
    chromaticities = (primaries[0], primaries[1], primaries[2]) if primaries else SRGB_PRIMARIES
    pairs = zip((*chromaticities, white), (*SRGB_PRIMARIES, D65), strict=True)
    usual = all(abs(a - b) < _CLOSE for xy, known in pairs for a, b in zip(xy, known, strict=True))
    low, high = _SRGB_EXPONENTS
    if usual and all(low <= each <= high for each in exponents):
        return SRGB
    curves: tuple[Transfer, ...] = tuple(Curve(each) for each in exponents) or (SRGB_CURVE,)
    return ColourSpace(name, chromaticities, white, curves[:1] if len(set(curves)) == 1 else curves)


def of_png(gamma: float | None, chromaticities: tuple[float, ...] | None) -> ColourSpace | None:
    """The space of gAMA and cHRM, of which either may be missing. Raises ValueError for zeros."""
    if gamma is not None and gamma <= 0:
        raise ValueError("a gamma of zero")
    exponents = [] if gamma is None else [1 / gamma]
    white, *primaries = zip(chromaticities[::2], chromaticities[1::2], strict=True) if chromaticities else (D65,)
    return calibrated("PNG gamma and chromaticities", exponents, primaries, white)


def of_bmp(stream: BinaryIO) -> tuple[ColourSpace | bytes | None, str]:
    """The space in the header of version 4 or 5 of a BMP file: numbers or a profile; and a sentence about what cannot be kept."""
    stream.seek(14)
    header = stream.read(124)
    size = int.from_bytes(header[:4], "little")
    if size < 108 or len(header) < 108:
        return None, ""
    kind = header[56:60]
    if size >= 124 and len(header) == 124 and kind == _EMBEDDED:
        offset, length = struct.unpack_from("<II", header, 112)
        stream.seek(14 + offset)
        return stream.read(min(length, 1 << 24)), ""
    if kind == _LINKED:
        return None, "its colour profile is another file, and is left out"
    if int.from_bytes(kind, "little") != _CALIBRATED:
        return None, ""
    ends = [value / (1 << 30) for value in struct.unpack_from("<9i", header, 60)]
    exponents = [value / 65536 for value in struct.unpack_from("<3I", header, 96)]
    points = [ends[at : at + 3] for at in (0, 3, 6)]
    if not all(sum(point) > 0 for point in points):  # mostly zeros: nothing was meant
        points = []
    white = D65
    if any(abs(sum(point) - 1) > 0.02 for point in points):  # not chromaticities but the colours themselves
        white = _xy([sum(values) for values in zip(*points, strict=True)])
    exponents = exponents if all(0.1 <= each <= 10 for each in exponents) else []
    return calibrated("BMP calibrated RGB", exponents, [_xy(point) for point in points], white), ""


def _xy(xyz: Sequence[float]) -> Xy:
    return xyz[0] / sum(xyz), xyz[1] / sum(xyz)


def of_tags(tags: Mapping[int, Any], bits: int = 8) -> ColourSpace | None:
    """The space in the tags WhitePoint, PrimaryChromaticities and TransferFunction of a TIFF file, of which any may be missing.

    `bits` per sample say how long a transfer function is. Raises ValueError for a wrong number of values.
    """
    primaries, white = _chromaticities(tags.get(_CHROMATICITIES), tags.get(_WHITE_POINT))
    function = [int(value) for value in tags.get(_TRANSFER_FUNCTION) or ()]
    if not function:
        return calibrated("TIFF chromaticities", [], primaries, white) if primaries or white != D65 else None
    count = 1 << bits
    if len(function) not in (count, 3 * count):
        raise ValueError("a transfer function of the wrong length")
    tables = [SampledCurve(tuple(function[at : at + count])) for at in range(0, len(function), count)]
    chromaticities = (primaries[0], primaries[1], primaries[2]) if primaries else SRGB_PRIMARIES
    curves = tuple(tables[:1] if len(set(tables)) == 1 else tables)
    return ColourSpace("TIFF transfer function", chromaticities, white, curves)


def _chromaticities(primaries: Any, white: Any) -> tuple[list[Xy], Xy]:
    values = [float(value) for value in primaries or ()]
    point = [float(value) for value in white or ()]
    if len(values) not in (0, 6) or len(point) not in (0, 2):
        raise ValueError("chromaticities of the wrong number")
    return list(zip(values[::2], values[1::2], strict=True)), (point[0], point[1]) if point else D65


def of_exif(exif: bytes) -> ColourSpace | None:
    """The space in EXIF, for a picture whose file describes none elsewhere.

    ColorSpace is 1 for sRGB and 0xFFFF for anything else, of which Adobe RGB is marked by the interoperability index "R03" (DCF 2.0) or,
    by some programs, as a ColorSpace of 2; or described by chromaticities and an exponent. 0xFFFF alone says nothing: libvips writes it
    into files of every colour.
    """
    first = exif_block.find(exif, exif_block.EXIF_IFD)
    directory = _pointer(exif, first)
    values = exif_block.numbers(exif, exif_block.find(exif, _COLOUR_SPACE, directory))
    other = exif_block.find(exif, exif_block.INTEROPERABILITY_IFD, directory)
    index = exif_block.find(exif, _INTEROPERABILITY, _pointer(exif, other))
    if values[:1] == (1,):
        return None
    if values[:1] == (2,) or (index and exif[index.offset : index.offset + 3] == b"R03"):
        return ADOBE_RGB
    if values[:1] != (0xFFFF,):
        return None
    exponents = exif_block.numbers(exif, exif_block.find(exif, _GAMMA, directory))
    tags = (exif_block.numbers(exif, exif_block.find(exif, tag)) for tag in (_CHROMATICITIES, _WHITE_POINT))
    try:
        primaries, white = _chromaticities(*tags)
    except ValueError:
        primaries = []
    if not primaries:
        return None
    return calibrated("EXIF chromaticities", [each for each in exponents if 0.1 <= each <= 10], primaries, white)


def _pointer(exif: bytes, field: exif_block.ExifField | None) -> int:
    """Where a directory stands that a field names; beyond the end without one."""
    values = exif_block.numbers(exif, field)
    return int(values[0]) if values else len(exif)
