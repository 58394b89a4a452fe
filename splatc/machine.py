"""The machine under the Numba kernels of the fit: threads, and where compiled code is kept."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile


def prepare_numba(threads: int | None = None) -> None:
    """Let Numba, and the core, run on `threads` threads wherever splatc is installed; at most one for each core that the process may use,
    which is also what None asks for.

    To be called before the first module with kernels is imported; calling it again changes the threads alone.
    """
    # Threads that spin while they wait take the cores away from whoever else works, and a busy machine makes them very slow. OpenMP
    # reads this when it is loaded, by Numba or by torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    import numba

    from splatc import core

    _find_cache()
    if threads is not None:
        core.set_threads(threads)
    numba.set_num_threads(min(core.threads(), numba.config.NUMBA_NUM_THREADS))


@functools.cache
def _find_cache() -> None:
    """Give Numba a folder for its compiled kernels.

    It keeps them beside the code, else in the user's cache; where it may write to neither (a service without a home) it refuses
    to import them. They are compiled into a folder of this process alone then: a shared one would run whatever another user
    puts there.
    """
    import numba

    try:
        numba.njit(cache=True)(_probe)
    except RuntimeError:
        folder = tempfile.mkdtemp(prefix="splatc-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        numba.config.CACHE_DIR = folder


def _probe() -> None:
    """What Numba is asked to find a cache for; never called, so never compiled."""
