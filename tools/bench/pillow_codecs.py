"""The codecs that Pillow brings, each at its best under a limit of bytes."""

from __future__ import annotations

import contextlib
import importlib
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import PIL.features
import PIL.Image

from bench.codec import Measurement, Shape
from bench.ladder import Ladder, Variant, best_files
from splatc.image.image import Samples

with contextlib.suppress(ImportError):
    importlib.import_module("pillow_jxl")  # registers JPEG XL with Pillow

LANCZOS = PIL.Image.Resampling.LANCZOS
COLOUR_OPTIONS = ("subsampling", "mct")
"""Options that a gray picture has no use for."""
AVIF = {
    "avif-psnr": ("psnr", "4:2:0"),
    "avif-psnr-444": ("psnr", "4:4:4"),
    "avif-ssim": ("ssim", "4:2:0"),
    "avif-ssim-444": ("ssim", "4:4:4"),
    "avif-iq": ("iq", "4:2:0"),
    "avif-iq-444": ("iq", "4:4:4"),
}
"""Tune and subsampling of AVIF at speed 0, by option name."""
QUANTIZERS = 64
"""Of aom, 0 the finest."""
SUFFIXES = {"JPEG": ".jpg", "WEBP": ".webp", "JPEG2000": ".j2k", "AVIF": ".avif", "JXL": ".jxl"}


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

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.format]

    def measure(
        self, picture: Path, pixels: Samples, ratios: Sequence[float], folder: Path
    ) -> Iterator[Measurement | None]:
        image = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        choices = [[self._variant(image, factor, variant) for variant in self.variants] for factor in self.factors]
        return best_files(self, pixels, ratios, choices, folder, exhaustive=self.exhaustive)

    def decode(self, data: bytes, shape: Shape, folder: Path) -> Samples:
        """A smaller picture is scaled up to ``shape``."""
        height, width, channels = shape
        with PIL.Image.open(io.BytesIO(data), formats=[self.format]) as opened:
            image = opened.convert("L" if channels == 1 else "RGB")
        if image.size != (width, height):
            image = image.resize((width, height), LANCZOS)
        return np.asarray(image).reshape(shape)

    def _variant(self, image: PIL.Image.Image, factor: int, variant: Mapping[str, Any]) -> Variant:
        notes = [*(f"{name} {value}" for name, value in variant.items()), *([f"1/{factor}"] if factor > 1 else [])]
        if factor > 1:
            image = image.resize((-(-image.width // factor), -(-image.height // factor)), LANCZOS)
        options = {**self.common, **variant}

        def encode(level: int) -> bytes:
            stream = io.BytesIO()
            image.save(stream, self.format, **for_mode(image.mode, options | self.at_level(level)))
            return stream.getvalue()

        return Variant(", ".join(notes), Ladder(self.levels, encode))


def for_mode(mode: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options without those that a picture of a mode has no use for."""
    return {name: value for name, value in options.items() if mode != "L" or name not in COLOUR_OPTIONS}


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
    codecs |= {option: _avif(*choice, shrinking) for option, choice in AVIF.items()}
    PIL.Image.init()
    return {option: codec for option, codec in codecs.items() if codec.format in PIL.Image.SAVE}


def _avif(tune: str, subsampling: str, shrinking: Mapping[str, Any]) -> PillowCodec:
    """AVIF as well as aom can, whatever time it takes: speed 0, driven by its quantizer. One thread: two make other files."""

    def at_level(level: int) -> dict[str, Any]:
        return {"advanced": {"tune": tune, "end-usage": "q", "cq-level": str(QUANTIZERS - 1 - level)}}

    return PillowCodec(
        f"AVIF {tune} {subsampling}",
        "AVIF",
        f"{PIL.features.version('avif')} {_aom_version()}",
        QUANTIZERS,
        at_level,
        f"tune={tune}, cq-level {QUANTIZERS - 1} to 0",
        {"codec": "aom", "max_threads": 1, "speed": 0, "autotiling": False, "subsampling": subsampling},
        **shrinking,
    )


def _aom_version() -> str:
    module: Any = importlib.import_module("PIL._avif")
    return next((word for word in str(module.codec_versions()).split(", ") if word.startswith("aom")), "no aom")
