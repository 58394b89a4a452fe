"""The chunks of a PNG file (PNG specification, third edition): checksums, and what of them is left out.

Damage in a critical chunk is damage to the picture; a damaged ancillary chunk is left out. Texts are not even unpacked, but for XMP.
"""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import BinaryIO

from splatc.bitstream.limits import MAX_METADATA
from splatc.errors import InputImageError
from splatc.pixels.found import Found, aspect, listed, resolution
from splatc.pixels.png_rows import check_rows
from splatc.pixels.splice import Piece, spliced

MOST_UNPACKED = 1 << 26
"""Bytes that a compressed XMP packet may unpack to; longer ones are left out."""
_PILLOW_UNPACKS = 1 << 20  # and refuses the picture where there is more
_PASSED = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"eXIf", b"cICP"}
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_SHORTEST = {b"IHDR": 13, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"iCCP": 3, b"cICP": 4}
_TRANSPARENT = {
    0: 2,
    2: 6,
}  # bytes of tRNS by the type of colour: one gray value or one RGB colour; else an alpha for each index
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_RENDERING = {b"bKGD", b"sBIT", b"hIST", b"mDCV", b"cLLI", b"mDCv", b"cLLi"}  # hints to viewers; colours: colour.py
_XMP = b"XML:com.adobe.xmp"
_RAW_PROFILE = b"Raw profile type "  # ImageMagick's and exiftool's: EXIF, IPTC and others in hexadecimal text
_RAW_KEPT = (b"icc", b"icm", b"xmp")  # png_metadata.py reads these
_READ = 1 << 20  # bytes of a chunk at a time


def survey(stream: BinaryIO) -> Found:
    """See survey.survey."""
    look = _Look(stream)
    look.walk()
    return look.found()


class _Look:
    """One walk through the chunks."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.pieces: list[Piece] = [(0, 8)]
        self.notes: list[str] = []
        self.damaged: list[str] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self.header = b""
        self.parts: list[tuple[int, int]] = []
        """Where the compressed pixels stand."""
        self.frames = 0
        self.frame_control = self.image = False
        self.sound = True

    def walk(self) -> None:
        at, kind = 8, b""
        end = self.stream.seek(0, 2)
        while kind != b"IEND" and at + 8 <= end:
            self.stream.seek(at)
            length, kind = struct.unpack(">I4s", self.stream.read(8))
            if not kind.isalpha() or at + 12 + length > end:
                if self.image and kind not in _CRITICAL:
                    self.notes.append("the PNG file is damaged or cut off behind its pixels")
                    self.sound = False
                    break
                name = kind.decode("ascii") if kind.isalpha() else "of no name"
                raise InputImageError(f"damaged or truncated picture: the PNG chunk {name} at byte {at} is not whole")
            if self._checked(kind, at, length):
                self._take(kind, at, length)
            at += 12 + length
        if not self.image:
            raise InputImageError("damaged or truncated picture: a PNG file without an IDAT chunk")
        if kind != b"IEND":
            if self.sound:
                self.notes.append("the PNG file lacks its end (IEND)")
            self.pieces.append(b"\0\0\0\0IEND\xae\x42\x60\x82")
            self.sound = False
        elif at < end:
            self.notes.append(f"{end - at} bytes behind the end of the PNG file are left out")

    def found(self) -> Found:
        if self.frames > 1 or (self.frames and not self.frame_control):
            count = self.frames + (not self.frame_control)  # the picture may stand outside of the animation
            self.notes.insert(0, f"only the first of {count} frames is coded")
        if self.damaged:
            self.notes.append(f"damaged PNG chunks are left out: {listed(self.damaged)}")
        if self.texts:
            self.notes.append(f"PNG text is left out: {listed(self.texts)}")
        if self.others:
            self.notes.append(f"PNG chunks are left out: {listed(self.others)}")
        check = partial(check_rows, self.stream, self.header, self.parts) if self.header else None
        return Found(spliced(self.stream, self.pieces), tuple(self.notes), self.sound, check=check)

    def _checked(self, kind: bytes, at: int, length: int) -> bool:
        """Whether the checksum is right. Raises InputImageError for a wrong one of a critical chunk."""
        self.stream.seek(at + 4)
        crc, left = 0, length + 4
        while left > 0:
            data = self.stream.read(min(left, _READ))
            crc, left = zlib.crc32(data, crc), left - len(data)
        if struct.pack(">I", crc) == self.stream.read(4):
            return True
        name = kind.decode("ascii")
        if name[0].isupper() and kind != b"IEND":
            raise InputImageError(f"damaged picture: the PNG chunk {name} at byte {at} has a wrong checksum")
        self.sound = False
        if kind == b"IEND":
            self.pieces.append(b"\0\0\0\0IEND\xae\x42\x60\x82")
        self.damaged.append(f"{name} (wrong checksum)")
        return False

    def _take(self, kind: bytes, at: int, length: int) -> None:
        """Hand a sound chunk on, or say what is left out."""
        name = kind.decode("ascii")
        if kind == b"acTL" and length >= 8:
            self.frames = struct.unpack(">I", self._read(at, 4))[0]
        elif kind == b"fcTL":
            self.frame_control = self.frame_control or not self.image
        elif kind in _TEXTS:
            self._text(kind, at, length)
        elif kind == b"pHYs" and length == 9:
            x, y, unit = struct.unpack(">IIB", self._read(at, 9))
            sentence = resolution(x * 0.0254, y * 0.0254, "dpi") if unit == 1 else aspect(y, x)
            self.notes += [sentence] if sentence else []
        elif kind in _PASSED:
            shortest = (
                _TRANSPARENT.get(self.header[9] if self.header else 3, 1) if kind == b"tRNS" else _SHORTEST.get(kind, 0)
            )
            if kind == b"IHDR" and length >= 13:
                self.header = self._read(at, 13)
            if length < shortest:
                self.damaged.append(f"{name} (too short)")
                self.sound = False
            elif kind != b"iCCP" or self._profile(at, length):
                if kind == b"IDAT":
                    self.image = True
                    self.parts.append((at + 8, at + 8 + length))
                self.pieces.append((at, at + 12 + length))
        elif kind[:1].isupper():
            raise InputImageError(
                f"the PNG chunk {name} at byte {at} is critical and unknown: save the picture anew as PNG"
            )
        elif kind not in _RENDERING | {b"fdAT"}:
            self.others.append(name)

    def _profile(self, at: int, length: int) -> bool:
        """Whether Pillow reads the profile; a longer one than splatc keeps is said to be left out."""
        _, _, packed = self._read(at, length).partition(b"\0")
        try:
            if packed[:1] != b"\0":  # deflate, the one method there is
                raise zlib.error
            length = len(_unpacked(packed[1:], MAX_METADATA))
            if length <= _PILLOW_UNPACKS:
                return True
            if length > MAX_METADATA:
                self.notes.append(
                    "the colour profile is longer than 16 MiB and is left out: the colours are taken as sRGB"
                )
        except zlib.error:
            self.damaged.append("iCCP (its profile cannot be unpacked)")
        self.sound = False
        return False

    def _text(self, kind: bytes, at: int, length: int) -> None:
        keyword = self._read(at, min(length, 80)).partition(b"\0")[0]
        if keyword == _XMP and kind == b"iTXt":
            self._xmp(at, length)
        elif keyword in (_RAW_PROFILE + b"exif", _RAW_PROFILE + b"APP1") and length <= _PILLOW_UNPACKS:
            data = self._read(at, length)
            if kind == b"zTXt":
                try:
                    data = keyword + b"\0" + _unpacked(data[len(keyword) + 2 :], _PILLOW_UNPACKS)
                except zlib.error:
                    data = b""
            if kind == b"iTXt" or not data or len(data) > _PILLOW_UNPACKS:
                self.texts.append(keyword.decode("latin-1"))
                self.sound = False
            else:
                self.pieces.append(chunk(b"tEXt", data))
        elif keyword.removeprefix(_RAW_PROFILE) not in _RAW_KEPT or not keyword.startswith(_RAW_PROFILE):
            self.sound = self.sound and length <= _PILLOW_UNPACKS and not self._grows(kind, at, length)
            self.texts.append(keyword.decode("latin-1") or "without a keyword")

    def _grows(self, kind: bytes, at: int, length: int) -> bool:
        """Whether a text is damaged, or unpacks to so much that other readers, who do unpack it, may refuse it."""
        _, _, rest = self._read(at, length).partition(b"\0")
        if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] != b"\1"):
            return False
        packed = rest[1:] if kind == b"zTXt" else b"\0".join(rest[2:].split(b"\0")[2:])
        try:
            return len(_unpacked(packed, _PILLOW_UNPACKS)) > _PILLOW_UNPACKS
        except zlib.error:
            return True

    def _xmp(self, at: int, length: int) -> None:
        """Hand on XMP, unpacked: Pillow unpacks no more than 1 MiB."""
        data = self._read(at, length)
        try:
            packed, _, rest = data[len(_XMP) + 1], data[len(_XMP) + 2], data[len(_XMP) + 3 :]
            language, translated, packet = rest.split(b"\0", 2)
            if packed:
                packet = _unpacked(packet, MOST_UNPACKED)
            if len(packet) > MOST_UNPACKED:
                raise ValueError
        except (IndexError, ValueError, zlib.error):
            self.damaged.append("iTXt (XMP that is damaged or too long)")
            self.sound = False
            return
        self.sound = self.sound and len(packet) <= _PILLOW_UNPACKS
        head = _XMP + b"\0\0\0" + language + b"\0" + translated + b"\0"
        self.pieces.append(chunk(b"iTXt", head + packet))

    def _read(self, at: int, length: int) -> bytes:
        self.stream.seek(at + 8)
        return self.stream.read(length)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _unpacked(data: bytes, most: int) -> bytes:
    """What a zlib stream holds; of more than `most` bytes the first `most` + 1. Raises zlib.error for a damaged one."""
    return zlib.decompressobj().decompress(data, most + 1)
