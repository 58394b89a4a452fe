"""Every entropy context of ours is a `Context`: a decoder knows what the encoder knew, and what goes on from it is its own."""

from __future__ import annotations

import numpy as np
import pytest

from splatc.attributes import ATTRIBUTES, CODED
from splatc.bitstream import stream
from splatc.bitstream.attributes import ESCAPE
from splatc.bitstream.coder import Decoder, Encoder, Frequencies, Symbols
from splatc.bitstream.contexts import CONTEXTS, Context
from splatc.bitstream.priors import RESIDUAL_RADIUS
from splatc.core.loading import load

ALPHABETS = {"uniform": (2, 5, 24), "log_scale": (1, 5, 32), "aspect": (64,), "angle_residual": (2, 8, 256)}
CASES = [(name, alphabet) for name in CONTEXTS for alphabet in ALPHABETS.get(name, (ESCAPE + 1,))]


class Recorder:
    """A coder that keeps the tables that it is given."""

    def __init__(self) -> None:
        self.part = ""
        self.tables: list[list[int]] = []

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        self.tables.append(frequencies.tolist())


def symbols_for(alphabet: int, count: int = 300) -> Symbols:
    """Uneven ones, all that there are among them."""
    rng = np.random.default_rng(alphabet)
    some = np.minimum(rng.geometric(4.0 / (alphabet + 3), count) - 1, alphabet - 1)
    return rng.permutation(np.concatenate([some, np.arange(alphabet)])).astype(np.int32)


def tables_of(context: Context, symbols: Symbols) -> list[list[int]]:
    """What it codes symbols with; it learns from them."""
    recorder = Recorder()
    context.code(recorder, symbols)
    return recorder.tables


def encoded(context: Context, symbols: Symbols) -> bytes:
    encoder = Encoder()
    context.code(encoder, symbols)
    return encoder.finish()


@pytest.mark.parametrize(("name", "alphabet"), CASES)
def test_symbols_come_back(name: str, alphabet: int) -> None:
    symbols = symbols_for(alphabet)
    ours, theirs = CONTEXTS[name](alphabet), CONTEXTS[name](alphabet)
    decoder, found = Decoder(encoded(ours, symbols)), np.zeros_like(symbols)
    theirs.code(decoder, found)
    np.testing.assert_array_equal(found, symbols)
    decoder.finish()
    more = symbols_for(alphabet)[::-1].copy()
    assert tables_of(ours, more) == tables_of(theirs, more)  # both have learned the same


@pytest.mark.parametrize(("name", "alphabet"), CASES)
def test_every_symbol_can_be_coded_at_any_time(name: str, alphabet: int) -> None:
    context = CONTEXTS[name](alphabet)
    for _ in range(2):
        for table in tables_of(context, symbols_for(alphabet)):
            assert len(table) == alphabet
            assert min(table) >= 1
            assert sum(table) == 1 << 16


@pytest.mark.parametrize(("name", "alphabet"), CASES)
def test_a_copy_goes_its_own_way(name: str, alphabet: int) -> None:
    context, symbols = CONTEXTS[name](alphabet), symbols_for(alphabet)
    tables_of(context, symbols)
    copies = [context.copy() for _ in range(2)]
    tables_of(copies[0], np.full(50, alphabet - 1, np.int32))
    assert tables_of(copies[1], symbols) == tables_of(context, symbols)


@pytest.mark.parametrize(("name", "alphabet"), CASES)
def test_context_inheritance_leaves_the_other_as_it_is(name: str, alphabet: int) -> None:
    context, symbols = CONTEXTS[name](alphabet), symbols_for(alphabet)
    tables_of(context, symbols)
    before = context.copy()
    inheriting = [context.inherited() for _ in range(2)]
    tables_of(inheriting[0], symbols)
    assert tables_of(context, symbols) == tables_of(before, symbols)
    assert tables_of(inheriting[1], symbols) != [] or alphabet == 1


@pytest.mark.parametrize(("name", "alphabet"), CASES)
def test_nothing_teaches_nothing(name: str, alphabet: int) -> None:
    context, fresh = CONTEXTS[name](alphabet), CONTEXTS[name](alphabet)
    context.code(Recorder(), np.zeros(0, np.int32))
    assert tables_of(context, symbols_for(alphabet)) == tables_of(fresh, symbols_for(alphabet))


def test_the_table_of_attributes_names_contexts_that_there_are() -> None:
    assert {context for each in CODED for _, context in each.contexts} == CONTEXTS.keys()
    assert ATTRIBUTES[0].contexts == (("positions", "partition"),)
    assert stream.Tables().partitions == {}
    assert ESCAPE == 2 * RESIDUAL_RADIUS + 1


def test_the_core_has_the_same_attributes_in_the_same_order() -> None:
    names = [load().core_attribute(number) for number in range(-1, len(CODED) + 1)]
    assert names == [None, *(each.name.encode() for each in CODED), None]
