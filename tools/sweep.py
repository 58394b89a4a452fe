"""Does a change of schedule or steps pay? The same pictures and bytes for each candidate, side by side.

    python tools/sweep.py tests/images/*.png --cr 100 --try stages=1 --try stages=10
    python tools/sweep.py pictures/*.jpg --side 768 --cr 100 500 --try steps=600 --try "steps=600 position=118 rates.mean=0.35"

Each --try is a candidate: fields of Schedule and Quantizer (fit/schedule.py, steps.py), as rates.NAME of Rates, or effort=N for the
preset of this picture, optimization=N for so many rounds of the rate-distortion optimization; what is not named keeps its default, but for
600 steps. Prints Markdown: mean PSNR and MS-SSIM of what the file decodes to, then PSNR by picture.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from splatc import core
from splatc.blend import Blend
from splatc.decoder.scene import decode_bytes
from splatc.encoder import rdo
from splatc.encoder.pipeline import EncodeOptions, encode_with
from splatc.encoder.rate_control import FIRST_GUESS, Target
from splatc.fit.schedule import Rates, Schedule, schedule
from splatc.fit.task import Task
from splatc.image import metrics
from splatc.image.image import Image
from splatc.steps import Quantizer

STEPS = 600
ROUNDS = rdo.ROUNDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--cr", nargs="+", type=float, default=[100.0])
    parser.add_argument("--try", dest="candidates", action="append", metavar="FIELDS", help="default: the defaults")
    parser.add_argument("--side", type=int, help="scale pictures down to so many pixels on the longer side (Lanczos)")
    parser.add_argument("--tune", choices=["psnr", "ssim", "smartsplat"], default="psnr")
    parser.add_argument("--blend", choices=["sum", "normalized"], default="normalized")
    options = parser.parse_args()
    print(f"| candidate | CR | PSNR | MS-SSIM | s | {' | '.join(each.stem for each in options.pictures)} |")
    print("|---" * (5 + len(options.pictures)) + "|", flush=True)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for candidate in options.candidates or [""]:
            for ratio in options.cr:
                jobs = [
                    (each, options.side, ratio, candidate, options.tune, options.blend) for each in options.pictures
                ]
                results = list(pool.map(measure, *zip(*jobs, strict=True)))
                psnr, ms_ssim, seconds = np.mean(results, axis=0)
                each = " | ".join(f"{result[0]:.2f}" for result in results)
                print(
                    f"| {candidate or 'default'} | {ratio:g} | {psnr:.3f} | {ms_ssim:.4f} | {seconds:.1f} | {each} |",
                    flush=True,
                )


def measure(
    path: Path, side: int | None, ratio: float, candidate: str, tune: Any, blend: str
) -> tuple[float, float, float]:
    """PSNR, MS-SSIM and seconds of one picture in a file of its raw size over ``ratio``."""
    core.set_threads(1)  # as many processes as cores: nothing waits, and what is measured is quality, not time
    with PIL.Image.open(path) as opened:
        picture = opened.convert("RGB")
    if side is not None:
        picture.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    image = Image(np.asarray(picture))
    target = Target("bytes", int(image.pixels.nbytes / ratio))

    plan, quantizer, rates = Schedule(STEPS), Quantizer(), Rates()
    rdo.ROUNDS = ROUNDS
    for setting in candidate.split():
        name, _, value = setting.partition("=")
        if name == "effort":
            plan = preset(int(value), image, target, tune)
            rates = plan.rates
        elif name == "optimization":
            rdo.ROUNDS = int(value)
        elif name.startswith("rates."):
            rates = changed(rates, name.removeprefix("rates."), value)
        elif name in {field.name for field in fields(Quantizer)}:
            quantizer = changed(quantizer, name, value)
        else:
            plan = changed(plan, name, value)
    options = EncodeOptions(target, blend=Blend[blend.upper()], tune=tune)
    started = time.perf_counter()
    decoded = decode_bytes(encode_with(image, options, replace(plan, rates=rates), quantizer))
    return (
        metrics.psnr(image.pixels, decoded.pixels),
        metrics.ms_ssim(image.pixels, decoded.pixels),
        time.perf_counter() - started,
    )


def preset(effort: int, image: Image, target: Target, tune: Any) -> Schedule:
    """The schedule that the encoder would take for this picture."""
    count = max(1, int(target.value * 8 / FIRST_GUESS))
    task = Task(image.pixels, Blend.NORMALIZED, np.zeros(image.channels, np.float32), Quantizer(), tune)
    return schedule(effort, task.work(count), count)


def changed(record: Any, name: str, value: str) -> Any:
    """The dataclass with one field read from text."""
    return replace(record, **{name: parsed(getattr(record, name), value)})


def parsed(old: Any, text: str) -> Any:
    """What stands in place of ``old``, of its type; several numbers are written A,B."""
    if isinstance(old, bool):
        return text == "True"
    if isinstance(old, tuple):
        return tuple(float(part) for part in text.split(",") if part)
    return type(old)(text)


if __name__ == "__main__":
    main()
