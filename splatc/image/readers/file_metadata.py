"""What an opened picture file says beside its pixels: EXIF, XMP, how to turn it, how its colours are meant. TIFF: tiff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import PIL.Image

from splatc.errors import InputImageError
from splatc.image.readers import calibration, cicp, jpeg_profile
from splatc.image.readers import exif as exif_block
from splatc.image.readers.avif_metadata import avif_metadata
from splatc.image.readers.found import DAMAGED_EXIF
from splatc.image.readers.icc import ColourSpace
from splatc.image.readers.jp2_metadata import jp2_metadata
from splatc.image.readers.orientation import orientation_of
from splatc.image.readers.png_metadata import PngMetadata, png_metadata
from splatc.image.readers.xmp import in_utf8
from splatc.runtime.arguments import EXIF_PREFIX

Colours = ColourSpace | bytes
"""Numbers, or a profile."""
_NO_SENSE = "the colours in its header make no sense and are left out"
_UNKNOWN = "its colours are given by numbers that no profile is made of ({} {}): they are taken as sRGB"
_JP2_NAMED = {12, 16, 17, 18, 0, 15, 20}  # CMYK, sRGB, gray, sYCC, bilevel; and e-sRGB, whose usual range is sRGB
_JP2_ROMM = 21


@dataclass(frozen=True)
class FileMetadata:
    """As it stands in the file."""

    exif: bytes
    """A TIFF structure; empty if there is none."""
    xmp: bytes
    """A packet in UTF-8; empty if there is none."""
    orientation: int
    """How the stored pixels are to be turned, 1..8 as EXIF counts."""
    colours: tuple[Colours, ...]
    """What the file says of its colours, what counts most first; nothing for sRGB."""
    notes: tuple[str, ...] = ()
    """What of it cannot be kept, a sentence each."""

    @property
    def icc(self) -> bytes:
        """The colour profile in the file."""
        return next((each for each in self.colours if isinstance(each, bytes)), b"")


def exif_of(picture: PIL.Image.Image) -> bytes:
    """The EXIF of an opened picture without its prefix, empty if there is none. Reads no pixels."""
    raw = picture.info.get("exif", b"")
    return raw.removeprefix(EXIF_PREFIX) if isinstance(raw, bytes) else b""


def xmp_of(picture: PIL.Image.Image) -> bytes:
    """The XMP packet of an opened picture, empty if there is none."""
    packet = picture.info.get("xmp", b"")
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def file_metadata(picture: PIL.Image.Image, stream: BinaryIO) -> FileMetadata:
    """What the file of an opened picture says; no pixel is decoded. Raises InputImageError for colours that are none of ours."""
    exif, xmp = exif_of(picture), in_utf8(xmp_of(picture))
    profile = picture.info.get("icc_profile") or b""
    own: list[Colours] = []
    notes: list[str] = []
    damage: tuple[str, ...] = ()
    orientation: int | None = None
    if picture.format == "PNG":
        png = png_metadata(stream)
        exif, xmp = png.exif, in_utf8(png.xmp)
        own = list(_of_png(png, notes))
    elif picture.format == "AVIF":
        avif = avif_metadata(stream)
        orientation = orientation_of(exif, b"")  # Pillow's, into which it writes what the container says
        exif = avif.exif if exif_block.is_exif(avif.exif) else exif
        own = [profile] if profile else list(_of_cicp(avif.cicp, notes, True))
    elif picture.format == "JPEG2000":
        jp2 = jp2_metadata(stream)
        exif, xmp = jp2.exif, in_utf8(jp2.xmp)
        own = list(_of_jp2(jp2.colours, notes))
    elif picture.format == "BMP":
        colours, note = calibration.of_bmp(stream)
        own, notes = [colours] if colours else [], [note] if note else []
    elif picture.format in ("JPEG", "MPO"):
        profile, note = jpeg_profile.joined(getattr(picture, "applist", []))
        own, notes = [profile] if profile else [], [note] if note else []
    elif picture.format == "QOI":
        stream.seek(13)
        own = [calibration.LINEAR] if stream.read(1) == b"\1" else []
    elif profile:
        own = [profile]
    if exif and not exif_block.is_exif(exif):
        exif = b""
        damage = (DAMAGED_EXIF,)
    if not own and not notes:
        space = calibration.of_exif(exif)
        own = [space] if space else []
    turn = orientation_of(exif, xmp) if orientation is None else orientation
    return FileMetadata(exif, xmp, turn, tuple(own), (*notes, *damage))


def transfer_of(picture: PIL.Image.Image, stream: BinaryIO) -> int:
    """The number in ITU-T H.273 of an opened file's transfer function; 0 if the file has none."""
    numbers: tuple[int, ...] | None = None
    if picture.format == "PNG":
        numbers = png_metadata(stream).cicp
    elif picture.format == "AVIF":
        numbers = avif_metadata(stream).cicp
    elif picture.format == "JPEG2000":
        numbers = next((_parameterized(each) for each in jp2_metadata(stream).colours if each[:1] == b"\5"), None)
    return numbers[1] if numbers else 0


def _of_png(png: PngMetadata, notes: list[str]) -> Iterator[Colours]:
    """By the precedence of the third edition, 4.3: cICP, iCCP, sRGB, then gAMA and cHRM."""
    if png.cicp:
        primaries, transfer, matrix, full = png.cicp
        if matrix == 0:
            yield from _of_cicp((primaries, transfer), notes, bool(full))
        else:
            notes.append(_UNKNOWN.format("cICP matrix", matrix))
    if png.icc:
        yield png.icc
    if png.srgb:
        yield calibration.SRGB
        return
    try:
        space = calibration.of_png(png.gamma, png.chromaticities)
    except (ValueError, ZeroDivisionError):
        notes.append(_NO_SENSE)
        return
    if space:
        yield space


def _of_cicp(numbers: tuple[int, ...] | None, notes: list[str], full_range: bool) -> Iterator[Colours]:
    """`full_range`: of the samples as they are decoded; those of AVIF and JPEG 2000 are spread by their decoders."""
    if not numbers or numbers[:2] == (2, 2):  # unspecified
        return
    space = cicp.colour_space(numbers[0], numbers[1], full_range)
    if space is None:
        notes.append(_UNKNOWN.format("CICP", f"{numbers[0]}/{numbers[1]}"))
    else:
        yield space


def _parameterized(colr: bytes) -> tuple[int, int] | None:
    """Primaries and transfer of a colour specification of method 5."""
    return (int.from_bytes(colr[3:5], "big"), int.from_bytes(colr[5:7], "big")) if len(colr) >= 10 else None


def _of_jp2(specifications: list[bytes], notes: list[str]) -> Iterator[Colours]:
    """The first specification that is understood, as the standard has it (ISO/IEC 15444-1, I.5.3.3)."""
    unknown = 0
    for colr in specifications:
        method = colr[0] if len(colr) > 3 else 0
        if method in (2, 3):
            yield colr[3:]
            return
        if method == 5:
            yield from _of_cicp(_parameterized(colr), notes, True)
            return
        if method == 1 and len(colr) >= 7:
            number = int.from_bytes(colr[3:7], "big")
            if number == _JP2_ROMM:
                yield calibration.ROMM
            if number == _JP2_ROMM or number in _JP2_NAMED:
                return
            unknown = number
    if unknown:
        raise InputImageError(
            f"JPEG 2000 of the colour space number {unknown} is not supported: convert the picture to sRGB, in TIFF or PNG"
        )
