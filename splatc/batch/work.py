"""One picture of a run, as a worker does it: claimed, encoded, recorded, and only then given its name."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Any

from splatc.batch.job import Busy, Job, Outcome, Result, failed, look_at, version
from splatc.batch.journal import Claim, ClaimLostError, Journal
from splatc.encoder.picture_file import EncodeSummary, encode_file
from splatc.errors import OutputError, SplatError
from splatc.runtime.files import atomic_output

TRIES = 3
"""How often a picture is encoded that changes meanwhile."""
_ONE_AT_A_TIME = threading.Lock()  # a cluster's worker may have threads; the fit has its own


class _SourceChangedError(Exception):
    """What was encoded is not what stands there now."""


def run_job(job: Job) -> Result:
    """Encode one picture as ``splatc encode`` would. Whatever goes wrong with it becomes its outcome.

    A job that is sent a second time, because its first worker was lost, keeps what that one finished; if that
    worker goes on after all, it has lost its claim and publishes nothing.
    """
    assert job.journal is not None
    with _ONE_AT_A_TIME:
        try:
            for _ in range(TRIES):
                claim = job.journal.claim(job)
                if not isinstance(claim, Claim):
                    return claim
                with contextlib.suppress(_SourceChangedError):
                    return _kept(job) or _encode(job, job.journal, claim)
            return failed(
                job, f"{job.source}: changed while it was encoded, {TRIES} times: try again when nothing writes to it"
            )
        except ClaimLostError:
            return Busy(job)
        except SplatError as error:
            return failed(job, str(error))
        except MemoryError:
            return failed(job, f"{job.source}: not enough memory: fewer processes (-j) leave more for each")
        except Exception as error:  # a bug: the other pictures need not suffer from it
            return failed(job, f"{job.source}: unexpected {type(error).__name__}: {error}")


def _kept(job: Job) -> Outcome | None:
    return look_at(job.source, job.output, "kept") if job.keep else None


def _encode(job: Job, journal: Journal, claim: Claim) -> Outcome:
    """Raises _SourceChangedError where the picture is another one than the one that was claimed."""
    try:
        Path(job.output).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{job.output}: its folder cannot be made: {error.strerror}") from error
    outcomes: list[Outcome] = []

    def publish(data: bytes, summary: EncodeSummary) -> None:
        _check_unchanged(job, claim)
        figures: dict[str, Any] = summary.figures()
        outcomes.append(Outcome(job.source, job.output, "done", **figures, notes="; ".join(summary.notes)))
        journal.record(job, claim, data, outcomes[0])
        _publish(job, journal, claim, data)

    try:
        encode_file(job.source, job.output, force=job.force, threads=job.threads, publish=publish, **job.options)
    except SplatError:
        if not outcomes:
            _check_unchanged(job, claim)  # who reads while another one writes may have met anything
        raise
    return outcomes[0]


def _publish(job: Job, journal: Journal, claim: Claim, data: bytes) -> None:
    """Give a recorded file its name, if the claim still holds and the picture is still the one that was read."""
    named = False
    try:
        with contextlib.ExitStack() as until_named:
            with atomic_output(job.output, force=job.force) as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())  # all that takes long, before others have to wait
                until_named.enter_context(journal.publishing(claim))
                _check_unchanged(job, claim)
            named = True
    except OutputError:
        if not named:  # else only the claim could not be given back: it goes with the batch
            raise


def _check_unchanged(job: Job, claim: Claim) -> None:
    if version(job.source) != claim.version:
        raise _SourceChangedError
