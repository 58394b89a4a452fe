"""INDX chunks with wrong values: levels, tiles, counts, lengths and bounding margins of sections."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from splatc import bitstream
from splatc.bitstream import Header, Layer, Reader
from splatc.bitstream.container import write
from splatc.bitstream.layout import Section
from splatc.steps import Quantizer
from tests.hostile.case import Case, divided, gaussians, noise
from tests.surgery import chunks_of, mended, payload_of, varint, with_payload, with_sections

LAYERS = b"\2\1\6\1\5"
"""How the index of `divided` begins: two layers of one level, tiles of 2^6 and 2^5 px. Then the number of sections."""


def with_index(start: int, stop: int, replacement: bytes) -> bytes:
    """`divided` with other bytes in its index."""
    return with_payload(divided(), b"INDX", lambda index: index.__setitem__(slice(start, stop), replacement))


def with_section(number: int, **changes: Any) -> bytes:
    """`divided` with another entry in its index."""

    def change(sections: list[Section]) -> None:
        sections[number] = replace(sections[number], **changes)

    return with_sections(divided(), change)


def resized(data: bytes, number: int, change: Callable[[int], int], following: int) -> bytes:
    """Two neighbouring sections whose border has moved: the lengths add up still."""

    def change_both(sections: list[Section]) -> None:
        length = change(sections[number].length)
        rest = sections[number].length + sections[following].length - length
        sections[number] = replace(sections[number], length=length)
        sections[following] = replace(sections[following], length=rest)

    return mended(with_sections(data, change_both))


def cells_missing() -> bytes:
    """Cells of 235 px in tiles of 64: the second tile holds no cell's centre."""
    header = Header(500, 300, 3, (0, 0, 0), quantizer=Quantizer(position=191, position_slope=0))
    data = bitstream.encode(header, gaussians(header, [(0, 0, 0)]), layout=(Layer(1, 6),))
    return with_sections(data, lambda sections: sections.__setitem__(0, replace(sections[0], column=2)))


def endless_work() -> bytes:
    """68 Gaussians, each in a section of its own, that all go on from the same 1500: more than 64 times all would have to be looked at."""
    header = Header(1024, 1024, 1, (0,), quantizer=Quantizer(position=150, position_slope=0))
    step = header.quantizer.position_step(0) / 2**32
    fine = [(0, int((i % 16 * 64 + 32) / step), int((i // 16 * 64 + 32) / step)) for i in range(68)]
    table = gaussians(header, [(1, 0, 0)] * 1500 + fine)
    return bitstream.encode(header, table, layout=(Layer(1, 10), Layer(1, 6)))


def cases() -> list[Case]:
    """Rule by rule, as spec/sections.md lists them."""
    reader = Reader(io.BytesIO(divided()))
    index = payload_of(divided(), b"INDX")
    assert index.startswith(LAYERS)
    first, second = reader.sections[:2]
    count = len(LAYERS)
    damaged = "the file is damaged"
    levels = "do not have the 2 levels"
    growing = "larger than allowed, or grow"
    body = payload_of(divided(), b"GAUS")
    chunks = dict(chunks_of(divided()))
    found = [
        Case("index-empty", with_index(0, len(index), b""), "corrupt", "ends too early"),
        Case("index-no-layers", with_index(0, count, b"\0"), "corrupt", levels),
        Case("index-one-layer-less", with_index(0, 3, b"\1"), "corrupt", levels),
        Case("index-layer-without-levels", with_index(0, count, b"\3\1\6\0\6\1\5"), "corrupt", levels),
        Case("index-layers-255", with_index(0, 1, b"\xff"), "corrupt", "INDX"),
        Case("index-tile-too-large", with_index(2, 3, b"\x15"), "corrupt", growing),
        Case("index-tile-255", with_index(2, 3, b"\xff"), "corrupt", growing),
        Case("index-tiles-grow", with_index(2, 3, b"\4"), "corrupt", growing),
        Case("index-sections-2-to-31", with_index(count, count + 1, varint(2**31)), "corrupt", "too many sections"),
        Case(
            "index-sections-2-to-63", with_index(count, count + 1, varint(2**63)), "corrupt", "longer than five bytes"
        ),
        Case("index-sections-none", with_index(count, count + 1, b"\0"), "corrupt", ""),
        Case("index-number-in-long-form", with_index(count, count + 1, b"\x81\0"), "corrupt", "shortest form"),
        Case("index-cut", with_index(len(index) - 1, len(index), b""), "corrupt", "ends too early"),
        Case("index-byte-at-end", with_index(len(index), len(index), b"\0"), "corrupt", "bytes, expected"),
        Case("index-tile-outside", with_section(3, column=2), "corrupt", "outside of the picture"),
        Case("index-tile-far-outside", with_section(3, column=2**15, row=2**15), "corrupt", "outside of the picture"),
        Case("index-tile-without-cells", cells_missing(), "corrupt", "holds no cell"),
        Case("index-section-empty", with_section(2, counts=(0,)), "corrupt", "a section without Gaussians"),
        Case("index-count-one-more", with_section(1, counts=(second.count + 1,)), "corrupt", "do not add up"),
        Case("index-count-one-less", with_section(1, counts=(second.count - 1,)), "corrupt", "do not add up"),
        Case("index-count-2-to-34", with_section(1, counts=(2**34,)), "corrupt", "declares 17179869184 Gaussians"),
        Case("index-length-one-more", with_section(1, length=second.length + 1), "corrupt", "but the GAUS chunk has"),
        Case("index-length-one-less", with_section(1, length=second.length - 1), "corrupt", "but the GAUS chunk has"),
        Case("index-length-largest", with_section(1, length=2**35 - 1), "corrupt", "but the GAUS chunk has"),
        Case("index-length-none", with_section(0, length=0), "corrupt", "but the GAUS chunk has"),
        Case("index-border-moved", resized(divided(), 0, lambda length: length + 3, 1), "corrupt", damaged),
        Case("index-margin-too-small", with_section(1, margin=second.margin - 2), "corrupt", "beyond its tile"),
        Case("index-margin-too-large", with_section(1, margin=2**20 + 1), "corrupt", "must be 0..1048576"),
        Case("index-section-wrong-crc", with_section(1, crc=0), "corrupt", "its CRC-32 is another"),
        Case("index-endless-work", endless_work(), "corrupt", "too many"),
    ]
    swapped = body[first.length : first.length + second.length] + body[: first.length]
    streams = [(kind, swapped + body[len(swapped) :] if kind == b"GAUS" else old) for kind, old in chunks.items()]
    found.append(Case("sections-swapped", write(streams), "corrupt", "its CRC-32 is another"))
    noisy = with_payload(
        divided(), b"GAUS", lambda content: content.__setitem__(slice(second.offset, second.offset + 20), noise(2, 20))
    )
    found.append(Case("section-noise", mended(noisy), "corrupt", "beyond its tile"))
    return found
