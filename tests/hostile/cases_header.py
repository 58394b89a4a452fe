"""Fields of HEAD out of their range, limits, and counts that lie. Steps are whole numbers of a table: none can be zero or NaN."""

from __future__ import annotations

from splatc.bitstream.container import write
from tests.hostile.case import Case, Kind, plain
from tests.surgery import payload_of, varint

FIELDS = (
    ("major", 0, 1), ("minor", 1, 1), ("flags", 2, 1), ("width", 3, 1), ("height", 4, 1), ("background", 5, 3),
    ("position", 8, 1), ("position_slope", 9, 1), ("log_scales", 10, 1), ("aspect", 11, 1), ("angle", 12, 1),
    ("angle_slope", 13, 1), ("luma", 14, 1), ("chroma", 15, 1), ("colour_slope", 16, 1), ("levels", 17, 1),
    ("level_counts", 18, 3),
)  # fmt: skip
"""Name, first byte and number of bytes in the payload of `plain`."""


def changed(**values: bytes) -> bytes:
    """`plain` with other bytes in some fields of its header, and a CRC to match."""
    head = payload_of(plain(), b"HEAD")
    parts = [values.get(name, head[start : start + length]) for name, start, length in FIELDS]
    return write([(b"HEAD", b"".join(parts)), (b"GAUS", payload_of(plain(), b"GAUS"))])


def counts(*numbers: int) -> bytes:
    """`plain` with other counts of Gaussians: those of its levels, coarse to fine."""
    return changed(levels=bytes([len(numbers)]), level_counts=b"".join(map(varint, numbers)))


def cases() -> list[Case]:
    """Field by field."""
    head = payload_of(plain(), b"HEAD")
    rest = payload_of(plain(), b"GAUS")
    ranges: list[tuple[str, bytes, Kind, str]] = [
        ("version-1-2", b"\1\2", "unsupported", "format version 1.2, this splatc reads"),
        ("version-0-1", b"\0\1", "unsupported", "format version 0.1, this splatc reads"),
        ("version-255-255", b"\xff\xff", "unsupported", "format version 255.255, this splatc reads"),
    ]
    found = [Case(f"head-{name}", changed(major=value, minor=b""), kind, says) for name, value, kind, says in ranges]
    for name, value, says in (
        ("flags", b"\x10", "flags in the HEAD chunk is 16"),
        ("flags", b"\xff", "flags in the HEAD chunk is 255"),
        ("width", b"\0", "width in the HEAD chunk is 0"),
        ("height", b"\0", "height in the HEAD chunk is 0"),
        ("width", b"\xc0\0", "not in its shortest form"),
        ("width", varint(2**63), "longer than five bytes"),
        ("position", b"\xc0", "position in the HEAD chunk is 192"),
        ("log_scales", b"\0", "log_scales in the HEAD chunk is 0"),
        ("log_scales", b"\x21", "log_scales in the HEAD chunk is 33"),
        ("aspect", b"\xff", "aspect in the HEAD chunk is 255"),
        ("angle", b"\xff", "angle in the HEAD chunk is 255"),
        ("luma", b"\xff", "luma in the HEAD chunk is 255"),
        ("chroma", b"\xff", "chroma in the HEAD chunk is 255"),
        ("levels", b"\x11", "levels in the HEAD chunk is 17"),
    ):
        found.append(Case(f"head-{name}-{value.hex()[:10]}", changed(**{name: value}), "corrupt", says))
    for name, size, says in (
        ("width-one-too-many", changed(width=varint(2**20 + 1)), "width in the HEAD chunk is 1048577"),
        ("width-2-to-31", changed(width=varint(2**31)), "width in the HEAD chunk is 2147483648"),
        ("height-largest", changed(height=varint(2**35 - 1)), "height in the HEAD chunk is 34359738367"),
        ("pixels", changed(width=varint(2**20), height=varint(2**20)), "1048576 x 1048576 px, the format allows"),
        ("grid", changed(width=varint(2**20), position=b"\0", position_slope=b"\0"), "position step is too fine"),
        ("count-one-too-many", counts(2**26 + 1), "level_counts in the HEAD chunk is 67108865"),
        ("count-2-to-31", counts(2**31), "level_counts in the HEAD chunk is 2147483648"),
        ("count-in-all", counts(2**26, 1), "67108865 Gaussians, the format allows"),
    ):
        found.append(Case(f"limit-{name}", size, "limit", says))
    return [
        *found,
        Case("head-count-2-to-63", counts(2**63), "corrupt", "longer than five bytes"),
        Case("head-count-top-level-0", counts(0, 5), "corrupt", "top level of the HEAD chunk has no Gaussian"),
        Case("head-count-beyond-payload", counts(2**26), "corrupt", "declares 67108864 Gaussians"),
        Case("head-count-none-but-bytes", counts(), "corrupt", "declares no Gaussian"),
        Case("head-count-one-less", counts(2, 1, 1), "corrupt", "does not end where its last Gaussian does"),
        Case("head-levels-one-less", changed(levels=b"\2"), "corrupt", "bytes, expected"),
        Case("head-levels-one-more", changed(levels=b"\4"), "corrupt", "HEAD chunk ends too early"),
        Case("head-byte-at-end", write([(b"HEAD", head + b"\0"), (b"GAUS", rest)]), "corrupt", "bytes, expected"),
        Case("head-cut", write([(b"HEAD", head[:9]), (b"GAUS", rest)]), "corrupt", "HEAD chunk ends too early"),
        Case("head-empty", write([(b"HEAD", b""), (b"GAUS", rest)]), "corrupt", "HEAD chunk ends too early"),
    ]
