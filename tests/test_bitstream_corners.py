"""Wrong calls, rare file systems and races: the lines of the decoder that no other test runs."""

from __future__ import annotations

import errno
import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from splatc import bitstream
from splatc.bitstream import Layer, Layout, Reader, coder, layout, reader, stream
from splatc.bitstream.container import TruncatedFileError
from splatc.bitstream.stream import Tables
from splatc.errors import CorruptFileError
from splatc.quantize import MAX_ASPECT
from splatc.runtime import orphans
from splatc.steps import Quantizer, grid_shape
from tests.bitstream_cases import assert_equal, header_for, random_quantized


def test_gaussians_and_headers_that_are_none_are_refused() -> None:
    header = header_for(20, 10)
    gaussians = random_quantized(np.random.default_rng(0), header, 3)
    with pytest.raises(ValueError, match="colour has shape"):
        bitstream.encode(header, replace(gaussians, colour=gaussians.colour[:, :2]))
    for wrong in (replace(header, channels=5), replace(header, depth=12), replace(header, background=(1, 2))):
        with pytest.raises(ValueError, match="no such kind of picture"):
            bitstream.encode(wrong, gaussians)


LOG_SCALES = Quantizer().log_scales
CELLS = grid_shape(20, 10, Quantizer().position_step(0))


@pytest.mark.parametrize(
    ("name", "last", "beyond"),
    [
        ("log_scale", LOG_SCALES - 1, LOG_SCALES),
        ("log_scale", 0, -1),
        ("aspect", MAX_ASPECT, MAX_ASPECT + 1),
        ("colour", 32767, 32768),
        ("colour", -32768, -32769),
        ("x", CELLS[0] - 1, CELLS[0]),
        ("y", CELLS[1] - 1, CELLS[1]),
        ("x", 0, -1),
        ("y", 0, -1),
    ],
)
def test_ranges_hold_their_ends_and_no_more(name: str, last: int, beyond: int) -> None:
    header = header_for(20, 10)
    gaussians = random_quantized(np.random.default_rng(0), header, 1, levels=1)
    gaussians = replace(gaussians, angle=np.zeros(1, np.int32), offset=np.zeros(1, np.int32))
    held, refused = (
        replace(gaussians, **{name: np.full_like(getattr(gaussians, name), each)}) for each in (last, beyond)
    )
    assert_equal(bitstream.decode(bitstream.encode(header, held))[1], held)
    with pytest.raises(ValueError, match=f"{name}.*{beyond}"):
        bitstream.encode(header, refused)


def test_a_section_that_is_cut_within_its_first_level_gives_nothing() -> None:
    header = header_for(64, 64)
    gaussians = random_quantized(np.random.default_rng(0), header, 400, levels=1)
    data = bitstream.encode(header, gaussians)
    opened = Reader(io.BytesIO(data[:-40]))
    assert len(opened.read(allow_truncated=True)) == 0


def test_an_interrupt_is_not_taken_for_damage(tiny_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Panics of the range coder's library are BaseExceptions, and so is Ctrl-C."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(coder, "_model", interrupted)
    opened = Reader(io.BytesIO(tiny_file))
    (section,) = opened.sections
    with pytest.raises(KeyboardInterrupt):
        stream.decode(opened.header, section, opened._stream(section), Tables())


def test_bits_of_a_truncated_file_are_not_counted(tiny_file: bytes) -> None:
    with pytest.raises(TruncatedFileError):
        Reader(io.BytesIO(tiny_file[:-9])).bits()


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    header = header_for(500, 300)
    division: Layout = (Layer(2, 10), Layer(2, 8), Layer(2, 7))
    data = bitstream.encode(header, random_quantized(np.random.default_rng(0), header, 900), layout=division)
    region = (100.0, 100.0, 200.0, 200.0)
    read = []
    for most in (reader.CACHED, 0):
        monkeypatch.setattr(reader, "CACHED", most)
        opened = Reader(io.BytesIO(data))
        first = opened.read(region)
        before = opened.bytes_read
        assert_equal(opened.read(region), first)
        read.append(opened.bytes_read - before)
    assert 0 < read[0] < read[1]


def test_noise_behind_a_cut_ends_a_stream_at_the_level_before() -> None:
    """The decoder in Python, of a file that was cut where what follows means nothing."""
    header = header_for(200, 100)
    gaussians = random_quantized(np.random.default_rng(4), header, 300)
    opened = Reader(io.BytesIO(bitstream.encode(header, gaussians)))
    (section,) = opened.sections
    whole = opened._stream(section)
    found = set()
    for cut in range(len(whole) // 3, len(whole), 7):
        noise = np.random.default_rng(cut).bytes(len(whole) // 4)
        symbols, _ = stream.decode(opened.header, section, (whole[:cut] + noise)[: len(whole) - 1], Tables())
        found.add(len(symbols.level))
        assert np.array_equal(np.unique(symbols.level), np.arange(6)[6 - len(np.unique(symbols.level)) :])
    assert len(found) > 1
    assert isinstance(layout.ranges(opened.header, section), list)


@pytest.mark.skipif(sys.platform == "win32", reason="no file locks there")
@pytest.mark.parametrize(("number", "kept"), [(errno.ENOLCK, True), (errno.EWOULDBLOCK, False)])
def test_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kept: bool) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(orphans.fcntl, "flock", flock)  # type: ignore[attr-defined]
    path = tmp_path / orphans.new_name()
    with path.open("wb") as file:
        assert orphans.lock(file.fileno(), path) is kept
    orphans.remove(tmp_path)
    assert path.exists()  # what cannot be locked may be in use


def test_noise_is_corrupt_not_anything_else() -> None:
    with pytest.raises(CorruptFileError):
        Reader(io.BytesIO(b"noise"))
