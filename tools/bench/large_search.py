"""JPEG 2000 and AVIF of a picture so large that every encoding counts: few tries, a deadline, and every file that fits is kept.

Runs in a process of its own, which may be ended at any time: it reports each file that it leaves behind.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import PIL.Image

from bench.pillow_codecs import LANCZOS, PillowCodec, for_mode, pillow_codecs
from splatc.image.readers import load

FAST_ABOVE = 64_000_000
"""Pixels of what is coded; beyond them AVIF is coded at speed 6 instead of 4, or a search would take hours."""
ALL_VARIANTS_BELOW = 16_000_000
"""Pixels; above them AVIF tries 4:4:4 only of pictures that are scaled down."""
CLOSE = {"jpeg2000": 0.995, "avif": 0.99}
"""A file that uses so much of the limit ends the search."""
FACTORS = {"jpeg2000": (1,), "avif": (4, 2, 1)}
"""Down-scalings that each codec tries; small ones first, as they are cheap and say where to begin with the larger ones."""


@dataclass(frozen=True)
class Candidate:
    """A file that fits."""

    path: str
    factor: int
    size: int
    encode_seconds: float
    note: str


class Deadline(Exception):  # noqa: N818 - it is none
    """There is no time for another encoding."""


Emit = Callable[[dict[str, Any]], None]


def settings(name: str, minutes: float, gigabytes: float) -> str:
    """All that determines what a codec makes of a picture, but for the speed of the machine."""
    codec = pillow_codecs(downscale=True)[name]
    rules = f"speed 6 above {FAST_ABOVE} px, 4:4:4 only of 1/2, 1/4 or below {ALL_VARIANTS_BELOW} px" * (name == "avif")
    scales = f"best of 1/{FACTORS[name]}, first of {CLOSE[name]:g} of the limit; {rules}"
    return f"{codec.name}; {codec.settings}; {scales}; {minutes:g} min, {gigabytes:g} GB"


def search(name: str, picture: Path, limit: int, seconds: float, folder: Path, emit: Emit) -> None:
    """Leave files of at most ``limit`` bytes in ``folder``, within about ``seconds``, and report them as it goes on.

    It reports ``trying``, a down-scaling; the fields of a Candidate that replaces what there was of its kind; ``too_large``, a
    down-scaling of which no file fits; ``end``, why the search came to its end, empty if there was no more to try.
    """
    until = time.monotonic() + seconds
    codec = pillow_codecs(downscale=True)[name]
    image = _image(picture)
    pixels = image.width * image.height
    start = {"jpeg2000": _level_of_rate(_raw(image) / limit), "avif": 55}[name]
    for factor in FACTORS[name]:
        emit({"trying": factor})
        small = image
        if factor > 1:
            small = image.resize((-(-image.width // factor), -(-image.height // factor)), LANCZOS)
        fitting = None
        for variant in _variants(codec, small, factor, pixels):
            encode = _encoder(codec, small, dict(codec.common) | dict(variant), until)
            words = [f"{key} {value}" for key, value in variant.items() if key == "speed" or small.mode != "L"]
            note = ", ".join([*words, *([f"1/{factor}"] if factor > 1 else [])])
            path = folder / f"{name}-{factor}-{variant.get('subsampling', '').replace(':', '')}"
            try:
                for level, data, taken in _climb(encode, codec.levels, start, limit, CLOSE[name]):
                    fitting = max(fitting or 0, level)
                    _write(path, data)
                    emit(asdict(Candidate(str(path), factor, len(data), taken, note)))
            except Deadline:
                emit({"end": "no time for another encoding"})
                return
        if fitting is None:
            emit({"too_large": factor})
        if name == "avif":
            start = max(0, (fitting or 0) - 20)  # four times the pixels in the same bytes
    emit({"end": ""})


def _write(path: Path, data: bytes) -> None:
    """All or nothing: the process may be ended at any time."""
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)


def _image(picture: Path) -> PIL.Image.Image:
    """As Pillow has it; the array is not kept."""
    pixels = load(str(picture)).pixels
    return PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _raw(image: PIL.Image.Image) -> int:
    return image.width * image.height * len(image.getbands())


def _level_of_rate(rate: float) -> int:
    """The inverse of the levels of `pillow_codecs`, whose rates a code stream follows closely."""
    return min(max(round(500 * math.log(20000 / rate)), 0), 4999)


def _variants(codec: PillowCodec, coded: PIL.Image.Image, factor: int, pixels: int) -> list[dict[str, Any]]:
    variants = [dict(variant) for variant in codec.variants]
    if coded.mode == "L" or (factor == 1 and pixels > ALL_VARIANTS_BELOW):
        variants = variants[:1]
    if codec.format == "AVIF" and coded.width * coded.height > FAST_ABOVE:
        variants = [variant | {"speed": 6} for variant in variants]
    return variants


Encode = Callable[[int], tuple[bytes, float]]


def _encoder(codec: PillowCodec, image: PIL.Image.Image, options: Mapping[str, Any], until: float) -> Encode:
    """Level -> bytes and seconds. Raises Deadline where an encoding like the longest so far would come too late."""
    longest = 0.0

    def encode(level: int) -> tuple[bytes, float]:
        nonlocal longest
        if time.monotonic() + longest > until:
            raise Deadline
        chosen = for_mode(image.mode, dict(options) | codec.at_level(level))
        stream = io.BytesIO()
        start = time.perf_counter()
        image.save(stream, codec.format, **chosen)
        taken = time.perf_counter() - start
        longest = max(longest, taken)
        return stream.getvalue(), taken

    return encode


def _climb(encode: Encode, levels: int, start: int, limit: int, close: float) -> Iterator[tuple[int, bytes, float]]:
    """Level, file and seconds of every file that fits and is larger than those before, from ``start`` towards the limit.

    Steps double until the limit lies between two levels; from there the logarithm of the size is taken for straight.
    """
    below, above = -1, levels  # levels whose files fit, or do not
    sizes: dict[int, int] = {}
    best = 0
    level, step = min(max(start, 0), levels - 1), max(1, levels // 16)
    while above - below > 1:
        data, taken = encode(level)
        sizes[level] = len(data)
        if len(data) <= limit:
            below = level
            if len(data) > best:
                best = len(data)
                yield level, data, taken
            if best >= close * limit:
                return
        else:
            above = level
        if below in sizes and above in sizes:
            share = math.log(limit / sizes[below]) / math.log(sizes[above] / sizes[below])
            level = below + round(share * (above - below))
        elif below in sizes:
            level, step = below + step, 2 * step
        else:
            level, step = above - step, 2 * step
        level = min(max(level, below + 1), above - 1)
