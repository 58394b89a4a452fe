"""The constants of the draft's distribution of chroma (spec/draft.md, "Chroma by what is around"), trained on the integers of real files.

    python tools/train_chroma.py train/*.splat2d --test test/*.splat2d

Widths and weights are linear in a few logarithms; the loss is the ideal code length. Printed are the constants of core/chroma.c (one or
another differs by some units), and what they save against the parametric models alone, of files as one section.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from splatc import bitstream, core
from splatc.bitstream import layout
from splatc.bitstream.coder import Frequencies, Symbols
from splatc.bitstream.parametric import ParametricModel
from splatc.quantize import columns_of, steps_of
from splatc.steps import STEP8

STEPS, BATCH = 2500, 2048
NEAREST, RADIUS, ESCAPE, LARGEST, FARTHEST = 6, 48, 97, 49, 320

Integers = NDArray[np.int64]


class Shares:
    """Keeps what each symbol's table gives it."""

    part = ""

    def __init__(self) -> None:
        self.found: list[NDArray[np.float64]] = []

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        self.found.append(frequencies[symbols] / 65536)


def lg(n: Integers) -> Integers:
    """In eighths."""
    mantissa, exponent = np.frexp(n.astype(np.float64))
    return 8 * (exponent.astype(np.int64) - 1) + np.searchsorted(STEP8, mantissa * 131072, side="right") - 1


def table_shares(residual: Integers, level: Integers) -> NDArray[np.float64]:
    """(N,) what the parametric models give the residuals."""
    symbols = np.where(abs(residual) <= RADIUS, residual + RADIUS, ESCAPE).astype(np.int32)
    shares, model = np.empty(len(level)), None
    for each in np.unique(level)[::-1]:
        model = ParametricModel() if model is None else model.inherited()
        kept = Shares()
        model.code(kept, symbols[level == each])
        shares[level == each] = np.concatenate(kept.found)
    return shares


def mean_distances(residual: Integers, level: Integers) -> Integers:
    """(N,) 64 times that of the residuals before, as the parametric model counts."""
    found, total, number = np.empty(len(level), np.int64), 12, 4
    far = np.minimum(abs(residual), LARGEST)
    for count, each in enumerate(np.unique(level)[::-1]):
        if count:
            total, number = 4 * total // number, 4
        own = far[level == each]
        before = total + np.concatenate(([0], np.cumsum(own)))
        found[level == each] = 64 * before[:-1] // (number + np.arange(len(own)))
        total, number = int(before[-1]), number + len(own)
    return found


def examples(path: Path, channel: int) -> dict[str, Any] | None:
    """What is known of each residual of a channel, and the residual; nothing of gray pictures."""
    header, g = bitstream.decode(path.read_bytes())
    if header.channels < 3:
        return None
    header, g = bitstream.decode(bitstream.encode(header, g, layout=layout.whole(header)))
    quantizer = header.quantizer
    positions = np.array([quantizer.position_step(level) for level in range(16)], np.int64)[g.level]
    x, y = ((2 * cell.astype(np.int64) + 1) * positions >> 29 for cell in (g.x, g.y))
    near = core.find_neighbours(x, y)[:, :NEAREST]
    residuals = core.make_residuals(steps_of(quantizer, header.channels), columns_of(g), 0)["colour"].astype(np.int64)
    step = np.array([quantizer.colour_steps(level, header.channels) for level in range(16)], np.int64)[g.level, channel]
    colour = g.colour[:, channel].astype(np.int64)
    known, n = near >= 0, np.maximum((near >= 0).sum(1), 1)
    values = np.clip(colour * step >> 16, -(1 << 20), 1 << 20)[near]
    predicted = np.clip((colour - residuals[:, channel]) * step >> 16, -(1 << 20), 1 << 20)
    mean = np.where(known, values, 0).sum(1) // n
    apart = [(np.where(known, abs(values - each[:, None]), 0).sum(1) << 20) // (n * step) for each in (mean, predicted)]
    level, before = g.level.astype(np.int64), [residuals[:, c] for c in range(channel)]
    features = [
        lg(np.maximum(mean_distances(residuals[:, channel], level), 1)),
        *(lg(1 + each) for each in apart),
        8 * level,
        *(lg(1 + 4 * np.minimum(abs(each), LARGEST)) for each in before),
    ]
    moved = np.clip(((mean - predicted) << 20) // step, -FARTHEST, FARTHEST) * known.any(1)
    moves = [moved, *(16 * np.clip(each, -20, 20) for each in before)]
    own = residuals[:, channel]
    return {
        "features": torch.tensor(np.stack(features, 1)).float(),
        "moves": torch.tensor(np.stack(moves, 1)).float(),
        "residual": torch.tensor(own).float(),
        "table": torch.tensor(table_shares(own, level)).float(),
        "bytes": path.stat().st_size,
    }


class Mixture(torch.nn.Module):
    """Two logistic distributions and the table, in floats."""

    def __init__(self, features: int, moves: int) -> None:
        super().__init__()
        self.slopes = torch.nn.Parameter(torch.zeros(features, 4))
        self.starts = torch.nn.Parameter(torch.tensor([32.0, 48.0, 0.0, -8.0]))
        self.factors = torch.nn.Parameter(torch.zeros(moves, 2))

    def shares(self, b: dict[str, Any]) -> Any:
        """(N,) of the residuals."""
        outputs = b["features"] @ self.slopes + self.starts
        width = torch.exp2(outputs[:, :2].clamp(0, 111) / 8)
        x = 16 * b["residual"][:, None] - (b["moves"] @ self.factors).clamp(-FARTHEST, FARTHEST)
        sign = torch.where(x > 0, -1.0, 1.0)  # the tail that is near 0 has its digits
        inside = (torch.sigmoid((x + 8) / width * sign) - torch.sigmoid((x - 8) / width * sign)).abs()
        inside = torch.where(b["residual"].abs()[:, None] > RADIUS, torch.full_like(inside, 1e-6), inside)
        weights = torch.cat([outputs[:, 2:].clamp(-48, 47) * math.log(2) / 8, torch.zeros_like(outputs[:, :1])], 1)
        return (torch.softmax(weights, 1) * torch.cat([inside, b["table"][:, None]], 1)).sum(1).clamp_min(1e-7)


def rounded(model: Mixture, mean: Any, spread: Any) -> Mixture:
    """Of a model of normalized features, that of the features as they are, with whole constants."""
    found = Mixture(len(model.slopes), len(model.factors))
    slopes = model.slopes.data / spread[:, None]
    found.slopes.data = torch.round(64 * slopes) / 64
    found.starts.data = torch.round(model.starts.data - mean @ slopes)
    found.factors.data = torch.round(64 * model.factors.data) / 64
    return found


def train(files: list[dict[str, Any]]) -> Mixture:
    """A model with whole constants."""
    everything = {name: torch.cat([b[name] for b in files]) for name in files[0] if name != "bytes"}
    mean, spread = everything["features"].mean(0), everything["features"].std(0) + 1e-3
    everything["features"] = (everything["features"] - mean) / spread
    model = Mixture(everything["features"].shape[1], everything["moves"].shape[1])
    optimizer = torch.optim.Adam(
        [{"params": [model.slopes, model.starts], "lr": 0.3}, {"params": [model.factors], "lr": 0.01}]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        some = torch.randint(0, len(everything["table"]), (BATCH,))
        loss = -torch.log(model.shares({name: values[some] for name, values in everything.items()})).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return rounded(model, mean, spread)


def main() -> None:
    """Train, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--test", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    for channel in (1, 2):
        torch.manual_seed(0)
        files, others = (
            [b for path in paths if (b := examples(path, channel)) is not None]
            for paths in (options.files, options.test)
        )
        model = train(files)
        print(
            "UV"[channel - 1],
            "slopes",
            (64 * model.slopes.data.T).int().tolist(),
            "starts",
            model.starts.data.int().tolist(),
        )
        print("  factors of middles", (64 * model.factors.data.T).int().tolist())
        for title, group in (("trained on", files), ("tested on", others)):
            with torch.no_grad():
                saved = [float(torch.log2(b["table"] / model.shares(b)).sum()) / 8 / b["bytes"] for b in group]
            if group:
                print(f"  {title} {len(group)} files: {sum(saved) / len(saved):+.3%} of their bytes")


if __name__ == "__main__":
    main()
