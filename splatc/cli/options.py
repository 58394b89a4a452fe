"""Options that several commands share, and what they do."""

from __future__ import annotations

import click

force_option = click.option("-f", "--force", is_flag=True, help="Replace an existing output.")
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="What computes."
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Number of threads.  [default: one per core]"
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
