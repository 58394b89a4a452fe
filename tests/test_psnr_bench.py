"""tools/psnr_bench.py: what a search costs in processor time of its fits, and what its file has beside the curve."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import psnr_bench
from bench import processes


def test_a_search_is_counted_in_fits_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = []

    def run(command: Sequence[str | Path]) -> processes.Run:
        commands.append(command)
        searches = "--psnr" in command
        output = next(Path(word) for word in command if str(word).endswith("a.splat2d"))
        output.write_bytes(bytes(1020))
        errors = "try 1, effort 1: 900 bytes\ntry 2, effort 5: 1020 bytes\n" if searches else ""
        return processes.Run(0, "", errors, 100.0, 1.0, timed_out=False, processor=5.0 if searches else 2.0)

    monkeypatch.setattr(processes, "run", run)
    monkeypatch.setattr(psnr_bench, "curves_of", lambda _: {"kodim03.png": ((500, 30.0), (1000, 32.0), (2000, 34.0))})
    words = ["psnr_bench.py", "kodim03.png", "other.png", "--points", str(tmp_path / "points.jsonl"), "--psnr", "32"]
    monkeypatch.setattr("sys.argv", words)
    psnr_bench.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| kodim03.png | 32 | 2 | 2.50 | 1020 | 1000 | +2.0 % |"
    assert lines[5:9] == ["| | 32 dB |", "|---|---|", "| kodim03 | 2.5 fits, +2.0 % |", "| other | 2.5 fits |"]
    assert lines[10:] == ["in fits: median 2.50, worst 2.50", "bytes more: mean +2.0 %, worst +2.0 %, of 1"]
    assert all(each[each.index("--threads") + 1] == "1" for each in commands)
    assert commands[1][-1] == "1020", "the fit that is one fit has the size that was found"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say")
def test_the_processor_s_time_of_a_process_is_not_that_of_the_clock() -> None:
    sleeping = processes.run([sys.executable, "-c", "import time; time.sleep(0.5)"])
    busy = processes.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"])
    assert sleeping.seconds > 0.5 > sleeping.processor
    assert busy.processor > 0.5
