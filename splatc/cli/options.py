"""Options that several commands share, and what they do."""

from __future__ import annotations

import click

MAX_FILE_BYTES = 1 << 30
"""Longer ``.splat2d`` files are refused."""

force_option = click.option("-f", "--force", is_flag=True, help="Replace an existing output.")
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="What computes."
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Number of threads.  [default: one per core]"
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")


def use_threads(count: int | None) -> None:
    """Let Numba run on `count` threads, at most one per core; on all of them for None."""
    if count is not None:
        import numba

        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
