"""``splatc decode``."""

from __future__ import annotations

import click

from splatc.cli.console import Voice
from splatc.cli.options import (
    budget_options,
    device_option,
    force_option,
    max_pixels_option,
    quiet_option,
    threads_option,
    verbose_option,
)
from splatc.cli.target import InPath, OutPath, Whole, whole_number
from splatc.decoder.budget import Budget
from splatc.decoder.picture_file import decode_file
from splatc.runtime.arguments import shown


class _RegionType(click.ParamType["tuple[int, int, int, int]"]):
    """X,Y,W,H: four integers."""

    name = "region"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        numbers = [whole_number(part) for part in str(value).split(",")]
        found = tuple(each for each in numbers if each is not None)
        if len(numbers) != 4 or len(found) != 4:
            self.fail(f"{shown(value)} is no region: give X,Y,W,H in px, such as 1000,500,640,480", param, ctx)
        return found


@click.command()
@click.argument("source", metavar="IN", type=InPath())
@click.argument("output", metavar="OUT", type=OutPath())
@click.option(
    "--region",
    type=_RegionType(),
    metavar="X,Y,W,H",
    help="Decode only this part of the picture: left, top, width, height, px.",
)
@click.option("--scale", default="1", metavar="S", help="Output pixels per px: 1/8, 0.25, 2.  [default: 1]")
@click.option(
    "--max-level",
    type=Whole(0, 15),
    metavar="K",
    help="Leave out the Gaussians of levels below K: a coarse picture from fewer bytes.",
)
@click.option("--allow-truncated", is_flag=True, help="Draw what is there of a file that ends too early.")
@click.option(
    "--bit-depth", type=click.Choice(["8", "16"]), help="Bits per sample of OUT. [default: as the source had]"
)
@click.option("--strip", is_flag=True, help="Leave out the colour profile, EXIF and XMP.")
@max_pixels_option
@budget_options
@device_option
@threads_option
@force_option
@quiet_option
@verbose_option
def decode(
    source: str,
    output: str,
    region: tuple[int, int, int, int] | None,
    scale: str,
    max_level: int | None,
    allow_truncated: bool,
    bit_depth: str | None,
    strip: bool,
    max_pixels: int | None,
    max_memory: int | None,
    max_work: int | None,
    device: str,
    threads: int | None,
    force: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Decode the .splat2d file IN into the picture OUT.

    The extension of OUT chooses its type: .png .jpg .webp .tif .ppm .pgm .pam .bmp. "-" is standard input, or PNG on standard output.

    Every byte of the file is checked before the whole picture is drawn. With --region or --max-level only the bytes that are needed are
    read and checked. Damaged metadata are left out, with a note. An NVIDIA GPU draws large pictures if splatc[cuda] is installed.
    """
    voice = Voice(quiet, verbose)
    decode_file(
        source,
        output,
        region=region,
        scale=scale,
        max_level=max_level,
        allow_truncated=allow_truncated,
        bit_depth=int(bit_depth) if bit_depth else None,
        strip=strip,
        budget=Budget(max_pixels, max_memory, max_work),
        device=device,
        threads=threads,
        force=force,
        note=voice.note,
        log=voice.log,
    )
