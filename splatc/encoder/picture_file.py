"""A picture file to the bytes of a ``.splat2d`` file: what ``splatc encode`` and each picture of ``splatc batch`` have in common.

Where the bytes go, and what is printed, is for the callers to decide.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from splatc.encoder.request import Request
from splatc.runtime.files import display

if TYPE_CHECKING:
    from splatc.image.readers import Image, Metadata
    from splatc.image.readers.extent import Extent

LARGE_SHARE = 0.1
"""Of a file's bytes: metadata that take more are worth a word."""
USED, SPARE = 0.97, 64
"""Of the bytes allowed, a file takes as good as all; where it takes less than this share, and so many less, that is worth a word."""
SIMILARITY_PIXELS = 1 << 24
"""MS-SSIM of larger pictures would take longer than their decoding by far; `splatc compare` tells it."""

Progress = Callable[[int, int, str], object]
"""Told (steps done, steps in all, what is being done)."""


@dataclass(frozen=True)
class Summary:
    """What the encoding came to, by the bytes of the file and the pixels that they decode to."""

    gaussians: int
    bytes: int
    bits_per_pixel: float
    compression_ratio: float
    psnr_db: float
    ms_ssim: float
    """nan for a picture of more than SIMILARITY_PIXELS."""
    seconds: float

    def as_json(self) -> dict[str, int | float | None]:
        """JSON has no infinity (PSNR of equal pictures) and no nan."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}

    def __str__(self) -> str:
        similarity = "" if math.isnan(self.ms_ssim) else f"MS-SSIM {self.ms_ssim:.4f}, "
        return (
            f"{self.gaussians} Gaussians, {self.bytes} bytes, {self.bits_per_pixel:.4f} bpp, "
            f"CR {self.compression_ratio:.1f}, PSNR {self.psnr_db:.2f} dB, {similarity}{self.seconds:.1f} s"
        )


@dataclass(frozen=True)
class Encoded:
    """A file that has no name yet, and the picture that it was made from."""

    data: bytes
    image: Image
    notes: list[str]
    """What of the picture is left out, and the like, a sentence each."""
    started: float
    """By time.perf_counter."""

    def summary(self) -> Summary:
        """Decode the file and compare; `seconds` counts from `started` until now."""
        summary = _summarize(self.data, self.image)
        return replace(summary, seconds=time.perf_counter() - self.started)


def encode_file(
    source: str,
    *,
    cr: float | None = None,
    bpp: float | None = None,
    size: int | None = None,
    psnr: float | None = None,
    count: int | None = None,
    blend: Literal["normalized", "sum"] | None = None,
    tune: Literal["psnr", "ssim"] = "psnr",
    effort: int = 5,
    max_time: float | None = None,
    max_memory: int | None = None,
    strip: bool = False,
    seed: int = 0,
    engine: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    remark: Callable[[str], None] = lambda text: None,
    tell: Callable[[str, bool], None] = lambda sentence, urgent: None,
    progress: AbstractContextManager[Progress | None] | None = None,
) -> Encoded:
    """Encode the picture file `source` (``-`` is standard input) as the command line would.

    Args:
        cr, bpp, size, psnr, count: at most one target, see splatc.encode, as are the other options of the fit.
        max_time: seconds from now.
        strip: leave out the colour profile, EXIF and XMP.
        threads: of the core; None is one per core.
        remark: called with each sentence that becomes a note, at once.
        tell: called with (sentence, whether it is worth a note) on what is being done.
        progress: entered for the time of the fit; what it gives is told of each step.

    Raises:
        SplatError: for every picture that cannot be read and every request that cannot be met.
    """
    started = time.perf_counter()
    request = Request(cr, bpp, size, count, psnr)
    request.check()

    from splatc.fit.engines.choice import Wanted

    wanted = Wanted(engine, device)
    wanted.check(tune)

    from splatc.image.readers import Metadata

    image = _load(source, max_memory)
    if strip:
        image = replace(image, metadata=Metadata())
    kind, limit = request.resolve(image)
    notes: list[str] = []

    def add(text: str) -> None:
        notes.append(text)
        remark(text)

    def weigh_metadata(size: int) -> None:
        beside = _metadata_bytes(image.metadata)
        if LARGE_SHARE * size < beside < size:
            add(f"its {_kinds(image.metadata)} take {beside} of {size} bytes; --strip leaves them out")

    for each in image.notes:
        add(each)
    if kind == "bytes" and psnr is None:
        weigh_metadata(limit)
    shape = f"{image.width} x {image.height} x {image.channels}, {image.bit_depth} bits"
    most = f"at most {limit} {'Gaussians' if kind == 'count' else kind}"
    target = most if psnr is None else f"PSNR at least {psnr:g} dB"
    tell(f"{display(source)}: {image.description}, {shape}; {target}", False)

    from splatc import core

    core.set_threads(threads)

    # The slow imports come after everything that can fail early.
    from splatc.blend import Blend
    from splatc.encoder.pipeline import EncodeOptions, encode_on
    from splatc.encoder.quality_search import encode_to_psnr
    from splatc.encoder.rate_control import Target

    options = EncodeOptions(
        target=Target(kind, limit),
        blend=Blend[blend.upper()] if blend else None,
        tune=tune,
        effort=effort,
        seed=seed,
        max_memory=max_memory,
        max_time=None if max_time is None else max(0.0, max_time - (time.perf_counter() - started)),
    )
    with progress or contextlib.nullcontext() as step:
        data = (
            encode_on(wanted, image, options, tell, step)
            if psnr is None
            else encode_to_psnr(wanted, image, options, psnr, tell, step)
        )
    if psnr is not None:
        weigh_metadata(len(data))
    elif kind == "bytes" and len(data) < min(USED * limit, limit - SPARE):
        add(f"it needs only {len(data)} of the {limit} bytes allowed")
    return Encoded(data, image, notes, started)


def _load(source: str, max_memory: int | None) -> Image:
    """The picture; its reader, which may hold all pixels once more, is gone before the fit begins."""
    from splatc.fit import memory
    from splatc.image.readers import collect, open_source

    def check(size: Extent) -> None:
        memory.check_reading(size.width, size.height, size.channels, size.bit_depth, max_memory)

    with open_source(source, trusted=max_memory is not None, check=check) as opened:
        return collect(opened)


def _summarize(data: bytes, image: Image) -> Summary:
    """What a file came to, as it is decoded; how long it took is not known yet."""
    from splatc.bitstream import read_header
    from splatc.decoder.budget import UNBOUNDED
    from splatc.decoder.scene import decode_bytes
    from splatc.image import metrics

    source, decoded = metrics.shown(image.pixels), metrics.shown(decode_bytes(data, budget=UNBOUNDED).pixels)
    small = image.width * image.height <= SIMILARITY_PIXELS
    return Summary(
        gaussians=read_header(data).count,
        bytes=len(data),
        bits_per_pixel=8 * len(data) / (image.width * image.height),
        compression_ratio=image.pixels.nbytes / len(data),
        psnr_db=metrics.psnr(source, decoded),
        ms_ssim=metrics.ms_ssim(source, decoded) if small else math.nan,
        seconds=math.nan,
    )


def _kinds(metadata: Metadata) -> str:
    """What there is of it, for people: ``colour profile and EXIF``."""
    names = {"colour profile": metadata.icc, "EXIF": metadata.exif, "XMP": metadata.xmp}
    *most, last = [name for name, content in names.items() if content] or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _metadata_bytes(metadata: Metadata) -> int:
    """What it takes in a ``.splat2d`` file, without the framing of its chunks. Raises LimitError if a part is too long for one."""
    from splatc.bitstream.metadata import write

    return sum(len(payload) for _, payload in write(metadata))
