"""Everything that a GPU is used for, in one call of under ten minutes: first whether it is right, then how fast it is.

    python tools/cuda_bench.py --out out/cuda                           # from a checkout: PYTHONPATH=. if splatc is not installed
    python tools/cuda_bench.py --out out/cuda --pictures uhr/*.png      # the large picture is tiled from these
    compute-sanitizer --tool racecheck python tools/cuda_bench.py --out out/cuda --quick
    python tools/cuda_bench.py --out out/cuda --file large.splat2d      # frames of this file

Checks: frames against the float64 reference, gradients against its differences, two fits with the same bytes. Times: fits of 768 x 512 at
CR 100 and of 16320 x 10848 at CR 200, frames of that file and of 3840 x 2160 of it; beside each the least that its bytes and instructions
take (bench/cuda_floors.py). Writes cuda.json and cuda.md after each part, and the large file. Exit code 1: no GPU, or a check failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splatc.cuda.device import Device, find_device
from splatc.errors import SplatError

if TYPE_CHECKING:
    from bench.cuda_checks import Check
    from bench.cuda_floors import PeakRates
    from splatc.fit.schedule import Schedule
    from splatc.image.image import Samples

IMAGES = Path(__file__).parents[1] / "tests" / "images"


@dataclass(frozen=True)
class Sizes:
    """What is measured; the tests have smaller ones."""

    large: tuple[int, int] = (16320, 10848)
    large_ratio: float = 200.0
    seconds: tuple[float, ...] = (20.0, 60.0)
    """That the fit of the large picture is given, one after the other."""
    screen: tuple[int, int] = (3840, 2160)
    small_ratio: float = 100.0
    check_steps: int = 250
    plan: Schedule | None = None
    """Of all fits; None is the default effort's."""
    frames: int = 50


@dataclass
class Report:
    """What is known so far."""

    device: str
    checks: list[Check] = field(default_factory=list)
    times: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    """Parts that stopped with an error."""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.failures and all(check.passed for check in self.checks)

    def as_json(self) -> str:
        return json.dumps(asdict(self) | {"passed": self.passed}, indent=1)

    def as_markdown(self) -> str:
        lines = [
            f"# {self.device}",
            "",
            f"{self.seconds:.0f} s in all.",
            "",
            "| check | found | limit | |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {c.name} | {c.found:.3g} | {c.limit:.3g} | {'' if c.passed else '**failed**'} |" for c in self.checks
        ]
        lines += ["", *(f"- **stopped**: {failure}" for failure in self.failures)]
        for name, row in self.times.items():
            lines += ["", f"## {name}", "", "| | |", "|---|---|"]
            for key, value in row.items():
                parts = value.items() if isinstance(value, dict) else [("", value)]
                lines += [f"| {key}{': ' + part if part else ''} | {_shown(number)} |" for part, number in parts]
        return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Inputs:
    """Paths."""

    small: Sequence[Path]
    """Pictures that are fitted whole."""
    large: Sequence[Path]
    """Those that the large picture is tiled from."""
    file: Path | None
    """Drawn in place of a large picture that is fitted."""
    keep: Path
    """Where the large file goes."""


def run(
    device: Device, inputs: Inputs, sizes: Sizes, peaks: PeakRates, save: Callable[[Report], None] = lambda _: None
) -> Report:
    """Check, then measure; a part that fails stops no other. ``save`` is called after each."""
    from bench import cuda_checks, cuda_times
    from bench.cuda_watch import Watched
    from splatc import bitstream
    from splatc.decoder.scene import make_scene
    from splatc.fit.schedule import Schedule
    from splatc.image.image import Image
    from splatc.image.readers import load

    report, watched, started = Report(device.name), Watched(device), time.perf_counter()

    def part(name: str, work: Callable[[], dict[str, Any] | Iterable[Check]]) -> None:
        print(f"{time.perf_counter() - started:6.1f} s  {name}", flush=True)
        try:
            result = work()
            if isinstance(result, dict):
                report.times[name] = result
            else:
                report.checks += result
        except Exception as error:  # whatever it is, the other parts are worth their time
            report.failures.append(f"{name}: {type(error).__name__}: {error}")
        report.seconds = time.perf_counter() - started
        save(report)

    images = {path.stem: load(str(path)) for path in inputs.small}
    first = next(iter(images.values()))
    part("frames of random scenes", lambda: cuda_checks.drawing(watched))
    part("frames of conformance files", lambda: cuda_checks.files(watched))
    part("gradients", lambda: cuda_checks.gradients(watched))
    plan = Schedule(sizes.check_steps)
    part("the same bytes", lambda: [cuda_checks.same_bytes(watched, first, sizes.small_ratio, plan)])

    def fit_small(name: str, image: Image) -> dict[str, Any]:
        fit = cuda_times.fit(watched, image, sizes.small_ratio, plan=sizes.plan)
        found = make_scene(*bitstream.decode(fit.data)).gaussians
        return fit.row | cuda_times.steps(watched, image.pixels, found, peaks)

    for name, image in images.items():
        part(f"fit {name} at CR {sizes.small_ratio:g}", lambda name=name, image=image: fit_small(name, image))  # type: ignore[misc]

    files = [] if inputs.file is None else [inputs.file.read_bytes()]
    width, height = sizes.large
    if inputs.file is None:
        pixels: list[Samples] = []

        def fit_large(seconds: float) -> dict[str, Any]:
            if not pixels:
                pixels.append(tiled([load(str(path)).pixels for path in inputs.large], width, height))
            fit = cuda_times.fit(watched, Image(pixels[0]), sizes.large_ratio, seconds, sizes.plan)
            files.append(fit.data)
            inputs.keep.write_bytes(fit.data)
            found = make_scene(*bitstream.decode(fit.data)).gaussians
            return fit.row | cuda_times.steps(watched, pixels[0], found, peaks, 5)

        for seconds in sizes.seconds:
            part(f"fit {width} x {height} at CR {sizes.large_ratio:g}, {seconds:g} s", lambda s=seconds: fit_large(s))  # type: ignore[misc]
    if files:
        scene = make_scene(*bitstream.decode(files[-1]))
        part("frames of the large picture", lambda: cuda_times.frames(watched, scene, peaks, sizes.frames))
        screen = cuda_times.corner(scene, *sizes.screen)
        part("frames of a screen", lambda: cuda_times.frames(watched, screen, peaks, sizes.frames))
    return report


def tiled(pictures: Sequence[Samples], width: int, height: int) -> Samples:
    """(height, width, 3) the pictures, uint8, beside and below each other at their own size, turned over so that no two alike meet."""
    import numpy as np

    canvas = np.empty((height, width, 3), np.uint8)
    # In order of height, so that the rows of a strip are of about one height; each strip is as high as its lowest picture.
    ordered = sorted((p if p.shape[2] == 3 else np.repeat(p[..., :1], 3, axis=2) for p in pictures), key=len)
    turn = top = 0
    while top < height:
        left, rows = 0, min(len(ordered[0]), height - top)
        while left < width:
            picture = ordered[turn % len(ordered)]
            picture = picture[:: -1 if turn // len(ordered) & 1 else 1, :: -1 if turn // len(ordered) & 2 else 1]
            columns = min(picture.shape[1], width - left)
            canvas[top : top + rows, left : left + columns] = picture[:rows, :columns]
            left += columns
            turn += 1
        turn += 1
        top += rows
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for cuda.json, cuda.md and cuda.splat2d")
    parser.add_argument(
        "--pictures", type=Path, nargs="+", help="8 bits, RGB or gray; by default two photographs of the tests"
    )
    parser.add_argument("--file", type=Path, help="a large .splat2d file to draw; no large picture is fitted then")
    parser.add_argument("--seconds", type=float, nargs="+", default=[20.0, 60.0], help="that the large fit is given")
    parser.add_argument("--quick", action="store_true", help="everything small, for compute-sanitizer and ncu")
    parser.add_argument("--multiprocessors", type=int, default=132)
    parser.add_argument("--clock", type=float, default=1.755, help="GHz")
    parser.add_argument("--bandwidth", type=float, default=4.3, help="TB/s")
    options = parser.parse_args()
    device = find_device()
    if isinstance(device, str):
        sys.exit(f"cuda_bench: nothing to measure: {device}")
    try:
        import torch  # noqa: F401 - is it there?

        from bench.cuda_floors import PeakRates
    except ImportError as error:
        sys.exit(f"cuda_bench: the encoder needs {error.name}, which is not installed")
    options.out.mkdir(parents=True, exist_ok=True)
    small = [IMAGES / "kodim03.png", IMAGES / "kodim01.png"]
    peaks = PeakRates(options.multiprocessors, options.clock * 1e9, options.bandwidth * 1e12)

    def save(report: Report) -> None:
        (options.out / "cuda.json").write_text(report.as_json())
        (options.out / "cuda.md").write_text(report.as_markdown())

    sizes = Sizes(seconds=tuple(options.seconds))
    if options.quick:
        from splatc.fit.schedule import Schedule

        plan = Schedule(40)
        sizes = Sizes((1020, 678), seconds=(10.0,), screen=(480, 270), check_steps=20, plan=plan, frames=2)
    inputs = Inputs(small, options.pictures or small, options.file, options.out / "cuda.splat2d")
    report = run(device, inputs, sizes, peaks, save)
    print(report.as_markdown())
    sys.exit(0 if report.passed else 1)


if __name__ == "__main__":
    try:
        main()
    except SplatError as error:
        sys.exit(f"cuda_bench: {error}")
