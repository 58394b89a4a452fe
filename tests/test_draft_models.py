"""Models of the draft: every decoder has the same integers, shares of the code space are sound, and nothing of 1.0 changes."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import splatc
from splatc import bitstream, core
from splatc.bitstream import Header, Layer, Reader
from splatc.bitstream.container import write
from splatc.bitstream.header import DRAFT_VERSION
from splatc.bitstream.layout import Layout
from splatc.core.pool import set_threads, threads
from splatc.errors import CorruptFileError
from splatc.quantize import ANGLE_COUNTS, OFFSET_COUNTS
from splatc.steps import Quantizer, step_q32
from tests import independent_decoder
from tests.bitstream_cases import assert_equal, header_for, random_quantized
from tests.independent_decoder import draft
from tests.independent_decoder.model import Symbols
from tests.surgery import chunks_of

ALL = (1, 2, 3, 4, 5, 6, 7)
DIVISIONS: tuple[Layout | None, ...] = (None, (Layer(2, 8), Layer(1, 7), Layer(3, 6)))
FINE = Quantizer(angle=80, log_scales=7)
"""With up to 256 directions."""


def modelled(models: int, channels: int = 3, quantizer: Quantizer | None = None) -> Header:
    return replace(header_for(300, 200, channels, quantizer), version=DRAFT_VERSION, models=models)


@pytest.mark.parametrize("models", ALL)
@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("crowded", [False, True])
def test_independent_decoder_has_the_same_integers(models: int, division: Layout | None, crowded: bool) -> None:
    header = modelled(models, quantizer=FINE)
    data = bitstream.encode(
        header, random_quantized(np.random.default_rng(models), header, 300, crowded=crowded), layout=division
    )
    found_header, gaussians = bitstream.decode(data)
    assert found_header.models == models
    found = independent_decoder.decode(data)
    for name, values in vars(gaussians).items():
        np.testing.assert_array_equal(getattr(found, name), values, name)


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 40, 900]),
    st.integers(1, 4),
    st.sampled_from(ALL),
    st.sampled_from(DIVISIONS),
    st.sampled_from([Quantizer(), FINE, Quantizer(angle=0, aspect=130), Quantizer(angle=191)]),
    st.booleans(),
)
def test_what_is_written_is_read(
    seed: int, count: int, channels: int, models: int, division: Layout | None, quantizer: Quantizer, crowded: bool
) -> None:
    header = modelled(models, channels, quantizer)
    gaussians = random_quantized(np.random.default_rng(seed), header, count, crowded=crowded)
    division = division if len(np.unique(gaussians.level)) == 6 else None
    data = bitstream.encode(header, gaussians, layout=division)
    again_header, again = bitstream.decode(data)
    assert bitstream.encode(again_header, again, layout=Reader(io.BytesIO(data)).layout) == data
    plain = bitstream.encode(replace(header, models=0), gaussians, layout=division)
    if division is None:  # in other files Gaussians are in another order, but in both alike
        assert_equal(again, gaussians)
    assert_equal(again, bitstream.decode(plain)[1])
    assert bitstream.measure(header, gaussians) == len(bitstream.encode(header, gaussians))


def test_threads_do_not_matter() -> None:
    header = modelled(7)
    gaussians = random_quantized(np.random.default_rng(3), header, 4000)
    before, files = threads(), []
    try:
        for count in (1, 3):
            set_threads(count)
            files.append(bitstream.encode(header, gaussians, layout=DIVISIONS[1]))
            assert len(bitstream.decode(files[-1])[1]) == 4000
    finally:
        set_threads(before)
    assert files[0] == files[1]


def test_regions_coarse_versions_and_truncated_files() -> None:
    header = modelled(7)
    whole = random_quantized(np.random.default_rng(4), header, 2000)
    data = bitstream.encode(header, whole, layout=DIVISIONS[1])
    _, gaussians = bitstream.decode(data)
    reader = Reader(io.BytesIO(data))
    coarse = reader.read(max_level=2)
    np.testing.assert_array_equal(coarse.angle, gaussians.angle[gaussians.level >= 2])
    region = reader.read((0.0, 0.0, 40.0, 40.0))  # from what the reader remembers, too
    cells = {tuple(row) for row in np.stack([gaussians.level, gaussians.x, gaussians.y, gaussians.angle], 1).tolist()}
    assert 0 < len(region) < len(gaussians)
    assert {tuple(row) for row in np.stack([region.level, region.x, region.y, region.angle], 1).tolist()} <= cells
    single = bitstream.encode(header, whole)
    for cut in (len(single) // 3, len(single) // 2, len(single) - 20):
        part = Reader(io.BytesIO(single[:cut])).read(allow_truncated=True)
        assert_equal(part, whole.take(np.arange(len(part))))
    assert len(part) > 0


def test_a_picture_is_drawn_as_without_models() -> None:
    header = modelled(7)
    gaussians = random_quantized(np.random.default_rng(5), header, 60)
    pictures = [splatc.decode(bitstream.encode(replace(header, models=models), gaussians)) for models in (0, 7)]
    np.testing.assert_array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize("kind", ["noise", "flipped"])
def test_damaged_streams_are_refused_or_read_by_all_alike(kind: str) -> None:
    header = modelled(7, quantizer=FINE)
    data = bitstream.encode(header, random_quantized(np.random.default_rng(6), header, 120))
    chunk = bitstream.inspect(data).chunks[-1]
    rng, refused = np.random.default_rng(7), 0
    for _ in range(30):
        body = bytearray(data[chunk.offset : chunk.offset + chunk.length])
        at = int(rng.integers(len(body) // 4, len(body)))
        if kind == "noise":
            body[at:] = rng.bytes(len(body) - at)
        else:
            body[at] ^= 1 << int(rng.integers(8))
        damaged = write([*chunks_of(data)[:-1], (b"GAUS", bytes(body))])
        try:
            _, expected = bitstream.decode(damaged)
        except CorruptFileError:
            with pytest.raises(ValueError, match=r"\w"):
                independent_decoder.decode(damaged)
            refused += 1
            continue
        found = independent_decoder.decode(damaged)
        for name, values in vars(expected).items():
            np.testing.assert_array_equal(getattr(found, name), values, name)
    assert refused > 15


def test_slices_of_every_direction_have_shares() -> None:
    """And about those of their areas."""
    for m in ANGLE_COUNTS[1:]:
        for f in OFFSET_COUNTS[1:]:
            for angle in range(m):
                cumulative = np.array(draft.slices(angle, m, f))
                assert cumulative[0] == 0 and cumulative[-1] == 65536 and np.diff(cumulative).min() >= 1
                theta = np.pi * angle / m
                small, large = sorted((abs(np.sin(theta)), abs(np.cos(theta))))
                v = (np.arange(f + 1) / f) * (small + large)
                low = np.minimum(v, small + large - v)
                area = np.where(low < small, low**2 / (2 * large * max(small, 1e-12)), (low - small / 2) / large)
                area = np.where(v > (small + large) / 2, 1 - area, area)
                np.testing.assert_allclose(cumulative / 65536, area, atol=0.004)


@settings(max_examples=60)
@given(
    st.sampled_from(ANGLE_COUNTS[1:]),
    st.lists(st.tuples(st.sampled_from(ANGLE_COUNTS[1:]), st.integers(0, 255)), max_size=9),
    st.integers(0, 15),
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
)
def test_frequencies_of_directions_are_at_least_1(
    m: int, others: list[tuple[int, int]], level: int, prediction: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    around = draft.Around(modelled(7), [], [], [])  # type: ignore[arg-type]
    around.ms = [each for each, _ in others] + [m]
    around.angles = [angle % each for each, angle in others]
    around.level, around.first = level, len(others)
    around.x, around.y = rng.integers(0, 2 ** int(rng.integers(1, 31)), (2, len(others) + 1))
    weights = rng.integers(1, 2 ** int(rng.integers(1, 30)), m).tolist()
    cumulative = around.distribution(len(others), prediction % m, independent_decoder.coder.table(weights))
    assert cumulative[0] == 0 and cumulative[-1] == 65536
    assert np.diff(cumulative).min() >= 1


@settings(max_examples=100)
@given(
    st.sampled_from([1, 2]),
    st.lists(st.integers(-(2**20), 2**20), max_size=6),
    st.integers(-32768, 32767),
    st.integers(0, 191),
    st.integers(0, 15),
    st.tuples(st.integers(-32768, 32767), st.integers(-300, 300)),
    st.integers(0, 2**26),
    st.integers(4, 2**20),
)
def test_frequencies_of_chroma_are_at_least_1(
    channel: int, v: list[int], prediction: int, step: int, level: int, before: tuple[int, int], far: int, number: int
) -> None:
    reader = draft.ChromaReader(independent_decoder.coder.RangeDecoder(b""), independent_decoder.tables.Tables(5))
    reader.made[channel] = independent_decoder.coder.table(list(range(98)))
    model = independent_decoder.coder.ParametricModel([0] * 98, far)
    model.number = number
    symbol = Symbols(level, 0, 0, 0, 0, 1, 0, 0, [*before, 0][: channel + 1])
    cumulative = reader.distribution(model, symbol, channel, step_q32(step), prediction, v)
    assert cumulative[0] == 0 and cumulative[-1] == 65536
    assert np.diff(cumulative).min() >= 1


def test_models_are_of_a_draft() -> None:
    with pytest.raises(ValueError, match="models 3 in a file of version"):
        bitstream.encode(
            replace(header_for(8, 8), models=3), random_quantized(np.random.default_rng(0), header_for(8, 8), 1)
        )
    with pytest.raises(ValueError, match=r"must be 0\.\.7"):
        bitstream.encode(modelled(8), random_quantized(np.random.default_rng(0), modelled(0), 1))
    assert core.AROUND == 14
