"""The same jobs on the workers of a Dask scheduler that somebody else has started: ``splatc[dask]``.

Scheduler and workers must see the files under the same names. A worker that is lost takes nothing with it: its jobs go to others,
which keep what it had finished. Should it go on after all, or should the batch itself be lost, the worker no longer has the claim on its
picture (journal.py) and publishes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from splatc.batch.job import Job, Result, failed
from splatc.batch.work import run_job
from splatc.errors import SplatError, UsageError

TIMEOUT = "10s"
RETRIES = 3


class ClusterError(SplatError):
    """The scheduler cannot be reached, or was lost."""


def run_on_cluster(jobs: Sequence[Job], address: str) -> Generator[Result, None, None]:
    """The outcomes of all jobs, as they come. When the caller stops asking, what has not begun is taken back.

    Raises UsageError (distributed is not installed) and ClusterError (no scheduler at the address).
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise UsageError("--dask needs the package distributed: pip install 'splatc[dask]'") from error
    try:
        client = Client(address, timeout=TIMEOUT, set_as_default=False)
    except ValueError as error:
        raise UsageError(f"--dask {address}: no address of a scheduler: expected tcp://host:8786") from error
    except OSError as error:  # a TimeoutError too
        raise ClusterError(f"no Dask scheduler answers at {address}: start one with 'dask scheduler'") from error
    with client:
        # Not pure: a job is done because it was asked for, not because its arguments are new.
        futures = {client.submit(run_job, job, pure=False, retries=RETRIES): job for job in jobs}
        try:
            for future in as_completed(list(futures), loop=client.loop):
                job = futures.pop(future)
                if future.status == "finished":
                    yield future.result()
                else:
                    yield failed(job, f"{job.source}: given up by the cluster: {_reason(future.exception())}")
        finally:
            client.cancel(list(futures))


def _reason(error: BaseException | None) -> str:
    return str(error).splitlines()[0] if error is not None and str(error) else "it did not say why"
