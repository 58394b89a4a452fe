"""GAUS and metadata whose CRC is right and whose contents are not."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import zstandard

from splatc import bitstream
from splatc.bitstream import Header, Reader, layout, positions, predict, stream
from splatc.bitstream.attributes import ESCAPE
from splatc.bitstream.coder import Encoder, Frequencies, Symbols
from splatc.bitstream.container import write
from splatc.bitstream.limits import minimum_payload
from splatc.bitstream.stream import Tables
from splatc.errors import CorruptFileError
from tests.hostile.case import Case, gaussians, noise, plain
from tests.surgery import chunks_of, payload_of, with_payload

WRONG_END = 2
"""The first noise of 24 bytes that, as the five Gaussians of `plain`, does not end where they do."""
IMPOSSIBLE = 29
"""The first of them with a code that no symbol has."""


def with_stream(data: bytes, body: bytes) -> bytes:
    """The file with another GAUS payload."""
    return with_payload(data, b"GAUS", lambda content: content.__setitem__(slice(None), body))


class _Liar(Encoder):
    """Writes other symbols than it is given for the first Gaussian or node: `lies`, by the number of frequencies and the part."""

    def __init__(self, part: str, lies: list[tuple[int, int]]) -> None:
        super().__init__()
        self._lying_part = part
        self._lies = lies

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        if self.part == self._lying_part and self._lies and len(frequencies) == self._lies[0][0]:
            if not len(symbols):
                symbols = np.zeros(1, np.int32)
            symbols[0] = self._lies.pop(0)[1]
        super().code(frequencies, symbols)


def with_lies(data: bytes, part: str, lies: list[tuple[int, int]]) -> bytes:
    """A file of one section whose stream is true up to the lies, and ends there."""
    reader = Reader(io.BytesIO(data))
    (section,) = reader.sections
    encoder, tables = _Liar(part, lies), Tables()
    symbols = predict.to_symbols(reader.header.quantizer, reader.read())
    with contextlib.suppress(CorruptFileError):  # what decoders say of it, says the encoder of itself
        for each in layout.ranges(reader.header, section):
            stream.code_level(encoder, reader.header, each, symbols, tables, positions.encode)
    assert not lies, "not all values were replaced"
    return with_stream(data, encoder.finish().ljust(minimum_payload(section.count), b"\0"))


def escape_without_need() -> bytes:
    """`plain`, with an escape where a symbol would do: it stands for the residual 0."""
    return with_lies(plain(), "luma", [(ESCAPE + 1, ESCAPE), (256, 0), (256, 0)])


def half_overfull() -> bytes:
    """300 Gaussians of one level: 150 pairs of them lie in the first half, and one more."""
    header = Header(64, 48, 3, (0, 0, 0))
    cells = [(0, i % 30, i // 30) for i in range(300)]
    return with_lies(bitstream.encode(header, gaussians(header, cells)), "positions", [(151, 150), (2, 1)])


def frame(content: bytes, *, states_size: bool = True) -> bytes:
    """A zstd frame."""
    return zstandard.ZstdCompressor(level=19, write_content_size=states_size).compress(content)


def stating(size: int, window: int | None = None) -> bytes:
    """The head of a zstd frame that states so many bytes, and one empty last block."""
    flags, extra = (0xC0, bytes([window])) if window is not None else (0xE0, b"")
    return zstandard.FRAME_HEADER + bytes([flags]) + extra + size.to_bytes(8, "little") + b"\1\0\0"


def cases() -> list[Case]:
    """Streams, then metadata."""
    data, body = plain(), payload_of(plain(), b"GAUS")
    wrong_end = "does not end where its last Gaussian does"
    found = [
        Case("stream-zero-appended", with_stream(data, body + b"\0"), "corrupt", wrong_end),
        Case("stream-zeros-appended", with_stream(data, body + bytes(64)), "corrupt", wrong_end),
        Case("stream-one-appended", with_stream(data, body + b"\1"), "corrupt", wrong_end),
        Case("stream-twice", with_stream(data, body + body), "corrupt", wrong_end),
        Case("stream-all-ones", with_stream(data, b"\xff" * 24), "corrupt", "the file is damaged"),
        Case("stream-noise", with_stream(data, noise(WRONG_END, 24)), "corrupt", wrong_end),
        Case("stream-impossible-code", with_stream(data, noise(IMPOSSIBLE, 24)), "corrupt", "an impossible code"),
        Case("stream-half-overfull", half_overfull(), "corrupt", "more points in a half"),
        Case("stream-escape-without-need", escape_without_need(), "corrupt", "a symbol of its own"),
    ]
    head, gaus = chunks_of(data)
    whole = frame(b"profile " * 8)
    for name, payload, says in (
        ("empty", b"", "is no zstd frame"),
        ("no-frame", b"profile", "is no zstd frame"),
        ("skippable-frame", b"\x50\x2a\x4d\x18\4\0\0\0abcd", "is no zstd frame"),
        ("cut", whole[:-2], "it is damaged"),
        ("two-frames", whole + whole, "does not end where its zstd frame does"),
        ("byte-at-end", whole + b"\0", "does not end where its zstd frame does"),
        ("states-no-size", frame(b"profile", states_size=False), "does not state how many bytes"),
        ("states-too-few", zstandard.FRAME_HEADER + b"\x20\2\x19\0\0abc", "it is damaged"),
        ("states-too-many", zstandard.FRAME_HEADER + b"\x20\4\x19\0\0abc", "it is damaged"),
        ("block-bomb", stating(3)[:-3] + b"\3\0\x10x" * 64, "it is damaged"),
        ("window-too-large", stating(9, window=0xF8), "is no zstd frame"),
    ):
        file = write([head, (b"iccp", payload), gaus])
        found.append(Case(f"metadata-{name}", file, "corrupt", says, ("metadata iccp",)))
    for name, size in (("one-too-many", 2**24 + 1), ("2-to-40", 2**40), ("2-to-63", 2**63)):
        file = write([head, gaus, (b"exif", stating(size))])
        found.append(Case(f"metadata-states-{name}", file, "limit", f"holds {size} bytes", ("metadata exif",)))
    return found
