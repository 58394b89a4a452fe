"""What the bench of large pictures does in processes of their own: everything that holds many pixels.

Each task takes and gives what JSON holds; lines on standard output, the last one the result.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from splatc.image.image import Samples
from splatc.image.metrics import ms_ssim
from splatc.image.readers import load, open_source
from splatc.image.saving import FORMATS, save_strips
from splatc.image.writers import Shape

MS_SSIM_BELOW = 16_000_000
"""Pixels of the largest pictures of which MS-SSIM is taken: it needs both in memory, and minutes."""
BAND = 128
"""Rows worked on at a time."""
ENOUGH = 30.0
"""Seconds of decoding after which it is not repeated once more."""


def inspect(picture: str) -> dict[str, Any]:
    """Width, height and channels of a picture; ValueError for one that the codecs cannot all hold."""
    with open_source(picture) as source:
        if source.bit_depth != 8 or source.channels not in (1, 3):
            raise ValueError(f"{picture}: only gray and RGB pictures of 8 bits compare between all codecs")
        return {"width": source.width, "height": source.height, "channels": source.channels}


def mosaic(folder: str, side: int, output: str) -> None:
    """The mosaic of all pictures of a folder as a TIFF file."""
    from bench.large_items import mosaic_strips

    images = []
    for path in sorted(Path(folder).iterdir()):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".ppm"}:
            pixels = load(str(path)).pixels
            if pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3):
                images.append(pixels)
    with Path(output).open("wb") as stream:
        save_strips(mosaic_strips(images, side), Shape(side, side, 3, 8), stream, FORMATS[".tif"])


def shrink(picture: str, pixels: float, output: str) -> None:
    """A copy of about so many pixels as PNG, never larger than the picture."""
    image = _image(load(str(picture)).pixels)
    factor = min(1.0, math.sqrt(pixels / (image.width * image.height)))
    size = (max(8, round(image.width * factor)), max(8, round(image.height * factor)))
    image.resize(size, PIL.Image.Resampling.LANCZOS, reducing_gap=3.0).save(output, "PNG", compress_level=1)


def search(codec: str, picture: str, limit: int, seconds: float, gigabytes: float, folder: str) -> None:
    """`bench.large_search.search`, a line for each report."""
    from bench.large_search import search as search_codec

    _limit_memory(gigabytes)
    search_codec(
        codec, Path(picture), limit, seconds, Path(folder), lambda report: print(json.dumps(report), flush=True)
    )


def compare(picture: str, decoded: str) -> dict[str, Any]:
    """PSNR of a decoded file by strips, and MS-SSIM where pictures are small enough (else 0)."""
    with open_source(picture) as a, open_source(decoded) as b:
        if (a.width, a.height, a.channels) != (b.width, b.height, b.channels):
            raise ValueError(f"{decoded}: {b.width} x {b.height} x {b.channels} is not the picture's size")
        squares = sum(_squares(x, y) for x, y in paired(a.strips(), b.strips()))
        samples, small = a.width * a.height * a.channels, a.width * a.height <= MS_SSIM_BELOW
    similarity = ms_ssim(load(picture).pixels, load(decoded).pixels) if small else 0.0
    return {"psnr": _psnr(squares, samples), "ms_ssim": similarity}


def judge(picture: str, candidate: str, gigabytes: float) -> dict[str, Any]:
    """What `compare` says of a file of Pillow's, and the seconds of decoding it into memory at the picture's size, best of three."""
    _limit_memory(gigabytes)
    PIL.Image.MAX_IMAGE_PIXELS = None
    original = load(picture).pixels
    height, width, channels = original.shape

    def decode() -> PIL.Image.Image:
        with PIL.Image.open(candidate) as opened:
            image = opened.convert("L" if channels == 1 else "RGB")
        return image if image.size == (width, height) else image.resize((width, height), PIL.Image.Resampling.LANCZOS)

    times: list[float] = []
    while len(times) < 4 and sum(times) < ENOUGH:
        start = time.perf_counter()
        image = decode()
        times.append(time.perf_counter() - start)
    squares = 0
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        band = np.asarray(image.crop((0, top, width, bottom))).reshape(bottom - top, width, channels)
        squares += _squares(original[top:bottom], band)
    similarity = 0.0
    if width * height <= MS_SSIM_BELOW:
        similarity = ms_ssim(original, np.asarray(image).reshape(original.shape))
    return {"psnr": _psnr(squares, original.size), "ms_ssim": similarity, "seconds": min(times[1:] or times)}


def paired(a: Iterator[Samples], b: Iterator[Samples]) -> Iterator[tuple[Samples, Samples]]:
    """The same rows of two pictures, however each is cut into strips; ValueError if one has more rows."""
    x, y = next(a, None), next(b, None)
    while x is not None and y is not None:
        rows = min(len(x), len(y))
        yield x[:rows], y[:rows]
        x = x[rows:] if len(x) > rows else next(a, None)
        y = y[rows:] if len(y) > rows else next(b, None)
    if x is not None or y is not None:
        raise ValueError("one picture has more rows than the other")


def _squares(a: Samples, b: Samples) -> int:
    bands = range(0, len(a), BAND)
    return sum(int(np.square(a[i : i + BAND].astype(np.int32) - b[i : i + BAND]).sum(dtype=np.int64)) for i in bands)


def _psnr(squares: int, samples: int) -> float:
    """Of 8-bit samples, dB; 100 for equal pictures."""
    return min(10.0 * math.log10(255**2 * samples / squares), 100.0) if squares else 100.0


def _image(pixels: Samples) -> PIL.Image.Image:
    return PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _limit_memory(gigabytes: float) -> None:
    """Let what goes beyond it fail here, rather than the machine; without effect where the system has no such limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + int(gigabytes * 1e9), resource.RLIM_INFINITY))


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task for task in (inspect, mosaic, shrink, search, compare, judge)
}


def perform(words: str) -> None:
    """Do the task of a JSON object: ``do``, and its arguments."""
    arguments = json.loads(words)
    print(json.dumps(TASKS[arguments.pop("do")](**arguments)), flush=True)
