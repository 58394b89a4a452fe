"""Which item of an AVIF file (MIAF, ISO/IEC 23000-22) is coded, and what of its properties and of the other items is not."""

from __future__ import annotations

import struct
from typing import BinaryIO

from splatc.errors import InputImageError
from splatc.image.readers.avif_items import Items, avif_items
from splatc.image.readers.boxes import boxes, content
from splatc.image.readers.found import Found, aspect
from splatc.image.readers.splice import Piece, spliced
from splatc.image.readers.xmp_keys import GAIN_MAP_NOTE

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
_LONGEST_TYPE = 4096  # bytes of the box that lists the brands


def survey(stream: BinaryIO) -> Found:
    """See survey.survey. Raises InputImageError for HEIF of other codings."""
    first = next(boxes(stream), None)
    if first is None or first.kind != b"ftyp":
        return Found(stream)
    listed = content(stream, first, _LONGEST_TYPE)
    brands = {listed[:4], *(listed[at : at + 4] for at in range(8, len(listed) - 3, 4))}
    if not brands & _BRANDS:
        if brands & _HEVC:
            raise InputImageError("HEIC pictures are not supported: convert the picture to JPEG, AVIF or TIFF")
        if brands & _HEIF:
            raise InputImageError(
                "HEIF pictures other than AVIF are not supported: convert the picture to JPEG, AVIF or TIFF"
            )
        return Found(stream)
    items = avif_items(stream)
    notes = _losses(items)
    if any(box.kind == b"mpvd" for box in boxes(stream)):
        notes.append("the video behind the picture (a motion photo) is left out")
    exif = [items.places[number] for number, kind in items.types.items() if kind == b"Exif"]
    named = listed[:4] in _BRANDS
    brand = listed[:4] if named else min(brands & _BRANDS)
    changed = {first.start: brand} | dict.fromkeys(exif, b"skip")
    bare = (lambda: _changed(stream, changed)) if exif else None
    whole = stream if named else _changed(stream, {first.start: brand})
    return Found(whole, tuple(notes), sound=named, without_exif=bare)


def _changed(stream: BinaryIO, words: dict[int, bytes]) -> BinaryIO:
    """The file with other words of four letters at these places."""
    pieces: list[Piece] = []
    at = 0
    for place in sorted(words):
        pieces += [(at, place), words[place]]
        at = place + 4
    return spliced(stream, [*pieces, (at, stream.seek(0, 2))])


def _losses(items: Items) -> list[str]:
    """Sentences about the other pictures in the file, and about what a viewer would do to the one that is coded."""
    notes = [GAIN_MAP_NOTE] if b"tmap" in items.types.values() else []
    coded = {number for number, kind in items.types.items() if kind in (b"av01", b"grid")}
    used = {target for each in items.references for target in each.targets}
    used |= {each.source for each in items.references if each.kind != b"cdsc"}
    alone = coded - used - {items.primary}
    if alone:
        notes.append(f"only the first of {1 + len(alone)} pictures is coded")
    if any(
        each.kind == b"auxl" and items.primary in each.targets and _is_depth(items, each.source)
        for each in items.references
    ):
        notes.append("the depth map is left out")
    size = (0, 0)
    for kind, data in items.properties.get(items.primary, []):
        if kind == b"ispe" and len(data) >= 12:
            size = struct.unpack_from(">II", data, 4)
        elif kind == b"clap" and len(data) >= 32:
            width, of_width, height, of_height = struct.unpack_from(">4I", data)
            crop = width / max(of_width, 1), height / max(of_height, 1)
            if crop != size:
                notes.append(
                    f"the crop to {crop[0]:g} x {crop[1]:g} px (AVIF clap) is not applied: the whole picture is coded"
                )
        elif kind == b"pasp" and len(data) >= 8:
            sentence = aspect(*struct.unpack_from(">II", data))
            notes += [sentence] if sentence else []
    return notes


def _is_depth(items: Items, item: int) -> bool:
    return any(kind == b"auxC" and b"depth" in data for kind, data in items.properties.get(item, []))
