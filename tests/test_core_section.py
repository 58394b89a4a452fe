"""The core reads what constriction reads: the same symbols, tables and bits, the same refusals."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatc import bitstream, core
from splatc.bitstream import Header, Layer, Reader, decoding, layout, positions, predict, priors, stream
from splatc.bitstream.coder import AdaptiveTable, Encoder, Frequencies, Symbols
from splatc.bitstream.layout import Layout, Section
from splatc.bitstream.parametric import ParametricModel
from splatc.bitstream.stream import GaussianSymbols
from splatc.core import loading, structs
from splatc.errors import CorruptFileError
from splatc.quantize import ANGLE_COUNTS, QuantizedGaussians, joined, steps_of
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, in_coding_order, random_quantized
from tests.core_calls import DEFAULT, TABLES, DecodeCall, recorded

FIRST_FRACTION = 8
DIVISIONS: tuple[Layout, ...] = (
    (Layer(6, 9),), (Layer(1, 9), Layer(5, 8)), (Layer(2, 10), Layer(1, 9), Layer(2, 8), Layer(1, 7))
)  # fmt: skip


def assert_same(a: GaussianSymbols, b: GaussianSymbols) -> None:
    for name in ("level", "x", "y"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
    assert a.attributes.keys() == b.attributes.keys()
    for name, values in b.attributes.items():
        np.testing.assert_array_equal(a.attributes[name], values, name)


def assert_same_tables(found: core.Tables, expected: stream.Tables, channels: int) -> None:
    """What the core has learned is what constriction's tables have; of tables that nothing was coded with, what they start from."""
    (ours,) = found.view(TABLES)[0]
    for (points, fraction), table in expected.partitions.items():
        row = ours["partitions"][points, fraction - FIRST_FRACTION]
        np.testing.assert_array_equal(row[: points + 1], table.counts)
        assert ours["partitions_seen"][points, fraction - FIRST_FRACTION] == table._seen
    for index, count in enumerate(ANGLE_COUNTS):
        of_choice = expected.attributes.of_choice("angle", "angle_residual", count)
        assert isinstance(of_choice, AdaptiveTable)
        np.testing.assert_array_equal(ours["angles"][index, :count], of_choice.counts)
        assert ours["angles_seen"][index] == of_choice._seen
    for name, attribute in (("log_scales", "log_scale"), ("aspects", "aspect")):
        of_level = expected.attributes._of_level[attribute, 0]
        assert isinstance(of_level, AdaptiveTable)
        np.testing.assert_array_equal(ours[name][: len(of_level.counts)], of_level.counts)
    for channel in range(channels):
        residuals = expected.attributes._of_level["colour", channel]
        assert isinstance(residuals, AdaptiveTable | ParametricModel)
        counts = residuals._counts if isinstance(residuals, ParametricModel) else residuals.counts
        np.testing.assert_array_equal(ours["residuals"][channel], counts)
        if isinstance(residuals, ParametricModel):
            assert (ours["distance"][channel], ours["number"][channel]) == (residuals._distance, residuals._number)


def content_of(data: bytes) -> bytes:
    body = bitstream.inspect(data).chunks[1]
    return data[body.offset : body.offset + body.length]


def read(header: Header, section: Section, content: bytes, *, tally: bool = False) -> decoding.Result:
    """One section by the core."""
    return decoding.decode(header, (section,), {0: content}, {}, {0}, tally=tally)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 30, 400, 3000]),
    st.integers(1, 4),
    st.integers(1, 32),
    st.booleans(),
    st.sampled_from(["whole", "noise", "cut", "longer"]),
)
def test_the_core_reads_what_constriction_reads(
    seed: int, count: int, channels: int, log_scales: int, crowded: bool, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    header = header_for(300, 200, channels, Quantizer(log_scales=log_scales))
    data = bitstream.encode(header, random_quantized(rng, header, count, crowded=crowded))
    header = bitstream.read_header(data)
    content = content_of(data)
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
        expected, bits = stream.decode(header, section, content, tables)
    except CorruptFileError as error:
        with pytest.raises(CorruptFileError) as found:
            read(header, section, content)
        assert str(found.value) == str(error)
        return
    result = read(header, section, content, tally=True)
    assert_same(predict.to_symbols(header.quantizer, result.gaussians[0]), expected)
    if len(content) == length:
        assert_same_tables(result.decoded[0].tables, tables, channels)
        assert {part: cost for part, cost in result.bits[0].items() if cost} == pytest.approx(
            {part: cost for part, cost in bits.items() if cost}, abs=1e-6
        )


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("channels", [1, 4])
def test_sections_go_on_from_what_their_ancestors_learned(division: Layout, channels: int) -> None:
    header = header_for(600, 400, channels)
    gaussians = in_coding_order(header, random_quantized(np.random.default_rng(5), header, 1500), division)
    data = bitstream.encode(header, gaussians, layout=division)
    reader = Reader(io.BytesIO(data))
    sections, header = reader.sections, reader.header
    streams = {number: reader._stream(section) for number, section in enumerate(sections)}
    result = decoding.decode(header, sections, streams, {}, set(streams), tally=True)
    learned: dict[int, stream.Tables] = {}
    total: dict[str, float] = {}
    for number, section in enumerate(sections):
        learned[number] = stream.Tables() if section.parent is None else learned[section.parent].copy()
        symbols, bits = stream.decode(header, section, streams[number], learned[number])
        ancestors = [result.gaussians[each] for each in layout.ancestors(sections, number)]
        earlier = joined(ancestors) if ancestors else None
        assert_same(predict.to_symbols(header.quantizer, result.gaussians[number], earlier), symbols)
        assert_same_tables(result.decoded[number].tables, learned[number], channels)
        for part, cost in bits.items():
            total[part] = total.get(part, 0.0) + cost
    assert reader.bits() == pytest.approx({part: cost for part, cost in total.items() if cost}, abs=1e-6)


def test_tables_that_a_parent_learned_are_not_changed_by_its_sections() -> None:
    header = header_for(600, 400)
    gaussians = in_coding_order(header, random_quantized(np.random.default_rng(0), header, 800), DIVISIONS[1])
    reader = Reader(io.BytesIO(bitstream.encode(header, gaussians, layout=DIVISIONS[1])))
    streams = {number: reader._stream(section) for number, section in enumerate(reader.sections)}
    root = decoding.decode(reader.header, reader.sections, {0: streams[0]}, {}, {0}).decoded[0]
    everything = decoding.decode(reader.header, reader.sections, streams, {}, {0, 1})
    np.testing.assert_array_equal(everything.decoded[0].tables, root.tables)
    before = root.copy()
    assert reader.sections[2].parent == 0
    again = decoding.decode(reader.header, reader.sections, {2: streams[2]}, {0: root}, {0})
    np.testing.assert_array_equal(root.tables, before.tables)
    for name, values in vars(everything.gaussians[2]).items():
        np.testing.assert_array_equal(getattr(again.gaussians[2], name), values, name)


def test_no_room_is_made_for_what_a_cut_stream_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    header = replace(header_for(4000, 4000), level_counts=(100_000_000,))
    (section,) = layout.undivided(header, 60_000_000)
    asked = []
    room = core.Columns.empty

    def note(count: int, channels: int) -> core.Columns:
        asked.append(count)
        return room(count, channels)

    monkeypatch.setattr(core.Columns, "empty", staticmethod(note))
    assert len(read(header, section, bytes(100)).gaussians[0]) == 0
    assert asked == [0]
    symbols, _ = stream.decode(header, section, bytes(100), stream.Tables())
    assert len(symbols.level) == 0


# ---- Tables ----


@pytest.mark.parametrize("log_scales", [1, 5, 32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_first_tables_are_the_priors(log_scales: int, channels: int) -> None:
    (first,) = core.first_tables(steps_of(Quantizer(log_scales=log_scales), channels)).view(TABLES)[0]
    for points in range(2, positions.ADAPTIVE_COUNT + 1):
        for fraction in range(8):
            row = first["partitions"][points, fraction]
            np.testing.assert_array_equal(row[: points + 1], priors.partition(points, fraction + FIRST_FRACTION))
    for index, count in enumerate(ANGLE_COUNTS):
        np.testing.assert_array_equal(first["angles"][index, :count], priors.angle_residual(count))
    np.testing.assert_array_equal(first["log_scales"][:log_scales], priors.log_scale(log_scales))
    np.testing.assert_array_equal(first["aspects"], priors.aspect(64))
    for channel in range(channels):
        chroma = channels > 2 and channel in (1, 2)
        np.testing.assert_array_equal(first["residuals"][channel], 0 if chroma else priors.luma_residual())
        assert (first["distance"][channel], first["number"][channel]) == (12, 4)


def test_partition_tables_of_many_points_are_those_of_unbounded_integers() -> None:
    """All of them: sections of 1 and of 33..255 points, on grids whose first half has each fraction of the cells."""
    numbers = [1, *range(positions.ADAPTIVE_COUNT + 1, 256)]
    cases = [(points, fraction) for points in numbers for fraction in range(8)]
    sections, levels = np.zeros(len(cases), structs.SECTION), np.zeros(len(cases), structs.LEVEL)
    for number, (points, fraction) in enumerate(cases):
        levels[number] = (points, 0, 0, 0, 1, 1024 // (fraction + FIRST_FRACTION), 0)
    sections["count"], sections["levels"], sections["first_level"] = levels["count"], 1, np.arange(len(cases))
    sections["start"] = np.cumsum(levels["count"]) - levels["count"]
    sections["parent"] = sections["tables"] = sections["margin"] = -1
    sections["length"] = 200
    steps = core.make_steps(1, *DEFAULT)
    columns = core.Columns.empty(int(levels["count"].sum()), 1)
    stream = np.random.default_rng(0).bytes(200)
    tables = np.zeros((0, TABLES.itemsize), np.uint8)
    call = DecodeCall(steps, stream, sections, levels, columns, tables, core.first_tables(steps))
    call.run_all()
    made = call.partitions[: 4 * 256 * 8].view(np.int32).reshape(256, 8)
    cumulative = call.partitions[4 * 256 * 8 :].view(np.int32).reshape(256, 8, 257)
    for points, fraction in cases:
        assert made[points, fraction] == 2
        expected = np.cumsum([0, *priors.partition_table(points, fraction + FIRST_FRACTION)])
        np.testing.assert_array_equal(cumulative[points, fraction, : points + 2], expected)


# ---- Damage ----


class _CutEncoder(Encoder):
    """Ends before one of its calls."""

    def __init__(self, part: str, calls: int) -> None:
        super().__init__()
        self._where, self._calls = part, calls

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        if self.part == self._where and len(frequencies) > 1 and len(symbols):
            self._calls -= 1
            if self._calls < 0:
                raise _CutError
        super().code(frequencies, symbols)

    @property
    def has_gap(self) -> bool:
        """Whether there are numbers in the interval that no symbol has: its size is no multiple of 2^24."""
        return bool(self._encoder.pos()[1][1] % (1 << 24))

    def last_number(self) -> bytes:
        """What stands for the last number of the interval."""
        position, (lower, extent) = self._encoder.pos()
        sealed = np.append(self._encoder.get_compressed(), np.zeros(2, np.uint32)).astype(">u4").tobytes()
        head, window = sealed[: 4 * position], int.from_bytes(sealed[4 * position : 4 * position + 8], "big")
        number = int.from_bytes(head, "big") << 64 | window
        number += (lower + extent - 1 - window) % (1 << 64)
        content: bytes = number.to_bytes(len(head) + 8, "big")
        return content


class _CutError(Exception):
    pass


def _cut_stream(header: Header, section: Section, count: int, part: str, calls: int, seed: int) -> bytes:
    """A stream with an impossible code at that call; empty where a range has no room for one."""
    gaussians = random_quantized(np.random.default_rng(seed), header, count, levels=1)
    gaussians = replace(gaussians, colour=gaussians.colour * 40)  # some escapes
    encoder = _CutEncoder(part, calls)
    (level,) = layout.ranges(header, section)
    symbols = predict.to_symbols(header.quantizer, gaussians)
    try:
        stream.code_level(encoder, header, level, symbols, stream.Tables(), positions.encode)
    except _CutError:
        content = encoder.last_number()
        filled = content + bytes([255]) * (section.length - len(content))
        return filled if encoder.has_gap else b""
    return b""


@pytest.mark.parametrize(
    ("part", "calls", "count", "unread"),
    [
        ("positions", 0, 20, "x"), ("positions", 3, 20, "x"), ("positions", 0, 200, "x"), ("positions", 1, 2000, "x"),
        ("log_scale", 1, 20, ""),
        ("aspect", 0, 20, "aspect"), ("angle", 0, 40, "angle"), ("offset", 0, 40, "offset"), ("luma", 0, 20, "luma"),
        ("luma", 5, 20, ""), ("chroma", 1, 20, "first chroma"), ("alpha", 1, 20, "alpha"), ("alpha", 5, 20, ""),
    ],
)  # fmt: skip
def test_nothing_is_read_behind_an_impossible_code(part: str, calls: int, count: int, unread: str) -> None:
    """At every place that reads symbols; what would have been filled in next is as it was."""
    header = replace(header_for(300, 200, 4), level_counts=(count,))
    (section,) = layout.undivided(header, 5000)
    content = next(filter(None, (_cut_stream(header, section, count, part, calls, seed) for seed in range(100))))
    with pytest.raises(CorruptFileError, match="impossible code"):
        stream.decode(header, section, content, stream.Tables())
    call = recorded(lambda: read(header, section, content))
    for array in vars(call.columns).values():
        array[:] = 12345
    assert call.run(0) == loading.IMPOSSIBLE_CODE
    columns = dict(vars(call.columns))
    colour = columns.pop("colour")
    columns |= {"luma": colour[:, 0], "first chroma": colour[4:, 1], "alpha": colour[4:, 3]}  # behind a first batch
    for name, array in columns.items():
        assert name in ("luma", "first chroma", "alpha") or array.min() >= 0
        if name == unread:
            assert np.all((array == 12345) | (array == 0 if name in ("angle", "offset") else False))
    assert all(np.all(part >= 0) for part in (call.tables.view(TABLES)[name] for name in TABLES.names or ()))


# ---- Ends ----


def tiny(count: int, seed: int) -> tuple[Header, QuantizedGaussians]:
    header = header_for(20, 20, 1)
    return header, random_quantized(np.random.default_rng(seed), header, count)


def refusal(reads: Callable[[], object]) -> str:
    """What is said of damage; nothing of what is sound."""
    try:
        reads()
    except CorruptFileError as error:
        return str(error)
    return ""


def test_only_the_shortest_stream_is_the_one() -> None:
    """Of 200 files, what an encoder does not write: a byte of zeros less or more, a number near by that stands for the same symbols."""
    refused = 0
    for seed in range(30):
        header, gaussians = tiny(1 + seed % 5, seed)
        data = bitstream.encode(header, gaussians)
        header, content = bitstream.read_header(data), content_of(data)
        last = content[-1]
        for other in (
            content + b"\0",
            content + b"\1",
            content + bytes(9),
            content + bytes(20) + b"\1",  # behind all that is read
            *(content[:-1] + bytes([last ^ 1 << bit]) for bit in range(8)),
        ):
            (section,) = layout.undivided(header, len(other))
            message = refusal(functools.partial(stream.decode, header, section, other, stream.Tables()))
            assert refusal(functools.partial(read, header, section, other)) == message
            refused += message != ""
    assert refused > 200  # the others are the streams of other symbols
