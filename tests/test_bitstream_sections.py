"""Sections: what is divided comes back whole, a region or a coarse version needs a part of the bytes, a wrong index is refused."""

from __future__ import annotations

import contextlib
import functools
import io
import math
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatc import bitstream
from splatc.bitstream import Header, Layer, Layout, Metadata, Reader, divide, index, layout, limits, margin
from splatc.bitstream.container import GAUSSIANS_CHUNK, HEADER_CHUNK, INDEX_CHUNK, write
from splatc.errors import CorruptFileError
from splatc.gaussians import Q_MAX, Gaussians
from splatc.quantize import QuantizedGaussians, dequantize
from splatc.steps import Quantizer, grid_shape
from tests.bitstream_cases import assert_equal, header_for, in_coding_order, random_quantized

LAYOUTS: tuple[Layout, ...] = (
    (Layer(2, 10), Layer(2, 7), Layer(2, 6)),
    (Layer(1, 8), Layer(5, 8)),
    (Layer(6, 7),),
    (Layer(1, 20), Layer(1, 9), Layer(1, 9), Layer(1, 8), Layer(1, 7), Layer(1, 6)),
)


@functools.cache
def divided(
    seed: int = 0, count: int = 4000, division: Layout = LAYOUTS[0]
) -> tuple[Header, QuantizedGaussians, bytes]:
    """A 500 x 300 picture in tiles, its Gaussians in coding order."""
    header = header_for(500, 300)
    gaussians = random_quantized(np.random.default_rng(seed), header, count)
    data = bitstream.encode(header, gaussians, layout=division)
    return header, in_coding_order(header, gaussians, division), data


def reader(data: bytes) -> Reader:
    return Reader(io.BytesIO(data))


def keys(gaussians: QuantizedGaussians) -> set[tuple[int, ...]]:
    return set(map(tuple, np.column_stack(list(vars(gaussians).values())).tolist()))


@pytest.mark.parametrize("division", LAYOUTS)
@pytest.mark.parametrize("seed", range(4))
def test_divided_gaussians_come_back(division: Layout, seed: int) -> None:
    _, gaussians, data = divided(seed, 1500, division)
    found = reader(data)
    assert found.layout == division
    assert [chunk.type for chunk in found.chunks] == ["HEAD", "INDX", "GAUS"]
    assert_equal(gaussians, found.read())
    assert_equal(gaussians, bitstream.decode(data)[1])
    assert bitstream.encode(found.header, gaussians, layout=division) == data
    assert sum(bitstream.inspect(data).bits.values()) == pytest.approx(8 * len(data))


@given(st.integers(1, 3000), st.integers(0, 10), st.integers(60, 191))
def test_each_cell_lies_in_one_tile(extent: int, tile_log2: int, position: int) -> None:
    """The ranges of all tiles are the whole grid, and hold the cells whose centres lie in them."""
    header = Header(extent, 1, 1, (0,), quantizer=Quantizer(position=position), level_counts=(1,))
    step = header.quantizer.position_step(0)
    count, _ = grid_shape(extent, 1, step)
    tiles, _ = layout.tiles(header, tile_log2)
    edges = [layout.cells(extent, tile_log2, step, number) for number in range(tiles)]
    assert [edges[0][0], *(end for _, end in edges)] == [*(start for start, _ in edges), count]
    x = np.arange(count)
    centres = (2 * x + 1) * step / 2.0**33
    expected = np.minimum(np.floor(centres / 2**tile_log2), tiles - 1).astype(int)
    assert np.repeat(np.arange(tiles), [end - start for start, end in edges]).tolist() == expected.tolist()


def test_small_files_have_no_index_and_large_ones_cost_little_more() -> None:
    header = header_for(2000, 1400)
    rng = np.random.default_rng(1)
    small = random_quantized(rng, header, divide.UNDIVIDED)
    assert [chunk.type for chunk in bitstream.inspect(bitstream.encode(header, small)).chunks] == ["HEAD", "GAUS"]
    large = random_quantized(rng, header, 20_000)
    data = bitstream.encode(header, large)
    found = reader(data)
    assert len(found.sections) > 8
    # Of independent Gaussians nothing can be learned that would hold for the next section; of real ones it is 0.3 % at most.
    assert len(data) < 1.015 * len(bitstream.encode(header, large, layout=layout.whole(found.header)))


@pytest.mark.parametrize("extent", [0.001, 0.1, 1.0])
def test_whatever_the_gaussians_the_encoder_keeps_the_limits(extent: float) -> None:
    """Also where most of them crowd in a corner of the largest picture."""
    header = header_for(2**18, 2**14)
    gaussians = random_quantized(np.random.default_rng(2), header, 20_000)
    rng = np.random.default_rng(3)
    crowded = rng.random(len(gaussians)) < 0.95
    scale = np.where(crowded, extent, 1.0)
    gaussians = replace(gaussians, x=(gaussians.x * scale).astype(np.int32), y=(gaussians.y * scale).astype(np.int32))
    found = reader(bitstream.encode(header, gaussians))
    assert limits.sections_allowed(len(found.sections), found.count, layout.work(found.sections))
    assert sorted(found.read().level.tolist()) == sorted(gaussians.level.tolist())


@settings(max_examples=25)
@given(st.floats(-50, 550), st.floats(-50, 350), st.floats(0, 300), st.floats(0, 300), st.sampled_from(LAYOUTS))
def test_a_region_has_all_gaussians_that_touch_it(
    left: float, top: float, width: float, height: float, division: Layout
) -> None:
    header, gaussians, data = divided(5, 1000, division)
    region = (left, top, left + width, top + height)
    floats = dequantize(header.quantizer, gaussians)
    cos, sin = np.cos(floats.angle), np.sin(floats.angle)
    (s1, s2), half = floats.scale.T, math.sqrt(Q_MAX)
    extent_x, extent_y = half * np.hypot(s1 * cos, s2 * sin), half * np.hypot(s1 * sin, s2 * cos)
    (x, y) = floats.mean.T
    touching = (
        (x + extent_x >= left) & (x - extent_x <= region[2]) & (y + extent_y >= top) & (y - extent_y <= region[3])
    )
    found = keys(reader(data).read(region))
    assert keys(gaussians.take(np.flatnonzero(touching))) <= found <= keys(gaussians)


@pytest.mark.parametrize(
    ("x", "y", "angle", "farthest"),
    [
        (3, 32, 0.0, 30 - 3),  # left
        (60, 32, 0.0, 60 + 30 - 64),  # right
        (32, 2, math.pi / 2, 30 - 2),  # above
        (32, 55, math.pi / 2, 55 + 30 - 64),  # below
        (32, 32, 0.0, 0),
    ],
)
def test_a_margin_is_that_of_the_farthest_side(
    x: float, y: float, angle: float, farthest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ellipse of 30 by 10 px about (x, y) in the tile of 64 x 64 px at the origin."""
    mean, scale, orientation, colour = (
        np.array(each, np.float32) for each in ([[x, y]], [[30.0, 10.0]], [angle], [[0.0, 0.0, 0.0]])
    )
    floats = Gaussians(mean, scale / np.float32(math.sqrt(Q_MAX)), orientation, colour)
    monkeypatch.setattr(margin, "dequantize", lambda *_: floats)
    section = layout.Section(0, (1,), 6, 0, 0, None)
    empty = random_quantized(np.random.default_rng(0), header_for(64, 64), 1)
    assert margin.exact(Quantizer(), section, empty) == pytest.approx(farthest)
    assert margin.rounded(Quantizer(), section, empty) in (
        farthest,
        farthest + 1,
    )  # rounded up, and so is a rounding error


def test_a_region_is_read_from_its_own_bytes() -> None:
    """... and what is damaged elsewhere does not matter, but is found where it does."""
    header = header_for(6000, 4000)
    gaussians = random_quantized(np.random.default_rng(0), header, 30_000)
    data = bitstream.encode(header, gaussians)
    found = reader(data)
    opening = found.bytes_read
    assert opening < 0.03 * len(data)
    region = (3000.0, 1000.0, 3512.0, 1512.0)
    expected = found.read(region)
    assert 0 < found.bytes_read - opening < 0.4 * len(data)
    once = found.bytes_read
    assert_equal(found.read(region), expected)  # those that others need are remembered
    assert found.bytes_read - once < once - opening

    start = next(chunk.offset for chunk in found.chunks if chunk.type == "GAUS")
    hurt = 0
    for section in found.sections[::4]:
        damaged = bytearray(data)
        damaged[start + section.offset + section.length // 2] ^= 1
        try:
            assert_equal(reader(bytes(damaged)).read(region), expected)
        except CorruptFileError:
            hurt += 1
        with pytest.raises(CorruptFileError, match="damaged"):
            bitstream.decode(bytes(damaged))
    assert 0 < hurt < 0.5 * len(found.sections[::4])


@pytest.mark.parametrize("division", [None, *LAYOUTS])
def test_coarse_levels_alone(division: Layout | None) -> None:
    _, gaussians, data = divided(
        3, 1500, division or layout.whole(Header(500, 300, 3, (0,) * 3, level_counts=(1,) * 6))
    )
    before = 0
    for level in range(6, -1, -1):
        found = reader(data)
        assert_equal(found.read(max_level=level), gaussians.take(np.flatnonzero(gaussians.level >= level)))
        assert found.bytes_read >= before
        before = found.bytes_read
    if division == LAYOUTS[0]:
        found = reader(data)
        found.read(max_level=4)
        assert found.bytes_read < 0.5 * len(data)


@pytest.mark.parametrize("division", [None, *LAYOUTS])
def test_a_truncated_file_gives_what_is_left(division: Layout | None) -> None:
    _, gaussians, data = divided(
        4, 1200, division or layout.whole(Header(500, 300, 3, (0,) * 3, level_counts=(1,) * 6))
    )
    everything = keys(gaussians)
    whole = reader(data)
    body = next(chunk for chunk in whole.chunks if chunk.type == "GAUS")
    ready = next(chunk.start for chunk in whole.chunks if chunk.type != "HEAD")
    before = 0
    for length in [*range(ready, len(data), 97), len(data) - 1]:
        found = reader(data[:length])
        with pytest.raises(CorruptFileError):
            found.read()
        left = found.read(allow_truncated=True)
        assert keys(left) <= everything
        assert len(left) >= before
        before = len(left)
        there = [s for s in whole.sections if s.crc is not None and body.offset + s.offset + s.length <= length]
        assert before >= sum(section.count for section in there)
        for level in np.unique(left.level):  # levels of a section are there or not
            if division is None:
                assert np.count_nonzero(left.level == level) == np.count_nonzero(gaussians.level == level)
    assert before == len(gaussians)
    with pytest.raises(CorruptFileError):
        bitstream.decode(data[:-1])


@pytest.mark.parametrize("division", [None, LAYOUTS[0]])
def test_what_is_there_of_a_truncated_file_with_metadata_is_checked(division: Layout | None) -> None:
    header = header_for(500, 300)
    gaussians = random_quantized(np.random.default_rng(0), header, 600)
    metadata = Metadata(icc=bytes(range(256)) * 4, exif=b"exif")
    data = bitstream.encode(header, gaussians, metadata, layout=division)
    chunks = reader(data).chunks
    profile, body = chunks[1], next(chunk for chunk in chunks if chunk.type == "GAUS")
    found = reader(data[: profile.offset + 9])
    assert len(found.read(allow_truncated=True)) == 0
    assert found.metadata() == Metadata()
    rest = data[: body.offset + body.length + 4 + 9]  # within the chunk that follows
    found = reader(rest)
    assert found.metadata() == Metadata(icc=metadata.icc)
    assert len(found.read(allow_truncated=True)) == 600
    damaged = bytearray(rest)
    damaged[body.offset + 50] ^= 1
    with pytest.raises(CorruptFileError, match="damaged"):
        reader(bytes(damaged)).read(allow_truncated=True)


def test_a_file_cut_within_its_header_is_refused() -> None:
    _, _, data = divided()
    for length in range(reader(data).chunks[1].start):
        with pytest.raises(CorruptFileError):
            reader(data[:length])


def tampered(data: bytes, change: Callable[[bytearray], None]) -> bytes:
    """The file with another INDX payload, and CRCs to match."""
    head, indx, gaus = (bytearray(data[c.offset : c.offset + c.length]) for c in reader(data).chunks)
    change(indx)
    return write([(HEADER_CHUNK, bytes(head)), (INDEX_CHUNK, bytes(indx)), (GAUSSIANS_CHUNK, bytes(gaus))])


def with_section(data: bytes, number: int, **changes: object) -> bytes:
    """The file with another entry in its index."""
    found = reader(data)
    sections = list(found.sections)
    sections[number] = replace(sections[number], **changes)  # type: ignore[arg-type]

    def change(payload: bytearray) -> None:
        payload[:] = index.write(found.layout, tuple(sections))

    return tampered(data, change)


def test_an_index_that_lies_is_refused() -> None:
    _, _, data = divided()
    found = reader(data)
    assert tampered(data, lambda payload: None) == data
    section = next(s for s in found.sections if s.margin > 3 and s.count > 300)
    number = found.sections.index(section)
    counts = section.counts
    assert len(counts) == 2
    for changes, message in (
        ({"margin": section.margin - 2}, "beyond its tile, the INDX chunk says"),
        ({"margin": 2**20 + 1}, "must be 0..1048576"),
        ({"crc": zlib.crc32(b"")}, "is damaged: its CRC-32 is another"),
        ({"length": section.length + 1}, "bytes, but the GAUS chunk has"),
        ({"length": 5}, "but a section of the GAUS chunk has only 5 bytes"),
        ({"counts": (counts[0] + 1, counts[1])}, "do not add up to the Gaussians"),
        ({"counts": (counts[0] - 1, counts[1] + 1)}, "do not add up to the Gaussians"),
        ({"counts": (0, 0)}, "a section without Gaussians"),
        ({"counts": (2**34, 0)}, "declares 17179869184 Gaussians"),
    ):
        with pytest.raises(CorruptFileError, match=message):
            reader(with_section(data, number, **changes)).read()
    last = len(found.sections) - 1
    with pytest.raises(CorruptFileError, match="outside of the picture"):
        reader(with_section(data, last, column=found.sections[last].column + 8))
    following = with_section(data, 1, length=found.sections[1].length + 1)
    with pytest.raises(CorruptFileError):
        reader(following)


@pytest.mark.parametrize(
    ("start", "stop", "replacement", "message"),
    [
        (0, 1, b"\x02", "do not have the 6 levels"),
        (0, 1, b"\x00", "do not have the 6 levels"),
        (1, 2, b"\x03", "do not have the 6 levels"),
        (1, 4, b"\x00\x0a\x04", "do not have the 6 levels"),
        (2, 3, b"\x15", "larger than allowed, or grow"),
        (4, 5, b"\x0b", "larger than allowed, or grow"),
        (7, 8, b"\xff\xff\x7f", "too many sections"),
        (7, 8, b"\x80\x00", "not in its shortest form"),
        (-1, None, b"", "ends too early"),
        (20, None, b"", "ends too early"),
        (0, None, b"", "ends too early"),
        (5000, None, b"\0", "bytes, expected"),
    ],
)
def test_each_rule_of_the_index(start: int, stop: int | None, replacement: bytes, message: str) -> None:
    _, _, data = divided()

    def change(payload: bytearray) -> None:
        payload[start : len(payload) if stop is None else stop] = replacement

    with pytest.raises(CorruptFileError, match=message):
        bitstream.decode(tampered(data, change))


def test_gaussians_in_a_tile_without_cells_are_refused() -> None:
    """Cells of 235 px in tiles of 64: most tiles hold no cell's centre."""
    header = header_for(500, 300, quantizer=Quantizer(position=191, position_slope=0))
    zeros = np.zeros(70, np.int32)
    gaussians = QuantizedGaussians(zeros, zeros, zeros, zeros, zeros, zeros, zeros, np.zeros((70, 3), np.int32))
    data = bitstream.encode(header, gaussians, layout=(Layer(1, 6),))
    (section,) = reader(data).sections
    assert (section.column, section.row) == (1, 1)  # the first cell's centre is at 117 px
    with pytest.raises(CorruptFileError, match="holds no cell"):
        reader(with_section(data, 0, column=2))


def test_an_index_that_costs_endless_work_is_refused() -> None:
    """Many sections with the same many ancestors."""
    header = header_for(2**12, 2**12, quantizer=Quantizer(position=114, position_slope=4))
    fine = random_quantized(np.random.default_rng(0), header, 300, levels=1)
    coarse = random_quantized(np.random.default_rng(1), header, 1000, levels=1)
    gaussians = QuantizedGaussians(
        *(np.concatenate([getattr(coarse, n) + (n == "level"), getattr(fine, n)]) for n in vars(fine))
    )
    gaussians = replace(gaussians, level=gaussians.level.astype(np.int32))
    gaussians = replace(gaussians, x=np.minimum(gaussians.x, 9000), y=np.minimum(gaussians.y, 9000))
    gaussians = replace(gaussians, angle=np.zeros_like(gaussians.angle))
    data = bitstream.encode(header, gaussians, layout=(Layer(1, 12), Layer(1, 8)))
    with pytest.raises(CorruptFileError, match=r"too many sections|too many ancestors"):
        bitstream.decode(data)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(0, 11))
def test_noise_in_a_section_is_refused_or_read(seed: int, chosen: int) -> None:
    """With a CRC to match, whole and cut off; in the middle of a file, so that others go on from what it says."""
    _, _, data = divided()
    found = reader(data)
    rng = np.random.default_rng(seed)
    body = found.chunks[2].offset
    streams = [data[body + s.offset : body + s.offset + s.length] for s in found.sections]
    keep = int(rng.integers(0, len(streams[chosen])))
    streams[chosen] = streams[chosen][:keep] + rng.bytes(len(streams[chosen]) - keep)
    sections = list(found.sections)
    sections[chosen] = replace(sections[chosen], crc=zlib.crc32(streams[chosen]), margin=2**20)
    noise = with_section(data, chosen, crc=sections[chosen].crc, margin=2**20)
    at = reader(noise).chunks[2].offset
    for file in (noise[:at] + b"".join(streams) + noise[-4:], noise[:at] + b"".join(streams[: chosen + 1])[:-3]):
        with contextlib.suppress(CorruptFileError):
            left = reader(file).read(allow_truncated=True)
            assert len(left) <= found.count


def test_an_index_may_not_follow_the_gaussians_nor_stand_twice() -> None:
    _, _, data = divided()
    head, indx, gaus = ((c.type.encode(), data[c.offset : c.offset + c.length]) for c in reader(data).chunks)
    for chunks, message in (([head, gaus, indx], "follows GAUS"), ([head, indx, indx, gaus], "a second INDX")):
        with pytest.raises(CorruptFileError, match=message):
            reader(write(chunks))
