"""Damaged, foreign and hostile files: a SplatError with a helpful sentence, never anything else."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatc import bitstream
from splatc.bitstream.container import GAUSSIANS_CHUNK, HEADER_CHUNK, SIGNATURE, write
from splatc.errors import CorruptFileError, LimitError, SplatError, UnsupportedFileError
from tests.bitstream_cases import assert_equal, header_for, random_quantized


def parts(data: bytes) -> tuple[bytes, bytes]:
    """The HEAD and GAUS payloads of a file."""
    found = {chunk.type: data[chunk.offset : chunk.offset + chunk.length] for chunk in bitstream.inspect(data).chunks}
    return found["HEAD"], found["GAUS"]


def rebuilt(data: bytes, change: Callable[[bytearray, bytearray], None]) -> bytes:
    """The file with changed payloads, and CRCs to match."""
    head, body = (bytearray(payload) for payload in parts(data))
    change(head, body)
    return write([(HEADER_CHUNK, bytes(head)), (GAUSSIANS_CHUNK, bytes(body))])


def test_every_truncation_is_found(tiny_file: bytes) -> None:
    for length in range(len(tiny_file)):
        with pytest.raises(CorruptFileError):
            bitstream.decode(tiny_file[:length])


def test_every_flipped_bit_is_found(tiny_file: bytes) -> None:
    for bit in range(0, 8 * len(tiny_file), 3):
        damaged = bytearray(tiny_file)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SplatError):
            bitstream.decode(bytes(damaged))


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    for candidate in (data, SIGNATURE + data):
        with pytest.raises(CorruptFileError):
            bitstream.decode(candidate)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(1, 60))
def test_noise_with_a_good_crc_is_refused_or_the_one_file_of_what_it_says(seed: int, length: int, count: int) -> None:
    """The entropy decoder itself meets noise. A short stream may mean something; then no other file means the same."""
    rng = np.random.default_rng(seed)
    header = header_for(768, 512)
    file = bitstream.encode(header, random_quantized(rng, header, count))
    noise = rng.integers(0, 256, length, np.uint8).tobytes()
    data = write([(HEADER_CHUNK, parts(file)[0]), (GAUSSIANS_CHUNK, noise)])
    try:
        found_header, gaussians = bitstream.decode(data)
    except CorruptFileError:
        return
    assert bitstream.encode(found_header, gaussians) == data


@pytest.mark.parametrize("extra", [b"\0", b"\1", b"\0\0\0\0", b"12345678"])
def test_bytes_after_the_last_gaussian_are_found(tiny_file: bytes, extra: bytes) -> None:
    with pytest.raises(CorruptFileError, match="does not end where its last Gaussian does"):
        bitstream.decode(rebuilt(tiny_file, lambda head, body: body.extend(extra)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (SIGNATURE[:5], "truncated"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "not a .splat2d file: it starts with 89 50 4e 47"),
        (SIGNATURE.replace(b"\r\n", b"\n") + bytes(40), "text mode"),
        (SIGNATURE.replace(b"\n", b"\r\n") + bytes(40), "text mode"),
        (SIGNATURE.decode("latin-1").encode() + bytes(40), "text mode"),
        (SIGNATURE.decode("utf-8", "replace").encode() + bytes(40), "text mode"),
        (bytes([SIGNATURE[0] & 127]) + SIGNATURE[1:] + bytes(40), "text mode"),
    ],
)
def test_a_wrong_signature_says_what_the_file_is(data: bytes, message: str) -> None:
    with pytest.raises(CorruptFileError, match=message):
        bitstream.read_header(data)


def chunk(kind: bytes, payload: bytes) -> bytes:
    return write([(kind, payload)])[len(SIGNATURE) :]


def test_unknown_chunks(tiny_file: bytes) -> None:
    note = chunk(b"noTE", b"hello")
    table = bitstream.inspect(tiny_file).chunks
    gaus = table[1].start
    for data in (tiny_file[:gaus] + note + note + tiny_file[gaus:], tiny_file + note):
        assert_equal(bitstream.decode(data)[1], bitstream.decode(tiny_file)[1])
        assert "noTE" in [entry.type for entry in bitstream.inspect(data).chunks]
        with pytest.raises(CorruptFileError, match=r"chunk noTE .* is damaged"):
            bitstream.decode(data.replace(b"hello", b"jello"))
    with pytest.raises(UnsupportedFileError, match="needs chunk TiLE"):
        bitstream.decode(tiny_file[:gaus] + chunk(b"TiLE", b"") + tiny_file[gaus:])


def test_order_and_number_of_chunks(tiny_file: bytes) -> None:
    head, body = parts(tiny_file)
    first, second = (HEADER_CHUNK, head), (GAUSSIANS_CHUNK, body)
    for chunks, message in (
        ([second, first], "the first chunk is GAUS, expected HEAD"),
        ([first, second, second], "a second GAUS"),
        ([first, first, second], "a second HEAD"),
        ([first], "the GAUS chunk is missing"),
        ([first, (b"aa a", b""), second], "no chunk type"),
        ([first, *[(b"note", b"")] * 1024, second], "more than 1024 chunks"),
    ):
        with pytest.raises(CorruptFileError, match=message):
            bitstream.decode(write(chunks))
    with pytest.raises(CorruptFileError, match="truncated or has extra bytes"):
        bitstream.decode(tiny_file + b"x")


def test_a_length_beyond_the_file_is_refused(tiny_file: bytes) -> None:
    gaus = bitstream.inspect(tiny_file).chunks[1]
    with pytest.raises(CorruptFileError, match="claims 34359738367 bytes"):
        bitstream.decode(tiny_file[: gaus.start + 4] + b"\xff\xff\xff\xff\x7f" + tiny_file[gaus.offset :])


@pytest.mark.parametrize(
    ("length", "message"),
    [(b"\x80\0", "of the file is not in its shortest form"), (b"\x80" * 5, "of the file is longer than five bytes")],
)
def test_a_length_that_is_no_number_is_refused(tiny_file: bytes, length: bytes, message: str) -> None:
    gaus = bitstream.inspect(tiny_file).chunks[1]
    with pytest.raises(CorruptFileError, match=message):
        bitstream.decode(tiny_file[: gaus.start + 4] + length + bytes(9))


@pytest.mark.parametrize("version", [(1, 2), (0, 1), (0, 3), (0, 0), (2, 0), (255, 255)])
def test_other_versions_are_named(tiny_file: bytes, version: tuple[int, int]) -> None:
    def change(head: bytearray, body: bytearray) -> None:
        head[:] = bytes(version)  # of another version's header only the version may be read

    with pytest.raises(
        UnsupportedFileError, match=rf"format version {version[0]}\.{version[1]}, this splatc reads 1\.1:"
    ):
        bitstream.read_header(rebuilt(tiny_file, change))


@pytest.mark.parametrize(
    ("start", "stop", "replacement", "error", "message"),
    [
        (2, 3, b"\x15", CorruptFileError, "flags in the HEAD chunk is 21"),
        (3, 4, b"\x00", CorruptFileError, "width in the HEAD chunk is 0"),
        (3, 4, b"\xc0\x00", CorruptFileError, "not in its shortest form"),
        (3, 4, b"\xff\xff\xff\xff\xff\x01", CorruptFileError, "longer than five bytes"),
        (3, 4, b"\xff\xff\xff\xff\x0f", LimitError, "width in the HEAD chunk is 4294967295"),
        (3, 5, b"\x80\x80\x40\x80\x80\x40", LimitError, "1048576 x 1048576 px"),
        (8, 9, b"\xff", CorruptFileError, "position in the HEAD chunk is 255"),
        (10, 11, b"\x00", CorruptFileError, "log_scales in the HEAD chunk is 0"),
        (17, 18, b"\x11", CorruptFileError, "levels in the HEAD chunk is 17"),
        (17, 18, b"\x00", CorruptFileError, "bytes, expected 18"),
        (17, None, b"\x01\x00", CorruptFileError, "top level .* has no Gaussian"),
        (17, None, b"\x01\xff\xff\xff\x7f", LimitError, "level_counts in the HEAD chunk is 268435455"),
        (17, None, b"\x02\xff\xff\xff\x1f\xff\xff\xff\x1f", LimitError, "134217726 Gaussians"),
        (17, None, b"\x01\xff\xff\x7f", CorruptFileError, "declares 2097151 Gaussians"),
        (17, None, b"", CorruptFileError, "HEAD chunk ends too early"),
        (17, None, b"\x01\x80", CorruptFileError, "HEAD chunk ends too early"),
    ],
)
def test_each_rule_of_the_header(
    tiny_file: bytes, start: int, stop: int | None, replacement: bytes, error: type[SplatError], message: str
) -> None:
    def change(head: bytearray, body: bytearray) -> None:
        head[start : len(head) if stop is None else stop] = replacement

    with pytest.raises(error, match=message):
        bitstream.decode(rebuilt(tiny_file, change))


def test_a_header_that_fails_its_crc_is_damaged_and_not_used(tiny_file: bytes) -> None:
    damaged = bytearray(tiny_file)
    damaged[16] = 9  # the major version
    with pytest.raises(CorruptFileError, match="chunk HEAD at byte 8 is damaged"):
        bitstream.read_header(bytes(damaged))


def test_a_small_file_costs_little_however_it_lies() -> None:
    """A hundred bytes of payload that declare all the Gaussians they may."""
    empty = bitstream.encode(header_for(2**20, 2**12), random_quantized(np.random.default_rng(0), header_for(1, 1), 0))
    head = bytearray(parts(empty)[0])
    head[-1:] = b"\x01\x88\x02"  # one level, of 264 Gaussians
    data = write([(HEADER_CHUNK, bytes(head)), (GAUSSIANS_CHUNK, bytes(100))])
    start = time.perf_counter()
    assert bitstream.read_header(data).count == 64 + 2 * 100
    bitstream.inspect(data)  # zeros happen to be a valid stream: all Gaussians in the first cell
    assert time.perf_counter() - start < 1.0
