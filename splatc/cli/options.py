"""Options that several commands share, and what they do."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import click

from splatc.errors import UsageError

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


def check_device(device: str) -> None:
    """Raises UsageError for a device that this version cannot use."""
    if device == "cuda":
        raise UsageError("this version computes on the CPU only: use --device cpu or auto")


def prepare_numba(threads: int | None) -> None:
    """Let Numba run on `threads` threads (at most one per core; None: on all of them) wherever splatc is installed.

    To be called before the first module with kernels is imported. Numba keeps compiled kernels beside the code, else in the
    user's cache; where it may write to neither (a service without a home) it refuses to import them. They are compiled into a
    folder of this process alone then: a shared one would run whatever another user puts there.
    """
    # Threads that spin while they wait take the cores away from whoever else works, and a busy machine makes them very slow. OpenMP
    # reads this when it is loaded, by Numba or by torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    import numba

    try:
        numba.njit(cache=True)(_probe)
    except RuntimeError:
        folder = tempfile.mkdtemp(prefix="splatc-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        numba.config.CACHE_DIR = folder
    if threads is not None:
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))


def _probe() -> None:
    """What Numba is asked to find a cache for; never called, so never compiled."""
