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
from splatc.runtime.arguments import shown
from splatc.runtime.files import atomic_output, check_output, display


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
@click.option("--region", type=_RegionType(), metavar="X,Y,W,H", help="Decode only this part of the picture, px.")
@click.option("--scale", default="1", metavar="S", help="Output pixels per px: 1/8, 0.25, 2.  [default: 1]")
@click.option(
    "--max-level",
    type=Whole(0, 15),
    metavar="K",
    help="Leave out levels below K: a coarse picture from fewer bytes.",
)
@click.option("--allow-truncated", is_flag=True, help="Show what is whole of a file that ends too early.")
@click.option(
    "--bit-depth", type=click.Choice(["8", "16"]), help="Bits per sample of OUT. [default: as the source had]"
)
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

    The extension of OUT chooses its type: .png .jpg .webp .tif .ppm .pgm .pam .bmp; "-" is standard input, or PNG on standard output.
    A region and a level cost what they show: of a large picture, only the bytes that are needed are read, and only these are checked.
    Of the whole picture every byte is checked first. Damaged metadata cost no pixel, but are left out, with a note.
    A large picture is drawn by an NVIDIA GPU if there is one and splatc[cuda] is installed.
    """
    check_output(output, force=force, source=source)

    from splatc import core
    from splatc.decoder.picture import Picture
    from splatc.image.saving import output_format, save_strips, unwritable

    kind = output_format(output)
    budget = Budget(max_pixels, max_memory, max_work)

    voice = Voice(quiet, verbose)
    with Picture(source, budget=budget, device=device, tell=voice.tell, note=voice.note) as picture:
        seen = picture.view(region, scale)
        depth = int(bit_depth) if bit_depth else picture.bit_depth
        kind.check(picture.channels, depth, seen.columns, seen.rows)
        if kind.write is None:  # not written by strips
            whole = seen.columns * seen.rows * picture.channels * depth // 8
            budget.check_memory(2 * whole, f"{kind.name} output of {seen.columns} x {seen.rows}")
        budget.check_work(
            kind.work * seen.columns * seen.rows,
            f"{kind.name} output of {seen.columns} x {seen.rows}",
            "choose .png or .tif, a smaller --scale or a --region, or ",
        )
        core.set_threads(threads)
        shape, strips = picture.strips(region, scale, max_level, depth, allow_truncated=allow_truncated)
        metadata = picture.metadata()
    for sentence in (*kind.losses(metadata, picture.channels), *unwritable(metadata, kind)):
        voice.note(f"{display(output)}: {sentence}")
    with atomic_output(output, force=force) as stream:
        save_strips(strips, shape, stream, kind, metadata)
