"""How much work a file may be: every door refuses what is more than the limit, and no stage escapes it."""

from __future__ import annotations

import io
import math
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import splatc
import splatc.imageio_plugin
import splatc.pillow_plugin
from splatc import bitstream
from splatc.bitstream import Header, Reader
from splatc.bitstream.cost import READ, SEARCHED
from splatc.blend import Blend
from splatc.cli import main
from splatc.decoder import comparison
from splatc.decoder.budget import MAX_WORK, Budget
from splatc.errors import LimitError, UsageError
from splatc.plots import figure
from splatc.render import work
from tests import worst
from tests.bitstream_cases import random_quantized
from tests.worst import estimate

# ---- Who refuses ----

LINE = (
    r"drawing 16384 x 16384 pixels of 11000 Gaussians would take some (\d+) evaluations of Gaussians, more than the 137438953472 that "
    r"splatc spends unasked: take --scale 1/64 \(in Python scale\) or a smaller region, or raise --max-work to \1 \(in Python max_work\)"
)


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 25 minutes in some 5.5 kB."""
    path = tmp_path_factory.mktemp("work") / "attack.splat2d"
    path.write_bytes(worst.attack())
    assert path.stat().st_size < 5700
    return path


DOORS: dict[str, Callable[[Path], object]] = {
    "decode": splatc.decode,
    "decode bytes": lambda path: splatc.decode(path.read_bytes()),
    "open": lambda path: splatc.open(path).read(),
    "strips": lambda path: splatc.open(path).strips(),
    "compare": lambda path: comparison.compare_files(str(path), str(path)),
    "plot": lambda path: figure.make_figure(splatc.open(path), "x"),
}


@pytest.mark.parametrize("door", list(DOORS))
def test_every_function_refuses_it_at_once(door: str, attack: Path) -> None:
    start = time.process_time()
    with pytest.raises(LimitError, match="drawing 1280 x 1280 pixels of 11000" if door == "plot" else LINE):
        DOORS[door](attack)
    assert time.process_time() - start < 2


def test_every_plugin_refuses_it(attack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", None)  # Pillow's own bound of pixels
    with PIL.Image.open(attack) as picture, pytest.raises(OSError, match=LINE):
        picture.load()
    with pytest.raises(OSError, match=LINE):
        iio.imread(attack)


def test_every_command_refuses_it(attack: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out.png")
    for arguments in (
        ["decode", str(attack), out],
        ["compare", str(attack), str(attack)],
        ["plot", str(attack), "-o", out],
    ):
        result = CliRunner().invoke(main, arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (4, 1), result.output
        assert "evaluations of Gaussians" in result.stderr
    for arguments in (["info", "--bits", str(attack)], ["verify", str(attack)]):  # 11 000 Gaussians are soon read
        assert CliRunner().invoke(main, arguments).exit_code == 0
    assert not list(tmp_path.iterdir())


def test_what_the_line_says_helps(attack: Path) -> None:
    assert estimate(attack.read_bytes(), scale="1/64") <= MAX_WORK < estimate(attack.read_bytes(), scale="1/32")
    assert splatc.decode(attack, region=(9000, 8000, 20, 10)).shape == (10, 20, 4)
    small = worst.alike(3, side=64, level=5)
    needed = estimate(small)
    with pytest.raises(LimitError, match=f"raise --max-work to {needed} "):
        splatc.decode(small, max_work=needed - 1)
    assert splatc.decode(small, max_work=needed).shape == (64, 64, 4)
    reading = Reader(io.BytesIO(small)).needed().work
    with pytest.raises(LimitError, match="unasked: take a smaller region, or raise"):  # no scale would be within this
        splatc.decode(small, max_work=reading + 1)


@pytest.mark.parametrize("needed", ["reading", "drawing"])
def test_every_door_takes_the_limit(needed: str, tiny_splat: Path, tmp_path: Path) -> None:
    reader = Reader(io.BytesIO(tiny_splat.read_bytes()))
    limit = reader.needed().work - 1 if needed == "reading" else estimate(tiny_splat.read_bytes()) - 1
    enough = limit + 1 if needed == "drawing" else estimate(tiny_splat.read_bytes())
    file, out, plot = str(tiny_splat), str(tmp_path / "out.png"), str(tmp_path / "plot.png")
    drawn = [["decode", file, out], ["compare", file, file], ["plot", file, "-o", plot]]
    read = [["info", "--bits", file], ["verify", file]]
    for arguments in drawn + read:
        result = CliRunner().invoke(main, [*arguments, "--max-work", str(limit)])
        refused = arguments in drawn or needed == "reading"
        assert result.exit_code == (4 if refused else 0), result.output
        assert (f"{needed} " in result.output) == refused
        assert CliRunner().invoke(main, [*arguments, "--max-work", str(enough)]).exit_code == 0
    data = tiny_splat.read_bytes()
    if needed == "reading":
        assert [each.kind for each in splatc.verify(data, max_work=limit)] == ["limit"]
        with pytest.raises(LimitError):
            splatc.info(data, bits=True, max_work=limit)
        splatc.info(data, max_work=limit)


@pytest.mark.parametrize("command", ["decode", "compare", "plot", "info", "verify"])
def test_every_command_takes_a_limit_of_memory(command: str, tiny_splat: Path, tmp_path: Path) -> None:
    file = str(tiny_splat)
    rest = {
        "decode": [str(tmp_path / "o.png")],
        "compare": [file],
        "plot": ["-o", str(tmp_path / "o.png")],
        "info": ["--bits"],
    }
    result = CliRunner().invoke(main, [command, file, *rest.get(command, []), "--max-memory", "1k"])
    assert (result.exit_code, "of memory" in result.output) == (4, True), result.output


@pytest.mark.parametrize("name", ["max_pixels", "max_memory", "max_work"])
@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "9", math.nan, math.inf, b"1", [1]])
def test_a_budget_is_whole_numbers(name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"{name}=.*expected a whole number from 1"):
        Budget(**{name: wrong})
    with pytest.raises(UsageError, match=name):
        splatc.decode(worst.empty(4, 4), **{name: wrong})


def test_a_budget_takes_any_whole_number() -> None:
    assert Budget(np.int64(7), 8.0, 2**63 - 1) == Budget(7, 8, 2**63 - 1)  # type: ignore[arg-type]


# ---- The worst file of each stage ----


def test_area_is_bounded() -> None:
    """As many Gaussians as may cover 16384 x 16384; one more may not."""
    most = (MAX_WORK - work.GRID * worst.SIDE**2) // (worst.SIDE + work.ROOM) ** 2
    assert 480 < most < 520
    assert estimate(worst.alike(most)) <= MAX_WORK < estimate(worst.alike(most + 1))


def test_scale_is_bounded() -> None:
    """A small picture drawn large is a large picture."""
    data = worst.alike(1000, side=20)
    assert estimate(data) < MAX_WORK / 1000
    with pytest.raises(LimitError, match="drawing 20480 x 20480 pixels of 1000 Gaussians"):
        splatc.decode(data, scale=1024)


def test_small_regions_count_the_tiles_around_them() -> None:
    data = worst.alike(1000)
    tiles = (2 * 128 + 1 + work.ROOM) * (2 * 32 + 1 + work.ROOM)
    reading = Reader(io.BytesIO(data)).needed().work
    assert estimate(data, region=(8000, 8000, 1, 1)) == reading + 1000 * tiles + work.GRID


def test_ancestors_and_neighbours_are_bounded() -> None:
    """100 kB hold no more than 200 000 Gaussians, and these no more than 64 times as many ancestors: 2^31 evaluations."""
    data = worst.crowd_of_sections(20_000)
    reader = Reader(io.BytesIO(data))
    cost = reader.needed()
    assert (len(reader.sections) > 100, 60 < cost.searched / cost.gaussians <= 64) == (True, True)
    assert (READ + 64 * SEARCHED) * 200_064 < MAX_WORK / 64
    with pytest.raises(LimitError, match="reading 20000 Gaussians would take"):
        splatc.decode(data, max_work=cost.work - 1)
    deepest = Reader(io.BytesIO(worst.hard_to_search(2000))).needed()
    assert deepest.searched == deepest.gaussians == 2000
    region = reader.needed((0, 0, 10, 10))
    assert region.gaussians > 8000  # all of the root, for two of the leaves
    assert region.searched < 3 * region.gaussians


def test_each_leaf_of_a_damaged_file_is_not_decoded_with_all_of_its_ancestors() -> None:
    """`verify` goes on section by section to say which is damaged, but not for ever."""
    data = bytearray(worst.crowd_of_sections(5000))
    reader = Reader(io.BytesIO(bytes(data)))
    alone = sum(reader.cost([number]).work for number in range(len(reader.sections)))
    assert alone > 3 * reader.needed().work
    chunk = next(each for each in reader.chunks if each.type == "GAUS")
    data[chunk.offset + chunk.length - 1] ^= 1
    assert {each.part for each in splatc.verify(bytes(data))} == {"checksum", f"section {len(reader.sections) - 1}"}
    parts = [each.part for each in splatc.verify(bytes(data), max_work=alone - 1)]
    assert parts == ["checksum", "sections"]


def test_the_largest_output_is_within_the_limit() -> None:
    for region in (None, (0, 0, 23170, 23170)):
        assert estimate(worst.empty(23170, 23170, 4, 16), region) < MAX_WORK / 8
    # 2^32 points of the supersampling grid
    assert estimate(worst.empty(65536, 65536), scale="1/4") <= MAX_WORK


def test_slow_formats_count_as_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "large.splat2d"
    path.write_bytes(worst.empty(10_000, 10_000))
    result = CliRunner().invoke(main, ["decode", str(path), str(tmp_path / "out.webp")])
    assert (result.exit_code, "WEBP output of 10000 x 10000 would take" in result.stderr) == (4, True)


@pytest.mark.parametrize("make", [worst.many_chunks, worst.large_metadata], ids=lambda make: make.__name__)
def test_what_is_no_gaussian_is_soon_read(make: Callable[[], bytes]) -> None:
    data = make()
    assert len(data) <= 100_000
    start = time.process_time()
    assert splatc.verify(data) == []
    splatc.decode(data)
    with PIL.Image.open(io.BytesIO(data)) as picture:
        picture.load()
    assert time.process_time() - start < 5


def test_ordinary_files_are_far_below() -> None:
    """A photograph at CR 50 takes 74 evaluations a pixel (tools/work_bench.py), so that 2^29 pixels of it are a third of the limit."""
    header = Header(768, 512, 3, (0, 0, 0), Blend.NORMALIZED)
    gaussians = random_quantized(np.random.default_rng(0), header, 6000, levels=5)
    assert estimate(bitstream.encode(header, gaussians)) / (768 * 512) < MAX_WORK / 2**29


@pytest.mark.parametrize("a", [(3, 8), (4, 8), (1, 16)])
@pytest.mark.parametrize("b", [(3, 8), (4, 16), (1, 8)])
def test_comparing_takes_less_memory_than_was_estimated(a: tuple[int, int], b: tuple[int, int], tmp_path: Path) -> None:
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    for path, (channels, depth) in ((first, a), (second, b)):
        Path(path).write_bytes(worst.empty(1500, 1000, channels, depth))
    comparison.compare_files(first, second)  # what is loaded once
    tracemalloc.start()
    comparison.compare_files(first, second)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pictures = [comparison.load_any(path, print, Budget())[0] for path in (first, second)]
    assert peak < comparison._needed(pictures[0], pictures[1]) + 1_000_000
    with pytest.raises(LimitError, match="comparing"):
        comparison.compare_files(
            first, second, budget=Budget(max_memory=max(each.pixels.nbytes for each in pictures) + 4096)
        )
