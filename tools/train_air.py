"""Trains the network that makes the steps of effort 0 (splatc/neural/step.py): predict, optimize, distill.

    python tools/train_air.py PHOTOS/train --validate PHOTOS/val --state out/air.pt --minutes 60 --out splatc/neural/step.safetensors
    python tools/train_air.py PHOTOS/train --validate PHOTOS/val --state out/air.pt --minutes 10 --out step.safetensors --device cuda

Fits of photographs are run as effort 0 runs them, with the network as it is (before there is one, with Adam). At some of their steps
the fit goes on from there with Adam alone, ``--teacher-steps`` that come to rest; how far each Gaussian has moved then is what the network
should say of what it saw. What it learns from are so always states that it brings about itself (DAgger, Ross et al. 2011).

With ``--device`` all fits are PyTorch's (splatc/fit/engines/autograd.py: plain tensor operations) and the network is trained there too: any
device that PyTorch drives, "cpu" among them. Without it the compiled core fits, ten times as fast on a processor; they make the same steps.
Without ``--validate`` it takes PyTorch with NumPy and Pillow, which come with it, and the source tree with its core (tools/core_build.py):
nothing needs to be installed.

The same command goes on from ``--state``, which is saved every minute and on Ctrl-C (exit code 130); the order of pictures and all random
numbers follow from the round. After every ROUNDS_SHOWN rounds and at the end it prints the mean PSNR of files of the validation pictures at
CR 100 and 500, and writes ``--out`` if that is the best so far, or always where there is no ``--validate``.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch

from bench.training import (
    Saved,
    check_writable,
    device,
    interrupted,
    minutes,
    pictures_in,
    positive,
    read_state,
    uninterrupted,
    write_whole,
)
from splatc import core
from splatc.blend import Blend
from splatc.fit import seeding
from splatc.fit.engine import Engine, Step
from splatc.fit.engines.autograd import TorchEngine
from splatc.fit.engines.core import CoreEngine
from splatc.fit.initializer import on_reduced
from splatc.fit.schedule import HASTY, Schedule
from splatc.fit.subset import mean_colour
from splatc.fit.table import ANGLE, COLOUR, LOG_ASPECT, LOG_SCALE, NAMES, Table
from splatc.fit.task import Task
from splatc.gaussians import FloatArray
from splatc.image import metrics
from splatc.image.image import Image
from splatc.neural import safetensors
from splatc.neural import step as network
from splatc.neural.engine import STEPS, NetworkEngine
from splatc.neural.torch_engine import TorchNetworkEngine
from splatc.steps import Quantizer

HIDDEN = 48
TEACHER_STEPS = 40
TEACHER_RATES = (0.8, 0.04)
"""Of those of a hasty fit, at its first step and at its last."""
SIDES = (384, 512, 640, 768)
RATIOS = (50.0, 700.0)
GAUSSIAN = 36.0
"""Bits that one takes, about."""
EACH = 1200
"""Gaussians of a state that are kept."""
SMALLEST = 32
"""px. Of a side of a picture, at least."""
PICTURES = 8
"""Whose fits are recorded in a round."""
ITERATIONS = 600
"""Of training, in a round."""
BATCH = 2048
BUFFER = 1_200_000
"""Samples of the last rounds that are trained on."""
RATE, LAST_RATE, FALLING = 2e-3, 1e-4, 60.0
"""Of Adam: at first, at last, and the rounds in which it falls by e."""
DENSIFIED = 0.05
"""Of the Gaussians after a pruning, so many are new."""
FARTHEST = 6.0
"""UNITS: what moved farther counts as so far."""
ROUNDS_SHOWN = 10
SHOWN = (100.0, 500.0)
"""Compression ratios of what is validated."""


@dataclass(frozen=True)
class Runs:
    """What makes the fits, and where the network is trained."""

    device: str | None
    """Of PyTorch; None is the compiled core."""
    teacher_steps: int = TEACHER_STEPS

    @property
    def trains_on(self) -> str:
        return self.device or "cpu"

    def engine(self, task: Task) -> Engine:
        """Adam's."""
        return CoreEngine(task) if self.device is None else TorchEngine(task, self.device)

    def network(self, task: Task, model: torch.nn.Sequential, steps: int = STEPS) -> Engine:
        """Whose first steps the network makes."""
        arrays = arrays_of(model)
        if self.device is None:
            return NetworkEngine(task, network.packed(arrays), steps)
        return TorchNetworkEngine(task, self.device, arrays, steps)


@dataclass
class State:
    """What a training goes on from."""

    model: torch.nn.Sequential
    optimizer: torch.optim.Optimizer
    round: int = 0
    """Rounds that were made."""
    seen: torch.Tensor = field(default_factory=lambda: torch.empty(0, network.FEATURES, dtype=torch.float16))
    moved: torch.Tensor = field(default_factory=lambda: torch.empty(0, len(network.UNITS), dtype=torch.float16))
    best: float = 0.0
    """Sum of the PSNR of all that is validated, of the weights that were written."""

    def saved(self) -> dict[str, Any]:
        """All of it, as it is now; a round only replaces its tensors."""
        states = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        return {**vars(self), **copy.deepcopy(states), "hidden": hidden_of(states["model"])}

    def save(self, path: Path) -> None:
        write_whole(path, lambda part: torch.save(self.saved(), part))

    def load(self, path: Path) -> None:
        """Raises SystemExit for what is no such state."""
        read_state(path, self._take)

    def _take(self, saved: dict[str, Any]) -> None:
        saved.pop("hidden", None)
        self.model.load_state_dict(saved.pop("model"))
        self.optimizer.load_state_dict(saved.pop("optimizer"))
        if saved.keys() != {"round", "seen", "moved", "best"}:
            raise ValueError("other fields")
        vars(self).update(saved)


def main() -> None:
    """Parse the options, check them, and train."""
    options = parsed()
    torch.set_num_threads(1)
    core.set_threads(1)
    torch.manual_seed(0)
    for path in (options.state, options.out):
        check_writable(path)
    files = pictures_in(options.pictures, SMALLEST)
    held_out = pictures_in(options.validate, SMALLEST) if options.validate else []
    held_out = held_out[:: max(1, len(held_out) // 6)]
    runs = Runs(options.device, options.teacher_steps)
    state = begun(options, runs)
    try:
        rounds(state, files, held_out, runs, options)
    except OSError as error:
        raise SystemExit(f"train_air: {error}") from None


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="folder of photographs")
    parser.add_argument("--validate", type=Path, help="folder of others")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=minutes, default=60.0, help="default: %(default)g; 0 validates what --state has"
    )
    parser.add_argument(
        "--device", type=device, help="of PyTorch, for all: cpu, cuda, mps; default: the compiled core fits"
    )
    parser.add_argument(
        "--hidden",
        type=int,
        choices=range(8, 65, 8),
        help=f"units of a layer, a multiple of 8, at most 64; default: those of --state, or {HIDDEN}",
    )
    parser.add_argument(
        "--teacher-steps",
        type=positive,
        default=TEACHER_STEPS,
        help="of Adam, which the network should make at once; default: %(default)s",
    )
    return parser.parse_args()


def begun(options: argparse.Namespace, runs: Runs) -> State:
    """The state that there is, or a new one. Raises SystemExit if it cannot be gone on from."""
    found: list[int] = []
    if options.state.exists():
        read_state(options.state, lambda saved: found.append(hidden_of(saved["model"])))
    hidden = found[0] if found else options.hidden or HIDDEN
    if options.hidden not in (None, hidden):
        raise SystemExit(f"{options.state}: its network has {hidden} units a layer, not {options.hidden}")
    model = make_model(hidden).to(runs.trains_on)
    state = State(model, torch.optim.Adam(model.parameters(), RATE))
    if found:
        state.load(options.state)
        print(f"resumes after round {state.round}", flush=True)
    elif options.minutes == 0.0:
        raise SystemExit(f"{options.state}: not there, and no minutes to make it")
    return state


def rounds(state: State, files: list[Path], held_out: list[Path], runs: Runs, options: argparse.Namespace) -> None:
    """Train until the minutes are over, at least one round if there are any; then validate."""
    last, end, kept = Saved(), time.monotonic() + 60.0 * options.minutes, state.saved()
    losses: list[float] = []
    going = options.minutes > 0.0
    try:
        while going:
            losses.append(one_round(state, files, runs))
            state.round += 1
            kept = state.saved()
            going = time.monotonic() < end
            if state.round % ROUNDS_SHOWN == 0 and going:
                show(state, losses, held_out, runs, options.out)
                kept, losses = state.saved(), []
            if last.due():
                state.save(options.state)
        state.save(options.state)  # before what may take long
        show(state, losses, held_out, runs, options.out)
        state.save(options.state)
    except KeyboardInterrupt:
        # A round that was not finished is made anew.
        with contextlib.suppress(KeyboardInterrupt), uninterrupted():
            write_whole(options.state, lambda part: torch.save(kept, part))
        interrupted("train_air", options.state, f"round {kept['round']}")


def show(state: State, losses: list[float], held_out: list[Path], runs: Runs, out: Path) -> None:
    """Print a line of the training, and write the weights if they are the best so far."""
    psnr = [validate(state.model, held_out, ratio, runs) for ratio in SHOWN] if held_out else []
    if not psnr or sum(psnr) > state.best or not out.exists():
        data = safetensors.write(arrays_of(state.model), {"rounds": str(state.round)})
        write_whole(out, lambda part: part.write_bytes(data))
        state.best = sum(psnr)
    loss = f": loss {np.mean(losses):.4f}" if losses else ":"
    shown = (f"  CR {ratio:g} {each:.2f} dB" for ratio, each in zip(SHOWN, psnr, strict=False))
    print(f"round {state.round}{loss}{''.join(shown)}", flush=True)


def hidden_of(weights: Mapping[str, torch.Tensor]) -> int:
    """Units of a layer of a network."""
    return len(weights["0.weight"])


def make_model(hidden: int) -> torch.nn.Sequential:
    """Two hidden layers; what it says is little at first."""
    inputs, outputs = network.FEATURES, len(network.UNITS)
    last = torch.nn.Linear(hidden, outputs)
    with torch.no_grad():
        last.weight.mul_(0.1)
    first, second = torch.nn.Linear(inputs, hidden), torch.nn.Linear(hidden, hidden)
    return torch.nn.Sequential(first, torch.nn.ReLU(), second, torch.nn.ReLU(), last)


def arrays_of(model: torch.nn.Sequential) -> dict[str, FloatArray]:
    """Its arrays by name, as splatc/neural/step.py reads them."""
    layers = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    return {
        f"{name}{number}": getattr(layer, name).detach().cpu().numpy().copy()
        for number, layer in enumerate(layers)
        for name in ("weight", "bias")
    }


def one_round(state: State, files: list[Path], runs: Runs) -> float:
    """Record some fits, and train; the mean loss."""
    rng = np.random.default_rng(state.round)
    for number in range(PICTURES):
        path = files[picture_of(state.round * PICTURES + number, len(files))]
        record(state, opened(path, int(rng.choice(SIDES))), runs, rng)
    state.seen, state.moved = state.seen[-BUFFER:], state.moved[-BUFFER:]
    torch.manual_seed(state.round)
    for group in state.optimizer.param_groups:
        group["lr"] = max(LAST_RATE, RATE * math.exp(-state.round / FALLING))
    return float(np.mean([train(state) for _ in range(ITERATIONS)]))


def picture_of(number: int, count: int) -> int:
    """Which of ``count`` pictures is the next: all in some order, then all in another."""
    epoch, at = divmod(number, count)
    return int(np.random.default_rng((1, epoch)).permutation(count)[at])


def opened(path: Path, side: int) -> Image:
    """A picture of at most ``side`` px. Raises SystemExit for a damaged one."""
    try:
        with PIL.Image.open(path) as file:
            picture = file.convert("RGB")
    except OSError as error:
        raise SystemExit(f"{path}: {error}") from None
    picture.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    return Image(np.asarray(picture))


def record(state: State, image: Image, runs: Runs, rng: np.random.Generator) -> None:
    """A fit with some ratio, number of seeds, steps and noise; its samples go to the buffer."""
    ratio = math.exp(rng.uniform(math.log(RATIOS[0]), math.log(RATIOS[1])))
    count = max(40, round(image.pixels.nbytes / ratio * 8 / GAUSSIAN))
    steps, seeds = int(rng.integers(6, 26)), round(float(rng.uniform(1.2, 3.0)) * count)
    noise = Quantizer().finer(int(rng.integers(-5, 5)))
    noise_from = 0.5 if rng.random() < 0.7 else 1.0
    prunes = {steps // 6: round(math.sqrt(seeds * count)), 2 * steps // 5: count} if rng.random() < 0.8 else {}
    recorded = {0, 1, *rng.choice(np.arange(2, steps), 4, replace=False).tolist()}

    gaussians = on_reduced(seeding.seed, image.pixels, seeds, rng)
    task = Task(image.pixels, Blend.NORMALIZED, mean_colour(image.pixels), Quantizer())
    reduction = task.reduction(count, Schedule(steps))
    engine = runs.network(task, state.model, steps) if state.round else runs.engine(task)
    engine.send(Table.from_gaussians(gaussians, rng))
    for index in range(steps):
        if index in prunes:
            engine.prune(round((1.0 - DENSIFIED) * prunes[index]), reduction)
            engine.densify(max(1, round(DENSIFIED * prunes[index])), reduction, rng)
        before = engine.fetch().copy() if index in recorded else None
        drawn = noise if index >= noise_from * steps else None
        rates = {name: HASTY["rates"].of(name) * HASTY["rates"].final ** (index / steps) for name in NAMES}
        engine.step(Step(index, reduction, drawn, 0, rates, index + 1, network.BETAS))
        if before is not None:
            after, error = engine.fetch(), engine.measured()[0]
            gradient = network.gradient_of(before.first, after.first)
            area = image.width * image.height / len(before)
            seen = network.features(before.values, gradient, after.first, after.second, index + 1, error, area)
            moved = displacement(before.values, taught(runs, task, before, reduction, drawn, index)) / network.UNITS
            some = rng.random(len(before)) < EACH / len(before)
            keep = some & np.isfinite(seen).all(axis=0) & np.isfinite(moved).all(axis=0)
            state.seen = torch.cat([state.seen, torch.from_numpy(seen[:, keep].T.astype(np.float16))])
            clipped = np.clip(moved[:, keep].T, -FARTHEST, FARTHEST).astype(np.float16)
            state.moved = torch.cat([state.moved, torch.from_numpy(clipped)])


def taught(runs: Runs, task: Task, table: Table, reduction: int, noise: Quantizer | None, index: int) -> FloatArray:
    """(8, N) the rows of the Gaussians of a table after the teacher's steps."""
    engine = runs.engine(task)
    engine.send(Table.from_values(table.values.copy(), np.random.default_rng(0)))
    high, low = TEACHER_RATES
    for step in range(runs.teacher_steps):
        rates = {name: HASTY["rates"].of(name) * high * (low / high) ** (step / runs.teacher_steps) for name in NAMES}
        engine.step(Step(index + 1 + step, reduction, noise, 0, rates, step + 1, network.BETAS))
    return engine.fetch().values


def displacement(before: FloatArray, after: FloatArray) -> FloatArray:
    """(8, N) how far Gaussians have moved, in standard deviations and angles as those of a round one (core, fit_move.c)."""
    moved = after - before
    sine, cosine = np.sin(before[ANGLE]), np.cos(before[ANGLE])
    long, short = (np.exp(before[LOG_SCALE] + half * before[LOG_ASPECT]) for half in (0.5, -0.5))
    x, y = moved[0].copy(), moved[1].copy()
    moved[0], moved[1] = (cosine * x + sine * y) / long, (cosine * y - sine * x) / short
    moved[ANGLE] *= np.sqrt(1.0 + (long / short - short / long) ** 2)
    return moved


def train(state: State) -> float:
    """One step; mirrored and inverted pictures are as good as pictures."""
    device = next(state.model.parameters()).device
    chosen = torch.randint(0, len(state.seen), (BATCH,))
    seen, moved = (each[chosen].float().to(device) for each in (state.seen, state.moved))
    along, across, inverted = ((torch.randint(0, 2, (BATCH,)) * 2 - 1).float().to(device) for _ in range(3))
    rows = len(network.UNITS)
    for array, starts in ((seen, (0, rows)), (moved, (0,))):
        for start in starts:
            array[:, start] *= along
            array[:, start + 1] *= across
            array[:, start + ANGLE] *= along * across
            array[:, start + COLOUR.start : start + rows] *= inverted[:, None]
    loss = torch.nn.functional.smooth_l1_loss(state.model(seen), moved)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    return loss.item()


def validate(model: torch.nn.Sequential, files: list[Path], ratio: float, runs: Runs) -> float:
    """Mean PSNR of files of effort 0. They, and nothing else here, take the packages that write and read files."""
    from bench.brief_file import brief_file
    from splatc.decoder.scene import decode_bytes

    values = []
    for path in files:
        image = opened(path, max(SIDES))
        data = brief_file(image, ratio, lambda task: runs.network(task, model))
        values.append(metrics.psnr(image.pixels, decode_bytes(data).pixels))
    return float(np.mean(values))


if __name__ == "__main__":
    main()
