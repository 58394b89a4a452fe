"""The decoder in Numba reads what the one of constriction reads: the same symbols, the same tables after them, the same refusals."""

from __future__ import annotations

import contextlib
import types
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from splatc.bitstream.quick_models import FIRST_SHARE

from splatc import bitstream
from splatc.bitstream import Header, layout, quick, stream
from splatc.bitstream.layout import LevelRange
from splatc.bitstream.stream import GaussianSymbols
from splatc.errors import CorruptFileError
from splatc.quantize import ANGLE_COUNTS
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, random_quantized


def assert_same(a: GaussianSymbols, b: GaussianSymbols) -> None:
    for found, expected in ((a, b), (a.attributes, b.attributes)):
        for name, values in vars(expected).items():
            if name != "attributes":
                np.testing.assert_array_equal(getattr(found, name), values, name)


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 30, 400, 3000]),
    st.integers(1, 4),
    st.integers(1, 32),
    st.booleans(),
    st.sampled_from(["whole", "noise", "cut", "longer"]),
)
def test_both_decoders_read_the_same(
    seed: int, count: int, channels: int, sizes: int, crowded: bool, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    header = header_for(300, 200, channels, Quantizer(sizes=sizes))
    data = bitstream.encode(header, random_quantized(rng, header, count, crowded=crowded))
    header = bitstream.read_header(data)
    body = bitstream.inspect(data).chunks[1]
    content = data[body.offset : body.offset + body.length]
    length = len(content)
    if kind == "noise":
        content = content[: length // 2] + rng.bytes(length - length // 2)
    elif kind == "cut":
        content = content[: rng.integers(0, length + 1)]
    elif kind == "longer":
        content, length = content + b"\1", length + 1
    (section,) = layout.undivided(header, length)
    tables = stream.Tables()
    try:
        expected, _ = stream.decode(header, section, content, tables)
    except CorruptFileError as error:
        with pytest.raises(CorruptFileError) as found:
            quick.decode(header, section, content, None)
        assert str(found.value) == str(error)
        return
    symbols, learned = quick.decode(header, section, content, None)
    assert_same(symbols, expected)
    if kind == "whole":
        for (points, share), table in tables.splits.items():
            row = learned.splits[points, share - FIRST_SHARE, : points + 1]
            np.testing.assert_array_equal(row, table.counts)
        for index, table in enumerate(tables.attributes.of_directions(count) for count in ANGLE_COUNTS):
            np.testing.assert_array_equal(learned.turns[index, : len(table.counts)], table.counts)


def test_tables_that_a_parent_learned_are_not_changed_by_its_sections() -> None:
    header = header_for(300, 200)
    data = bitstream.encode(header, random_quantized(np.random.default_rng(0), header, 500))
    header = bitstream.read_header(data)
    body = bitstream.inspect(data).chunks[1]
    (section,) = layout.undivided(header, body.length)
    content = data[body.offset : body.offset + body.length]
    _, learned = quick.decode(header, section, content, None)
    before = learned.copy()
    with contextlib.suppress(CorruptFileError):  # it was not coded with these tables
        quick.decode(header, section, content, learned)
    for name, values in vars(before).items():
        np.testing.assert_array_equal(getattr(learned, name), values, name)


@pytest.mark.parametrize("decoder", [stream, quick])
def test_no_room_is_made_for_what_a_cut_stream_cannot_hold(
    decoder: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = replace(header_for(4000, 4000), level_counts=(100_000_000,))
    (section,) = layout.undivided(header, 60_000_000)
    asked = []
    room = stream.empty_symbols

    def note(header: Header, levels: list[LevelRange]) -> GaussianSymbols:
        asked.append(levels)
        return room(header, [])

    monkeypatch.setattr(decoder, "empty_symbols", note)
    symbols, _ = decoder.decode(header, section, bytes(100), stream.Tables() if decoder is stream else None)
    assert (asked, len(symbols.level)) == ([[]], 0)
