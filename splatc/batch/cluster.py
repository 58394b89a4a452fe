"""The same jobs on the workers of a running Dask scheduler: ``splatc[dask]``.

Scheduler and workers must see the files under the same names. The jobs of a worker that is lost go to others, which
keep the files that it had finished. If it goes on after all, or the batch itself is lost, the worker no longer has the claim on its picture
(journal.py) and publishes nothing.
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
    """The outcomes of all jobs, as they come. When the caller closes the generator, jobs that have not begun are cancelled.

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
        # Not pure: Dask would return the earlier result for equal arguments instead of running the job.
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
