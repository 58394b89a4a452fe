"""Worker processes on this computer, one picture at a time each.

concurrent.futures breaks the whole pool when one process dies, and does not say at which picture. Here that picture is tried once more in a
fresh process, and the others go on. A worker whose parent was killed ends at once.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import NoReturn

from splatc.batch.job import Job, Result, failed
from splatc.batch.work import run_job
from splatc.errors import CoreError, InputError, SplatError, reason_of
from splatc.runtime import orphans

TRIES = 2
"""Attempts at a picture whose worker dies."""
_EXIT_TIMEOUT = 10.0
"""Seconds that a worker has to end by itself before it is killed."""
_ORPHAN_TIMEOUT = 1.0
"""The same for a worker whose parent has ended."""


@dataclass
class _Worker:
    process: SpawnProcess
    job: Job
    tries: int


def run_local(jobs: Sequence[Job], processes: int) -> Generator[Result, None, None]:
    """The outcomes of all jobs, as they come. When the caller closes the generator, the workers end and leave no incomplete file.

    Raises InputError (the working folder is gone) and CoreError where not a single process can be started.
    """
    # Not forked: threads of the core, of PyTorch and of a GPU's driver do not survive that.
    context = multiprocessing.get_context("spawn")
    waiting = deque((job, 1) for job in jobs)
    workers: dict[Connection, _Worker] = {}

    def start(job: Job, tries: int) -> None:
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        try:
            with _interrupts_held():
                process.start()
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()  # else recv would not see its end
        workers[ours] = _Worker(process, job, tries)
        with contextlib.suppress(OSError):  # it has died at once; recv reports it
            ours.send(job)

    try:
        while workers or waiting:
            while waiting and len(workers) < processes:
                try:
                    start(*waiting[0])
                except OSError as error:
                    if workers:  # the running workers take the rest
                        break
                    raise _no_process(error) from error
                waiting.popleft()
            for connection in wait(list(workers)):
                assert isinstance(connection, Connection)
                worker = workers[connection]
                try:
                    outcome = connection.recv()
                except (EOFError, OSError):
                    _dismiss(workers, connection)
                    if worker.tries < TRIES:
                        waiting.appendleft((worker.job, worker.tries + 1))
                        continue
                    outcome = failed(worker.job, f"{worker.job.source}: {_cause(worker.process)}")
                else:
                    if waiting:
                        worker.job, worker.tries = waiting.popleft()
                        with contextlib.suppress(OSError):  # it has died since; recv reports it
                            connection.send(worker.job)
                    else:
                        _dismiss(workers, connection)
                yield outcome
    finally:
        for worker in workers.values():
            worker.process.terminate()
        deadline = time.monotonic() + _EXIT_TIMEOUT  # one for all of them
        for connection in list(workers):
            _dismiss(workers, connection, max(0.0, deadline - time.monotonic()))


def _dismiss(workers: dict[Connection, _Worker], connection: Connection, timeout: float = _EXIT_TIMEOUT) -> None:
    """End a worker: it exits when its connection is closed."""
    worker = workers.pop(connection)
    connection.close()
    worker.process.join(timeout)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    if worker.process.exitcode:  # it may have been killed while it wrote
        orphans.remove(Path(worker.job.output).parent)


def _no_process(error: OSError) -> SplatError:
    """Why no worker can be started."""
    try:
        Path.cwd()
    except OSError:
        return InputError("the working folder is gone, so no process can be started: change to one that is there")
    return CoreError(
        f"no process can be started to encode the pictures: {reason_of(error)}: end others, or raise the limit (ulimit -u)"
    )


def _cause(process: SpawnProcess) -> str:
    code = process.exitcode or 0
    what = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    return f"its process {what}, {TRIES} times: perhaps out of memory, then fewer processes (-j) help"


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """A Ctrl-C at the terminal reaches every process: those started within the block ignore it, and this one handles it afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    blocked: set[int] = set()
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # where the first process starts it, it lets interrupts through
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited, until _serve ignores them
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def _serve(connection: Connection) -> None:
    """The loop of a worker: receive a job, send its outcome."""
    _set_signals()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send(run_job(connection.recv()))


def _set_signals() -> None:
    """Leave Ctrl-C to the parent, and let other signals raise, so that every ``finally`` runs and no temporary file stays."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # what matters of odd metadata is a note
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup means all processes
            signal.signal(number, _leave)


def _leave_with_parent() -> None:
    """End this process when its parent has ended, for whatever reason: its outcome would be lost."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    if sys.platform != "win32":  # there it would end the process like _exit
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_ORPHAN_TIMEOUT)
    os._exit(1)


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
