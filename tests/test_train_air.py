"""The training of effort 0's network: a few rounds by the compiled core and by PyTorch, which goes on where it was stopped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import train_air
from bench import training
from splatc.fit.table import ANGLE
from splatc.neural import safetensors
from splatc.neural import step as network
from train_air import Runs, State, arrays_of, make_model, one_round

DEVICES = [None, "cpu"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Two small pictures, and rounds that are as small; by one thread, as the command has it: more wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for name, value in {
        "PICTURES": 2,
        "ITERATIONS": 3,
        "TEACHER_STEPS": 3,
        "SIDES": (48,),
        "SHOWN": (9.0,),
    }.items():
        monkeypatch.setattr(train_air, name, value)
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        coarse.resize((64, 48), PIL.Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    yield sorted(folder.iterdir())
    torch.set_num_threads(threads)


def state_of() -> State:
    torch.manual_seed(0)
    model = make_model(8)
    return State(model, torch.optim.Adam(model.parameters(), train_air.RATE))


def rounds(state: State, files: list[Path], runs: Runs, count: int) -> State:
    for _ in range(count):
        one_round(state, files, runs)
        state.round += 1
    return state


@pytest.mark.parametrize("device", DEVICES)
def test_it_goes_on_where_it_was_stopped(device: str | None, files: list[Path], tmp_path: Path) -> None:
    runs, path = Runs(device, 3), tmp_path / "state.pt"
    whole = rounds(state_of(), files, runs, 2)
    rounds(state_of(), files, runs, 1).save(path)
    again = state_of()
    again.load(path)
    assert again.round == 1
    rounds(again, files, runs, 1)
    for name, array in arrays_of(whole.model).items():
        assert np.array_equal(array, arrays_of(again.model)[name]), name
    assert len(whole.seen) == len(whole.moved) > 100


def test_pytorch_sees_what_the_core_sees(files: list[Path]) -> None:
    """Until small differences have grown: at the first step of the first fit, whose Gaussians come first."""
    seen = [rounds(state_of(), files, Runs(device, 3), 1).seen.float() for device in DEVICES]
    assert seen[0].shape == seen[1].shape
    rows = len(network.UNITS)
    angles = [ANGLE, rows + ANGLE, 2 * rows + ANGLE]  # of round Gaussians, whose gradient is nothing but rounding
    others = [column for column in range(network.FEATURES) if column not in angles]
    assert torch.allclose(seen[0][:40, others], seen[1][:40, others], atol=0.02)


@pytest.mark.parametrize("device", DEVICES)
def test_the_command_writes_weights_that_are_read(
    device: str | None,
    files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, folder = tmp_path / "step.safetensors", str(files[0].parent)
    words = [folder, "--validate", folder, "--state", str(tmp_path / "a.pt"), "--out", str(out), "--minutes", "1e-9"]
    monkeypatch.setattr(sys, "argv", ["train_air.py", *words, *(["--device", device] if device else [])])
    train_air.main()
    assert re.fullmatch(r"round 1: loss [\d.]+  CR 9 \d\d\.\d\d dB\n", capsys.readouterr().out)
    arrays = safetensors.read(out.read_bytes())
    assert arrays["weight0"].shape == (train_air.HIDDEN, network.FEATURES)


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *words: object, hidden: int = 8) -> None:
    """The command, for as short a time as there is."""
    given = ["--state", tmp_path / "a.pt", "--out", tmp_path / "a.safetensors", "--minutes", "1e-9", "--hidden", hidden]
    monkeypatch.setattr(sys, "argv", ["train_air.py", *map(str, [*given, *words])])
    train_air.main()


def test_it_says_where_it_resumes_and_keeps_the_units(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = files[0].parent
    run(monkeypatch, tmp_path, folder)
    with pytest.raises(SystemExit, match="its network has 8 units a layer, not 16"):
        run(monkeypatch, tmp_path, folder, hidden=16)
    monkeypatch.setattr(sys, "argv", [*sys.argv[:-3], str(folder)])  # without --hidden
    train_air.main()
    assert "resumes after round 1\nround 2: loss " in capsys.readouterr().out
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.pt", "a.safetensors", "pictures"]


def test_ctrl_c_leaves_the_last_whole_round(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, called = train_air.train, []

    def stop(state: State) -> float:
        called.append(state)
        if len(called) == 5:  # in the second round, when the network has already changed
            raise KeyboardInterrupt
        return whole(state)

    monkeypatch.setattr(train_air, "train", stop)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, tmp_path, files[0].parent, "--minutes", "9")
    assert ended.value.code == 130
    assert capsys.readouterr().err.startswith("train_air: interrupted after round 1; ")
    monkeypatch.setattr(train_air, "train", whole)
    again = state_of()
    again.load(tmp_path / "a.pt")
    wanted = rounds(state_of(), files, Runs(None, 3), 1)
    assert again.round == 1
    assert len(again.seen) == len(wanted.seen)
    assert all(torch.equal(*pair) for pair in zip(again.model.parameters(), wanted.model.parameters(), strict=True))


def test_the_state_is_saved_when_a_minute_has_passed(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.training.SAVED_EVERY", 0.0)
    made: list[int] = []
    whole = train_air.one_round

    def kill(state: State, *others: Any) -> float:
        if state.round == 2:
            again = state_of()
            again.load(tmp_path / "a.pt")
            made.append(again.round)
            raise MemoryError
        return whole(state, *others)

    monkeypatch.setattr(train_air, "one_round", kill)
    with pytest.raises(MemoryError):
        run(monkeypatch, tmp_path, files[0].parent, "--minutes", "9")
    assert made == [2]


def test_an_interrupted_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"before")

    def half(part: Path) -> None:
        part.write_bytes(b"aft")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.write_whole(path, half)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def test_each_picture_comes_once_an_epoch() -> None:
    for count in (5, 8, 27):
        for epoch in range(4):
            found = [train_air.picture_of(epoch * count + number, count) for number in range(count)]
            assert sorted(found) == list(range(count))


@pytest.mark.parametrize("hidden", [0, 7, 20, 72, 128])
def test_units_that_effort_0_would_not_use_are_refused(
    hidden: int, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, tmp_path, files[0].parent, hidden=hidden)
    assert ended.value.code == 2
    assert "--hidden" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: no such folder"),
        (["empty"], "empty: no pictures in it"),
        (["small"], "small.a.png: 9 x 40 px; each side must have 32 at least"),
        (["broken"], "broken.a.png: not a picture"),
        (["pictures", "--validate", "empty"], "empty: no pictures in it"),
        (["pictures", "--state", "nowhere/a.pt"], "there is no folder .*nowhere"),
        (["pictures", "--out", "nowhere/a.st"], "there is no folder .*nowhere"),
        (["pictures", "--state", "bad.pt"], "bad.pt: damaged, or not a state of this training"),
        (["pictures", "--state", "other.pt"], "other.pt: damaged, or not a state of this training"),
        (["pictures", "--minutes", "nan"], "2"),
        (["pictures", "--device", "bogus"], "2"),
        (["pictures", "--teacher-steps", "0"], "2"),
    ],
)
def test_what_is_wrong_is_said_before_the_work(
    words: list[str], message: str, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("empty", "small", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "empty" / "INDEX.tsv").write_text("file")
    PIL.Image.new("RGB", (9, 40)).save(tmp_path / "small" / "a.png")
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    (tmp_path / "bad.pt").write_bytes(b"no state")
    torch.save({"steps": 3}, tmp_path / "other.pt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_air, "one_round", lambda *_: pytest.fail("it has begun to work"))
    with pytest.raises(SystemExit, match=message):
        run(monkeypatch, tmp_path, *words)


def test_training_takes_no_package_that_writes_files(files: list[Path], tmp_path: Path) -> None:
    """A computer that has PyTorch alone, and the source tree, trains."""
    script = f"""
import sys
sys.modules.update(dict.fromkeys(["click", "constriction", "zstandard"]))
import train_air
train_air.PICTURES = train_air.ITERATIONS = train_air.TEACHER_STEPS = 1
train_air.SIDES = (48,)
sys.argv = ["train_air.py", {str(files[0].parent)!r}, "--state", {str(tmp_path / "a.pt")!r},
            "--out", {str(tmp_path / "a.safetensors")!r}, "--minutes", "0.001", "--device", "cpu"]
train_air.main()
"""
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert safetensors.read((tmp_path / "a.safetensors").read_bytes())
