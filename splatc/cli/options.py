"""Options that several commands share, in the same words everywhere, and what they do."""

from __future__ import annotations

import click

from splatc.cli.target import Whole

force_option = click.option("-f", "--force", is_flag=True, help="Replace an existing output.")
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="What computes."
)
threads_option = click.option(
    "--threads", type=Whole(), metavar="N", help="Number of threads.  [default: one per core]"
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Say errors only: no notes, progress or summary.")
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Say what is being done; not with -q.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
