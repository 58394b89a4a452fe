"""With `--tune ssim` the loss says which Gaussians stay and where new ones come; of pictures of many windows the squared error does."""

from __future__ import annotations

import numpy as np
import pytest

from splatc.blend import Blend
from splatc.fit import task as task_module
from splatc.fit.task import Task, Tune
from splatc.gaussians import FloatArray
from splatc.steps import Quantizer
from tests.engines import ENGINES, table_of
from tests.scenes import floats, random_gaussians

WIDTH, HEIGHT, COUNT = 70, 90, 60


def task_of(tune: Tune = "ssim") -> Task:
    """Above smooth, below noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    plane = 120.0 + 40.0 * np.sin(x / 9.0) + np.where(y < HEIGHT // 2, 0.0, rng.normal(0.0, 45.0, y.shape))
    pixels = np.clip(np.stack([plane, plane[::1, ::-1], plane], axis=-1), 0, 255).astype(np.uint8)
    return Task(pixels, Blend.NORMALIZED, floats([0.5, 0.5, 0.5]), Quantizer(), tune)


def costs_of(name: str, task: Task) -> FloatArray:
    engine = ENGINES[name](task)
    engine.send(table_of(random_gaussians(np.random.default_rng(2), COUNT, WIDTH, HEIGHT, scales=(2.0, 6.0))))
    return engine.pruning_costs(2)


@pytest.mark.parametrize("name", ENGINES)
def test_windows_of_a_large_picture_add_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = costs_of(name, task_of())
    monkeypatch.setattr(task_module, "WINDOW", WIDTH * HEIGHT // 2)
    assert len(task_of().windows()) == 2
    halves = costs_of(name, task_of())
    assert np.corrcoef(halves, whole)[0, 1] > 0.97, "but for what the loss says where they meet"
    assert halves.sum() == pytest.approx(whole.sum(), rel=0.2)


@pytest.mark.parametrize("name", ENGINES)
def test_with_many_windows_the_squared_error_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not np.allclose(costs_of(name, task_of()), costs_of(name, task_of("psnr")), rtol=0.1)
    assert task_of().prunes_by_loss and not task_of("psnr").prunes_by_loss and not task_of("smartsplat").prunes_by_loss
    monkeypatch.setattr(task_module, "WINDOW", WIDTH * HEIGHT // 5)
    assert not task_of().prunes_by_loss
    assert np.allclose(costs_of(name, task_of()), costs_of(name, task_of("psnr")))


@pytest.mark.parametrize("reduction", [1, 2, 4])
@pytest.mark.parametrize("window", [WIDTH * HEIGHT, WIDTH * HEIGHT // 2, WIDTH * HEIGHT // 3])
def test_new_ones_come_where_the_loss_bends(reduction: int, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By squared error most would come into the noise, where an error is seen least; all engines draw the same places."""
    monkeypatch.setattr(task_module, "WINDOW", window)
    smooth: dict[str, float] = {}
    for tune in ("psnr", "ssim"):
        found = []
        for name in ENGINES:
            engine = ENGINES[name](task_of(tune))
            engine.send(table_of(random_gaussians(np.random.default_rng(2), 4, WIDTH, HEIGHT, scales=(30.0, 60.0))))
            engine.densify(40, reduction, np.random.default_rng(1))
            found.append(engine.fetch().values[:2])
        assert [each.shape for each in found] == [found[0].shape] * len(found)
        assert all((each == found[0]).all(axis=0).mean() > 0.9 for each in found), tune
        smooth[tune] = float((found[0][1] < HEIGHT / 2).mean())
    assert smooth["ssim"] > smooth["psnr"] + 0.2
