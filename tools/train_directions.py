"""The constants of the draft's distribution of angles (spec/draft.md, "Orientation"), trained on the integers of real files.

    python tools/train_directions.py train/*.splat2d --test test/*.splat2d

Widths and weights are linear in the numbers of directions, and a table by distance, in octaves; the loss is the ideal code length.
Printed are the constants in eighths of an octave, slopes in sixty-fourths: rounded they stand in core/directions.c. Weights may all be
raised by one number; there it is 30.
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
from splatc.bitstream import priors
from splatc.quantize import ANGLE_COUNTS, angle_count_table, columns_of, steps_of

HALF = 768
"""Half of half a turn, in the units of the text."""
STEPS, BATCH, RATE = 1500, 2048, 0.05

Batch = dict[str, Any]


def table_shares(counts: list[int], residuals: list[int]) -> NDArray[np.float64]:
    """(N,) what the adaptive tables give the residuals."""
    shares = np.ones(len(counts))
    tables: dict[int, NDArray[np.int64]] = {}
    made: dict[int, NDArray[np.float64]] = {}
    left, seen = dict.fromkeys(ANGLE_COUNTS, 0), dict.fromkeys(ANGLE_COUNTS, 0)
    for i, (m, residual) in enumerate(zip(counts, residuals, strict=True)):
        if m == 1:
            continue
        table = tables.setdefault(m, priors.angle_residual(m))
        if left[m] == 0:
            made[m], left[m] = table / table.sum(), max(4, seen[m] // 4)
        shares[i] = made[m][residual]
        table[residual] += 256
        seen[m] += 1
        left[m] -= 1
    return shares


def examples(path: Path) -> Batch:
    """What is known of each angle of a file, and the angle."""
    header, g = bitstream.decode(path.read_bytes())
    quantizer = header.quantizer
    counts = angle_count_table(quantizer)[g.level, g.aspect].astype(np.int64)
    steps = np.array([quantizer.position_step(level) for level in range(16)], np.int64)[g.level]
    x, y = ((2 * cell.astype(np.int64) + 1) * steps >> 29 for cell in (g.x, g.y))
    direction, place = g.angle * (2 * HALF // counts), np.searchsorted(ANGLE_COUNTS, counts)
    anchors = np.full((len(g), core.ANCHORS), -1)
    for i, near in enumerate(core.find_neighbours(x, y)):
        found = near[(near >= 0) & (counts[near] > 1)][: core.ANCHORS]
        anchors[i, : len(found)] = found
    square = (x[anchors] - x[:, None]) ** 2 + (y[anchors] - y[:, None]) ** 2
    far = np.clip((np.frexp(square + 1.0)[1] - 1) // 2 - g.level[:, None] - 1, 0, 7)
    residuals = core.make_residuals(steps_of(quantizer, header.channels), columns_of(g), 0)["angle"]
    shares = table_shares(counts.tolist(), residuals.tolist())
    several = counts > 1
    arrays = {
        "m": counts,
        "i": place,
        "own": direction,
        "anchor": np.where(anchors < 0, -1, direction[anchors]),
        "j": place[anchors],
        "far": far,
        "table": shares,
    }
    return {name: torch.tensor(array[several]) for name, array in arrays.items()} | {"bytes": path.stat().st_size}


class Mixture(torch.nn.Module):
    """The distribution, in floats."""

    def __init__(self) -> None:
        super().__init__()
        starts = {
            "weight": (0.0, 0.1, 0.1), "width": (8.0, -0.3, -0.1), "far_weight": (0.0,) * 8, "far_width": (0.0,) * 8,
            "x_weight": (-2.0, 0.0), "x_width": (5.0, -0.1), "y_weight": (-2.0, 0.0), "y_width": (5.0, -0.1),
            "uniform": (-1.0, 0.0), "table": (2.0, 0.0),
        }  # fmt: skip
        self.numbers = torch.nn.ParameterDict(
            {name: torch.nn.Parameter(torch.tensor(row)) for name, row in starts.items()}
        )

    def shares(self, b: Batch) -> Any:
        """(N,) of the angles."""
        n, i, half = self.numbers, b["i"].float(), (HALF / b["m"].float())[:, None]
        linear = {name: n[name][0] + n[name][1] * i for name in n if len(n[name]) == 2}
        weight = n["weight"][0] + n["weight"][1] * i[:, None] + n["weight"][2] * b["j"] + n["far_weight"][b["far"]]
        width = n["width"][0] + n["width"][1] * i[:, None] + n["width"][2] * b["j"] + n["far_width"][b["far"]]
        weight = torch.where(b["anchor"] >= 0, weight, torch.full_like(weight, -60.0))
        axes = torch.tensor([0, HALF])
        around = torch.cat([b["anchor"], axes.expand(len(i), 2)], 1)
        widths = torch.cat([width, torch.stack([linear["x_width"], linear["y_width"]], 1)], 1)
        parts = mass((b["own"][:, None] - around + HALF) % (2 * HALF) - HALF, half, torch.exp2(widths.clamp(0, 9.9)))
        weights = torch.cat(
            [weight, torch.stack([linear[each] for each in ("x_weight", "y_weight", "uniform", "table")], 1)], 1
        )
        everything = torch.cat([parts, (1 / b["m"].float())[:, None], b["table"].float()[:, None]], 1)
        return (torch.softmax(math.log(2) * weights, 1) * everything).sum(1)


def below(x: Any, width: Any) -> Any:
    return 0.5 + 0.5 * x / (width + x.abs()) * (width + HALF) / HALF


def mass(x: Any, half: Any, width: Any) -> Any:
    """Between x - half and x + half, around the circle."""
    low, high = x - half, x + half
    inside = below(high.clamp(max=HALF), width) - below(low.clamp(min=-HALF), width)
    over = torch.where(high > HALF, below(high - 2 * HALF, width), torch.zeros_like(inside))
    under = torch.where(low < -HALF, 1 - below(low + 2 * HALF, width), torch.zeros_like(inside))
    return inside + over + under


def change(model: Mixture, files: list[Batch]) -> list[float]:
    """Of each file, by what share of its bytes."""
    with torch.no_grad():
        return [float((torch.log2(b["table"]) - torch.log2(model.shares(b))).sum()) / 8 / b["bytes"] for b in files]


def main() -> None:
    """Train, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--test", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    torch.manual_seed(0)
    files, others = ([examples(path) for path in paths] for paths in (options.files, options.test))
    everything = {name: torch.cat([b[name] for b in files]) for name in files[0] if name != "bytes"}
    model = Mixture()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        some = torch.randint(0, len(everything["m"]), (BATCH,))
        loss = -torch.log(model.shares({name: values[some] for name, values in everything.items()})).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    for name, row in model.numbers.items():
        scale = [8.0] * 8 if len(row) == 8 else [8.0, 64.0, 64.0]
        print(name, *(f"{value * each:.1f}" for value, each in zip(row.tolist(), scale, strict=False)))
    for title, group in (("trained on", files), ("tested on", others)):
        if group:
            found = change(model, group)
            print(f"{title} {len(found)} files: {sum(found) / len(found):+.3%} of their bytes")


if __name__ == "__main__":
    main()
