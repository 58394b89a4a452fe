"""Options that several commands share, in the same words everywhere, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from splatc.cli.target import Size, Whole

force_option = click.option("-f", "--force", is_flag=True, help="Replace an existing output.")
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Device that computes.",
)
threads_option = click.option(
    "--threads", type=Whole(), metavar="N", help="Number of threads.  [default: one per core]"
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print errors only: no notes, progress or summary.")
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Print what is being done; not with -q.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
max_pixels_option = click.option(
    "--max-pixels", type=Whole(), metavar="N", help="Refuse to draw more pixels.  [default: 536870912, 2^29]"
)
_MAX_MEMORY = click.option(
    "--max-memory", type=Size(), metavar="SIZE", help="Refuse what may take more memory.  [default: 4GiB]"
)
_MAX_WORK = click.option(
    "--max-work", type=Whole(), metavar="N", help="Refuse what takes more evaluations of Gaussians.  [default: 2^37]"
)
Command = TypeVar("Command", bound=Callable[..., Any])


def budget_options(command: Command) -> Command:
    """``--max-memory`` and ``--max-work`` of a command that decodes: arguments of a budget.Budget."""
    return _MAX_MEMORY(_MAX_WORK(command))
