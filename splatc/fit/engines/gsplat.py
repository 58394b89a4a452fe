"""The fit in PyTorch with gsplat (Ye et al., "gsplat: An Open-Source Library for Gaussian Splatting", JMLR 2025) as its rasterizer.

gsplat composites front to back, which is another picture model, so its kernels only find which Gaussian meets which sample, tile by tile;
those pairs are weighted and added up as in autograd.py. Needs an NVIDIA GPU.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from splatc.fit.engines.autograd import Pairs, Tensor, TorchEngine
from splatc.fit.subset import Subset
from splatc.gaussians import CUTOFF, Q_MAX

TILE = 16
BATCH = TILE * TILE
"""Gaussians of a tile that a call of gsplat goes through."""
OPACITY = 1.0 / (255.0 * CUTOFF)
"""gsplat leaves out what covers less than 1 / 255: so it begins where our Gaussians end, at q = Q_MAX."""
TRANSPARENT = 1e30
"""It also stops where hardly anything shines through: from here it never gets so far within a batch."""


class GsplatEngine(TorchEngine):
    """A fit in PyTorch on pairs that gsplat 1.5 finds."""

    def _pairs(self, values: Tensor, where: Subset) -> Iterator[Pairs]:
        import gsplat

        mean, scale, angle = self._placed(values, where)  # (2, N), (2, N), (N,)
        cos, sin = torch.cos(angle), torch.sin(angle)
        a, b = scale**2
        xx, yy, xy = cos * cos * a + sin * sin * b, sin * sin * a + cos * cos * b, cos * sin * (a - b)
        conic = (
            torch.stack([yy, -xy, xx], dim=1) / (a * b)[:, None]
        )  # (N, 3), the upper triangle of the inverse covariance
        radii = torch.ceil(torch.sqrt(Q_MAX * torch.stack([xx, yy], dim=1))).to(torch.int32)  # (N, 2)
        centre, opacity = mean.T.contiguous()[None], torch.full_like(angle, OPACITY)[None]
        across, down = -(-where.width // TILE), -(-where.height // TILE)
        depth = torch.arange(1, len(angle) + 1, device=angle.device, dtype=torch.float32)
        _, keys, order = gsplat.isect_tiles(centre, radii[None], depth[None], TILE, across, down)
        offsets = gsplat.isect_offset_encode(keys, 1, across, down)  # (1, down, across)
        ends = torch.cat([offsets.flatten(), offsets.new_tensor([len(order)])])
        longest = int((ends[1:] - ends[:-1]).max()) if len(order) else 0
        light = torch.full((1, where.height, where.width), TRANSPARENT, dtype=angle.dtype, device=angle.device)
        for batch in range(-(-longest // BATCH)):
            ids, samples, _ = gsplat.rasterize_to_indices_in_range(
                batch, batch + 1, light, centre, conic[None], opacity, where.width, where.height, TILE, offsets, order
            )
            yield ids.long(), samples.long()
