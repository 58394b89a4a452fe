"""Metadata come back byte for byte; what unpacks to more than it says, or than is allowed, is refused."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import zstandard

from splatc import bitstream
from splatc.bitstream import Metadata, Reader, limits
from splatc.bitstream.container import SIGNATURE, write
from splatc.errors import CorruptFileError, LimitError
from tests.bitstream_cases import assert_equal, header_for, random_quantized


def file_with(metadata: Metadata) -> bytes:
    header = header_for(64, 48)
    return bitstream.encode(header, random_quantized(np.random.default_rng(0), header, 50), metadata)


def with_chunk(data: bytes, kind: bytes, payload: bytes) -> bytes:
    return data + write([(kind, payload)])[len(SIGNATURE) :]


def metadata_of(data: bytes) -> Metadata:
    return Reader(io.BytesIO(data)).metadata()


@pytest.mark.parametrize(
    "metadata",
    [
        Metadata(),
        Metadata(icc=b"\0" * 3000),
        Metadata(exif=b"II*\0", xmp="<x:xmpmeta/> é".encode()),
        Metadata(b"a", b"b", b"c"),
    ],
)
def test_metadata_come_back(metadata: Metadata) -> None:
    data = file_with(metadata)
    assert metadata_of(data) == metadata
    assert_equal(bitstream.decode(data)[1], bitstream.decode(file_with(Metadata()))[1])
    assert len(data) < len(file_with(Metadata())) + 3 * 40
    types = [chunk.type for chunk in bitstream.inspect(data).chunks]
    assert types == ["HEAD", *(["iccp"] if metadata.icc else []), "GAUS"] + [
        kind for kind, content in (("exif", metadata.exif), ("xmpd", metadata.xmp)) if content
    ]


def test_without_metadata_nothing_is_written() -> None:
    assert len(bitstream.inspect(file_with(Metadata())).chunks) == 2


def test_too_much_metadata_is_refused() -> None:
    with pytest.raises(LimitError, match="16777217 bytes of EXIF, the format allows at most 16777216"):
        file_with(Metadata(exif=bytes(limits.MAX_METADATA + 1)))


def lying(content: bytes, size: int) -> bytes:
    """A frame of content that states another size: its header has the size in one, two, four or eight bytes."""
    frame = bytearray(zstandard.ZstdCompressor().compress(content))
    width = {0: 1, 1: 2, 2: 4, 3: 8}[frame[4] >> 6]
    at = 5 + (0 if frame[4] & 32 else 1)
    frame[at : at + width] = (size - 256 * (width == 2)).to_bytes(width, "little")
    return bytes(frame)


@pytest.mark.parametrize(
    ("payload", "error", "message"),
    [
        (lambda: b"", CorruptFileError, "is no zstd frame|does not state"),
        (lambda: b"not a frame", CorruptFileError, "is no zstd frame"),
        (
            lambda: zstandard.ZstdCompressor().compress(b"x" * 5000)[:-3],
            CorruptFileError,
            "holds other than|no zstd frame",
        ),
        (
            lambda: zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 99),
            CorruptFileError,
            "does not state",
        ),
        (lambda: zstandard.ZstdCompressor().compress(bytes(2**24 + 1)), LimitError, "holds 16777217 bytes"),
        (lambda: lying(bytes(2**20), 300), CorruptFileError, "holds other than|no zstd frame"),
        (lambda: lying(bytes(1000), 999), CorruptFileError, "holds other than|no zstd frame"),
    ],
)
def test_hostile_frames_are_refused(payload: Callable[[], bytes], error: type[Exception], message: str) -> None:
    data = with_chunk(file_with(Metadata()), b"exif", payload())
    bitstream.decode(data)  # who asks for the picture alone gets it
    with pytest.raises(error, match=message):
        metadata_of(data)


def test_there_is_one_of_each() -> None:
    data = file_with(Metadata(icc=b"profile"))
    with pytest.raises(CorruptFileError, match="a second iccp"):
        bitstream.decode(with_chunk(data, b"iccp", zstandard.ZstdCompressor().compress(b"other")))


def test_a_damaged_chunk_is_found() -> None:
    data = bytearray(file_with(Metadata(exif=b"something")))
    data[-6] ^= 1
    with pytest.raises(CorruptFileError, match=r"chunk exif .* is damaged"):
        metadata_of(bytes(data))
