"""``splatc plot``."""

from __future__ import annotations

from pathlib import PurePath

import click

from splatc.cli.console import Voice, one_line
from splatc.cli.options import budget_options, force_option, max_pixels_option, quiet_option, threads_option
from splatc.cli.target import InPath, OutPath
from splatc.errors import UsageError
from splatc.runtime.files import STDIO, atomic_output, check_output, display_input, is_special


@click.command()
@click.argument("source", metavar="FILE", type=InPath())
@click.option("-o", "--output", metavar="OUT", required=True, type=OutPath(), help="A .png or .html file.")
@click.option("--source", "original", metavar="ORIGINAL", type=InPath(), help="The picture that was encoded.")
@max_pixels_option
@budget_options
@threads_option
@force_option
@quiet_option
def plot(
    source: str,
    output: str,
    original: str | None,
    max_pixels: int | None,
    max_memory: int | None,
    max_work: int | None,
    threads: int | None,
    force: bool,
    quiet: bool,
) -> None:
    """Show how the .splat2d FILE is made: the picture, its Gaussians as ellipses, and what its bits are spent on.

    With --source it also shows where the picture differs from the original. The .html file has a slider between two pictures and needs
    no network; the viewer of "splatc view" is in it where that makes it smaller. "-" is standard input, or PNG on standard output.
    """
    check_output(output, force=force, source=source)
    extension = PurePath(output).suffix.lower()
    if output == STDIO or (not extension and is_special(output)):
        extension = ".png"
    if extension not in (".png", ".html", ".htm"):
        raise UsageError(f"{output}: plots are written as .png or .html")

    from splatc import core
    from splatc.decoder.budget import Budget
    from splatc.decoder.picture import Picture
    from splatc.plots import figure, page, sheet

    core.set_threads(threads)

    budget = Budget(max_pixels, max_memory, max_work)
    with Picture(source, note=Voice(quiet).note, budget=budget) as picture:
        drawn = figure.make_figure(picture, one_line(PurePath(display_input(source)).name))
        if original is not None:
            drawn = figure.with_original(drawn, picture, original)
        content = sheet.draw(drawn) if extension == ".png" else page.write(drawn, picture.reader)
    with atomic_output(output, force=force) as stream:
        stream.write(content)
