"""A picture file to a ``.splat2d`` file: what ``splatc.encode_file``, ``splatc encode`` and each picture of ``splatc batch`` call."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from splatc.encoder.request import OPTIONS, Request
from splatc.errors import UsageError
from splatc.runtime.files import atomic_output, check_output, display_input

if TYPE_CHECKING:
    from splatc.bitstream import Metadata
    from splatc.image.image import Image
    from splatc.image.readers.extent import Extent

LARGE_SHARE = 0.1
"""Of a file's bytes: metadata that take more are worth a word."""
USED, SPARE = 0.97, 64
"""Of the bytes allowed, a file takes as good as all; where it takes less than this share, and so many less, that is worth a word."""
SIMILARITY_PIXELS = 1 << 24
"""MS-SSIM of larger pictures would take longer than their decoding by far; `splatc compare` computes it."""

Progress = Callable[[int, int, str], object]
"""Called with (steps done, steps in all, what is being done)."""


@dataclass(frozen=True)
class EncodeSummary:
    """What a picture file has become, by the bytes of its ``.splat2d`` file and the pixels that they decode to."""

    gaussians: int
    """Their number."""
    bytes: int
    """Of the file."""
    bits_per_pixel: float
    """Bits of the file over pixels."""
    compression_ratio: float
    """Bytes of the pixels over bytes of the file."""
    psnr_db: float
    """Infinite where all pixels are equal, nan where it was not measured."""
    ms_ssim: float
    """nan for a picture of more than 2^24 pixels, and where it was not measured."""
    seconds: float
    """From the call on, until the file is there to be written."""
    notes: tuple[str, ...] = ()
    """What of the picture is left out, and the like, a sentence each."""

    def figures(self) -> dict[str, int | float | None]:
        """Give the numbers by name, for JSON.

        Returns:
            All but the notes. JSON has no infinity and no nan, which become None.
        """
        found: dict[str, Any] = {name: value for name, value in asdict(self).items() if name != "notes"}
        return {name: value if math.isfinite(value) else None for name, value in found.items()}

    def __str__(self) -> str:
        similarity = "" if math.isnan(self.ms_ssim) else f"MS-SSIM {self.ms_ssim:.4f}, "
        return (
            f"{self.gaussians} Gaussians, {self.bytes} bytes, {self.bits_per_pixel:.4f} bpp, "
            f"CR {self.compression_ratio:.1f}, PSNR {self.psnr_db:.2f} dB, {similarity}{self.seconds:.1f} s"
        )


Publish = Callable[[bytes, EncodeSummary], None]
"""Gives a finished file its name; until then nothing of it is on the disk."""


def encode_file(
    source: str,
    target: str,
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
    model: Literal["gaussians", "latent"] = "gaussians",
    force: bool = False,
    measured: bool = True,
    words: dict[str, str] = OPTIONS,
    note: Callable[[str], None] = lambda text: None,
    log: Callable[[str, bool], None] = lambda sentence, warning: None,
    progress: AbstractContextManager[Progress | None] | None = None,
    publish: Publish | None = None,
) -> EncodeSummary:
    """Encode the picture file `source` as the ``.splat2d`` file `target`; ``-`` is standard input and output.

    Args:
        cr, bpp, size, psnr, count: at most one target, see splatc.encode, as are the other options of the fit.
        max_time: seconds from now.
        strip: leave out the colour profile, EXIF and XMP.
        threads: of the core; None is as many as are set.
        model: what the file holds; "latent" is of a draft of the format.
        force: replace `target` if it exists.
        measured: decode the file and compare; else the summary has no PSNR and no MS-SSIM.
        words: what messages call the targets, `OPTIONS` or `ARGUMENTS` of request.py.
        note: called with each note, at once.
        log: called with (sentence, whether it is worth a note) on what is being done.
        progress: entered for the time of the fit; what it gives is called after each step.
        publish: called in place of writing the file, for a caller that has a protocol of its own for that.

    Raises:
        SplatError: for every picture that cannot be read, request that cannot be met and file that cannot be written.
    """
    started = time.perf_counter()
    request = Request(cr, bpp, size, count, psnr)
    request.check(words)
    check_output(target, force=force, source=source)
    _refuse_pictures(target)

    from splatc.fit.engines.choice import Wanted

    wanted = Wanted(engine, device)
    wanted.at(effort).check(tune)

    from splatc.bitstream import Metadata

    image = _load(source, max_memory)
    if strip:
        image = replace(image, metadata=Metadata())
    kind, limit = request.resolve(image, words)
    notes: list[str] = []

    def add(text: str) -> None:
        notes.append(text)
        note(text)

    def weigh_metadata(size: int) -> None:
        beside = _metadata_bytes(image.metadata)
        if LARGE_SHARE * size < beside < size:
            left_out = "--strip leaves" if words is OPTIONS else "strip=True leaves"
            kinds = _kinds(image.metadata)
            take, them = ("take", "them") if " and " in kinds else ("takes", "it")
            add(f"its {kinds} {take} {beside} of {size} bytes; {left_out} {them} out")

    for each in image.notes:
        add(each)
    if kind == "bytes" and psnr is None:
        weigh_metadata(limit)
    shape = f"{image.width} x {image.height} x {image.channels}, {image.bit_depth} bits"
    most = f"at most {limit} {'Gaussians' if kind == 'count' else kind}"
    wish = most if psnr is None else f"PSNR at least {psnr:g} dB"
    log(f"{display_input(source)}: {image.description}, {shape}; {wish}", False)

    # The slow imports come after everything that can fail early.
    from splatc.blend import Blend
    from splatc.core.pool import working_on
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
        model=model,
        max_time=None if max_time is None else max(0.0, max_time - (time.perf_counter() - started)),
    )
    with working_on(threads):
        with progress or contextlib.nullcontext() as step:
            data = (
                encode_on(wanted, image, options, log, step)
                if psnr is None
                else encode_to_psnr(wanted, image, options, psnr, log, step)
            )
        if psnr is not None:
            weigh_metadata(len(data))
        elif kind == "bytes" and len(data) < min(USED * limit, limit - SPARE):
            add(f"it needs only {len(data)} of the {limit} bytes allowed")
        # What is looked at has no name yet: an interrupt at that moment, too, leaves no file.
        summary = _summarize(data, image, measured)
    summary = replace(summary, notes=tuple(notes), seconds=time.perf_counter() - started)
    if publish is not None:
        publish(data, summary)
        return summary
    with atomic_output(target, force=force) as stream:
        stream.write(data)
    return summary


def _refuse_pictures(target: str) -> None:
    """Raise UsageError for the name of a picture file."""
    extension = PurePath(target).suffix.lower()
    if extension in ("", ".splat2d"):  # of most; the writers of pictures take 15 ms to import
        return

    from splatc.image.saving import FORMATS

    if extension in FORMATS:
        raise UsageError(f"{target}: encode writes .splat2d files, not pictures")


def _load(source: str, max_memory: int | None) -> Image:
    """The picture; its reader, which may hold all pixels once more, is gone before the fit begins."""
    from splatc.fit import memory
    from splatc.image.readers import collect, open_source

    def check(size: Extent) -> None:
        memory.check_reading(size.width, size.height, size.channels, size.bit_depth, max_memory)

    with open_source(source, trusted=max_memory is not None, check=check) as opened:
        return collect(opened)


def _summarize(data: bytes, image: Image, measured: bool) -> EncodeSummary:
    """What a file came to, as it is decoded; how long it took is not known yet."""
    from splatc.bitstream import read_header

    psnr, similarity = _compared(data, image) if measured else (math.nan, math.nan)
    return EncodeSummary(
        gaussians=read_header(data).count or _made_of_latents(data),
        bytes=len(data),
        bits_per_pixel=8 * len(data) / (image.width * image.height),
        compression_ratio=image.pixels.nbytes / len(data),
        psnr_db=psnr,
        ms_ssim=similarity,
        seconds=math.nan,
    )


def _made_of_latents(data: bytes) -> int:
    """The Gaussians of a file whose header counts none."""
    import io

    from splatc.bitstream import Reader

    reader = Reader(io.BytesIO(data))
    return len(reader.read()) if reader.latents is not None else 0


def _compared(data: bytes, image: Image) -> tuple[float, float]:
    """PSNR (dB) and MS-SSIM of what a file decodes to."""
    from splatc.decoder.budget import UNBOUNDED
    from splatc.decoder.scene import decode_bytes
    from splatc.image import metrics

    source, decoded = metrics.shown(image.pixels), metrics.shown(decode_bytes(data, budget=UNBOUNDED).pixels)
    small = image.width * image.height <= SIMILARITY_PIXELS
    return metrics.psnr(source, decoded), metrics.ms_ssim(source, decoded) if small else math.nan


def _kinds(metadata: Metadata) -> str:
    """What there is of it, for people: ``colour profile and EXIF``."""
    names = {"colour profile": metadata.icc, "EXIF": metadata.exif, "XMP": metadata.xmp}
    *most, last = [name for name, content in names.items() if content] or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _metadata_bytes(metadata: Metadata) -> int:
    """What it takes in a ``.splat2d`` file, without the framing of its chunks. Raises LimitError if a part is too long for one."""
    from splatc.bitstream.metadata import write

    return sum(len(payload) for _, payload in write(metadata))
