"""How many pictures at a time: as many as processors, fewer where memory is short, and each with its share of the threads."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest
from click.testing import CliRunner

from splatc import core
from splatc.batch import share
from splatc.batch.job import Job
from splatc.batch.share import PROCESS, Share, choose, free_memory, free_of_group, needed
from splatc.cli import batch, main
from splatc.fit.engines.choice import Wanted
from splatc.image.readers import load
from splatc.image.readers.header import extent_of
from tests.test_batch import make_pictures, options

GB = 10**9
SMALL = [GB // 10] * 100


@pytest.mark.parametrize(
    ("needs", "processors", "memory", "threads", "expected"),
    [
        (SMALL, 8, 16 * GB, None, Share(8, 1)),
        (SMALL[:3], 8, 16 * GB, None, Share(3, 2)),
        (SMALL[:1], 8, 16 * GB, None, Share(1, 8)),
        (SMALL, 8, GB, None, Share(5, 1)),
        ([2 * GB] * 9, 8, 8 * GB, None, Share(2, 4)),
        ([*SMALL, 3 * GB], 8, 8 * GB, None, Share(8, 1)),
        ([*SMALL, 4 * GB], 8, 8 * GB, None, Share(1, 8)),
        ([9 * GB], 8, GB, None, Share(1, 8)),
        (SMALL, 8, 16 * GB, 2, Share(4, 2)),
        (SMALL, 8, 16 * GB, 12, Share(1, 12)),
        (SMALL, 8, GB // 2, 1, Share(2, 1)),
        (SMALL, 1, 16 * GB, None, Share(1, 1)),
        ([], 8, 16 * GB, None, Share(1, 8)),
    ],
)  # fmt: skip
def test_pictures_at_a_time(
    needs: list[int], processors: int, memory: int, threads: int | None, expected: Share
) -> None:
    assert choose(needs, processors, memory, threads) == expected
    assert choose(needs[::-1], processors, memory, threads) == expected


def test_what_a_picture_takes_is_known_from_its_header(tmp_path: Path) -> None:
    sizes = [(16, 12), (700, 500), (3000, 2000)]
    jobs = []
    for number, size in enumerate(sizes):
        PIL.Image.new("RGB", size).save(tmp_path / f"{number}.png")
        jobs.append(Job(str(tmp_path / f"{number}.png"), "", options() | {"count": None}))
    found = [needed(job) for job in jobs]
    assert found == sorted(found)
    assert PROCESS < found[0] < 100e6
    assert 100e6 < found[2] < GB
    header = (tmp_path / "2.png").read_bytes()[:60]
    (tmp_path / "2.png").write_bytes(header)  # no pixel of it is read
    assert needed(jobs[2]) == found[2]
    assert needed(Job(jobs[2].source, "", jobs[2].options | {"max_memory": 10**6})) == PROCESS + 10**6
    assert needed(Job(jobs[2].source, "", jobs[2].options | {"size": 10**6})) > found[2]
    (tmp_path / "2.png").write_bytes(b"no picture")
    assert needed(jobs[2]) == needed(Job("missing.png", "", options())) == PROCESS


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("1", "a.png"), ("L", "a.png"), ("I;16", "a.png"), ("P", "a.gif"),
        ("LA", "a.png"), ("RGB", "a.jpg"), ("RGBA", "a.tif"), ("CMYK", "a.jpg"),
    ],
)  # fmt: skip
def test_a_header_says_what_the_picture_will_be(mode: str, name: str, tmp_path: Path) -> None:
    picture = PIL.Image.new(mode, (20, 10))
    picture.save(tmp_path / name)
    extent, image = extent_of(str(tmp_path / name)), load(str(tmp_path / name))
    assert (extent.width, extent.height, extent.bit_depth) == (image.width, image.height, image.bit_depth)
    assert image.channels <= extent.channels <= 4
    assert mode in ("P", "LA", "RGBA") or extent.channels == image.channels


def test_colour_of_16_bits_is_seen_in_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 3 2 65535\n" + bytes(36))
    assert (extent_of(str(tmp_path / "a.ppm")).bit_depth, extent_of(str(tmp_path / "a.ppm")).channels) == (16, 3)
    (tmp_path / "a.ppm").write_bytes(b"P6 3 2 255\n" + bytes(18))
    assert extent_of(str(tmp_path / "a.ppm")).bit_depth == 8


def test_control_groups_limit_the_memory(tmp_path: Path) -> None:
    def group(name: str, **files: str) -> Path:
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file.replace("_", ".", 1)).write_text(text)
        return tmp_path / name

    stat = "anon 70\nactive_file 10\ninactive_file 20\n"
    assert free_of_group(group("two", memory_max="100\n", memory_current="90\n", memory_stat=stat)) == 40
    assert free_of_group(group("full", memory_max="50\n", memory_current="90\n", memory_stat=stat)) == 0
    assert free_of_group(group("none", memory_max="max\n", memory_current="90\n", memory_stat=stat)) is None
    stat = "active_file 1\ntotal_active_file 30\n"
    one = {"memory_limit_in_bytes": "100", "memory_usage_in_bytes": "60", "memory_stat": stat}
    assert free_of_group(group("one", **one)) == 70
    assert free_of_group(tmp_path) is None


def test_some_memory_is_free() -> None:
    assert 1 << 20 < free_memory() < 1 << 50


def test_without_j_there_is_a_picture_for_each_processor(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", "a.png", "b.png", "c.png")
    command = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-e", "1", "-n", "5", "-v"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    cores = core.pool.available()
    processes = min(3, cores)
    assert f"\n{processes} at a time, each by {max(1, cores // processes)} thread" in result.stderr
    assert "3 done" in result.stderr


def test_large_pictures_come_first_and_what_is_asked_for_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job(name, "", options()) for name in ("a", "b", "c")]
    monkeypatch.setattr(share, "needed", lambda job: {"a": 1, "b": 3 * GB, "c": 2 * GB}[job.source])
    monkeypatch.setattr(share, "free_memory", lambda: 8 * GB)
    monkeypatch.setattr(core.pool, "available", lambda: 4)

    def shared(processes: int | None, threads: int | None, wanted: Wanted) -> tuple[str, Share]:
        found, chosen = batch._shared(jobs, processes, threads, wanted)
        assert {job.threads for job in found} == {chosen.threads}
        return "".join(job.source for job in found), chosen

    compiled = Wanted(device="cpu")
    assert shared(None, None, compiled) == ("bca", Share(1, 4))
    assert shared(2, None, compiled) == ("abc", Share(2, 2))
    assert shared(8, None, compiled) == ("abc", Share(3, 1))
    assert shared(8, 3, compiled) == ("abc", Share(3, 3))
    assert shared(None, None, Wanted("torch", "cpu")) == ("abc", Share(1, 4))
