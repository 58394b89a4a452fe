"""A module that stands in for gsplat, by the semantics of its documentation: the three functions that GsplatEngine calls."""

from __future__ import annotations

import itertools
import math
import sys
from types import SimpleNamespace

import pytest
import torch


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `import gsplat` find it."""
    functions = (isect_tiles, isect_offset_encode, rasterize_to_indices_in_range)
    monkeypatch.setitem(sys.modules, "gsplat", SimpleNamespace(**{each.__name__: each for each in functions}))


def isect_tiles(
    means: torch.Tensor, radii: torch.Tensor, depths: torch.Tensor, tile: int, across: int, down: int
) -> tuple[torch.Tensor, ...]:
    keys, ids = [], []
    for i, (mean, radius) in enumerate(zip(means[0], radii[0], strict=True)):
        low, high = (mean - radius) / tile, (mean + radius) / tile
        x0, y0 = (max(0, math.floor(float(v))) for v in low)
        x1, y1 = min(across, math.ceil(float(high[0]))), min(down, math.ceil(float(high[1])))
        for y, x in itertools.product(range(y0, y1), range(x0, x1)):
            keys.append((y * across + x, float(depths[0, i])))
            ids.append(i)
    order = sorted(range(len(keys)), key=lambda k: keys[k])
    tiles = torch.tensor([keys[k][0] for k in order], dtype=torch.int64)
    return torch.zeros(1), tiles, torch.tensor([ids[k] for k in order], dtype=torch.int32)


def isect_offset_encode(keys: torch.Tensor, images: int, across: int, down: int) -> torch.Tensor:
    assert images == 1
    return torch.searchsorted(keys, torch.arange(across * down)).to(torch.int32).reshape(1, down, across)


def rasterize_to_indices_in_range(
    first: int, last: int, light: torch.Tensor, means: torch.Tensor, conics: torch.Tensor, opacities: torch.Tensor,
    width: int, height: int, tile: int, offsets: torch.Tensor, order: torch.Tensor,
) -> tuple[torch.Tensor, ...]:  # fmt: skip
    starts = [*offsets.flatten().tolist(), len(order)]
    found = []
    for k, (a, b) in enumerate(itertools.pairwise(starts)):
        left, top = k % offsets.shape[2] * tile, k // offsets.shape[2] * tile
        left_over = light[0].clone()
        for i in order[a:b][first * tile * tile : last * tile * tile].tolist():
            y, x = torch.meshgrid(
                torch.arange(top, min(top + tile, height)), torch.arange(left, min(left + tile, width)), indexing="ij"
            )
            dx, dy = means[0, i, 0] - x - 0.5, means[0, i, 1] - y - 0.5
            sigma = 0.5 * (conics[0, i, 0] * dx * dx + conics[0, i, 2] * dy * dy) + conics[0, i, 1] * dx * dy
            alpha = (opacities[0, i] * torch.exp(-sigma)).clamp(max=0.999)
            hit = (sigma >= 0) & (alpha >= 1 / 255) & (left_over[y, x] * (1 - alpha) > 1e-4)
            left_over[y[hit], x[hit]] *= 1 - alpha[hit]
            found += [(i, int(row) * width + int(column)) for row, column in zip(y[hit], x[hit], strict=True)]
    ids, samples = torch.tensor(found, dtype=torch.int64).reshape(-1, 2).T
    return ids, samples, torch.zeros_like(ids)
