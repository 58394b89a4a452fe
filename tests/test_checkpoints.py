"""Files of Gaussians: what was saved comes back, and a checkpoint of GaussianImage shows the picture that its authors mean."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from splatc.blend import Blend
from splatc.errors import InputError, UsageError
from splatc.fit import checkpoints
from splatc.gaussians import CUTOFF, Gaussians, Scene
from splatc.render import reference
from tests.scenes import random_gaussians

WIDTH, HEIGHT = 24, 18


def gaussians(count: int = 40) -> Gaussians:
    drawn = random_gaussians(np.random.default_rng(2), count, WIDTH, HEIGHT, scales=(0.8, 6.0), thinnest=6.0)
    return Gaussians(np.clip(drawn.mean, 1, 17), drawn.scale, drawn.angle, drawn.colour)


def state(**changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    arrays = {
        "_xyz": np.arctanh(rng.uniform(-0.9, 0.9, (12, 2))),
        "_cholesky": rng.uniform(-2.0, 2.0, (12, 3)),
        "_features_dc": rng.uniform(-0.2, 0.6, (12, 3)),
        "_opacity": np.ones((12, 1)),
    }
    return {name: value for name, value in (arrays | changed).items() if value is not None}


def their_picture(arrays: dict[str, Any]) -> np.ndarray:
    """(H, W, 3) as GaussianImage draws it, apart from its cut at 1/255: see its gaussianimage_cholesky.py and forward2d.cu."""
    picture = np.zeros((HEIGHT, WIDTH, 3))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for xyz, cholesky, colour in zip(arrays["_xyz"], arrays["_cholesky"], arrays["_features_dc"], strict=True):
        l11, l21, l22 = cholesky + np.array([0.5, 0.0, 0.5])
        conic = np.linalg.inv([[l11 * l11, l11 * l21], [l11 * l21, l21 * l21 + l22 * l22]])
        x, y = 0.5 * np.tanh(xyz) * [WIDTH, HEIGHT] + [0.5 * WIDTH, 0.5 * HEIGHT]
        d = np.stack([columns - x, rows - y], axis=-1)
        picture += np.exp(-0.5 * np.einsum("hwi,ij,hwj->hw", d, conic, d))[..., np.newaxis] * colour
    return picture


def test_a_checkpoint_shows_the_picture_of_its_authors() -> None:
    arrays = state()
    loaded = checkpoints.from_state_dict(arrays, WIDTH, HEIGHT)
    ours = reference.render(Scene(WIDTH, HEIGHT, Blend.SUM, np.zeros(3, np.float32), loaded))
    # Our window takes CUTOFF off each weight.
    allowed = CUTOFF * np.abs(arrays["_features_dc"]).sum(axis=0).max() + 1e-3
    assert np.abs(ours - their_picture(arrays)).max() < allowed


def test_scaling_and_rotation_mean_the_same_as_a_covariance() -> None:
    arrays = state(_cholesky=None, _scaling=np.full((12, 2), [2.5, 0.5]), _rotation=np.zeros((12, 1)))
    loaded = checkpoints.from_state_dict(arrays, WIDTH, HEIGHT)
    assert loaded.scale == pytest.approx(np.full((12, 2), [3.0, 1.0]), rel=1e-5)
    turned = np.minimum(loaded.angle, np.pi - loaded.angle)  # a sigmoid of 0 is half a turn, which is none
    assert np.abs(turned).max() < 1e-5


def test_opacity_counts_as_colour() -> None:
    half = checkpoints.from_state_dict(state(_opacity=np.full((12, 1), 0.5)), WIDTH, HEIGHT)
    assert half.colour == pytest.approx(0.5 * state()["_features_dc"], rel=1e-5)


def test_without_pytorch_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "set.pth"
    sentence = f'{path}: a checkpoint needs PyTorch: pip install "splatc[train]"'
    with pytest.raises(UsageError, match=re.escape(sentence)):
        checkpoints.save_gaussians(path, gaussians(), width=WIDTH, height=HEIGHT)
    path.write_bytes(b"what torch would read")
    with pytest.raises(UsageError, match=re.escape(sentence)):
        checkpoints.load_gaussians(path, width=WIDTH, height=HEIGHT)


@pytest.mark.parametrize("name", ["set.npz", "set.pth", "gaussian_model.pth.tar"])
def test_what_was_saved_comes_back(name: str, tmp_path: Path) -> None:
    before = gaussians()
    checkpoints.save_gaussians(tmp_path / name, before, width=WIDTH, height=HEIGHT)
    after = checkpoints.load_gaussians(tmp_path / name, width=WIDTH, height=HEIGHT)
    for field in ("mean", "scale", "colour"):
        assert getattr(after, field) == pytest.approx(getattr(before, field), rel=2e-3, abs=2e-3)
    difference = np.abs(after.angle - before.angle)
    anisotropic = before.scale[:, 0] > 1.1 * before.scale[:, 1]
    assert np.minimum(difference, np.pi - difference)[anisotropic].max() < 2e-2


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    checkpoints.save_gaussians(path, gaussians(3))
    with pytest.raises(UsageError, match="exists already"):
        checkpoints.save_gaussians(path, gaussians(4))
    checkpoints.save_gaussians(path, gaussians(4), force=True)
    assert len(checkpoints.load_gaussians(path)) == 4


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("code of a checkpoint ran",)


def test_no_code_of_a_checkpoint_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"_xyz": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="without running its code"):
        checkpoints.load_gaussians(tmp_path / "evil.pth", width=4, height=4)
    np.savez(tmp_path / "evil.npz", mean=np.array([Evil()], object))
    with pytest.raises(InputError, match=r"not a \.npz archive"):
        checkpoints.load_gaussians(tmp_path / "evil.npz")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (state(_xyz=None), "has no _xyz"),
        (state(_features_dc=np.zeros((12, 4))), r"_features_dc of the checkpoint has shape \(12, 4\)"),
        (state(_features_dc=np.zeros((11, 3)), _opacity=None), "differ in length"),
        (state(_cholesky=np.full((12, 3), np.nan)), "not finite"),
    ],
)
def test_checkpoints_of_another_kind(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    torch.save({name: torch.from_numpy(value) for name, value in arrays.items()}, tmp_path / "model.pth")
    with pytest.raises(InputError, match=message):
        checkpoints.load_gaussians(tmp_path / "model.pth", width=WIDTH, height=HEIGHT)


def test_clear_words_for_everything_else(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not know the size"):
        checkpoints.load_gaussians("model.pth")
    with pytest.raises(UsageError, match=r"expected \.npz"):
        checkpoints.load_gaussians("model.ply")
    with pytest.raises(UsageError, match="encode_gaussians makes"):
        checkpoints.save_gaussians("set.splat2d", gaussians())
    with pytest.raises(UsageError, match="give width and height"):
        checkpoints.save_gaussians("set.pth", gaussians())
    (tmp_path / "short.npz").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(InputError, match=r"short\.npz: not a \.npz"):
        checkpoints.load_gaussians(tmp_path / "short.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="lacks an array"):
        checkpoints.load_gaussians(tmp_path / "other.npz")
