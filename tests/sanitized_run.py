"""What runs in a process with sanitizers: the conformance set, hostile files, files with random damage, steps of fits and whole encodings.

``python -m tests.sanitized_run 300``; the process ends at the first finding, with a report of the sanitizer.
"""

from __future__ import annotations

import io
import itertools
import random
import sys
from pathlib import Path

import numpy as np

import splatc
from splatc.core import fit as core_fit
from splatc.core.loading import OK
from splatc.decoder.picture import Picture
from splatc.decoder.verifier import find_problems
from splatc.errors import SplatError
from tests.fit_calls import FitCall, random_pixels, random_values
from tests.fuzz import mutate, seeds, target

ROOT = Path(__file__).parent.parent


def main(damaged: int) -> None:
    """Every sound file in whole, in parts and smaller; every other one as it is."""
    for path in sorted((ROOT / "spec" / "conformance").glob("*.splat2d")):
        data = path.read_bytes()
        assert find_problems(data) == [], path.name
        splatc.decode(data)
        with Picture(io.BytesIO(data)) as picture:
            picture.read(scale="1/3")
            picture.read((picture.width // 2, picture.height // 2, 1, 1), max_level=1)
    for path in sorted((ROOT / "tests" / "hostile").glob("*.splat2d")):
        target.check(path.read_bytes())
    files, chance = seeds.seeds(), random.Random(0)
    sound = 0
    for _ in range(damaged):
        data = chance.choice(files)
        for _ in range(chance.choice((1, 1, 2, 3))):
            data = mutate.mutated(data, mutate.random_bytes_changed(chance), chance)
        try:
            sound += target.check(data)
        except SplatError as error:
            raise AssertionError("an error that should have been caught") from error
    print(f"{damaged} damaged files, {sound} of them sound again")
    fit_all_kinds()


def fit_all_kinds() -> None:
    """A call of each kind with buffers that end where they must, for odd sizes; then small pictures, from pixels to bytes and back."""
    chance = np.random.default_rng(0)
    shapes = itertools.cycle([(1, 1), (1, 130), (130, 1), (17, 65), (64, 64), (81, 66)])
    kinds = itertools.product((1, 2, 3, 4), (0, 1), (8, 16))
    for (channels, normalized, depth), (width, height) in zip(kinds, shapes, strict=False):
        values = random_values(chance, 70, width, height, channels)
        values[2, ::7], values[3, 1::7], values[:2, ::11] = 8.0, 4.0, 3e7
        call = FitCall(values, random_pixels(chance, width, height, channels, depth), normalized=normalized)
        for what in (core_fit.STEP, core_fit.COSTS, core_fit.ERRORS, core_fit.DRAW, core_fit.MOVE, core_fit.LOSS_COSTS):
            call.task.what = what
            assert call.run() == OK
    for channels, options in (
        (1, {}),
        (3, {"tune": "ssim"}),
        (4, {"blend": "sum"}),
        (2, {"psnr": 12.0, "count": None}),
    ):
        pixels = random_pixels(chance, 37, 21, channels)
        data = splatc.encode(pixels, **({"count": 20, "effort": 1} | options))
        splatc.decode(data)


if __name__ == "__main__":
    main(int(sys.argv[1]))
