"""The training of effort 0's network: a few rounds by the compiled core and by PyTorch, which goes on where it was stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import train_air
from splatc.fit.table import ANGLE
from splatc.neural import safetensors
from splatc.neural import step as network
from train_air import Runs, State, arrays_of, make_model, one_round

DEVICES = [None, "cpu"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two small pictures, and rounds that are as small."""
    for name, value in {
        "PICTURES": 2,
        "ITERATIONS": 3,
        "TEACHER_STEPS": 3,
        "SIDES": (48,),
        "ROUNDS_SHOWN": 1,
        "SHOWN": (9.0,),
    }.items():
        monkeypatch.setattr(train_air, name, value)
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        coarse.resize((64, 48), PIL.Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


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
    runs, path = Runs(device), tmp_path / "state.pt"
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
    seen = [rounds(state_of(), files, Runs(device), 1).seen.float() for device in DEVICES]
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
    words = [folder, "--validate", folder, "--state", str(tmp_path / "a.pt"), "--out", str(out), "--minutes", "0.001"]
    monkeypatch.setattr(sys, "argv", ["train_air.py", *words, *(["--device", device] if device else [])])
    train_air.main()
    assert "round 1: loss " in capsys.readouterr().out
    arrays = safetensors.read(out.read_bytes())
    assert arrays["weight0"].shape == (train_air.HIDDEN, network.FEATURES)


def test_training_takes_no_package_that_writes_files(files: list[Path], tmp_path: Path) -> None:
    """A computer that has PyTorch alone, and the source tree, trains."""
    script = f"""
import sys
sys.modules.update(dict.fromkeys(["click", "constriction", "zstandard"]))
import train_air
train_air.PICTURES = train_air.ITERATIONS = train_air.TEACHER_STEPS = train_air.ROUNDS_SHOWN = 1
train_air.SIDES = (48,)
sys.argv = ["train_air.py", {str(files[0].parent)!r}, "--state", {str(tmp_path / "a.pt")!r},
            "--out", {str(tmp_path / "a.safetensors")!r}, "--minutes", "0.001", "--device", "cpu"]
train_air.main()
"""
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert safetensors.read((tmp_path / "a.safetensors").read_bytes())
