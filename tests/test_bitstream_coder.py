"""The range coder is the one of spec/coder.md: its text, written down in Python, reads and delimits what constriction writes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatc.bitstream import priors
from splatc.bitstream.coder import (
    INCREMENT,
    SMOOTH,
    TOTAL,
    AdaptiveTable,
    Decoder,
    Encoder,
    Frequencies,
    Symbols,
    code_bits,
    frequencies_of,
)
from splatc.bitstream.parametric import ParametricModel
from splatc.core import packing
from splatc.errors import CorruptFileError


class SpecDecoder:
    """spec/coder.md, "Range decoder"."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.words = 0
        self.range = 2**64 - 1
        self.offset = self.word() << 32
        self.offset += self.word()

    def word(self) -> int:
        self.words += 1
        return int.from_bytes(self.data[4 * self.words - 4 : 4 * self.words].ljust(4, b"\0"), "big")

    def symbol(self, frequencies: list[int]) -> int:
        scale = self.range >> 24
        quantile = self.offset // scale
        assert quantile < 1 << 24
        low, symbol = 0, 0
        while quantile >= low + 256 * frequencies[symbol]:
            low += 256 * frequencies[symbol]
            symbol += 1
        self.offset -= scale * low
        self.range = scale * 256 * frequencies[symbol]
        if self.range < 1 << 32:
            self.range <<= 32
            self.offset = (self.offset << 32) + self.word()
        return symbol


def spec_stream(coded: list[tuple[list[int], int]]) -> bytes:
    """spec/coder.md, "End": the shortest string whose number lies in the final interval."""
    low, extent, shifted = 0, 2**64 - 1, 0
    for frequencies, symbol in coded:
        scale = extent >> 24
        low += scale * 256 * sum(frequencies[:symbol])
        extent = scale * 256 * frequencies[symbol]
        if extent < 1 << 32:
            low, extent, shifted = low << 32, extent << 32, shifted + 1
    total = 8 + 4 * shifted
    for length in range(total + 1):
        unit = 1 << 8 * (total - length)
        value = -(-low // unit) * unit
        if value < low + extent:
            return value.to_bytes(total, "big")[:length]
    raise AssertionError


tables = st.lists(st.sampled_from([0, 0, 0, 1, 5, 1000, 10**6]), min_size=2, max_size=40).map(
    lambda weights: frequencies_of(np.array(weights, np.int64) + (sum(weights) == 0))
)


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[Frequencies, list[int]]]:
    message = []
    for table in draw(st.lists(tables, max_size=12)):
        edges = st.sampled_from([0, len(table) - 1, int(np.argmax(table))])
        message.append((table, draw(st.lists(edges | st.integers(0, len(table) - 1), min_size=1, max_size=20))))
    return message


@settings(max_examples=100)
@given(messages())
def test_constriction_is_the_coder_of_the_specification(message: list[tuple[Frequencies, list[int]]]) -> None:
    encoder = Encoder()
    for table, symbols in message:
        encoder.code(table, np.array(symbols, np.int32))
    stream = encoder.finish()
    single = [(table.tolist(), symbol) for table, symbols in message for symbol in symbols]
    assert stream == spec_stream(single)

    spec, decoder = SpecDecoder(stream), Decoder(stream)
    assert [spec.symbol(table) for table, _ in single] == [symbol for _, symbol in single]
    assert len(stream) <= 4 * spec.words
    for table, symbols in message:
        found = np.zeros(len(symbols), np.int32)
        decoder.code(table, found)
        assert found.tolist() == symbols
    decoder.finish()
    assert len(stream) <= decoder.bits.get("", 0) / 8 + 2


def test_a_carry_runs_through_all_bytes_written_so_far() -> None:
    """The largest symbols first, then the last one that fits: the interval ends at the top of the number line."""
    table = frequencies_of(np.array([1, 0]))
    for length in range(1, 60):
        symbols = np.ones(length, np.int32)
        symbols[-1] = length % 2
        encoder = Encoder()
        encoder.code(table, symbols)
        assert encoder.finish() == spec_stream([(table.tolist(), symbol) for symbol in symbols.tolist()])


def test_frequencies_sum_up_and_follow_the_weights() -> None:
    rng = np.random.default_rng(0)
    for alphabet in (1, 2, 3, 64, 256, 5000):
        weights = rng.integers(0, 1 << 30, alphabet)
        table = frequencies_of(weights)
        assert table.sum() == TOTAL
        assert table.min() >= 1
        assert np.all(np.abs(table - weights / weights.sum() * TOTAL) <= alphabet + 1)


class Recorder:
    """A coder that keeps what it is given."""

    part = ""

    def __init__(self) -> None:
        self.calls: list[tuple[Frequencies, Symbols]] = []

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        self.calls.append((frequencies, symbols))


def test_adaptive_tables_learn_in_batches() -> None:
    recorder = Recorder()
    table = AdaptiveTable(np.array([INCREMENT, INCREMENT]))
    table.code(recorder, np.zeros(10, np.int32))
    table.code(recorder, np.zeros(0, np.int32))
    table.code(recorder, np.ones(50, np.int32))
    assert [len(symbols) for _, symbols in recorder.calls] == [4, 4, 2, 4, 4, 4, 5, 6, 8, 10, 9]
    assert [frequencies.tolist() for frequencies, _ in recorder.calls[:3]] == [
        frequencies_of(np.array(counts)).tolist() for counts in ([1, 1], [5, 1], [9, 1])
    ]


def test_smooth_tables_learn_of_neighbours_too_and_inherit_what_was_learned() -> None:
    recorder = Recorder()
    table = AdaptiveTable(np.ones(8, np.int64), SMOOTH)
    table.code(recorder, np.array([0, 5, 5], np.int32))
    inheriting = table.inherited()
    for each in (table, inheriting):
        each.code(recorder, np.zeros(1, np.int32))
    learned = np.array([129, 33, 33, 65, 65, 257, 65, 65])
    expected = [frequencies_of(learned), frequencies_of(1 + learned * 8192 // learned.sum())]
    np.testing.assert_array_equal([frequencies for frequencies, _ in recorder.calls[1:]], expected)


def test_parametric_models_learn_how_far_residuals_spread_before_how_often_each_occurs() -> None:
    recorder = Recorder()
    table = ParametricModel()
    table.code(recorder, np.array([48, 48, 58, 38], np.int32))  # residuals 0, 0, 10, -10
    for each in (table, table.inherited()):
        each.code(recorder, np.array([48], np.int32))
    seen = np.zeros(98, np.int64)
    inherited = seen.copy()
    seen[[48, 58, 38]] = 512, 256, 256
    inherited[[48, 58, 38]] = 1024, 512, 512
    expected = [
        priors.residual(256 * 12 // (12 + 4), 96),
        seen + priors.residual(256 * 32 // (32 + 8), 96),
        inherited + priors.residual(256 * 16 // (16 + 4), 96),  # 16 / 4 is the mean distance of 32 / 8
    ]
    for (frequencies, _), counts in zip(recorder.calls, expected, strict=True):
        np.testing.assert_array_equal(frequencies, frequencies_of(counts))


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 16, 20])
def test_uniform_bits(bits: int) -> None:
    values = np.random.default_rng(bits).integers(0, 1 << bits, 100).astype(np.int32)
    encoder = Encoder()
    code_bits(encoder, values.copy(), bits)
    stream = encoder.finish()
    assert abs(len(stream) - 100 * bits / 8) <= 2
    found = np.zeros_like(values)
    code_bits(Decoder(stream), found, bits)
    np.testing.assert_array_equal(found, values)


def test_an_impossible_code_is_a_corrupt_file() -> None:
    decoder = Decoder(b"\xff" * 8)
    with pytest.raises(CorruptFileError, match="impossible code"):
        decoder.code(frequencies_of(np.array([1, 1])), np.zeros(10, np.int32))


def test_no_symbols_take_nothing() -> None:
    encoder = Encoder()
    encoder.code_shares(packing.Symbols(np.zeros((0, 3)), np.zeros(0, np.int32)))
    assert encoder.finish() == Encoder().finish()
