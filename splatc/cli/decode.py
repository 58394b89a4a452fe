"""``splatc decode``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from splatc.budget import Budget
from splatc.cli.console import note, say
from splatc.cli.options import MAX_FILE_BYTES, device_option, force_option, threads_option
from splatc.cli.target import Size
from splatc.files import STDIO, atomic_output, check_output, display, read_input

if TYPE_CHECKING:
    from splatc.picture import Picture
    from splatc.render.choice import Tell


class _RegionType(click.ParamType["tuple[int, int, int, int]"]):
    """X,Y,W,H: four integers."""

    name = "region"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        try:
            x, y, width, height = (int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no region: give X,Y,W,H in px, such as 1000,500,640,480", param, ctx)
        return x, y, width, height


@click.command()
@click.argument("source", metavar="IN", type=click.Path(allow_dash=True))
@click.argument("output", metavar="OUT", type=click.Path(allow_dash=True))
@click.option("--region", type=_RegionType(), metavar="X,Y,W,H", help="Decode only this part of the picture, px.")
@click.option("--scale", default="1", metavar="S", help="Output pixels per px: 1/8, 0.25, 2.  [default: 1]")
@click.option(
    "--max-level",
    type=click.IntRange(0, 15),
    metavar="K",
    help="Leave out levels below K: a coarse picture from fewer bytes.",
)
@click.option("--allow-truncated", is_flag=True, help="Show what is whole of a file that ends too early.")
@click.option(
    "--bit-depth", type=click.Choice(["8", "16"]), help="Bits per sample of OUT. [default: as the source had]"
)
@click.option(
    "--max-pixels", type=click.IntRange(1), metavar="N", help="Draw no larger picture.  [default: 536870912, 2^29]"
)
@click.option("--max-memory", type=Size(), metavar="SIZE", help="Refuse what may take more memory.  [default: 4GiB]")
@device_option
@threads_option
@click.option("-v", "--verbose", is_flag=True, help="Say what draws.")
@force_option
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
    device: str,
    threads: int | None,
    verbose: bool,
    force: bool,
) -> None:
    """Decode the .splat2d file IN into the picture OUT.

    The extension of OUT chooses its type: .png .jpg .webp .tif .ppm .pgm .pam .bmp; "-" is standard input, or PNG on standard output.
    A region, a scale and a level cost what they show: of a large picture, only the bytes that are needed are read.
    A large picture is drawn by an NVIDIA GPU if there is one and splatc[cuda] is installed.
    """
    check_output(output, force=force, source=source)

    from splatc import core
    from splatc.image_io import output_format, save_strips, unwritable

    kind = output_format(output)
    budget = Budget(max_pixels, max_memory)

    def tell(sentence: str, urgent: bool) -> None:
        if urgent:
            note(sentence)
        elif verbose:
            say(sentence)

    with _open(source, budget, device, tell) as picture:
        seen = picture.view(region, scale)
        depth = int(bit_depth) if bit_depth else picture.bit_depth
        kind.check(picture.channels, depth, seen.columns, seen.rows)
        if kind.write is None:  # not written by strips
            whole = seen.columns * seen.rows * picture.channels * depth // 8
            budget.check_memory(2 * whole, f"{kind.name} output of {seen.columns} x {seen.rows}")
        if region is None and max_level is None and not allow_truncated:
            picture.check()
        core.set_threads(threads)
        shape, strips = picture.strips(region, scale, max_level, depth, allow_truncated=allow_truncated)
        metadata = picture.metadata()
    for sentence in (*kind.losses(metadata, picture.channels), *unwritable(metadata, kind)):
        note(f"{display(output)}: {sentence}")
    with atomic_output(output, force=force) as stream:
        save_strips(strips, shape, stream, kind, metadata)


def _open(source: str, budget: Budget, device: str, tell: Tell) -> Picture:
    """The file, of which only what is needed is read; of standard input or another pipe everything."""
    from splatc.picture import Picture

    if source != STDIO and Path(source).is_file():
        return Picture(source, budget=budget, device=device, tell=tell)
    file = io.BytesIO(read_input(source, limit=MAX_FILE_BYTES))
    return Picture(file, name=source, budget=budget, device=device, tell=tell)
