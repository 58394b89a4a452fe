"""Which chunks of a PNG file the reader of its pixels gets, and what of the others is left out (PNG specification, third edition).

Damage in a critical chunk is damage to the picture; a damaged ancillary chunk is left out. Metadata are read by png_metadata.py.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import partial
from typing import BinaryIO

from splatc.bitstream.limits import MAX_METADATA
from splatc.errors import InputImageError
from splatc.image.readers import png_chunks
from splatc.image.readers.found import Found, aspect, listed, resolution
from splatc.image.readers.png_chunks import PngChunk, TooLongError
from splatc.image.readers.png_metadata import kept_text, unwrapped
from splatc.image.readers.png_rows import check_rows
from splatc.image.readers.splice import Piece, spliced

_OTHERS_UNPACK = 1 << 20
"""Bytes of a text or a profile beyond which some readers refuse the picture."""
_PASSED = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"cICP"}
_END = png_chunks.chunk_bytes(b"IEND", b"")
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_SHORTEST = {b"IHDR": 13, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4}
_TRANSPARENT = {
    0: 2,
    2: 6,
}  # bytes of tRNS by the type of colour: one gray value or one RGB colour; else an alpha for each index
_RENDERING = {b"bKGD", b"sBIT", b"hIST", b"mDCV", b"cLLI", b"mDCv", b"cLLi"}  # hints to viewers; colours: colour.py


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
        self.kept: list[str] = []
        """What is read of metadata, once for each place where it stands."""
        self.header = b""
        self.parts: list[tuple[int, int]] = []
        """Where the compressed pixels stand."""
        self.frames = 0
        self.frame_control = self.image = False
        self.sound = True

    def walk(self) -> None:
        size, chunk = self.stream.seek(0, io.SEEK_END), None
        for chunk in png_chunks.chunks(self.stream):
            kind = chunk.kind
            if not kind.isalpha() or chunk.end > size:
                if self.image and kind not in _CRITICAL:
                    self.notes.append("the PNG file is damaged or cut off behind its pixels")
                    self.sound = False
                    break
                name = kind.decode("ascii") if kind.isalpha() else "of no name"
                raise InputImageError(
                    f"damaged or truncated picture: the PNG chunk {name} at byte {chunk.start} is not whole"
                )
            if self._checked(chunk):
                self._take(chunk)
        if not self.image:
            raise InputImageError("damaged or truncated picture: a PNG file without an IDAT chunk")
        assert chunk is not None
        if chunk.kind != b"IEND":
            if self.sound:
                self.notes.append("the PNG file lacks its end (IEND)")
            self.pieces.append(_END)
            self.sound = False
        elif chunk.end < size:
            self.notes.append(f"{size - chunk.end} bytes behind the end of the PNG file are left out")

    def found(self) -> Found:
        if self.frames > 1 or (self.frames and not self.frame_control):
            count = self.frames + (not self.frame_control)  # the picture may stand outside of the animation
            self.notes.insert(0, f"only the first of {count} frames is coded")
        if self.damaged:
            self.notes.append(f"damaged PNG chunks are left out: {listed(self.damaged)}")
        if self.kept.count("XMP") > 1:
            self.notes.append("all XMP packets but the first are left out")
        if self.texts:
            self.notes.append(f"PNG text is left out: {listed(self.texts)}")
        if self.others:
            self.notes.append(f"PNG chunks are left out: {listed(self.others)}")
        check = partial(check_rows, self.stream, self.header, self.parts) if self.header else None
        return Found(spliced(self.stream, self.pieces), tuple(self.notes), self.sound, check=check)

    def _checked(self, chunk: PngChunk) -> bool:
        """Whether the checksum is right. Raises InputImageError for a wrong one of a critical chunk."""
        if png_chunks.is_sound(self.stream, chunk):
            return True
        name = chunk.kind.decode("ascii")
        if name[0].isupper() and chunk.kind != b"IEND":
            raise InputImageError(f"damaged picture: the PNG chunk {name} at byte {chunk.start} has a wrong checksum")
        self.sound = False
        if chunk.kind == b"IEND":
            self.pieces.append(_END)
        self.damaged.append(f"{name} (wrong checksum)")
        return False

    def _take(self, chunk: PngChunk) -> None:
        """Hand a sound chunk on, or say what is left out."""
        kind, _, length = chunk
        name = kind.decode("ascii")
        if kind == b"acTL" and length >= 8:
            self.frames = struct.unpack(">I", self._read(chunk, 4))[0]
        elif kind == b"fcTL":
            self.frame_control = self.frame_control or not self.image
        elif kind in png_chunks.TEXTS:
            self._text(chunk)
        elif kind == b"iCCP":
            self._profile(chunk)
        elif kind == b"eXIf":
            if length > MAX_METADATA:
                self._too_long("EXIF")
        elif kind == b"pHYs" and length == 9:
            x, y, unit = struct.unpack(">IIB", self._read(chunk, 9))
            sentence = resolution(x * 0.0254, y * 0.0254, "dpi") if unit == 1 else aspect(y, x)
            self.notes += [sentence] if sentence else []
        elif kind in _PASSED:
            self._pass(chunk)
        elif kind[:1].isupper():
            raise InputImageError(
                f"the PNG chunk {name} at byte {chunk.start} is critical and unknown: save the picture anew as PNG"
            )
        elif kind not in _RENDERING | {b"fdAT"}:
            self.others.append(name)

    def _pass(self, chunk: PngChunk) -> None:
        """Hand on what the reader of the pixels needs, unless it is too short to hold that."""
        kind, offset, length = chunk
        if kind == b"IHDR" and length >= 13:
            self.header = self._read(chunk, 13)
        shortest = _SHORTEST.get(kind, 0)
        if kind == b"tRNS":
            shortest = _TRANSPARENT.get(self.header[9] if self.header else 3, 1)
        if length < shortest:
            self.damaged.append(f"{kind.decode('ascii')} (too short)")
            self.sound = False
            return
        if kind == b"IDAT":
            self.image = True
            self.parts.append((offset, offset + length))
        self.pieces.append((chunk.start, chunk.end))

    def _profile(self, chunk: PngChunk) -> None:
        """png_metadata.py reads it, where it can be read."""
        try:
            length = len(png_chunks.profile(png_chunks.content(self.stream, chunk)))
            self.sound = self.sound and length <= _OTHERS_UNPACK
        except TooLongError:
            self._too_long("the colour profile", ": the colours are taken as sRGB")
        except zlib.error:
            self.damaged.append("iCCP (its profile cannot be unpacked)")
            self.sound = False

    def _text(self, chunk: PngChunk) -> None:
        """png_metadata.py reads what is kept of them."""
        keyword = png_chunks.keyword(self._read(chunk, 80))
        kept = kept_text(keyword)
        most = MAX_METADATA if kept else _OTHERS_UNPACK
        try:
            text = png_chunks.text(chunk.kind, png_chunks.content(self.stream, chunk, most), most)
            self.sound = self.sound and len(text) <= _OTHERS_UNPACK
            if kept:
                unwrapped(keyword, text)
                self.kept.append(kept)
        except TooLongError:
            self.sound = False
            if kept:
                self._too_long(kept)
        except zlib.error:
            self.sound = False
            if kept:
                self.damaged.append(f"{chunk.kind.decode('ascii')} ({kept})")
        if not kept:
            self.texts.append(keyword.decode("latin-1") or "without a keyword")

    def _too_long(self, what: str, consequence: str = "") -> None:
        self.notes.append(f"{what} is longer than 16 MiB and is left out{consequence}")
        self.sound = False

    def _read(self, chunk: PngChunk, length: int) -> bytes:
        """The beginning of what a chunk holds."""
        self.stream.seek(chunk.offset)
        return self.stream.read(min(length, chunk.length))
