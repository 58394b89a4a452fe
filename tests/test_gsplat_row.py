"""The row of alpha-composited Gaussians, with a rasterizer of a few lines in gsplat's place; and gsplat's tile lists beside ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import gsplat_row
from gsplat_row import Layers, Tensor
from splatc.cuda.device import Device, find_device
from splatc.fit.cuda import drawing
from splatc.gaussians import Gaussians
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.engines import table_of
from tests.scenes import floats, random_gaussians
from tests.test_fit_cuda import PLAIN, blank

WIDTH, HEIGHT = 40, 32


def slowly(
    mean: Tensor, conic: Tensor, colour: Tensor, opacity: Tensor, radii: Tensor, width: int, height: int
) -> Tensor:
    """`gsplat_row.Composite`, every Gaussian at every pixel."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    dx, dy = x - mean[:, 0, None, None], y - mean[:, 1, None, None]  # (N, H, W)
    a, b, c = (each[:, None, None] for each in conic.T)
    alpha = (opacity[:, None, None] * torch.exp(-0.5 * (a * dx**2 + c * dy**2) - b * dx * dy)).clamp(max=0.999)
    alpha = torch.where(alpha < 1 / 255, torch.zeros(()), alpha)
    left = torch.cumprod(torch.cat([torch.ones(1, height, width), 1.0 - alpha[:-1]]), dim=0)
    return torch.einsum("nhw,nc->hwc", alpha * left, colour)


def pixels() -> NDArray[np.uint8]:
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 40
    soft = np.stack([x, (x + y > 0.9) * 0.7 + 0.1, 0.5 + 0.3 * np.sin(5 * y)], axis=-1)
    rounded: NDArray[np.uint8] = np.rint(soft.clip(0, 1) * 255).astype(np.uint8)
    return rounded


def test_layers_cover_one_another_in_the_order_of_their_numbers() -> None:
    both = Gaussians(floats([[20, 16]] * 2), floats([[9, 9]] * 2), floats([0, 0]), floats([[1, 0, 0], [0, 1, 0]]))
    layers = Layers(both, "cpu")
    with torch.no_grad():
        layers.values["opacity"] += 3.0  # 0.95
        drawn = layers.drawn(slowly, WIDTH, HEIGHT)
    opacity = float(torch.sigmoid(torch.tensor(3.0)))
    assert drawn[15, 19, 0] == pytest.approx(opacity, rel=0.01)
    assert drawn[15, 19, 1] == pytest.approx(opacity * (1 - opacity), rel=0.1)


def test_conics_are_those_of_the_ellipse() -> None:
    one = Gaussians(floats([[20, 16]]), floats([[6, 2]]), floats([0.6]), floats([[1, 1, 1]]))
    found: dict[str, Tensor] = {}

    def look(mean: Tensor, conic: Tensor, colour: Tensor, opacity: Tensor, radii: Tensor, *_: int) -> Tensor:
        found.update(conic=conic.detach(), radii=radii)
        return colour.sum()

    Layers(one, "cpu").drawn(look, WIDTH, HEIGHT)
    turn = np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    covariance = turn @ np.diag([36.0, 4.0]) @ turn.T
    inverse = np.linalg.inv(covariance)
    assert np.allclose(found["conic"][0], [inverse[0, 0], inverse[0, 1], inverse[1, 1]], rtol=1e-4)
    assert found["radii"].tolist() == [np.ceil(gsplat_row.RADIUS * np.sqrt(np.diag(covariance))).tolist()]


def test_a_row_is_fitted() -> None:
    few = gsplat_row.psnr(gsplat_row.composited(pixels(), 25, 1, slowly, "cpu"), pixels())
    cells = gsplat_row.row("x", pixels(), 25, 60, slowly, "cpu", None).split("|")
    assert [cell.strip() for cell in cells[1:3]] == ["x", "25"]
    layered, summed, normalized = map(float, cells[3:6])
    assert layered > few + 3
    assert min(summed, normalized) > 20


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gsplat_row.py", "a.png:5"])
    with pytest.raises(SystemExit, match="gsplat needs an NVIDIA GPU"):
        gsplat_row.main()


def agrees(device: Device, isect_tiles: Callable[..., Any], torch_device: str) -> None:
    """Our lists are those of gsplat's tiles of the same size, less those whom gsplat's whole radii let in."""
    gaussians = random_gaussians(np.random.default_rng(5), 200, 500, 300, scales=(1.0, 60.0))
    engine = blank(device, table_of(gaussians), 300, 500)
    engine.differentiate(PLAIN)
    drawn, where = engine._drawing, engine._drawing.grid(1, 0)
    starts = device.download(drawn.room("starts", 0), np.int32, (where.bins + 1,))
    members = device.download(drawn.room("members", 0), np.int32, (int(starts[-1]),))
    mean, radius = (
        device.download(drawn.room("records", 0), np.float32, (200, 16))[:, [0, 1, 6, 7]]
        .reshape(200, 2, 2)
        .swapaxes(0, 1)
    )
    tensors = [torch.tensor(each, device=torch_device)[None] for each in (mean, np.ceil(radius).astype(np.int32))]
    depth = torch.arange(1, 201, dtype=torch.float32, device=torch_device)[None]
    down = where.bins // where.bins_x
    _, keys, order = isect_tiles(*tensors, depth, drawing.BIN, where.bins_x, down)
    tile, numbers = (keys.cpu().numpy() >> 32), order.cpu().numpy()
    assert len(numbers) >= len(members)
    for k in range(where.bins):
        theirs, ours = numbers[tile == k], members[starts[k] : starts[k + 1]]
        low = np.array([k % where.bins_x, k // where.bins_x]) * drawing.BIN + 0.5  # centres of the first pixels
        high = np.minimum(low + drawing.BIN - 1, [499.5, 299.5])
        inside = ((mean + radius >= low) & (mean - radius <= high)).all(axis=1)
        assert np.array_equal(theirs[inside[theirs]], ours)


needs_gsplat = pytest.mark.skipif(importlib.util.find_spec("gsplat") is None, reason="gsplat is not installed")


@needs_gsplat
@needs_compiler
@pytest.mark.filterwarnings("ignore")
def test_lists_agree_with_those_of_gsplat_s_reference() -> None:
    from gsplat.cuda._torch_impl import _isect_tiles

    agrees(HostDevice(), _isect_tiles, "cpu")


@needs_gsplat
@pytest.mark.cuda
@pytest.mark.filterwarnings("ignore")
def test_lists_agree_with_those_of_gsplat_s_kernels() -> None:
    found = find_device()
    if isinstance(found, str):
        pytest.skip(found)
    if not torch.cuda.is_available():
        pytest.skip("PyTorch is not built for CUDA")
    import gsplat

    agrees(found, gsplat.isect_tiles, "cuda")
