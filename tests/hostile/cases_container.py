"""Signature, chunks, and what lies between and behind them."""

from __future__ import annotations

from splatc.bitstream import container
from splatc.bitstream.container import SIGNATURE, write
from tests.hostile.case import Case, divided, plain
from tests.surgery import chunk, chunks_of, varint, wrong_crc


def cases() -> list[Case]:
    """In the order of the checks."""
    data = plain()
    head, body = chunks_of(data)
    profile, index = chunks_of(divided())[1:3]
    at_body = data.index(b"GAUS")
    head_start = len(SIGNATURE)
    first = data[:at_body]  # signature and HEAD
    payload = data[at_body + 5 :]
    return [
        Case("signature-missing", data[8:], "corrupt", "not a .splat2d file"),
        Case("signature-cut", data[:5], "corrupt", "within the signature"),
        Case("signature-of-png", b"\x89PNG" + data[4:], "corrupt", "not a .splat2d file: it starts with 89 50 4e 47"),
        Case("signature-after-text-transfer", data.replace(b"\r\n", b"\n"), "corrupt", "text mode"),
        Case("nothing-after-signature", SIGNATURE, "corrupt", "too few for a chunk"),
        Case("head-missing", write([body]), "corrupt", "the first chunk is GAUS, expected HEAD"),
        Case("head-behind-gaus", write([body, head]), "corrupt", "the first chunk is GAUS, expected HEAD"),
        Case("head-twice", write([head, head, body]), "corrupt", "a second HEAD"),
        Case(
            "head-wrong-crc",
            wrong_crc(data, head_start + 5, len(head[1])),
            "corrupt",
            "chunk HEAD at byte 8 is damaged",
        ),
        Case("head-longer-than-file", SIGNATURE + b"HEAD\x7f" + head[1], "corrupt", "claims 127 bytes"),
        Case("gaus-missing", write([head]), "corrupt", "GAUS chunk is missing"),
        Case("gaus-twice", write([head, body, body]), "corrupt", "a second GAUS"),
        Case("gaus-wrong-crc", data[:-1] + bytes([data[-1] ^ 1]), "corrupt", "is damaged: its CRC-32 is"),
        Case("gaus-cut-by-a-byte", data[:-1], "corrupt", "the file is truncated"),
        Case("gaus-length-2-to-31", first + b"GAUS" + varint(2**31) + payload, "corrupt", "claims 2147483648 bytes"),
        Case(
            "gaus-length-largest", first + b"GAUS" + varint(2**35 - 1) + payload, "corrupt", "claims 34359738367 bytes"
        ),
        Case("gaus-length-2-to-63", first + b"GAUS" + varint(2**63) + payload, "corrupt", "longer than five bytes"),
        Case("gaus-length-in-long-form", first + b"GAUS\x80\0" + payload, "corrupt", "not in its shortest form"),
        Case("gaus-length-one-less", first + b"GAUS" + varint(len(body[1]) - 1) + payload, "corrupt", "chunk"),
        Case("gaus-length-one-more", first + b"GAUS" + varint(len(body[1]) + 1) + payload, "corrupt", "chunk"),
        Case("critical-chunk-unknown", write([head, (b"TiLE", b"?"), body]), "unsupported", "needs chunk TiLE"),
        Case("critical-chunk-unknown-at-end", write([head, body, (b"ZOOM", b"")]), "unsupported", "needs chunk ZOOM"),
        Case("chunk-type-not-letters", write([head, (b"no e", b""), body]), "corrupt", "no chunk type"),
        Case("chunk-type-escape-code", write([head, (b"\x1b[2J", b""), body]), "corrupt", "1b 5b 32 4a"),
        Case("ancillary-wrong-crc", first + chunk(b"noTE", b"hi")[:-1] + b"?" + data[at_body:], "corrupt", "noTE"),
        Case("profile-twice", write([head, profile, profile, body]), "corrupt", "a second iccp"),
        Case("index-behind-gaus", write([head, body, index]), "corrupt", "follows GAUS"),
        Case("index-twice", write([head, index, index, body]), "corrupt", "a second INDX"),
        Case("byte-at-end", data + b"\0", "corrupt", "truncated or has extra bytes"),
        Case("zeros-at-end", data + bytes(16), "corrupt", "no chunk type"),
        Case("file-twice", data + data, "corrupt", "no chunk type"),
        Case("chunks-too-many", write([head, *[(b"noTE", b"")] * 1023, body]), "corrupt", "more than 1024 chunks"),
        Case("gaps-of-unknown-bytes", first + b"\0\0" + data[at_body:], "corrupt", "no chunk type"),
        Case("chunk-in-a-chunk", write([head, (b"GAUS", container.write([body]))]), "corrupt", ""),
    ]
