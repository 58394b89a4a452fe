"""The encoder's side of the core against constriction and NumPy: streams, their lengths, sections, predictions, integers."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatc import bitstream, core
from splatc.bitstream import Header, Layer, Layout, divide, encoding, layout, limits, margin, predict, stream
from splatc.core import pack_structs, structs
from splatc.core.loading import INVALID, load
from splatc.core.packing import Packing
from splatc.gaussians import Gaussians
from splatc.quantize import QuantizedGaussians, columns_of, dequantize, joined, log_aspect_table, quantize, steps_of
from splatc.steps import Quantizer
from tests import divide_oracle, quantize_oracle
from tests.bitstream_cases import header_for, random_quantized
from tests.scenes import random_gaussians

SOME = (Layer(2, 9), Layer(1, 7), Layer(3, 6))


@pytest.fixture(params=range(2, 5))
def level(request: pytest.FixtureRequest) -> Iterator[int]:
    """Each instruction set that this processor has."""
    chosen = load().core_get_level()
    if load().core_set_level(request.param) == INVALID:
        pytest.skip("this processor does not have it")
    yield request.param
    load().core_set_level(chosen)


def counted(header: Header, gaussians: QuantizedGaussians) -> Header:
    counts = np.bincount(gaussians.level) if len(gaussians) else np.zeros(0, np.int64)
    return replace(header, level_counts=tuple(counts[::-1].tolist()))


def streams_of_the_oracle(header: Header, gaussians: QuantizedGaussians, division: Layout) -> list[bytes]:
    """With constriction, symbol tables made by NumPy, a section after its ancestors."""
    sections, order = divide_oracle.divide(header, division, gaussians)
    found, parts, learned, start = list[bytes](), list[QuantizedGaussians](), dict[int, stream.Tables](), 0
    for number, section in enumerate(sections):
        parts.append(gaussians.take(order[start : start + section.count]))
        start += section.count
        chain = layout.ancestors(sections, number)
        earlier = joined([parts[each] for each in chain]) if chain else None
        learned[number] = learned[chain[-1]].copy() if chain else stream.Tables()
        symbols = predict.to_symbols(header.quantizer, parts[-1], earlier)
        found.append(stream.encode(header, section, symbols, learned[number]))
    return found


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 40, 900])
def test_streams_and_their_lengths_are_those_of_the_oracle(channels: int, crowded: bool, count: int) -> None:
    header = header_for(700, 500, channels)
    rng = np.random.default_rng(count + channels)
    gaussians = random_quantized(rng, header, count, levels=6, crowded=crowded)
    header = counted(header, gaussians)
    for division in (layout.whole(header), SOME if len(header.level_counts) == 6 else layout.whole(header)):
        packed = encoding.pack(header, gaussians, division)
        expected = streams_of_the_oracle(header, gaussians, division)
        assert encoding.streams(packed) == expected
        assert [section.length for section in packed.sections] == [len(each) for each in expected]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3000), st.integers(40, 191), st.integers(0, 191), st.integers(1, 32))
def test_any_steps_give_the_streams_of_the_oracle(
    seed: int, side: int, position: int, colour: int, log_scales: int
) -> None:
    rng = np.random.default_rng(seed)
    quantizer = replace(
        Quantizer(), position=position, luma=colour, chroma=191 - colour, aspect=colour, log_scales=log_scales
    )
    header = header_for(side, 200, 3, quantizer)
    gaussians = random_quantized(rng, header, 300, levels=3, crowded=bool(seed & 1))
    header = counted(header, gaussians)
    packed = encoding.pack(header, gaussians, layout.whole(header))
    assert encoding.streams(packed) == streams_of_the_oracle(header, gaussians, layout.whole(header))


def test_what_is_measured_is_what_is_written() -> None:
    rng = np.random.default_rng(1)
    header = header_for(2000, 1400)
    for count in (0, 3, 700, 9000):
        gaussians = random_quantized(rng, header, count)
        data = bitstream.encode(header, gaussians)
        assert bitstream.measure(header, gaussians) == len(data)
        assert bitstream.encode(*bitstream.decode(data)) == data


def test_a_division_is_that_of_the_oracle() -> None:
    rng = np.random.default_rng(2)
    for width, height, count in ((3000, 2000, 20_000), (100, 5000, 9000), (1, 1, 50), (17, 1, 8300)):
        header = header_for(width, height)
        gaussians = random_quantized(rng, header, count)
        gaussians = gaussians.take(rng.permutation(count))
        header = counted(header, gaussians)
        division = divide.choose(header, gaussians)
        assert division == divide_oracle.choose(header, gaussians)
        sections, order = divide.divide(header, division, gaussians)
        expected, order_of_oracle = divide_oracle.divide(header, division, gaussians)
        assert sections == expected
        assert np.array_equal(order, order_of_oracle)


def test_more_sections_than_there_is_room_for_at_first() -> None:
    header = header_for(3000, 2000)
    gaussians = random_quantized(np.random.default_rng(3), header, 3000, levels=1)
    header = counted(header, gaussians)
    sections, order = divide.divide(header, (Layer(1, 6),), gaussians)
    expected, order_of_oracle = divide_oracle.divide(header, (Layer(1, 6),), gaussians)
    assert len(sections) > 256
    assert sections == expected
    assert np.array_equal(order, order_of_oracle)


def test_what_would_be_too_many_sections_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    header = header_for(3000, 2000)
    gaussians = random_quantized(np.random.default_rng(2), header, 2 * divide.UNDIVIDED)
    header = counted(header, gaussians)
    assert len(divide.arrange(header, gaussians)[1]) > 1
    monkeypatch.setattr(limits, "sections_allowed", lambda *_: False)
    assert len(divide.arrange(header, gaussians)[1]) == 1


def test_a_margin_is_that_of_the_oracle() -> None:
    header = header_for(700, 500)
    gaussians = random_quantized(np.random.default_rng(4), header, 900, levels=6)
    header = counted(header, gaussians)
    packed = encoding.pack(header, gaussians, SOME)
    sections, order = divide_oracle.divide(header, SOME, gaussians)
    start = 0
    for section, found in zip(sections, packed.sections, strict=True):
        part = gaussians.take(order[start : start + section.count])
        assert found.margin == margin.rounded(header.quantizer, section, part)
        start += section.count


def whole_packing(header: Header, gaussians: QuantizedGaussians) -> Packing:
    """Of Gaussians in coding order, as one section."""
    sections = np.zeros(1, pack_structs.SECTION)
    sections["count"] = sections["chain"] = len(gaussians)
    sections["parent"] = -1
    steps = steps_of(header.quantizer, header.channels)
    return Packing(steps, columns_of(gaussians), sections, np.zeros(0, structs.LEVEL))


@pytest.mark.parametrize("kind", ["spread", "crowded", "far", "one place"])
def test_predictions_are_those_of_the_decoder(level: int, kind: str) -> None:
    """Also where neighbours lie farther than 2047 px, where many are equally near, and where there are fewer than sixteen."""
    header = header_for(200_000, 30_000) if kind == "far" else header_for(900, 700)
    for count in (1, 7, 16, 17, 300, 2000):
        gaussians = random_quantized(np.random.default_rng(count), header, count, crowded=kind == "crowded")
        if kind == "one place":
            gaussians = replace(gaussians, x=gaussians.x * 0, y=gaussians.y * 0)
        found = whole_packing(header, gaussians)
        expected = core.make_residuals(steps_of(header.quantizer, header.channels), columns_of(gaussians), 0)
        for name, residual in expected.items():
            assert np.array_equal(found.residuals[name], residual), (name, count)


def test_threads_and_instruction_sets_make_the_same_file(level: int) -> None:
    header = header_for(2000, 1400)
    gaussians = random_quantized(np.random.default_rng(5), header, 12_000)
    expected = bitstream.encode(header, gaussians)
    for threads in (1, 2, 8):
        core.set_threads(threads)
        try:
            assert bitstream.encode(header, gaussians) == expected
        finally:
            core.set_threads(None)


def scattered(rng: np.random.Generator, count: int, channels: int) -> Gaussians:
    """Far beyond all bounds, too, and with angles of several turns."""
    gaussians = random_gaussians(rng, count, 640, 480, channels=channels, scales=(0.1, 3000.0), thinnest=200.0)
    angle = gaussians.angle + np.pi * rng.integers(-5, 6, count)
    colour = gaussians.colour * rng.choice([1, 1, 10, -3], (count, 1))
    return replace(gaussians, angle=angle.astype(np.float32), colour=colour.astype(np.float32))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_integers_are_those_of_the_oracle(channels: int) -> None:
    """But for some that lie in the middle between two, by the rounding of the last bit."""
    gaussians = scattered(np.random.default_rng(channels), 50_000, channels)
    for quantizer in (Quantizer(), Quantizer().finer(-20), Quantizer().finer(13)):
        found, expected = (each(quantizer, gaussians, 640, 480) for each in (quantize, quantize_oracle.quantize))
        for field in fields(found):
            difference = np.abs(getattr(found, field.name) - getattr(expected, field.name))
            assert np.count_nonzero(difference) <= 3, field.name
            assert difference.max() <= 1 or field.name == "angle", field.name


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_dequantize_returns_is_quantized_to_the_same(channels: int) -> None:
    rng = np.random.default_rng(channels)
    for quantizer in (
        Quantizer(),
        Quantizer().finer(-12),
        Quantizer().finer(16),
        Quantizer(log_scales=32, position_slope=-3),
    ):
        header = header_for(5000, 4000, channels, quantizer)
        once = random_quantized(rng, header, 20_000, levels=12)
        floats = dequantize(quantizer, once)
        again = quantize(quantizer, floats, 5000, 4000)
        within = log_aspect_table(quantizer)[once.aspect] < 4 << 16  # longer ones are cut off
        colour_steps = np.array([quantizer.colour_steps(each, channels) for each in range(16)])[once.level] / 2.0**32
        within &= np.all(np.abs(once.colour * colour_steps) < 4.0, axis=1)
        assert np.count_nonzero(within) > 1000
        for field in fields(once):
            assert np.array_equal(getattr(once, field.name)[within], getattr(again, field.name)[within]), field.name


def test_powers_of_two_and_nonsense_are_quantized() -> None:
    """A scale of exactly 2^k begins a level; what is no number becomes the least that can be coded."""
    sizes = 2.0 ** np.arange(-3, 18)
    odd = np.array([0.0, -1.0, np.inf, np.nan, 1e-40, 3e38])
    scale = np.concatenate([sizes, odd]).astype(np.float32)
    count = len(scale)
    gaussians = Gaussians(
        mean=np.full((count, 2), 3.0, np.float32), scale=np.stack([scale, scale], axis=1),
        angle=np.where(np.isfinite(scale), 0.5, scale).astype(np.float32), colour=np.full((count, 3), np.nan, np.float32),
    )  # fmt: skip
    found = quantize(Quantizer(), gaussians, 64, 64)
    assert found.level[:21].tolist() == np.clip(np.arange(-2, 19), 0, 15).tolist()
    assert found.log_scale[3:18].tolist() == [0] * 15
    assert found.level[21:].tolist() == [0, 0, 15, 0, 0, 15]
    bitstream.decode(bitstream.encode(header_for(64, 64), found))


def test_wrong_arguments_are_refused() -> None:
    header = header_for(300, 200)
    gaussians = random_quantized(np.random.default_rng(6), header, 100, levels=3)
    header = counted(header, gaussians)
    wrong = {"angle": 300, "aspect": 64, "log_scale": 40, "level": 16, "colour": 40_000, "x": 1 << 27, "offset": 99}
    for name, value in wrong.items():
        values = getattr(gaussians, name).copy()
        values.flat[50] = value
        with pytest.raises(AssertionError, match="wrong arguments"):
            encoding.pack(header, replace(gaussians, **{name: values}))
    with pytest.raises(AssertionError, match="wrong arguments"):
        divide.divide(header, (Layer(2, 9),), gaussians)  # too few levels
    assert load().core_quantize(None, 0, 0) == INVALID
    assert load().core_arrange(None) == INVALID
    assert load().core_predict_item(None, 0) == INVALID
    assert load().core_pack_section_of(None, 0, 0) == INVALID
    assert load().core_pack_search(-1) == load().core_pack_workspace(-1) == load().core_arrange_workspace(-1) == -1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parent", 0),
        ("parent", -2),
        ("chain", 5),
        ("start", -1),
        ("count", 1 << 40),
        ("search", 32),
        ("search", 1 << 40),
    ],
)
def test_sections_that_do_not_fit_are_refused(name: str, value: int) -> None:
    header = header_for(300, 200)
    packing = whole_packing(header, random_quantized(np.random.default_rng(7), header, 100, levels=3))
    packing.sections[name] = value
    task = packing._task
    for item in (0, 1):
        assert load().core_predict_item(ctypes.byref(task), item) == INVALID


@pytest.mark.parametrize(
    ("name", "value"),
    [("tables", 1), ("tables", -2), ("first_level", -1), ("levels", 17), ("levels", 1), ("first_symbol", -1)],
)
def test_sections_that_cannot_be_walked_are_refused(name: str, value: int) -> None:
    header = header_for(300, 200)
    gaussians = random_quantized(np.random.default_rng(7), header, 100, levels=3)
    header = counted(header, gaussians)
    packing = encoding.pack(header, gaussians).packing
    task = packing._task
    task.shares, task.symbol_room = 64, int(packing.sections["symbols"].sum())  # which is not written to
    packing.sections[name] = value
    assert load().core_pack_section_of(ctypes.byref(task), 0, 0) == INVALID


def test_minimum_lengths_are_kept() -> None:
    """Many Gaussians alike take less than the least that a section must have."""
    header = header_for(4, 4)
    one = random_quantized(np.random.default_rng(8), header, 1)
    one = QuantizedGaussians(**{name: values * 0 for name, values in vars(one).items()})
    many = joined([one] * 5000)
    packed = encoding.pack(counted(header, many), many)
    assert packed.sections[0].length == limits.minimum_payload(5000) == len(encoding.streams(packed)[0])
