"""``splatc compare``."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import click

from splatc.cli.console import Voice, printable
from splatc.cli.options import budget_options, json_option, max_pixels_option, quiet_option, threads_option
from splatc.cli.target import InPath

if TYPE_CHECKING:
    from splatc.decoder.comparison import Comparison, Side


@click.command()
@click.argument("a", metavar="A", type=InPath())
@click.argument("b", metavar="B", type=InPath())
@max_pixels_option
@budget_options
@threads_option
@quiet_option
@json_option
def compare(
    a: str,
    b: str,
    max_pixels: int | None,
    max_memory: int | None,
    max_work: int | None,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Print how near two pictures are: PSNR, MS-SSIM, and their files' sizes.

    A and B are pictures or .splat2d files, of one size in pixels; "-" is standard input.
    """
    from splatc import core
    from splatc.decoder.budget import Budget
    from splatc.decoder.comparison import compare_files

    core.set_threads(threads)
    voice = Voice(quiet)
    result = compare_files(a, b, voice.note, Budget(max_pixels, max_memory, max_work))
    if not result.equal_profiles:
        voice.note("the two have different colour profiles: samples are compared, not what they show")
    click.echo(json.dumps(result.as_data()) if as_json else _table(result))


def _table(result: Comparison) -> str:
    """The comparison for people, an idea a line."""
    psnr = f"{result.psnr_db:.2f} dB" if math.isfinite(result.psnr_db) else "infinite: the pictures are equal"
    rows = [
        ("A", _side(result.a)),
        ("B", _side(result.b)),
        ("size", f"{result.width} x {result.height}"),
        ("PSNR", psnr),
        ("MS-SSIM", f"{result.ms_ssim:.4f}"),
        (
            "largest error",
            f"{result.largest_error:.2%} of full range; {result.equal_samples:.1%} of the samples are equal",
        ),
    ]
    if result.a.bytes and result.b.bytes:
        rows.append(("bytes A : B", f"{result.a.bytes / result.b.bytes:.2f}"))
    return "\n".join(f"{name:<14}{text}" for name, text in rows)


def _side(side: Side) -> str:
    kind = {1: "gray", 2: "gray and alpha", 3: "RGB", 4: "RGB and alpha"}[side.channels]
    return f"{printable(side.name)}: {side.bytes} bytes, {kind}, {side.bit_depth} bits per sample"
