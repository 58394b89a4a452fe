"""The items of an AVIF file (MIAF, ISO/IEC 23000-22): which of them is coded, and what of its properties is not."""

from __future__ import annotations

import struct
from typing import BinaryIO

from splatc.errors import InputImageError
from splatc.pixels.found import Found, aspect
from splatc.pixels.isobmff import boxes, child
from splatc.pixels.splice import Piece, spliced
from splatc.pixels.xmp_keys import GAIN_MAP_NOTE

_BRANDS = {b"avif", b"avis"}
_HEVC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_HEIF = {
    b"mif1",
    b"msf1",
    b"mif2",
    b"miaf",
    b"avci",
    b"avcs",
    b"jpeg",
    b"jpgs",
    b"vvic",
    b"j2ki",
    b"unif",
    b"1pic",
    b"geo1",
}
_HEAD = 1 << 22  # bytes that hold the box of metadata


def survey(stream: BinaryIO) -> Found:
    """See survey.survey. Raises InputImageError for HEIF of other codings."""
    stream.seek(0)
    data = stream.read(_HEAD)
    first = next(boxes(data, 0, min(len(data), 4096)), None)
    if first is None or first[0] != b"ftyp":
        return Found(stream)
    _, start, end = first
    brands = {data[start : start + 4], *(data[at : at + 4] for at in range(start + 8, end - 3, 4))}
    if not brands & _BRANDS:
        if brands & _HEVC:
            raise InputImageError("HEIC pictures are not supported: convert the picture to JPEG, AVIF or TIFF")
        if brands & _HEIF:
            raise InputImageError(
                "HEIF pictures other than AVIF are not supported: convert the picture to JPEG, AVIF or TIFF"
            )
        return Found(stream)
    notes: list[str] = []
    exif: list[int] = []
    try:
        meta = child(data, b"meta", 0, len(data))
        if meta is not None:
            items = _Items(data, meta[0] + 4, meta[1])
            exif = items.exif
            items.tell(notes)
    except (struct.error, IndexError):  # odd metadata; whoever reads the picture says whether that can be read
        pass
    if _has_video(stream):
        notes.append("the video behind the picture (a motion photo) is left out")
    named = data[start : start + 4] in _BRANDS
    brand = data[start : start + 4] if named else min(brands & _BRANDS)
    changed = {start: brand} | dict.fromkeys(exif, b"skip")
    bare = (lambda: _changed(stream, changed)) if exif else None
    whole = stream if named else _changed(stream, {start: brand})
    return Found(whole, tuple(notes), sound=named, without_exif=bare)


def _changed(stream: BinaryIO, words: dict[int, bytes]) -> BinaryIO:
    """The file with other words of four letters at these places."""
    pieces: list[Piece] = []
    at = 0
    for place in sorted(words):
        pieces += [(at, place), words[place]]
        at = place + 4
    return spliced(stream, [*pieces, (at, stream.seek(0, 2))])


def _has_video(stream: BinaryIO) -> bool:
    """Whether there is a box of a motion photo beside the others."""
    end, at = stream.seek(0, 2), 0
    while at + 16 <= end:
        stream.seek(at)
        size, kind, long = struct.unpack(">I4sQ", stream.read(16))
        if kind == b"mpvd":
            return True
        size = {0: end - at, 1: long}.get(size, size)
        if size < 8:
            return False
        at += size
    return False


class _Items:
    """The box of metadata: items, their properties and references."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.data, self.start, self.end = data, start, end
        primary = self._content(b"pitm")
        self.primary = self._number(primary[0] + 4, 2 if data[primary[0]] == 0 else 4) if primary else 0
        self.exif: list[int] = []
        """Where the types of items of EXIF stand."""
        self.kinds = self._kinds()

    def tell(self, notes: list[str]) -> None:
        if b"tmap" in self.kinds.values():
            notes.append(GAIN_MAP_NOTE)
        coded = {number for number, kind in self.kinds.items() if kind in (b"av01", b"grid")}
        references = self._references()
        used = {to for _, _, targets in references for to in targets} | {
            fro for name, fro, _ in references if name != b"cdsc"
        }
        alone = coded - used - {self.primary}
        if alone:
            notes.append(f"only the first of {1 + len(alone)} pictures is coded")
        if any(
            name == b"auxl" and self.primary in targets and self._is_depth(fro) for name, fro, targets in references
        ):
            notes.append("the depth map is left out")
        size = (0, 0)
        for name, start, end in self._properties(self.primary):
            if name == b"ispe":
                size = struct.unpack_from(">II", self.data, start + 4)
            elif name == b"clap" and end - start >= 32 and not self._whole(start, size):
                width, height = self._clap(start)
                notes.append(
                    f"the crop to {width:g} x {height:g} px (AVIF clap) is not applied: the whole picture is coded"
                )
            elif name == b"pasp":
                across, down = struct.unpack_from(">II", self.data, start)
                notes += [sentence] if (sentence := aspect(across, down)) else []

    def _whole(self, start: int, size: tuple[int, int]) -> bool:
        return self._clap(start) == size

    def _clap(self, start: int) -> tuple[float, float]:
        width, of_width, height, of_height = struct.unpack_from(">4I", self.data, start)
        return width / max(of_width, 1), height / max(of_height, 1)

    def _kinds(self) -> dict[int, bytes]:
        """The type of each item."""
        kinds: dict[int, bytes] = {}
        if (info := self._content(b"iinf")) is not None:
            skipped = 6 if self.data[info[0]] == 0 else 8
            for name, start, _ in boxes(self.data, info[0] + skipped, info[1]):
                if name == b"infe" and self.data[start] >= 2:
                    bytes_of = 2 if self.data[start] == 2 else 4
                    at = start + 6 + bytes_of
                    kinds[self._number(start + 4, bytes_of)] = self.data[at : at + 4]
                    self.exif += [at] if self.data[at : at + 4] == b"Exif" else []
        return kinds

    def _references(self) -> list[tuple[bytes, int, list[int]]]:
        """(type, from, to) between items."""
        found: list[tuple[bytes, int, list[int]]] = []
        if (part := self._content(b"iref")) is not None:
            size = 2 if self.data[part[0]] == 0 else 4
            for name, start, end in boxes(self.data, part[0] + 4, part[1]):
                count = min(self._number(start + size, 2), (end - start) // size)
                targets = [self._number(start + size + 2 + size * index, size) for index in range(count)]
                found.append((name, self._number(start, size), targets))
        return found

    def _properties(self, item: int) -> list[tuple[bytes, int, int]]:
        """The property boxes of an item, in its order."""
        part = self._content(b"iprp")
        container = child(self.data, b"ipco", *part) if part else None
        if part is None or container is None:
            return []
        every = list(boxes(self.data, *container))
        chosen: list[tuple[bytes, int, int]] = []
        for name, start, _ in boxes(self.data, *part):
            if name != b"ipma":
                continue
            wide, long = self.data[start] > 0, self.data[start + 3] & 1
            (entries,) = struct.unpack_from(">I", self.data, start + 4)
            at = start + 8
            for _ in range(min(entries, 1 << 16)):
                number = self._number(at, 4 if wide else 2)
                at += 4 if wide else 2
                count, at = self.data[at], at + 1
                for _ in range(count):
                    index = self._number(at, 2) & 0x7FFF if long else self.data[at] & 0x7F
                    at += 2 if long else 1
                    if number == item and 0 < index <= len(every):
                        chosen.append(every[index - 1])
        return chosen

    def _is_depth(self, item: int) -> bool:
        return any(name == b"auxC" and b"depth" in self.data[start:end] for name, start, end in self._properties(item))

    def _content(self, kind: bytes) -> tuple[int, int] | None:
        return child(self.data, kind, self.start, self.end)

    def _number(self, at: int, size: int) -> int:
        if at + size > len(self.data):
            raise IndexError
        return int.from_bytes(self.data[at : at + size], "big")
