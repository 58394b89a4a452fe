"""The codecs that Pillow brings, each at its best under a limit of bytes."""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import PIL.features
import PIL.Image

from bench.codec import Measurement, size_limit
from splatc.image.image import Samples
from splatc.image.metrics import psnr

with contextlib.suppress(ImportError):
    importlib.import_module("pillow_jxl")  # registers JPEG XL with Pillow

LANCZOS = PIL.Image.Resampling.LANCZOS
COLOUR_OPTIONS = ("subsampling", "mct")
"""Options that a gray picture has no use for."""


@dataclass(frozen=True)
class PillowCodec:
    """A codec that Pillow brings, with a scale of levels along which its files grow."""

    name: str
    format: str
    """Pillow's name of it."""
    implementation: str
    levels: int
    at_level: Callable[[int], dict[str, Any]]
    """Options of level 0 to levels - 1."""
    level_scale: str
    """What `at_level` does, in words."""
    common: Mapping[str, Any]
    variants: Sequence[Mapping[str, Any]] = ({},)
    """Options to choose from, by PSNR, point by point."""
    factors: Sequence[int] = (1,)
    """Down-scalings to choose from, likewise. The first that gets small enough is taken, unless `exhaustive`."""
    exhaustive: bool = False

    @property
    def settings(self) -> str:
        options = f"{self.level_scale}, {dict(self.common)}, best of {[dict(variant) for variant in self.variants]}"
        scales = f"{'best' if self.exhaustive else 'first'} of 1/{self.factors}"
        return f"{self.name}; Pillow {PIL.__version__}, {self.implementation}; {options}; {scales}"

    def measure(
        self, picture: Path, pixels: Samples, ratios: Sequence[float], folder: Path
    ) -> Iterator[Measurement | None]:
        image = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        ladders = [[self._ladder(image, factor, variant) for variant in self.variants] for factor in self.factors]
        for ratio in ratios:
            limit = size_limit(pixels, ratio)
            best: tuple[float, Measurement] | None = None
            for factor, rungs in zip(self.factors, ladders, strict=True):
                for variant, ladder in zip(self.variants, rungs, strict=True):
                    level = ladder.highest(limit)
                    if level is None:
                        continue
                    measurement = self._decoded(pixels, *ladder.coded(level), folder, factor, variant)
                    quality = psnr(pixels, measurement.pixels)
                    if best is None or quality > best[0]:
                        best = quality, measurement
                if best is not None and not self.exhaustive:
                    break
            yield best[1] if best else None

    def _ladder(self, image: PIL.Image.Image, factor: int, variant: Mapping[str, Any]) -> Ladder:
        if factor > 1:
            image = image.resize((-(-image.width // factor), -(-image.height // factor)), LANCZOS)
        return Ladder(image, self, variant)

    def _decoded(
        self,
        pixels: Samples,
        data: bytes,
        encode_seconds: float,
        folder: Path,
        factor: int,
        variant: Mapping[str, Any],
    ) -> Measurement:
        path = folder / "coded"
        path.write_bytes(data)
        height, width, channels = pixels.shape
        start = time.perf_counter()
        with PIL.Image.open(path, formats=[self.format]) as opened:
            image = opened.convert("L" if channels == 1 else "RGB")
        if factor > 1:
            image = image.resize((width, height), LANCZOS)
        decode_seconds = time.perf_counter() - start
        notes = [*(f"{name} {value}" for name, value in variant.items()), *([f"1/{factor}"] if factor > 1 else [])]
        decoded = np.asarray(image).reshape(pixels.shape)
        return Measurement(path.stat().st_size, decoded, encode_seconds, decode_seconds, ", ".join(notes))


class Ladder:
    """The files of one picture and one variant by level, each made when first asked for."""

    def __init__(self, image: PIL.Image.Image, codec: PillowCodec, variant: Mapping[str, Any]) -> None:
        self._image = image
        self._codec = codec
        self._options = dict(codec.common) | dict(variant)
        self._coded: dict[int, tuple[bytes, float]] = {}

    def coded(self, level: int) -> tuple[bytes, float]:
        """The file, and the seconds that it took."""
        if level not in self._coded:
            options = self._options | self._codec.at_level(level)
            if self._image.mode == "L":
                options = {name: value for name, value in options.items() if name not in COLOUR_OPTIONS}
            stream = io.BytesIO()
            start = time.perf_counter()
            self._image.save(stream, self._codec.format, **options)
            self._coded[level] = stream.getvalue(), time.perf_counter() - start
        return self._coded[level]

    def highest(self, limit: int) -> int | None:
        """A level, by bisection the highest, whose file has at most ``limit`` bytes; None if the lowest has more."""
        low, high = 0, self._codec.levels
        if len(self.coded(low)[0]) > limit:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if len(self.coded(middle)[0]) <= limit:
                low = middle
            else:
                high = middle
        return low


def pillow_codecs(downscale: bool) -> dict[str, PillowCodec]:
    """Those that this machine has, by their option name. ``downscale``: let AVIF and JPEG 2000 code a smaller picture wherever
    that is better, not only where nothing else fits; decoded, it is scaled up again.
    """

    def version(feature: str) -> str:
        return f"{feature} {PIL.features.version(feature)}"

    shrinking: dict[str, Any] = {"factors": (1, 2, 4), "exhaustive": downscale}
    codecs = {
        "jpeg": PillowCodec(
            "JPEG",
            "JPEG",
            version("libjpeg_turbo"),
            101,
            lambda level: {"quality": level},
            "quality 0 to 100",
            {"optimize": True, "subsampling": "4:2:0"},
            ({"progressive": False}, {"progressive": True}),
        ),
        "webp": PillowCodec(
            "WebP",
            "WEBP",
            version("webp"),
            401,
            lambda level: {"quality": level / 4},
            "quality 0 to 100 by 1/4",
            {"method": 6},
        ),
        "jpeg2000": PillowCodec(
            "JPEG 2000",
            "JPEG2000",
            version("jpg_2000"),
            5000,
            lambda level: {"quality_layers": [20000 * math.exp(-level / 500)]},
            "rate 20000 exp(-level/500)",
            # A bare code stream with the shortest comment that replaces the library's own: 120 bytes less than a JP2 file.
            {"quality_mode": "rates", "irreversible": True, "mct": 1, "no_jp2": True, "comment": " "},
            **shrinking,
        ),
        "avif": PillowCodec(
            "AVIF",
            "AVIF",
            f"{version('avif')} {_aom_version()}",
            101,
            lambda level: {"quality": level},
            "quality 0 to 100",
            # One thread makes other files than several: fixed, so that files depend on no machine.
            {"codec": "aom", "max_threads": 2, "speed": 4, "autotiling": False, "advanced": {"tune": "psnr"}},
            ({"subsampling": "4:2:0"}, {"subsampling": "4:4:4"}),
            **shrinking,
        ),
        "jpegxl": PillowCodec(
            "JPEG XL",
            "JXL",
            "pillow-jxl-plugin",
            397,
            lambda level: {"quality": level / 4},
            "quality 0 to 99 by 1/4",
            {"effort": 7},
        ),
    }
    PIL.Image.init()
    return {option: codec for option, codec in codecs.items() if codec.format in PIL.Image.SAVE}


def _aom_version() -> str:
    module: Any = importlib.import_module("PIL._avif")
    return next((word for word in str(module.codec_versions()).split(", ") if word.startswith("aom")), "no aom")
