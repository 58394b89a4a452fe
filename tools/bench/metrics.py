"""How near a picture is to another one, by every metric that this machine has: a column each."""

from __future__ import annotations

import importlib.metadata
import io
import math
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from bench.gmsd import gmsd
from splatc.image.image import Samples
from splatc.image.metrics import ms_ssim, psnr

BUTTERAUGLI = "butteraugli_main"
"""The program of libjxl; Debian's package libjxl-devtools has it."""


@dataclass(frozen=True)
class Metric:
    """A measure of two pictures."""

    key: str
    """The name of the field of a point."""
    title: str
    """With its unit."""
    form: str
    """How a value is written."""
    of: Callable[[Samples, Samples], float]
    """The picture, and what a file of it decodes to."""
    quality: Callable[[float], float]
    """Rises with how good a picture is, and makes curves over bytes straighter."""
    missing: Callable[[], str] = lambda: ""
    """What to install for it; nothing where it is there."""

    @property
    def name(self) -> str:
        return re.split(r",| \(", self.title)[0]


def _ssimulacra2(a: Samples, b: Samples) -> float:
    """100 for equal pictures; below 0 where hardly anything is right."""
    from ssimulacra2 import compute_ssimulacra2

    return float(compute_ssimulacra2(io.BytesIO(_png(a)), io.BytesIO(_png(b))))


def _no_ssimulacra2() -> str:
    try:
        importlib.metadata.version("ssimulacra2")
    except importlib.metadata.PackageNotFoundError:
        return "pip install splatc[bench]"
    return ""


def _butteraugli(a: Samples, b: Samples) -> float:
    """The norm of exponent 3 of the map of differences, 0 for equal pictures."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("a.png", "b.png")]
        for path, pixels in zip(paths, (a, b), strict=True):
            path.write_bytes(_png(pixels))
        result = subprocess.run([BUTTERAUGLI, *map(str, paths)], check=False, capture_output=True, text=True)
    found = re.search(r"^3-norm: (\S+)$", result.stdout, re.MULTILINE)
    if result.returncode or not found:
        raise RuntimeError(f"{BUTTERAUGLI}: {result.stderr.strip()}")
    return float(found[1])


def _no_butteraugli() -> str:
    return "" if shutil.which(BUTTERAUGLI) else f"install {BUTTERAUGLI} (Debian: libjxl-devtools)"


def _png(pixels: Samples) -> bytes:
    """In RGB, hardly compressed."""
    stream = io.BytesIO()
    colours = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    PIL.Image.fromarray(np.ascontiguousarray(colours)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _as_it_is(value: float) -> float:
    return value


def _decibels(value: float) -> float:
    """Of MS-SSIM: -10 log10(1 - x), at most 100 dB."""
    return -10.0 * math.log10(max(1.0 - value, 1e-10))


def _negative(value: float) -> float:
    return -value


METRICS = (
    Metric("psnr", "PSNR, dB", ".2f", lambda a, b: min(psnr(a, b), 100.0), _as_it_is),
    Metric("ms_ssim", "MS-SSIM", ".4f", ms_ssim, _decibels),
    Metric("ssimulacra2", "SSIMULACRA 2", ".1f", _ssimulacra2, _as_it_is, _no_ssimulacra2),
    Metric("butteraugli", "Butteraugli, 3-norm (less is better)", ".2f", _butteraugli, _negative, _no_butteraugli),
    Metric("gmsd", "GMSD (less is better)", ".4f", gmsd, _negative),
)


def available() -> list[Metric]:
    """Those that this machine has."""
    return [metric for metric in METRICS if not metric.missing()]


def left_out() -> list[str]:
    """A line for each of the others."""
    return [f"no {metric.name}: {what}" for metric in METRICS if (what := metric.missing())]


def values(a: Samples, b: Samples, metrics: list[Metric]) -> dict[str, Any]:
    """What the metrics say, by their keys."""
    return {metric.key: metric.of(a, b) for metric in metrics}
