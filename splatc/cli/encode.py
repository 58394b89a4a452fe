"""``splatc encode``."""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

import click

from splatc.cli.console import ignore_library_warnings, note, progress_reporter, say
from splatc.cli.options import force_option, quiet_option, threads_option
from splatc.cli.target import FiniteAbove, Size
from splatc.errors import UsageError
from splatc.files import STDIO, atomic_output, check_output, display
from splatc.request import DEFAULT_CR, Request

if TYPE_CHECKING:
    from splatc.pixels import Image
    from splatc.pixels.extent import Extent

SCHEMA_VERSION = 1
LARGE_SHARE = 0.1
"""Of a file's bytes: metadata that take more are worth a word."""


SIMILARITY_PIXELS = 1 << 24
"""MS-SSIM of larger pictures would take longer than their decoding by far; `splatc compare` tells it."""


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


@click.command()
@click.argument("source", metavar="IN", type=click.Path(allow_dash=True))
@click.argument("output", metavar="OUT", type=click.Path(allow_dash=True))
@click.option(
    "--cr", type=FiniteAbove(0), metavar="X", help=f"Raw size of the picture over the file's. [default: {DEFAULT_CR:g}]"
)
@click.option("--bpp", type=FiniteAbove(0), metavar="X", help="Bits of the file per pixel.")
@click.option("--size", type=Size(), metavar="SIZE", help="Bytes of the file: 4096, 300k, 1.5MB, 20KiB.")
@click.option(
    "--psnr",
    type=FiniteAbove(0),
    metavar="DB",
    help="The smallest file found that has this PSNR or more, by a few quick trials and mostly one fit.",
)
@click.option("-n", "--count", type=click.IntRange(min=1), metavar="N", help="Number of Gaussians.")
@click.option(
    "--blend",
    type=click.Choice(["normalized", "sum"]),
    help="How Gaussians make a pixel. [default: what measures best]",
)
@click.option(
    "--tune", type=click.Choice(["psnr", "ssim"]), default="psnr", show_default=True, help="Which quality to aim for."
)
@click.option(
    "-e", "--effort", type=click.IntRange(1, 9), default=5, show_default=True, help="1 is fastest, 9 is best."
)
@click.option(
    "--max-time",
    type=FiniteAbove(0),
    metavar="SECONDS",
    help="Be done by then, with fewer steps if it must be; --psnr fails if nothing has reached it by then.",
)
@click.option("--max-memory", type=Size(), metavar="SIZE", help="Refuse what may take more memory.")
@click.option("--strip", is_flag=True, help="Leave out the colour profile, EXIF and XMP.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of the random numbers.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "core", "cuda", "torch", "gsplat"]),
    default="auto",
    show_default=True,
    help="How to fit: compiled, on an NVIDIA GPU, or by PyTorch.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="What computes.",
)
@threads_option
@force_option
@quiet_option
@click.option("-v", "--verbose", is_flag=True, help="Say what is being done.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on standard output.")
def encode(
    source: str,
    output: str,
    cr: float | None,
    bpp: float | None,
    size: int | None,
    psnr: float | None,
    count: int | None,
    blend: Literal["normalized", "sum"] | None,
    tune: Literal["psnr", "ssim"],
    effort: int,
    max_time: float | None,
    max_memory: int | None,
    strip: bool,
    seed: int,
    engine: str,
    device: str,
    threads: int | None,
    force: bool,
    quiet: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Encode the picture IN as the .splat2d file OUT.

    "-" is standard input or output. Give one target: the file never exceeds --cr, --bpp, --size or -n, nor falls below --psnr.
    """
    ignore_library_warnings()  # for the processes of a batch, which come here by another way
    started = time.perf_counter()
    request = Request(cr, bpp, size, count, psnr)
    request.check()
    if as_json and output == STDIO:
        raise UsageError("--json and the file cannot both go to standard output: give the file a name")
    check_output(output, force=force, source=source)

    from splatc.fit.engines.choice import Wanted

    wanted = Wanted(engine, device)
    wanted.check(tune)

    _refuse_pictures(output)

    from splatc.fit import memory
    from splatc.pixels import Metadata, collect, open_source
    from splatc.pixels.metadata import kinds, metadata_bytes

    def check(size: Extent) -> None:
        memory.check_reading(size.width, size.height, size.channels, size.bit_depth, max_memory)

    with open_source(source, trusted=max_memory is not None, check=check) as opened:
        image = collect(opened)
    if strip:
        image = replace(image, metadata=Metadata())
    kind, limit = request.resolve(image)
    notes: list[str] = []

    def remark(text: str) -> None:
        notes.append(text)
        if not quiet:
            note(f"{display(source)}: {text}")

    def weigh_metadata(size: int) -> None:
        beside = metadata_bytes(image.metadata)
        if LARGE_SHARE * size < beside < size:
            remark(f"its {kinds(image.metadata)} take {beside} of {size} bytes; --strip leaves them out")

    for each in image.notes:
        remark(each)
    if kind == "bytes" and psnr is None:
        weigh_metadata(limit)
    if verbose:
        shape = f"{image.width} x {image.height} x {image.channels}, {image.bit_depth} bits"
        most = f"at most {limit} {'Gaussians' if kind == 'count' else kind}"
        target = most if psnr is None else f"PSNR at least {psnr:g} dB"
        say(f"{display(source)}: {image.description}, {shape}; {target}")

    from splatc import core

    core.set_threads(threads)

    # The slow imports come after everything that can fail early.
    from splatc.blend import Blend
    from splatc.encoder import EncodeOptions, encode_on
    from splatc.quality_search import encode_to_psnr
    from splatc.rate_control import Target

    def tell(sentence: str, urgent: bool) -> None:
        if urgent and not quiet:
            note(sentence)
        elif verbose:
            say(sentence)

    options = EncodeOptions(
        target=Target(kind, limit),
        blend=Blend[blend.upper()] if blend else None,
        tune=tune,
        effort=effort,
        seed=seed,
        max_memory=max_memory,
        max_time=None if max_time is None else max(0.0, max_time - (time.perf_counter() - started)),
    )
    with progress_reporter(quiet=quiet, verbose=verbose) as progress:
        if psnr is None:
            data = encode_on(wanted, image, options, tell, progress)
        else:
            data = encode_to_psnr(wanted, image, options, psnr, tell, progress)
    if psnr is not None:
        weigh_metadata(len(data))
    # What is looked at has no name yet: an interrupt at that moment, too, leaves no file.
    summary = None if quiet and not as_json else _summarize(data, image)
    with atomic_output(output, force=force) as stream:
        stream.write(data)

    if summary is None:
        return
    summary = replace(summary, seconds=time.perf_counter() - started)
    if as_json:
        asked = {} if psnr is None else {"target_psnr_db": psnr}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION} | summary.as_json() | asked | {"notes": notes}))
    if not quiet:
        say(str(summary))


def _refuse_pictures(output: str) -> None:
    """Raise UsageError for the name of a picture file."""
    extension = PurePath(output).suffix.lower()
    if extension in ("", ".splat2d"):  # of most; the writers of pictures take 15 ms to import
        return

    from splatc.image_io import FORMATS

    if extension in FORMATS:
        raise UsageError(f"{output}: encode writes .splat2d files, not pictures")


def _summarize(data: bytes, image: Image) -> Summary:
    """What a file came to, as it is decoded; how long it took is not known yet."""
    from splatc import metrics
    from splatc.bitstream import read_header
    from splatc.budget import Budget
    from splatc.decoder import decode_bytes

    unbounded = Budget(sys.maxsize, sys.maxsize)  # it is our own file, of a picture that is in memory
    source, decoded = metrics.shown(image.pixels), metrics.shown(decode_bytes(data, budget=unbounded).pixels)
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
