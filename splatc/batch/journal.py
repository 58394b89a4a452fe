"""Which batch makes which file of an output folder, and which request made the files that exist: an SQLite file there (database.py).

Several batches may share a folder, also on several computers. Each picture is *claimed* before work on it begins, so that none is done
twice. Before a finished file gets its name, its hash is recorded with the request and the version of the picture that it was made from. So
a file counts as finished only if these very bytes were recorded for it, not because a file of that name exists. The name is given while the
database is locked and the claim still holds, so that a worker whose batch counted as ended publishes nothing.

A batch that was killed on this computer is found at once, by its process number; one on another computer when its heartbeat `beat` has not
changed for LEASE seconds, by the clock of the batch that waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from splatc import __version__
from splatc.batch import database, old_journal
from splatc.batch.database import reading, transaction
from splatc.batch.job import Busy, Job, Outcome, Version, stamp, version
from splatc.batch.process import Process, alive, this_process
from splatc.errors import SplatError

LEASE = 90.0
"""Seconds without a heartbeat after which a batch on another computer counts as ended; if it goes on later, it has lost its claims."""


class ClaimLostError(SplatError):
    """This batch counted as ended, and another one has claimed the picture since."""


@dataclass(frozen=True)
class Run:
    """A batch that works on the folder."""

    id: str
    process: Process
    beat: int


@dataclass(frozen=True)
class Claim:
    """The right to make one file."""

    name: bytes
    attempt: str
    version: Version | None
    """Of the picture, when work on it began."""
    beat: int
    since: float
    """By time.monotonic of the worker."""


def request_hash(options: dict[str, Any]) -> str:
    """What two runs must have in common for the files of one to be those of the other."""
    decisive = {name: value for name, value in options.items() if name != "device"} | {"version": __version__}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Journal:
    """The journal of an output folder as one batch sees it. Plain data: workers open the database by themselves.

    All methods raise OutputError where the database cannot be read or written.
    """

    folder: str
    run: str
    since: int = 0
    """The files that were recorded before the batch began."""

    @classmethod
    def join(cls, folder: str, note: Callable[[str], None]) -> Journal:
        """Register a batch in a folder; create the database, from the journal of an older version if there is one."""
        place, run = Path(folder), secrets.token_hex(8)
        database.prepare(place, lambda connection: _take_over(connection, place), note)
        old_journal.remove(place)
        with transaction(place) as connection:
            for each in _runs(connection, run):
                if alive(each.process) is False:
                    _remove(connection, each.id)
            (since,) = connection.execute("SELECT coalesce(max(serial), 0) FROM files").fetchone()
            _insert(connection, run)
        return cls(folder, run, since)

    def beat(self) -> None:
        """Show batches on other computers that this one lives."""
        with transaction(self._place) as connection:
            beaten = connection.execute("UPDATE runs SET beat = beat + 1 WHERE id = ?", (self.run,))
            if not beaten.rowcount:  # it counted as ended, for example after a computer was suspended
                _insert(connection, self.run)

    def plan(self, jobs: Iterable[Job], todo: Iterable[Job]) -> dict[Run, tuple[int, Job | None]]:
        """Write down what this batch makes, unless batches that may still run make something else under the same names.

        Returns:
            For each other batch that has some of `todo` in its plan, how many, and a job that it does in another way, if there is one.
            If there is any such job, nothing is written down.
        """
        wishes = {self._name(job): (job, self._wish(job)) for job in todo}
        rivals: dict[Run, tuple[int, Job | None]] = {}
        with transaction(self._place) as connection:
            for run in _runs(connection, self.run):
                theirs = connection.execute(
                    "SELECT name, wish FROM plans WHERE run = ? AND wish IS NOT NULL", (run.id,)
                )
                both = [(*wishes[name], wish) for name, wish in theirs if name in wishes]
                if both and alive(run.process) is not False:
                    rivals[run] = len(both), next((job for job, ours, wish in both if ours != wish), None)
            if all(job is None for _, job in rivals.values()):
                rows = [(self.run, name, wishes[name][1] if name in wishes else None) for name in map(self._name, jobs)]
                connection.executemany("INSERT OR REPLACE INTO plans VALUES (?, ?, ?)", rows)
        return rivals

    def finished(self, jobs: Sequence[Job]) -> Iterator[Outcome | None]:
        """For each job the outcome if its file was made by the same request from the same version of the picture."""
        with reading(self._place) as connection:
            for job in jobs:
                yield self._finished(connection, job)

    def origin(self, job: Job) -> str:
        """The request that made the output of a job, as a phrase for messages; empty if it is not known."""
        digest = _digest(job.output)
        with reading(self._place) as connection:
            made = "SELECT request, source FROM files WHERE name = ? AND sha256 = ?"
            found = connection.execute(made, (self._name(job), digest)).fetchall()
        if not found:
            return ""
        sources = [source for request, source in found if request == request_hash(job.options)]
        if not sources:
            return "made by other options or another version of splatc"
        return (
            f"made from an earlier version of {job.source}"
            if self._source(job) in sources
            else "made from another picture"
        )

    def claim(self, job: Job) -> Claim | Busy | Outcome:
        """The right to make the output of a job, unless another batch that may still run has it, or it is finished."""
        name, attempt, found = self._name(job), secrets.token_hex(8), version(job.source)
        with transaction(self._place) as connection:
            holder = self._holder(connection, name)
            if holder is not None:
                if alive(holder.process) is not False:
                    return Busy(job)
                _remove(connection, holder.id)
            finished = self._finished(connection, job)
            if finished is not None:
                return finished
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (name, self.run, attempt))
            own = connection.execute("SELECT beat FROM runs WHERE id = ?", (self.run,)).fetchone()
        return Claim(name, attempt, found, own[0] if own else 0, time.monotonic())

    def record(self, job: Job, claim: Claim, data: bytes, outcome: Outcome) -> None:
        """Write down what a file will hold, before it is there."""
        assert claim.version is not None
        made = hashlib.sha256(data).hexdigest(), request_hash(job.options)
        row = (claim.name, *made, self._source(job), *claim.version[:2], self.run, False)
        with transaction(self._place) as connection:
            _add_file(connection, row, outcome)

    @contextlib.contextmanager
    def publishing(self, claim: Claim) -> Iterator[None]:
        """A block in which the claim is known to hold, and after which it is given back.

        Raises ClaimLostError: another batch has it, or this one has ended and its worker is orphaned.
        """
        with transaction(self._place) as connection:
            held = connection.execute("SELECT 1 FROM claims WHERE attempt = ?", (claim.attempt,)).fetchone()
            own = next((run for run in _runs(connection) if run.id == self.run), None)
            lives = None if own is None else alive(own.process)
            if not held or own is None or lives is False:
                raise ClaimLostError("its batch has ended")
            if lives is None and own.beat == claim.beat and time.monotonic() > claim.since + LEASE:
                raise ClaimLostError("its batch does not answer any more")
            yield
            connection.execute("DELETE FROM claims WHERE attempt = ?", (claim.attempt,))
            newest = "SELECT sha256 FROM files WHERE name = :name ORDER BY serial DESC LIMIT 1"
            connection.execute(f"DELETE FROM files WHERE name = :name AND sha256 <> ({newest})", {"name": claim.name})

    def release(self, job: Job) -> None:
        """Release what this batch has claimed and will not make."""
        with transaction(self._place) as connection:
            connection.execute("DELETE FROM claims WHERE name = ? AND run = ?", (self._name(job), self.run))

    def holder(self, job: Job) -> Run | None:
        """The other batch that works on a picture, if it may still run."""
        with reading(self._place) as connection:
            found = self._holder(connection, self._name(job))
        return None if found is None or alive(found.process) is False else found

    def remove(self, run: Run) -> None:
        """Remove a batch and its claims, unless it has written a heartbeat since `run` was read."""
        with transaction(self._place) as connection:
            if run in _runs(connection):
                _remove(connection, run.id)

    def end(self) -> None:
        """Mark the batch as complete: a later batch that replaces files (-f) replaces these, too."""
        with transaction(self._place) as connection:
            planned = "SELECT name FROM plans WHERE run = ?"
            connection.execute(f"UPDATE files SET settled = 1 WHERE name IN ({planned})", (self.run,))

    def leave(self) -> None:
        """Release all claims of this batch."""
        with transaction(self._place) as connection:
            _remove(connection, self.run)

    @property
    def _place(self) -> Path:
        return Path(self.folder)

    def _name(self, job: Job) -> bytes:
        return os.fsencode(os.path.relpath(job.output, self.folder).replace(os.sep, "/"))

    def _source(self, job: Job) -> bytes:
        source, folder = os.path.realpath(job.source), os.path.realpath(self.folder)
        with contextlib.suppress(ValueError):  # another drive
            source = os.path.relpath(source, folder)
        return os.fsencode(source.replace(os.sep, "/"))

    def _wish(self, job: Job) -> str:
        """A hash of the request and the picture of a job."""
        wish = f"{request_hash(job.options)} {stamp(job.source)} {self._source(job)!r}"
        return hashlib.sha256(wish.encode()).hexdigest()[:16]

    def _holder(self, connection: sqlite3.Connection, name: bytes) -> Run | None:
        claimed = connection.execute("SELECT run FROM claims WHERE name = ?", (name,)).fetchone()
        return next((run for run in _runs(connection, self.run) if claimed and run.id == claimed[0]), None)

    def _finished(self, connection: sqlite3.Connection, job: Job) -> Outcome | None:
        digest, source = _digest(job.output), stamp(job.source)
        if digest is None or source is None:
            return None
        # To replace what is there is to replace what ended runs have made: what a stopped one has, or one beside this one, is new.
        found = connection.execute(
            """SELECT run, figures FROM files WHERE name = ? AND sha256 = ? AND request = ? AND source IN (?, x'')
               AND source_bytes = ? AND source_time = ? AND (serial > ? OR NOT settled OR NOT ?)""",
            (self._name(job), digest, request_hash(job.options), self._source(job), *source, self.since, job.force),
        ).fetchone()
        if found is None:
            return None
        run, figures = found
        return Outcome(job.source, job.output, "done" if run == self.run else "kept", **json.loads(figures))


def _digest(path: str) -> str | None:
    """Of the bytes of a file; None if it cannot be read."""
    if not os.path.isfile(path):  # noqa: PTH113 - raises nothing; a pipe would be waited for
        return None
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _runs(connection: sqlite3.Connection, but: str = "") -> list[Run]:
    """All batches in the folder `but` one."""
    rows = connection.execute("SELECT id, beat, host, machine, pid, born FROM runs WHERE id <> ?", (but,))
    return [Run(run, Process(*rest), beat) for run, beat, *rest in rows]


def _insert(connection: sqlite3.Connection, run: str) -> None:
    own = this_process()
    row = (run, own.host, own.namespace, own.pid, own.started, 0)
    connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)


def _remove(connection: sqlite3.Connection, run: str) -> None:
    for table, column in (("claims", "run"), ("plans", "run"), ("runs", "id")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (run,))


def _add_file(connection: sqlite3.Connection, row: tuple[Any, ...], outcome: Outcome) -> None:
    figures = {name: value for name, value in asdict(outcome).items() if name not in ("source", "output", "status")}
    connection.execute(
        """INSERT OR REPLACE INTO files (name, sha256, request, source, source_bytes, source_time, run, settled, figures)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (*row, json.dumps(figures)),
    )


def _take_over(connection: sqlite3.Connection, folder: Path) -> None:
    """Fill a new database from the journal of an older version."""
    for known in old_journal.read(folder):
        digest = _digest(str(folder / known.name))
        if digest is not None:
            name = os.fsencode(known.name.replace(os.sep, "/"))
            row = (name, digest, known.request, b"", *known.source, "", known.settled)
            _add_file(connection, row, known.outcome)
