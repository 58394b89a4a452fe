"""container.md: signature and chunks."""

from __future__ import annotations

import zlib

from tests.independent_decoder.header import read_header, read_varint
from tests.independent_decoder.model import Header, Section
from tests.independent_decoder.sections import check_sections, one_section, read_index

SIGNATURE = bytes.fromhex("8B 53 32 44 0D 0A 1A 0A")


def read_chunk(data: bytes, start: int) -> tuple[str, bytes, bool, int]:
    """Type, payload, whether the CRC is right, and where the next chunk starts."""
    kind = data[start : start + 4]
    if len(kind) < 4 or not (kind.isalpha() and kind.isascii()):
        raise ValueError("no chunk here")
    length, first = read_varint(data, start + 4)
    end = first + length
    if end + 4 > len(data):
        raise ValueError("truncated chunk")
    payload = data[first:end]
    crc = int.from_bytes(data[end : end + 4], "little")
    return kind.decode(), payload, crc == zlib.crc32(kind + payload), end + 4


def read_draft(data: bytes, start: int) -> int:
    """draft.md: the chunk after HEAD; where the next starts."""
    kind, payload, intact, end = read_chunk(data, start)
    if kind != "DRFT" or not intact or read_varint(payload, 0) != (1, len(payload)):
        raise ValueError("no draft, a damaged one, or another than 1")
    return end


def read_chunks(data: bytes) -> tuple[Header, dict[str, bytes]]:
    """The header and the payloads of the other chunks, as far as <Order of checks> goes without them."""
    if data[:8] != SIGNATURE:
        raise ValueError("not a .splat2d file")
    kind, payload, intact, start = read_chunk(data, 8)
    if kind != "HEAD" or not intact:
        raise ValueError("no HEAD, or a damaged one")
    if payload[:2] == bytes([1, 1]):
        start = read_draft(data, start)
    header = read_header(payload)
    chunks = []
    while start < len(data):
        kind, payload, intact, start = read_chunk(data, start)
        chunks.append((kind, payload, intact))
        if kind[0].isupper() and kind not in ("INDX", "GAUS", "LATN"):
            raise ValueError(f"unknown or repeated critical chunk {kind}")
    if 1 + header.version[1] + len(chunks) > 1024:  # limits.md
        raise ValueError("too many chunks")
    critical = [kind for kind, _, _ in chunks if kind[0].isupper()]
    allowed = [["GAUS"], ["INDX", "GAUS"]]
    if header.version == (1, 1):  # draft.md
        allowed.append(["LATN"])
    if critical not in allowed:
        raise ValueError("not exactly one GAUS, with at most one INDX before it, or one LATN of a draft")
    if any([kind for kind, _, _ in chunks].count(kind) > 1 for kind in ("iccp", "exif", "xmpd")):  # metadata.md
        raise ValueError("metadata of one type twice")
    if not all(intact for _, _, intact in chunks):
        raise ValueError("damaged chunk")
    return header, {kind: payload for kind, payload, _ in chunks}


def read_container(data: bytes) -> tuple[Header, list[Section], bytes]:
    """The header, the sections and the payload of GAUS, in <Order of checks>."""
    header, payloads = read_chunks(data)
    sections = read_index(header, payloads["INDX"]) if "INDX" in payloads else one_section(header, payloads["GAUS"])
    check_sections(header, sections, payloads["GAUS"])
    return header, sections, payloads["GAUS"]
