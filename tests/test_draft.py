"""Files of the draft of the next version: what they are, that every reader reads them, and that 1.0 is what is written unasked."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

import splatc
from splatc import bitstream
from splatc.bitstream import Header, Reader
from splatc.bitstream.header import DRAFT_VERSION, VERSION
from splatc.bitstream.header import write as write_header
from splatc.decoder.verifier import find_problems
from splatc.encoder.pipeline import EncodeOptions, encode_image
from splatc.encoder.rate_control import Target
from splatc.errors import CorruptFileError, UnsupportedFileError
from splatc.image.image import Image
from tests import independent_decoder
from tests.hostile.case import divided, draft, plain
from tests.surgery import chunks_of, with_payload


def test_a_file_of_the_draft_is_one_of_1_0_but_for_its_version_and_a_chunk() -> None:
    head, number, body = chunks_of(draft())
    old_head, old_body = chunks_of(plain())
    assert (head[1][:2], head[1][2:]) == (bytes(DRAFT_VERSION), old_head[1][2:] + b"\0")
    assert number == (b"DRFT", b"\1")
    assert body == old_body


def test_all_of_it_is_read_as_before() -> None:
    (header, gaussians), (old_header, old) = bitstream.decode(draft()), bitstream.decode(plain())
    assert header.is_draft and not old_header.is_draft
    assert replace(header, version=VERSION) == old_header
    np.testing.assert_array_equal(gaussians.colour, old.colour)
    np.testing.assert_array_equal(splatc.decode(draft()), splatc.decode(plain()))
    assert find_problems(draft()) == []
    found = independent_decoder.decode(draft())
    assert found.header.version == (1, 1)
    np.testing.assert_array_equal(found.colour, gaussians.colour)


def test_a_file_with_an_index_and_metadata() -> None:
    header, gaussians = bitstream.decode(divided())
    reader = Reader(io.BytesIO(divided()))
    data = bitstream.encode(replace(header, version=DRAFT_VERSION), gaussians, reader.metadata(), layout=reader.layout)
    assert [kind for kind, _ in chunks_of(data)] == [b"HEAD", b"DRFT", b"iccp", b"INDX", b"GAUS", b"exif", b"xmpd"]
    assert bitstream.measure(replace(header, version=DRAFT_VERSION), gaussians) == len(
        bitstream.encode(replace(header, version=DRAFT_VERSION), gaussians)
    )
    assert len(Reader(io.BytesIO(data)).read((0.0, 0.0, 8.0, 8.0))) > 0


def test_another_draft_is_refused_before_anything_else_of_its_header_is_used() -> None:
    another = with_payload(draft(), b"DRFT", lambda number: number.__setitem__(0, 7))
    another = with_payload(another, b"HEAD", lambda head: head.__setitem__(2, 255))
    with pytest.raises(UnsupportedFileError, match=r"draft 7 of format 1\.1; this decoder reads draft 1"):
        bitstream.read_header(another)
    with pytest.raises(ValueError, match="another than 1"):
        independent_decoder.decode(another)


def test_a_file_that_ends_within_its_draft_is_truncated() -> None:
    data = draft()
    for length in range(data.index(b"DRFT"), data.index(b"DRFT") + 10):
        with pytest.raises(CorruptFileError, match="truncated"):
            bitstream.read_header(data[:length])
    reader = Reader(io.BytesIO(data[: data.index(b"DRFT") + 10]))
    assert reader.truncation is not None and reader.sections == ()


def test_what_is_written_unasked_is_1_0() -> None:
    image = Image(np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8))
    files = [encode_image(image, EncodeOptions(Target("bytes", 300), effort=1, draft=asked)) for asked in (False, True)]
    assert [bitstream.read_header(data).version for data in files] == [(1, 0), (1, 1)]
    assert all(len(data) <= 300 for data in files)


def test_no_other_version_is_written() -> None:
    with pytest.raises(ValueError, match="no such version"):
        write_header(Header(1, 1, 1, (0,), version=(1, 2)))
