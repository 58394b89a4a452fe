"""``splatc encode``."""

from __future__ import annotations

import json
from typing import Literal

import click

from splatc.cli.console import Voice, progress_reporter
from splatc.cli.options import force_option, json_option, quiet_option, threads_option, verbose_option
from splatc.cli.target import FiniteAbove, InPath, OutPath, Size, Whole
from splatc.encoder.picture_file import encode_file
from splatc.encoder.request import DEFAULT_CR, Request
from splatc.errors import UsageError
from splatc.runtime.files import STDIO, display

SCHEMA_VERSION = 1


@click.command()
@click.argument("source", metavar="IN", type=InPath())
@click.argument("output", metavar="OUT", type=OutPath())
@click.option(
    "--cr",
    type=FiniteAbove(0),
    metavar="X",
    help=f"Compression ratio: bytes of the pixels over bytes of the file. [default: {DEFAULT_CR:g}]",
)
@click.option("--bpp", type=FiniteAbove(0), metavar="X", help="Bits of the file per pixel.")
@click.option("--size", type=Size(), metavar="SIZE", help="Bytes of the file: 4096, 300k, 1.5MB, 20KiB.")
@click.option(
    "--psnr",
    type=FiniteAbove(0),
    metavar="DB",
    help="Make the smallest file found that has at least this PSNR, by some quick trials and mostly one fit.",
)
@click.option("-n", "--count", type=Whole(), metavar="N", help="Number of Gaussians.")
@click.option(
    "--blend",
    type=click.Choice(["normalized", "sum"]),
    help="How Gaussians make a pixel. [default: what measures best]",
)
@click.option(
    "--tune",
    type=click.Choice(["psnr", "ssim"]),
    default="psnr",
    show_default=True,
    help="Quality to fit for: PSNR or MS-SSIM.",
)
@click.option(
    "-e",
    "--effort",
    type=Whole(0, 9),
    metavar="0..9",
    default=5,
    show_default=True,
    help="Effort: 0 is fastest, 9 is best.",
)
@click.option(
    "--max-time",
    type=FiniteAbove(0),
    metavar="SECONDS",
    help="End within this time, with fewer steps if needed. --psnr fails if no file has reached it by then.",
)
@click.option("--max-memory", type=Size(), metavar="SIZE", help="Refuse what may take more memory.")
@click.option("--strip", is_flag=True, help="Leave out the colour profile, EXIF and XMP.")
@click.option(
    "--seed", type=Whole(0, 2**32 - 1), metavar="N", default=0, show_default=True, help="Seed of the random numbers."
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "core", "cuda", "torch", "gsplat"]),
    default="auto",
    show_default=True,
    help="What fits: the compiled core, an NVIDIA GPU, or PyTorch.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Device that computes.",
)
@click.option(
    "--model",
    type=click.Choice(["gaussians", "latent"]),
    default="gaussians",
    hidden=True,
    help="What the file holds: fitted Gaussians, or latents, a draft (spec/latent.md).",
)
@threads_option
@force_option
@quiet_option
@verbose_option
@json_option
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
    model: Literal["gaussians", "latent"],
    threads: int | None,
    force: bool,
    quiet: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Encode the picture IN as the .splat2d file OUT.

    Give one target: --cr, --bpp, --size or -n, which the file never exceeds, or --psnr, which it reaches. "-" is standard input or
    output.
    """
    Request(cr, bpp, size, count, psnr).check()
    if as_json and output == STDIO:
        raise UsageError("--json and the file cannot both go to standard output: give the file a name")
    voice = Voice(quiet, verbose)
    measured = as_json or not quiet
    summary = encode_file(
        source,
        output,
        cr=cr,
        bpp=bpp,
        size=size,
        psnr=psnr,
        count=count,
        blend=blend,
        tune=tune,
        effort=effort,
        max_time=max_time,
        max_memory=max_memory,
        strip=strip,
        seed=seed,
        engine=engine,
        device=device,
        model=model,
        threads=threads,
        force=force,
        measured=measured,
        note=lambda text: voice.note(f"{display(source)}: {text}"),
        log=voice.log,
        progress=progress_reporter(quiet=quiet, verbose=verbose),
    )
    if as_json:
        asked = {} if psnr is None else {"target_psnr_db": psnr}
        notes = {"notes": list(summary.notes)}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION} | summary.figures() | asked | notes))
    voice.say(str(summary))
