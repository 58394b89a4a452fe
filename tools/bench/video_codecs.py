"""HEVC and VVC as still pictures, by the ffmpeg that imageio-ffmpeg brings: raw streams, without the container of a picture."""

from __future__ import annotations

import functools
import importlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.codec import Measurement, Shape
from bench.ladder import Ladder, Variant, best_files
from splatc.image.image import Samples

TO_YCBCR = "zscale=matrix=709:range=full:filter=lanczos,format={form}"
"""In 10 bits, without loss for 4:4:4; chroma halved by Lanczos' filter for 4:2:0."""
TO_RGB = "zscale=matrixin=709:rangein=full:matrix=gbr:range=full:filter=lanczos,format=gbrp,format=rgb24"


@dataclass(frozen=True)
class VideoCodec:
    """An encoder of ffmpeg whose quantizer is set, one picture a stream."""

    name: str
    encoder: str
    """ffmpeg's name of it."""
    stream: str
    """ffmpeg's name of the format."""
    program: str
    version: str
    options: tuple[str, ...]
    finest: int
    coarsest: int
    """The quantizers, from the smallest to the largest."""
    forms: tuple[str, ...]
    """ffmpeg's names of the forms of pixels to choose from, by PSNR, point by point."""

    @property
    def settings(self) -> str:
        options = f"{' '.join(self.options)}, qp {self.coarsest} to {self.finest}"
        return f"{self.name}; ffmpeg {self.version}; {options}; best of {', '.join(self.forms)}, {TO_YCBCR}"

    @property
    def suffix(self) -> str:
        return f".{self.stream}"

    def measure(
        self, picture: Path, pixels: Samples, ratios: Sequence[float], folder: Path
    ) -> Iterator[Measurement | None]:
        variants = [self._variant(pixels, form) for form in self.forms]
        return best_files(self, pixels, ratios, [variants], folder)

    def _variant(self, pixels: Samples, form: str) -> Variant:
        colours = _even(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
        height, width, _ = colours.shape
        given = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "-")

        def encode(level: int) -> bytes:
            words = ("-vf", TO_YCBCR.format(form=form), "-c:v", self.encoder, *self.options)
            taken = ("-qp", str(self.coarsest - level), "-f", self.stream, "-")
            return _run([self.program, *given, *words, *taken], colours.tobytes())

        return Variant(form, Ladder(self.coarsest - self.finest + 1, encode))

    def decode(self, data: bytes, shape: Shape, folder: Path) -> Samples:
        height, width, channels = shape
        words = ("-f", self.stream, "-i", "-", "-vf", TO_RGB, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
        decoded = np.frombuffer(_run([self.program, *words], data), np.uint8)
        colours = decoded.reshape(height + height % 2, width + width % 2, 3)[:height, :width]
        return colours if channels == 3 else colours[..., 1:2]  # of gray all three are alike, but for rounding


def _even(pixels: Samples) -> Samples:
    """With even sides, which 4:2:0 needs: the last row and column twice."""
    height, width, _ = pixels.shape
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _run(command: Sequence[str], data: bytes) -> bytes:
    """What ffmpeg writes when it is given some bytes. Raises RuntimeError."""
    quiet = (command[0], "-hide_banner", "-loglevel", "error", *command[1:])
    result = subprocess.run(quiet, check=False, input=data, capture_output=True)
    if result.returncode or not result.stdout:
        raise RuntimeError(f"{' '.join(quiet)}: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout


VIDEO = ("hevc", "vvc")
"""Option names."""


def video_codecs() -> dict[str, VideoCodec]:
    """Those that the ffmpeg of imageio-ffmpeg has, by their option name; none without it."""
    program = _program()
    if not program:
        return {}
    version = _run([program, "-version"], b"").decode().split()[2]
    codecs = {
        "hevc": VideoCodec(
            "HEVC (x265)",
            "libx265",
            "hevc",
            program,
            version,
            ("-preset", "placebo", "-tune", "psnr", "-x265-params", "ipratio=1:info=0:pools=1:log-level=error"),
            0,
            51,
            ("yuv420p10le", "yuv444p10le"),
        ),
        "vvc": VideoCodec(
            "VVC (vvenc)",
            "libvvenc",
            "vvc",
            program,
            version,
            ("-preset", "slow", "-qpa", "0", "-g", "1", "-threads", "1"),  # -g 1: 110 bytes less of headers
            8,  # of small pictures with less, this encoder makes no file
            63,
            ("yuv420p10le",),
        ),
    }
    words = {*_run([program, "-encoders"], b"").decode().split(), *_run([program, "-filters"], b"").decode().split()}
    return {name: codec for name, codec in codecs.items() if {codec.encoder, "zscale"} <= words}


@functools.cache
def _program() -> str:
    """ffmpeg; empty where there is none."""
    try:
        module: Any = importlib.import_module("imageio_ffmpeg")
        return str(module.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return ""
