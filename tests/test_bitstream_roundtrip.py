"""What is encoded comes back, for anything that the format can hold."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatc import bitstream
from splatc.bitstream import Header
from splatc.bitstream.limits import minimum_payload
from splatc.blend import Blend
from splatc.errors import LimitError
from splatc.quantize import QuantizedGaussians
from splatc.steps import Quantizer
from tests.bitstream_cases import assert_equal, header_for, in_coding_order, random_quantized

steps = st.integers(0, 191)
slopes = st.integers(-128, 127)
quantizers = st.builds(
    Quantizer,
    position=st.integers(60, 191),  # finer ones may exceed the grid limit
    position_slope=st.integers(-2, 127),
    log_scales=st.integers(1, 32),
    aspect=steps,
    angle=steps,
    angle_slope=slopes,
    luma=steps,
    chroma=steps,
    colour_slope=slopes,
)
sides = st.one_of(st.integers(1, 300), st.sampled_from([1, 2, 1024, 5000]))


@st.composite
def headers(draw: st.DrawFn) -> Header:
    channels = draw(st.integers(1, 4))
    return Header(
        width=draw(sides),
        height=draw(sides),
        channels=channels,
        background=tuple(draw(st.lists(st.integers(0, 255), min_size=channels, max_size=channels))),
        blend=draw(st.sampled_from(Blend)),
        depth=draw(st.sampled_from([8, 16])),
        quantizer=draw(quantizers),
    )


@settings(max_examples=150)
@given(headers(), st.sampled_from([0, 1, 2, 5, 40, 700]), st.integers(1, 16), st.booleans(), st.integers(0, 2**32 - 1))
def test_decoding_gives_back_what_was_encoded(
    header: Header, count: int, levels: int, crowded: bool, seed: int
) -> None:
    gaussians = random_quantized(np.random.default_rng(seed), header, count, levels=levels, crowded=crowded)
    data = bitstream.encode(header, gaussians)
    decoded_header, decoded = bitstream.decode(data)
    assert_equal(gaussians, decoded)
    assert replace(decoded_header, level_counts=()) == header
    assert decoded_header.count == count
    assert bitstream.read_header(data) == decoded_header
    assert bitstream.encode(decoded_header, decoded) == data


def test_many_gaussians() -> None:
    header = header_for(6000, 4000)
    gaussians = random_quantized(np.random.default_rng(0), header, 200_000)
    reader = bitstream.Reader(io.BytesIO(bitstream.encode(header, gaussians)))
    assert len(reader.sections) > 20
    expected = in_coding_order(reader.header, gaussians, reader.layout)
    assert_equal(expected, reader.read())


@pytest.mark.parametrize("count", [1, 64, 65, 5000])
def test_identical_gaussians_cost_little_more_than_the_least_that_a_payload_may(count: int) -> None:
    header = header_for(64, 64)
    zeros = np.zeros(count, np.int32)
    gaussians = QuantizedGaussians(zeros, zeros, zeros, zeros, zeros, zeros, zeros, np.zeros((count, 3), np.int32))
    data = bitstream.encode(header, gaussians)
    assert_equal(gaussians, bitstream.decode(data)[1])
    assert len(data) < 200 + minimum_payload(count)


@pytest.mark.parametrize("channels", [3, 4])
def test_overhead_of_a_small_file_stays_under_64_bytes(channels: int) -> None:
    """Signature, framing and header of 5000 Gaussians in eight levels, five of them with more than 127."""
    header = header_for(2000, 1500, channels)
    gaussians = random_quantized(np.random.default_rng(0), header, 5000, levels=8)
    inspection = bitstream.inspect(bitstream.encode(header, gaussians))
    assert len(inspection.header.level_counts) == 8
    assert inspection.bits["overhead"] < 8 * 64


def broken(gaussians: QuantizedGaussians, name: str, value: int) -> QuantizedGaussians:
    array = getattr(gaussians, name).copy()
    array[-1] = value
    return replace(gaussians, **{name: array})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", 10_000, "x is out of range"),
        ("y", -1, "y is out of range"),
        ("log_scale", 32, "log_scale is out of range"),
        ("aspect", 64, "aspect is out of range"),
        ("angle", 256, "angle is out of range"),
        ("offset", 24, "offset is out of range"),
        ("colour", 40_000, "colour is out of range"),
        ("level", 16, "levels is 17"),
    ],
)
def test_encoding_refuses_what_the_format_cannot_hold(name: str, value: int, message: str) -> None:
    header = header_for(64, 48)
    gaussians = random_quantized(np.random.default_rng(0), header, 50, levels=3)
    with pytest.raises(ValueError, match=message):
        bitstream.encode(header, broken(gaussians, name, value))


def test_the_order_of_the_gaussians_means_nothing() -> None:
    header = header_for(64, 48)
    gaussians = random_quantized(np.random.default_rng(0), header, 50, levels=3)
    data = bitstream.encode(header, gaussians)
    assert bitstream.encode(header, gaussians.take(np.arange(49, -1, -1))) == data


@pytest.mark.parametrize("header", [header_for(2**20 + 1, 1), header_for(2**20, 2**13)])
def test_encoding_refuses_pictures_beyond_the_limits(header: Header) -> None:
    gaussians = random_quantized(np.random.default_rng(0), header_for(64, 48), 5)
    with pytest.raises(LimitError, match="the format allows at most"):
        bitstream.encode(header, gaussians)


def test_encoding_refuses_a_position_step_too_fine_for_the_picture() -> None:
    header = header_for(2**20, 1, quantizer=Quantizer(position=0))
    with pytest.raises(LimitError, match="position step is too fine"):
        bitstream.encode(header, random_quantized(np.random.default_rng(0), header_for(1, 1), 5))
