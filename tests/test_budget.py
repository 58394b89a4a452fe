"""What a file may cost: small hostile files are refused at once and for little, large valid ones are drawn within the estimate."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import splatc
from splatc import bitstream, core
from splatc.bitstream import layout
from splatc.bitstream.container import write
from splatc.bitstream.limits import MAX_FILE_BYTES
from splatc.cli import main
from splatc.decoder.budget import GAUSSIAN_BYTES, MAX_MEMORY, MAX_PIXELS, MAX_WORK, Budget
from splatc.decoder.picture import Picture
from splatc.decoder.scene import make_scene
from splatc.errors import LimitError
from splatc.gaussians import Scene
from splatc.quantize import QuantizedGaussians
from splatc.render.draw import make_plan
from splatc.render.view import view
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, random_quantized
from tests.hostile.case import divided
from tests.scenes import random_gaussians
from tests.surgery import chunks_of, varint, with_payload

ROOT = Path(__file__).parent.parent


def empty(width: int, height: int) -> bytes:
    """A picture of its background alone: some 45 bytes."""
    header = header_for(width, height)
    return bitstream.encode(header, random_quantized(np.random.default_rng(0), header, 0))


def huge_gaussians(side: int, count: int) -> bytes:
    """Gaussians that each cover all of a picture."""
    zeros = np.zeros(count, np.int32)
    level = np.full(count, 15, np.int32)
    return bitstream.encode(
        header_for(side, side, quantizer=Quantizer(position=150)),
        QuantizedGaussians(level, zeros, zeros, zeros, zeros, zeros, zeros, np.zeros((count, 3), np.int32)),
    )


def bombs() -> dict[str, bytes]:
    """Files of 100 bytes or less that declare very much, by the words that refuse each."""
    small = empty(64, 64)

    def with_counts(*counts: int) -> bytes:
        numbers = bytes([len(counts)]) + b"".join(map(varint, counts))
        return with_payload(small, b"HEAD", lambda head: head.__setitem__(slice(-1, None), numbers))

    many = with_counts(2**26)
    endless = with_counts(1)
    endless = endless[: endless.index(b"GAUS") + 4] + varint(2**35 - 1) + bytes(9)
    index = b"\1\1\x14" + varint(2**18) + bytes(20)
    wide = with_payload(small, b"HEAD", lambda head: head.__setitem__(slice(3, 4), varint(2**32)))
    profile = b"\x28\xb5\x2f\xfd\xc0\x70" + (2**40).to_bytes(8, "little") + b"\1\0\0"  # a frame that states 2^40 bytes
    return {
        "declares 67108864 Gaussians": many,
        "declares 54525952 Gaussians": with_counts(*[2**22] * 13),
        "the INDX chunk": write([*chunks_of(many)[:1], (b"INDX", index), *chunks_of(many)[1:]]),
        "claims 34359738367 bytes": endless,
        "width in the HEAD chunk is 4294967296": wide,
        "holds 1099511627776 bytes": write([*chunks_of(small), (b"iccp", profile)]),
        "1048576 x 4096 is more than the 536870912 pixels": empty(2**20, 2**12),
    }


MEASURE = """
import resource, sys, time
from splatc.cli import main
from splatc.bitstream.limits import MAX_FILE_BYTES
import splatc.decoder.picture, splatc.decoder, splatc.decoder.verifier, splatc.image.saving, splatc.render.draw
from splatc.bitstream import decoding, predict, margin
for path in sys.argv[2:]:
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        main([sys.argv[1], path, *(["-"] if sys.argv[1] == "decode" else [])])
    except SystemExit as end:
        code = end.code
    seconds = time.process_time() - start
    print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, seconds, file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory in KiB is Linux's")
@pytest.mark.parametrize("command", ["decode", "info", "verify"])
def test_a_hundred_bytes_cost_little_before_they_are_refused(command: str, tmp_path: Path) -> None:
    files = []
    for number, data in enumerate(bombs().values()):
        assert len(data) <= 100
        files.append(tmp_path / str(number))
        files[-1].write_bytes(data)
    result = subprocess.run([sys.executable, "-c", MEASURE, command, *map(str, files)], capture_output=True, check=True)
    costs = [line.split() for line in result.stderr.decode().splitlines() if not line.startswith("splatc:")]
    assert len(costs) == len(files)
    for code, kib, seconds in costs:
        assert int(kib) < 64 * 1024
        assert float(seconds) < 1.0
        assert command == "info" or int(code) in (0, 3, 4)
    refused = [int(code) != 0 for code, _, _ in costs]
    # Metadata that lie cost no picture, only verify minds them; and only who draws minds the pixels.
    assert (
        refused
        == {"decode": [True] * 5 + [False, True], "info": [True] * 5 + [False] * 2, "verify": [True] * 6 + [False]}[
            command
        ]
    )


@pytest.mark.parametrize("words", list(bombs()))
def test_each_bomb_is_refused_for_what_it_is(words: str) -> None:
    data = bombs()[words]
    with pytest.raises((splatc.SplatError, splatc.SplatWarning), match=words):
        splatc.decode(data)


def test_the_defaults_open_16384_by_16384() -> None:
    with splatc.open(io.BytesIO(empty(16384, 16384))) as picture:
        assert picture.read(region=(16000, 16000, 384, 384)).shape == (384, 384, 3)
        shape, strips = picture.strips()
        assert (shape.width, shape.height, next(strips).shape) == (16384, 16384, (256, 16384, 3))
    Budget().check_pixels(16384, 16384)
    Budget().check_memory(16384 * 16384 * 4 * 2, "all samples of the deepest kind")
    assert MAX_PIXELS >= 2**28
    assert MAX_MEMORY >= 2**32


def test_options_reach_the_budget(tiny_splat: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    run = CliRunner().invoke
    for options, words in (
        (["--max-pixels", "3071"], "more than the 3071 pixels"),
        (["--max-memory", "20k"], "reading 100 Gaussians would take some 1 MiB of memory, more than the 20000 bytes"),
        (["--max-memory", "60k"], "drawing 64 x 48 pixels of 100 Gaussians"),
    ):
        result = run(main, ["decode", str(tiny_splat), str(out), *options])
        assert (result.exit_code, words in result.stderr, out.exists()) == (4, True, False), result.stderr
    jpeg = run(main, ["decode", str(tiny_splat), str(tmp_path / "out.jpg"), "--max-memory", "10k"])
    assert (jpeg.exit_code, "JPEG output of 64 x 48" in jpeg.stderr) == (4, True)
    assert run(main, ["decode", str(tiny_splat), str(out), "--max-pixels", "3072", "--max-memory", "1M"]).exit_code == 0
    for arguments in ({"max_pixels": 3071}, {"max_memory": 20_000}):
        with pytest.raises(LimitError):
            splatc.decode(tiny_splat, **arguments)  # type: ignore[arg-type]
        with pytest.raises(LimitError), splatc.open(tiny_splat, **arguments) as picture:  # type: ignore[arg-type]
            picture.read()


def test_a_file_of_large_gaussians_cannot_fill_the_memory_with_lists() -> None:
    data = huge_gaussians(2**14, 20_000)
    assert len(data) < 20_000
    with splatc.open(io.BytesIO(data), max_work=2**60) as picture:
        with pytest.raises(LimitError, match="drawing 16384 x 16384 pixels of 20000 Gaussians would take some 5"):
            picture.strips()
        assert picture.read(region=(0, 0, 16, 16)).shape == (16, 16, 3)


@pytest.mark.parametrize("scale", ["1", "1/3", "1/20", "2"])
def test_lists_are_as_long_as_was_said_before_they_are_made(scale: str) -> None:
    rng = np.random.default_rng(5)
    for region in (None, (130, 40, 200, 300)):
        scene = Scene(700, 500, 0, np.zeros(3, np.float32), random_gaussians(rng, 400, 700, 500, scales=(0.5, 100.0)))  # type: ignore[arg-type]
        seen = view(700, 500, region, scale)
        plan = make_plan(scene, seen)
        lists = core.sort_into_tiles(plan.placed)
        assert plan.list_bytes == lists.members.nbytes + lists.starts.nbytes
        assert len(lists.members) == lists.starts[-1] > 0


def test_reading_takes_less_than_was_estimated() -> None:
    header = header_for(3000, 2000)
    data = bitstream.encode(header, random_quantized(np.random.default_rng(1), header, 12_000))
    with Picture(io.BytesIO(data)) as picture:
        picture.read((0, 0, 64, 64))  # what is loaded and compiled once
    reader = bitstream.Reader(io.BytesIO(data))
    tracemalloc.start()
    make_scene(reader.header, reader.read())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 512 * 12_000


def test_only_the_sections_that_are_needed_count() -> None:
    header = header_for(6000, 4000)
    data = bitstream.encode(header, random_quantized(np.random.default_rng(0), header, 12_000))
    reader = bitstream.Reader(io.BytesIO(data))
    count, parents, searched, cells = reader.needed()
    assert cells == 0
    assert (count, parents) == (12_000, len({section.parent for section in reader.sections} - {None}))
    assert searched == layout.work(reader.sections) > count
    assert 0 < reader.needed((0, 0, 100, 100))[0] < 9000
    assert reader.needed(max_level=15)[0] < reader.needed(max_level=1)[0] <= 12_000


def test_an_index_is_not_read_beyond_the_memory_that_is_allowed(tmp_path: Path) -> None:
    """By every door: sections cost memory before one of them is read."""
    path = tmp_path / "divided.splat2d"
    path.write_bytes(divided())
    words = "an index of 39 bytes would take some 1 MiB of memory"
    with pytest.raises(LimitError, match=words):
        splatc.open(path, max_memory=3899)
    with pytest.raises(LimitError, match=words):
        splatc.info(path, max_memory=3899)
    assert [(each.kind, each.part) for each in splatc.verify(path, max_memory=3899)] == [("limit", "index")]
    result = CliRunner().invoke(main, ["info", str(path), "--max-memory", "3899"])
    assert (result.exit_code, words in result.stderr) == (4, True)


def test_the_table_of_limits_says_the_same() -> None:
    text = (ROOT / "spec" / "limits.md").read_text()
    for value in (MAX_FILE_BYTES, MAX_PIXELS, MAX_MEMORY, MAX_WORK):
        assert f"| {value} = 2^{value.bit_length() - 1}" in text
    assert f"{GAUSSIAN_BYTES} bytes for each Gaussian" in text
    header = (ROOT / "splatc" / "core" / "core.h").read_text()
    width, height = (re.search(rf"CORE_TILE_{side} = (\d+)", header) for side in ("WIDTH", "HEIGHT"))
    assert width and height and f"tile of {width[1]} x {height[1]} grid points" in text
