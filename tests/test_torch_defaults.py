"""What a program has set in PyTorch for itself changes no byte of a file, and stays as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import splatc
from splatc.encoder.pipeline import EncodeOptions, encode_with
from splatc.encoder.rate_control import Target
from splatc.fit.engines.choice import Wanted
from splatc.fit.schedule import Schedule
from splatc.image.image import Image
from splatc.steps import Quantizer

torch = pytest.importorskip("torch")

PIXELS = np.random.default_rng(6).integers(0, 256, (16, 20, 3), np.uint8)


@contextlib.contextmanager
def default_dtype(dtype: Any) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
        assert torch.get_default_dtype() is dtype
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def default_device(device: str) -> Iterator[None]:
    torch.set_default_device(device)
    try:
        yield
        assert torch.zeros(1).device.type == device
    finally:
        torch.set_default_device(None)


SETTINGS = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "another device": lambda: default_device("meta"),
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


@pytest.fixture(scope="module")
def expected() -> dict[tuple[str, str], bytes]:
    return {}


def encoded(engine: Any, tune: Any) -> bytes:
    options = EncodeOptions(Target("count", 9), tune=tune, engine=Wanted(engine, "cpu").choose(tune, lambda *_: None))
    return encode_with(Image(PIXELS), options, Schedule(8), Quantizer())


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("engine", "tune"), [("core", "psnr"), ("torch", "psnr"), ("torch", "ssim")])
def test_settings_of_the_program_change_no_byte(
    engine: str, tune: str, setting: str, expected: dict[tuple[str, str], bytes]
) -> None:
    if (engine, tune) not in expected:
        expected[engine, tune] = encoded(engine, tune)
    with SETTINGS[setting]():
        found = encoded(engine, tune)
    assert found == expected[engine, tune]


@pytest.mark.parametrize("setting", SETTINGS)
def test_nor_any_gaussian_of_a_checkpoint(setting: str, tmp_path: Any) -> None:
    gaussians = splatc.Gaussians(
        *(np.array(each, np.float32) for each in ([[8, 6]], [[4, 2]], [0.5], [[1.0, 0.5, 0.0]]))
    )
    with SETTINGS[setting]():
        splatc.save_gaussians(tmp_path / "one.pth", gaussians, width=16, height=12)
        back = splatc.load_gaussians(tmp_path / "one.pth", width=16, height=12)
    assert back.scale == pytest.approx(gaussians.scale, rel=1e-4)
    assert back.mean == pytest.approx(gaussians.mean, rel=1e-4)


def test_checkpoints_of_half_precision(tmp_path: Any) -> None:
    state = {
        "_xyz": torch.zeros(1, 2, dtype=torch.bfloat16),
        "_cholesky": torch.ones(1, 3, dtype=torch.bfloat16),
        "_features_dc": torch.nn.Parameter(torch.ones(1, 3, dtype=torch.float16)),
    }
    torch.save(state, tmp_path / "half.pth")
    assert splatc.load_gaussians(tmp_path / "half.pth", width=16, height=12).mean.tolist() == [[8.5, 6.5]]
