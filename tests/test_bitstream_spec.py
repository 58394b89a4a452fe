"""The normative text and the code say the same: spec/header.md lists the declared fields, spec/example.md a real file."""

from __future__ import annotations

from pathlib import Path

from splatc import bitstream
from splatc.bitstream import header, limits
from tests.bitstream_cases import assert_equal
from tests.bitstream_example import LAYOUT, example, page

SPEC = Path(__file__).parent.parent / "spec"


def test_example_is_what_the_encoder_writes() -> None:
    assert (SPEC / "example.md").read_text() == page()


def test_example_is_a_file_whose_every_byte_is_explained() -> None:
    head, gaussians = example()
    data = bitstream.encode(head, gaussians)
    assert sum(length for length, _ in LAYOUT) == len(data)
    assert_equal(bitstream.decode(data)[1], gaussians)


def test_header_table_is_the_declared_one() -> None:
    rows = [f"| {f.name} | {f.encoding.name} | {f.low}..{f.high} | {f.times} | {f.meaning} |" for f in header.FIELDS]
    assert "\n".join(rows) in (SPEC / "header.md").read_text()
    (f,) = header.DRAFT_FIELDS
    assert (
        f"| {f.name} | {f.encoding.name} | {f.low}..{f.high} | {f.times} | {f.meaning} |"
        in (SPEC / "draft.md").read_text()
    )


def test_limits_are_the_declared_ones() -> None:
    text = (SPEC / "limits.md").read_text()
    for value in (
        limits.MAX_SIDE,
        limits.MAX_PIXELS,
        limits.MAX_GAUSSIANS,
        limits.MAX_GRID_SIDE,
        limits.MAX_CHUNKS,
        limits.MAX_METADATA,
    ):
        assert f"| {value} " in text
    assert f"{limits.FREE_GAUSSIANS} + {limits.GAUSSIANS_PER_BYTE} b" in text
    assert f"{limits.FREE_SECTIONS} + floor(N / {limits.GAUSSIANS_PER_SECTION})" in text
    assert f"| {limits.WORK} N |" in text
