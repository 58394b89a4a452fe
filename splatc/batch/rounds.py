"""The jobs of a batch, beside other batches in the same folder.

A picture that another batch works on is looked at again at the end. By then it is finished, or it was given up, or that batch has ended; in
the latter two cases this batch encodes it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence

from splatc.batch.job import Busy, Job, Outcome, Result
from splatc.batch.journal import LEASE, Journal, Run
from splatc.batch.process import alive
from splatc.errors import SplatError, UsageError

POLL = 0.25
"""Seconds between two looks at what other batches work on."""
BEAT = 15.0
"""Seconds between two heartbeats."""


class Watch:
    """Whether a batch that may run on another computer still lives, by the clock of this computer alone."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: dict[str, tuple[int, float]] = {}

    def lives(self, run: Run) -> bool | None:
        """Whether it runs; None if that is not known yet. If it does not, its claims are removed."""
        known = alive(run.process)
        if known is None:
            beat, since = self._seen.setdefault(run.id, (run.beat, time.monotonic()))
            if beat != run.beat:
                self._seen[run.id] = (run.beat, time.monotonic())
                return True
            known = None if time.monotonic() < since + LEASE else False
        if known is False:
            self._journal.remove(run)
        return known


@contextlib.contextmanager
def beating(journal: Journal) -> Iterator[None]:
    """Write heartbeats while the block runs, and release what is still claimed when it ends."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            with contextlib.suppress(SplatError):  # a full disk is reported at the next write
                journal.beat()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5.0)
        with contextlib.suppress(SplatError):  # other batches find out that it has ended
            journal.leave()


def announce(journal: Journal, jobs: Sequence[Job], todo: Sequence[Job], note: Callable[[str], None]) -> None:
    """Write down what this batch makes, and note which others make some of it too.

    Raises UsageError if a batch that lives makes one of the files of another picture or with other options.
    """
    watch, noted = Watch(journal), False
    rivals = journal.plan(jobs, todo)
    while conflicts := {run: job for run, (_, job) in rivals.items() if job is not None}:
        for run, job in conflicts.items():
            lives = watch.lives(run)
            if lives:
                raise UsageError(
                    f"{job.output}: another batch ({run.process}) is making this file of another picture or with other options: "
                    "wait until it has ended, or choose another folder"
                )
            if lives is None and not noted:
                noted = True
                note(
                    f"{journal.folder}: waiting up to {LEASE:.0f} s to see whether another batch is still at work here ({run.process})"
                )
        time.sleep(POLL)
        rivals = journal.plan(jobs, todo)
    for run, (count, _) in rivals.items():
        note(f"{journal.folder}: another batch makes {count} of these pictures too ({run.process}): the work is shared")


def run_shared(
    jobs: Sequence[Job],
    work: Callable[[Sequence[Job]], Generator[Result, None, None]],
    journal: Journal,
    note: Callable[[str], None],
) -> Generator[Outcome, None, None]:
    """The outcomes of all jobs, as they come; `work` does many of them at a time, and `note` is called when there is only waiting left."""
    by_output = {job.output: job for job in jobs}
    watch = Watch(journal)
    while jobs:
        held: list[Job] = []
        with contextlib.closing(work(jobs)) as results:
            for result in results:
                if isinstance(result, Busy):
                    held.append(result.job)
                    continue
                if result.status != "done":
                    with contextlib.suppress(SplatError):
                        journal.release(by_output[result.output])
                yield result
        jobs = yield from _resolve(held, journal, watch, note)


def _resolve(
    held: Sequence[Job], journal: Journal, watch: Watch, note: Callable[[str], None]
) -> Generator[Outcome, None, list[Job]]:
    """Wait for other batches: the outcomes of what they have made, until something is left over for this one; all that remains then."""
    waiting, noted = list(held), False
    while waiting:
        free = []
        for job in waiting:
            holder = journal.holder(job)
            if holder is None or watch.lives(holder) is False:
                free.append(job)
            elif not noted:
                noted = True
                note(
                    f"waiting for what another batch has in work ({holder.process}): {job.source}{others(len(waiting) - 1)}"
                )
        ready = 0
        for job, outcome in zip(free, journal.finished(free), strict=True):
            if outcome is None:
                ready += 1
            else:
                waiting.remove(job)
                yield outcome
        if ready:
            break
        if waiting:
            time.sleep(POLL)
    return waiting


def others(count: int) -> str:
    """The end of a message that names one of many."""
    return f" and {count} others" if count > 1 else " and another one" if count else ""
