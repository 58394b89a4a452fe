"""The segments of a JPEG file (ITU-T T.81), and what other standards and programs put behind its end.

Pixels need the frame, the segments that say what its colours are, and metadata that are kept; everything else is left out with a note.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from splatc.errors import InputImageError, LimitError
from splatc.image.readers import jpeg_scan
from splatc.image.readers.found import Found, aspect, listed, resolution
from splatc.image.readers.jpeg_scan import Segment
from splatc.image.readers.splice import Piece, spliced
from splatc.image.readers.xmp import XMP_PREFIX
from splatc.image.readers.xmp_keys import GAIN_MAP_NOTE
from splatc.runtime.arguments import EXIF_PREFIX

SOI, EOI, SOS, COM, DHT = 0xD8, 0xD9, 0xDA, 0xFE, 0xC4
MOST_SCANS = 100
"""Scans of a large picture; each goes over all of it, however few bytes it has. Encoders make some ten."""
_SCANNED_PIXELS = 1 << 31
_ADVICE = "convert the picture to PNG, TIFF or ordinary JPEG"
_CODINGS = {
    0xC3: "lossless JPEG",
    0xCB: "lossless JPEG",
    0xC5: "hierarchical JPEG",
    0xC6: "hierarchical JPEG",
    0xC7: "hierarchical JPEG",
    0xCD: "hierarchical JPEG",
    0xCE: "hierarchical JPEG",
    0xCF: "hierarchical JPEG",
    0xDE: "hierarchical JPEG",
    0xF7: "JPEG-LS",
}
_FRAMES = {*range(0xC0, 0xD0)} - {DHT, 0xC8, 0xCC} | {0xDE, 0xF7}
_NEXT = re.compile(rb"\xff([^\x00\xff])")
_AFTER_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP, _MPF = b"Photoshop 3.0\0", b"MPF\0"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
_GAIN_MAPS = (_GAIN_MAP, b"http://ns.adobe.com/hdr-gain-map/", b"hdrgainmap", b"HDRGainMap")
_KEPT = ((0xE0, b"JFIF\0", 14), (0xE1, EXIF_PREFIX, 6), (0xE2, b"ICC_PROFILE\0", 14), (0xEE, b"Adobe", 12))
"""Marker, beginning and least length of the segments that are handed on."""
_IPTC, _RESOLUTION = 0x0404, 0x03ED
_COPIES = {
    _IPTC,
    _RESOLUTION,
    0x0409,
    0x040C,
    0x0422,
    0x0423,
    0x0424,
    0x0425,
}  # thumbnails, EXIF, XMP, a checksum of IPTC
_PADDING = b"\0\xff\r\n "


def survey(stream: BinaryIO) -> Found:
    """See survey.survey."""
    stream.seek(0)
    data = stream.read()
    segments = list(_segments(data))
    frame = next((each for each in segments if each.marker in _FRAMES), None)
    if frame is None or segments[-1].marker not in (SOS, EOI):
        return Found(stream)  # its reader refuses it, with a reason
    _check_coding(frame)
    scans = [each for each in segments if each.marker == SOS]
    _check_scans(frame, len(scans))
    notes: list[str] = []
    kept = _metadata(segments, notes)
    needed = [each for each in segments if _decoded(each.marker) or each.start in kept]
    pieces: list[Piece] = [data[:2], *((each.start, each.end) for each in needed)]
    result = jpeg_scan.check(data, segments)
    last = segments[-1]
    if last.marker == EOI:
        _behind(data[last.end :], segments, notes)
        if result.damage:
            notes.append(f"the JPEG file is damaged and coded as it is decoded: {result.damage}")
    elif result.end is not None:
        pieces[-1] = (last.start, result.end)
        pieces.append(b"\xff\xd9")
        notes.append("the JPEG file lacks its end marker; its pixels are complete")
    return Found(spliced(stream, pieces), tuple(dict.fromkeys(notes)), sound=last.marker == EOI)


def _decoded(marker: int) -> bool:
    """Whether this is a segment that the decoder itself needs: tables, frame, scans."""
    return not (0xE0 <= marker <= 0xEF or marker == COM)


def _segments(data: bytes) -> Iterator[Segment]:
    """All segments behind SOI up to EOI, those between scans among them; a scan's end is that of its coded samples."""
    at = 2
    while found := _NEXT.search(data, at):
        marker, start, at = found[1][0], found.start(), found.end()
        if marker == EOI:
            yield Segment(marker, start, b"", at, at)
            return
        if marker == 0x01 or 0xD0 <= marker <= SOI:  # they stand alone
            continue
        if at + 2 > len(data):
            return
        (length,) = struct.unpack_from(">H", data, at)
        body, at = data[at + 2 : at + length], at + max(length, 2)
        if at > len(data):
            return
        body_end = at
        if marker == SOS:
            behind = _AFTER_SCAN.search(data, at)
            at = behind.start() if behind else len(data)
        yield Segment(marker, start, body, body_end, at)


def _check_coding(frame: Segment) -> None:
    """Raises InputImageError for a kind of JPEG that is not decoded."""
    if frame.marker in _CODINGS:
        raise InputImageError(f"{_CODINGS[frame.marker]} is not supported: {_ADVICE}")
    if len(frame.body) < 6:
        raise InputImageError("damaged or truncated picture: the header of the JPEG frame is not whole")
    precision, channels = frame.body[0], frame.body[5]
    if precision != 8:
        raise InputImageError(f"JPEG of {precision} bits per sample is not supported: convert it to 16-bit PNG or TIFF")
    if channels not in (1, 3, 4):
        raise InputImageError(f"JPEG of {channels} channels is not supported: {_ADVICE}")


def _check_scans(frame: Segment, scans: int) -> None:
    height, width = struct.unpack_from(">HH", frame.body, 1)
    if scans > MOST_SCANS and scans * width * height > _SCANNED_PIXELS:
        raise LimitError(
            f"a JPEG file of {width} x {height} pixels in {scans} scans is more work than any encoder's, {MOST_SCANS} scans "
            "are accepted: save the picture anew"
        )


def _metadata(segments: list[Segment], notes: list[str]) -> set[int]:
    """Where the segments start that hold metadata to be handed on; `notes` get what the others hold."""
    kept: set[int] = set()
    others, photoshop, comments, more, packets = [], b"", 0, 0, 0
    density = ""
    exif = b""
    for marker, start, body, _, _ in segments:
        if _decoded(marker):
            continue
        if marker == COM:
            comments += bool(body.strip(_PADDING))
        elif any(marker == kind and body.startswith(head) and len(body) >= least for kind, head, least in _KEPT):
            kept.add(start)
            if marker == 0xE0:
                density = _density(body)
            exif += body if marker == 0xE1 else b""
        elif marker == 0xE1 and body.startswith(XMP_PREFIX):
            packets += 1
            if packets == 1:
                kept.add(start)
        elif marker == 0xE1 and body.startswith(_MORE_XMP):
            more += len(body) - 75  # behind the name: a checksum of 32 letters, length, offset
        elif marker == 0xE2 and body.startswith(_GAIN_MAP):
            notes.append(GAIN_MAP_NOTE)
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            photoshop += body[len(_PHOTOSHOP) :]
        elif not (marker == 0xE2 and body.startswith(_MPF)) and not (marker == 0xE0 and body[:4] in (b"JFIF", b"JFXX")):
            others.append(f"APP{marker & 15} {_name(body)}".strip())
    resources = dict(_resources(photoshop))
    if comments:
        notes.append("the comment is left out" if comments == 1 else f"{comments} comments are left out")
    if resources.get(_IPTC):
        notes.append("IPTC data are left out")
    if not density and len(resources.get(_RESOLUTION, b"")) >= 14:
        x, _, _, y = struct.unpack_from(">IHHI", resources[_RESOLUTION])
        density = resolution(x / 65536, y / 65536, "dpi")
    if density and not _has_resolution(exif):
        notes.append(density)
    if set(resources) - _COPIES:
        notes.append("Photoshop's own data, such as paths and print settings, are left out")
    if more > 0:
        notes.append(f"extended XMP of {more} bytes is left out")
    if packets > 1:
        notes.append("all XMP packets but the first are left out")
    if others:
        notes.append(f"data of other programs are left out: {listed(others)}")
    return kept


def _name(body: bytes) -> str:
    """What a segment calls itself."""
    name = re.match(rb"[\x20-\x7e]{2,40}", body)
    return name[0].decode("ascii").strip() if name else ""


def _density(jfif: bytes) -> str:
    unit, x, y = struct.unpack_from(">BHH", jfif, 7)
    return aspect(y, x) if unit == 0 else resolution(x, y, {1: "dpi", 2: "px/cm"}.get(unit, "px per unknown unit"))


def _has_resolution(exif: bytes) -> bool:
    """Whether EXIF, which is kept, holds the resolution (tag 282) in its first directory."""
    body = exif[len(EXIF_PREFIX) :]
    order = "<" if body.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", body, 4)
        (count,) = struct.unpack_from(order + "H", body, directory)
        return any(
            struct.unpack_from(order + "H", body, directory + 2 + 12 * index) == (282,) for index in range(count)
        )
    except struct.error:
        return False


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Photoshop's image resources: number and content."""
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 7 <= len(data):
        (number,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + (data[at + 6] | 1) + 1  # a Pascal string of even length in all
        if at + 4 > len(data):
            return
        (size,) = struct.unpack_from(">I", data, at)
        yield number, data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2


def _behind(data: bytes, segments: list[Segment], notes: list[str]) -> None:
    """Say what stands behind the end of the picture, and what its index of pictures (CIPA DC-007) lists."""
    pictures = max((_indexed(each.body) for each in segments if each.body.startswith(_MPF)), default=1)
    parts = [data, *(each.body for each in segments if 0xE1 <= each.marker <= 0xE2)]
    gain_map = any(sign in part for part in parts for sign in _GAIN_MAPS)
    if gain_map:
        notes.append(GAIN_MAP_NOTE)
    if pictures > 1 + gain_map:
        notes.append(f"only the first of {pictures} pictures is coded")
    if re.search(rb"ftyp(mp4|isom|iso[2-9]|qt  |avc1|3gp|M4V|MSNV|heic|hvc1|XAVC)|MotionPhoto_Data", data):
        notes.append("the video behind the picture (a motion photo) is left out")
    elif pictures == 1 and not gain_map and data.strip(_PADDING):
        if data.startswith(b"\xff\xd8\xff"):
            notes.append("only the first of several pictures is coded")
        else:
            notes.append(f"{len(data)} bytes behind the end of the picture are left out")


def _indexed(body: bytes) -> int:
    """How many pictures an index lists; 1 where it is damaged."""
    index = body[len(_MPF) :]
    order = "<" if index.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", index, 4)
        (count,) = struct.unpack_from(order + "H", index, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            if struct.unpack_from(order + "H", index, entry) == (0xB001,):
                return int(struct.unpack_from(order + "I", index, entry + 8)[0])
    except struct.error:
        pass
    return 1
