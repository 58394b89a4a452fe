"""The tool that measures a commit and the work tree: what it runs, that it goes on where it was stopped, and its table."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import speed_bench
from bench import speed_measure, speed_report, speed_rows
from bench.installs import Installation
from bench.speed_rows import ROWS, Job, Pictures, jobs
from bench.speed_samples import FILE, Sample, append, current, load

OLD, NEW = "18186d1", "work tree"
STAND_IN = """#!{python}
import sys, PIL.Image
*_, source, output = sys.argv
if sys.argv[1] == "encode":
    open(output, "wb").write(open(source, "rb").read())
    if "-v" in sys.argv:
        print("try 1, effort 1: 300 bytes", "try 2, effort 5: 300 bytes", file=sys.stderr, sep="\\n")
elif sys.argv[1] == "batch":
    open(output + "/a.splat2d", "wb").write(b"file")
else:
    PIL.Image.open(source).save(output)
"""


@dataclass(frozen=True)
class StandIn(Installation):
    """An installation that is a script."""

    identity: str = "a"

    @property
    def content(self) -> str:
        return self.identity

    @property
    def splatc(self) -> Path:
        return self.environment / "splatc"


def stand_ins(folder: Path) -> list[StandIn]:
    script = folder / "splatc"
    script.write_text(STAND_IN.format(python=sys.executable))
    script.chmod(0o755)
    return [StandIn(name, folder, folder) for name in (OLD, NEW)]


def test_rows_are_what_the_targets_speak_of() -> None:
    pictures = Pictures(Path("pictures"), mosaic=Path("mosaic.tif"))
    found = jobs(list(speed_rows.ROWS), pictures, ["-e", "2"])
    count = {name: sum(job.row == name for job in found) for name in speed_rows.ROWS}
    assert count == {
        "kodak": 18, "e1": 18, "uhr": 1, "mosaic": 1, "ssim": 6, "psnr": 18, "threads": 4, "busy": 2, "batch": 4, "install": 1, "first": 2,
    }  # fmt: skip
    assert len({job.key for job in found}) == len(found)
    assert all(job.variant.endswith(" -e 2") for job in found if job.picture)
    assert {job.picture.name for job in found if job.row == "threads" and job.picture} == {
        "kodim03.png",
        "jwst_carina_half_7287x4220.jpg",
    }
    one, each = (
        speed_measure.batch_words(job, Path("x")) for job in found if job.row == "batch" and "-e 1" in job.variant
    )
    assert one[one.index("--threads") + 1] == each[each.index("-j") + 1]
    assert (one[one.index("-j") + 1], each[each.index("--threads") + 1]) == ("1", "1")
    assert sum(str(word).endswith(".png") for word in each) == len(speed_rows.KODAK)
    assert speed_measure.encode_words(found[0], Path("x")) == [
        "encode", "--force", "--cr", "100", "-e", "2", Path("pictures/kodak/kodim01.png"), Path("x"),
    ]  # fmt: skip


def test_a_dry_run_only_says_what_it_would_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["e1", "threads", "--kodak", "kodim05", "--repeats", "2", "--out", str(out), "--dry-run"]
    speed_bench.main(words)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 3 + 4
    assert lines[0].startswith(f"2 x {OLD}: e1: splatc encode --force -e 1 --cr 100 ")
    assert not any(line.startswith(f"2 x {OLD}: threads") for line in lines)
    assert not out.exists()
    with pytest.raises(SystemExit, match=r"kodim05\.png: no such file"):
        speed_bench.main(words[:-1])


def test_installations_take_turns_and_what_is_there_is_not_run_again(
    tmp_path: Path, tiny_picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, str]] = []

    def run_once(job: Job, side: Installation, folder: Path, known: list[Sample]) -> Sample:
        ran.append((side.name, job.case))
        return Sample(job.key, side.name, side.content, 1.0)

    monkeypatch.setattr(speed_bench, "run_once", run_once)
    monkeypatch.setattr(speed_bench, "warm_up", lambda *_: None)
    sides = [StandIn(name, tmp_path, tmp_path) for name in (OLD, NEW)]
    wanted = [Job("busy", tiny_picture, "-e 1", case) for case in ("alone", "beside")]
    wanted += [Job("threads", tiny_picture, "--cr 9", "1"), Job("install", None, "", "")]
    speed_bench.measure(wanted, sides, tmp_path, 2)
    turn = [(OLD, "alone"), (NEW, "alone"), (OLD, "beside"), (NEW, "beside")]
    assert ran == [*turn, *turn, (NEW, "1"), (NEW, "1"), (OLD, ""), (NEW, "")]
    speed_bench.measure(wanted, sides, tmp_path, 2)
    assert len(ran) == 12
    speed_bench.measure(wanted, [sides[0], replace(sides[1], identity="b")], tmp_path, 1)
    assert [name for name, _ in ran[12:]] == [NEW] * 4
    assert len(current(load(tmp_path), {OLD: "a", NEW: "b"})) == 5 + 4


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_a_run_is_measured_and_its_file_judged(tmp_path: Path, tiny_picture: Path) -> None:
    side = stand_ins(tmp_path)[0]
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    job = Job("kodak", tiny_picture, "--cr 100", "")
    speed_measure.warm_up(job, side, workspace)
    sample = speed_measure.run_once(job, side, workspace, [])
    assert (sample.size, sample.psnr, sample.ms_ssim) == (tiny_picture.stat().st_size, 100.0, 1.0)
    assert sample.seconds > 0
    known = replace(sample, psnr=33.0)
    assert speed_measure.run_once(job, side, workspace, [known]).psnr == 33.0  # an equal file is not judged again
    search = speed_measure.run_once(Job("psnr", tiny_picture, "--psnr 30", ""), side, workspace, [])
    assert search.tries == 2
    assert 0.2 < search.in_fits < 5
    beside = speed_measure.run_once(Job("busy", tiny_picture, "-e 1 --cr 100", "beside"), side, workspace, [sample])
    assert beside.psnr == 100.0
    together = Job("batch", tiny_picture, "-e 1 --cr 100", "a thread each", (tiny_picture, tiny_picture))
    several = speed_measure.run_once(together, side, workspace, [])
    assert (several.key, several.size) == ("batch|tiny.png and 2 more|-e 1 --cr 100|a thread each", 4)
    assert 0 < several.seconds < 5
    with pytest.raises(SystemExit, match="speed_bench: exit status 1: "):
        speed_measure.run_once(Job("kodak", tmp_path / "nothing.png", "", ""), side, workspace, [])


def test_the_worker_times_a_fit(tiny_picture: Path) -> None:
    command = [sys.executable, "-P", str(speed_measure.WORKER), str(tiny_picture), "20", "1", "1"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    assert found["seconds"] > 0
    assert found["size"] <= 64 * 48 * 3 / 20
    assert len(found["digest"]) == 16


def test_the_size_of_an_installation_is_what_it_brought(tmp_path: Path) -> None:
    packages = tmp_path / ("Lib" if sys.platform == "win32" else "lib/python3.11") / "site-packages"
    for name in ("splatc/a.py", "numpy/core.so", "pip/x.py", "pip-24.0.dist-info/RECORD", "splatc/k.nbc"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_bytes(bytes(1_000_000))
    assert Installation("x", tmp_path, tmp_path).megabytes == 2.0
    assert Installation("x", tmp_path, tmp_path).content == ""


def test_samples_survive_a_killed_run(tmp_path: Path) -> None:
    one = Sample("kodak|a.png|--cr 50|", OLD, "a", 1.5)
    append(tmp_path, one)
    with (tmp_path / FILE).open("a") as stream:
        stream.write('{"key": "kod')
    append(tmp_path, one)
    assert load(tmp_path) == [one, one]


def test_the_table_has_ratios_of_medians_and_the_worst_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def sample(row: str, picture: str, variant: str, side: str, seconds: float, **more: float | str) -> Sample:
        case = str(more.pop("case", ""))
        return Sample(f"{row}|{picture}|{variant}|{case}", side, "x", seconds, **more)  # type: ignore[arg-type]

    for repeat in (0.0, 1.0, 100.0):
        append(tmp_path, sample("kodak", "a.png", "--cr 50", OLD, 40 + repeat, psnr=30.0, size=900, peak=700.0))
        append(tmp_path, sample("kodak", "a.png", "--cr 50", NEW, 9 + repeat, psnr=30.1, size=899, peak=300.0))
        append(tmp_path, sample("kodak", "b.png", "--cr 50", OLD, 20 + repeat, psnr=31.0))
        append(tmp_path, sample("kodak", "b.png", "--cr 50", NEW, 5 + repeat, psnr=30.95))
    for side, fits, size in ((OLD, 6.5, 1000), (NEW, 1.5, 1020)):
        append(tmp_path, sample("psnr", "a.png", "--psnr 32", side, 10 * fits, in_fits=fits, size=size))
    for case, seconds in (("1", 4.0), ("2", 2.0)):
        append(tmp_path, sample("threads", "a.png", "--cr 9", NEW, seconds, case=case, digest="d"))
        append(
            tmp_path,
            sample(
                "batch",
                "a.png and 5 more",
                "-e 1",
                NEW,
                seconds,
                case=dict(zip("12", ROWS["batch"].cases, strict=True))[case],
            ),
        )
        append(tmp_path, sample("first", "a.png", "--cr 9", NEW, seconds, case={"1": "first", "2": "warm"}[case]))
    append(tmp_path, sample("install", "", "", NEW, 0.0, megabytes=120.0, load=1.5))
    speed_bench.main(["--report", "--out", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "18186d1 against work tree; load before a run: median 0.0, most 1.5"
    assert lines[3] == speed_report.Line.HEAD
    assert lines[5:11] == [
        "| Kodak, default effort, `--cr 50` | 31.00 s | 8.00 s | 0.258 | 0.25 | 0.15 | +0.025 dB | -0.050 b.png | mean >= -0.03 dB "
        "| 700, 300 MB | 3 |",
        "| Kodak, `--psnr`, `--psnr 32` | 6.50 / 6.50 fits | 1.50 / 1.50 fits | 0.231 | 2 fits, worst 3 | 1.5, worst 2 | +2.0 % bytes "
        "| +2.0 % a.png | files <= +3 % |  | 1 |",
        "| fit, 2 threads against 1, a.png | - | 2.00: 4.00 s, 2.00 s |  | 1.7 / 1.9 |  | same bytes |  | same bytes |  | 1 |",
        "| batch, pictures an hour, a.png and 5 more, `-e 1` | - | 1800 by a thread each, 900 one at a time |  |  |  | same bytes |  "
        "| same bytes |  | 1 |",
        "| plain install | - | 120 MB |  | 150 MB | 130 MB |  |  |  |  | 1 |",
        "| first encode over a warm one, `-e 1`, a.png | - | 2.00 s over 2.00 s |  | 0.3 s | 0 s |  |  |  |  | 1 |",
    ]
    assert lines[14] == (
        "| Kodak, default effort, `--cr 50` | a.png | 41.00 s | 10.00 s | 0.244 | 900, 899 | 30.000, 30.100 | 0.00000, 0.00000 |"
    )
    with pytest.raises(SystemExit, match="nothing was measured"):
        speed_bench.main(["--report", "--out", str(tmp_path / "elsewhere")])
