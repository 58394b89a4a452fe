"""The SQLite file of an output folder, and what can be wrong with it.

Each transaction has a connection of its own and begins by taking the one lock for writing (BEGIN IMMEDIATE): the second writer waits.
No write-ahead log: that needs memory which all writers share, and so it does not work on network folders. A process that is killed leaves
a rollback journal beside the file, which the next transaction plays back.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from splatc.errors import OutputError
from splatc.runtime import orphans

NAME = ".splatc-batch.sqlite"
LOCK_TIMEOUT = 60.0
"""Seconds to wait for the lock. A transaction takes milliseconds, on a slow network folder perhaps a second."""
SCHEMA_VERSION = 1

_SCHEMA = (
    # Running batches, and killed ones that were not removed yet. `beat` is a heartbeat: it counts up while a batch runs.
    """CREATE TABLE runs (id TEXT PRIMARY KEY, host TEXT NOT NULL, machine TEXT NOT NULL, pid INTEGER NOT NULL, born TEXT NOT NULL,
                          beat INTEGER NOT NULL)""",
    # What each of them makes; `wish` is a hash of request and source, NULL for what was there already.
    "CREATE TABLE plans (run TEXT NOT NULL, name BLOB NOT NULL, wish TEXT, PRIMARY KEY (run, name))",
    # What is being worked on, at most once. `attempt` changes with each start.
    "CREATE TABLE claims (name BLOB PRIMARY KEY, run TEXT NOT NULL, attempt TEXT NOT NULL)",
    # What a file holds, written before it gets its name: which request made exactly these bytes from which version of which picture.
    # `source` is relative to the folder, empty where that is not known; `settled` once the batch that made it came to its end.
    """CREATE TABLE files (serial INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL, sha256 TEXT NOT NULL, request TEXT NOT NULL,
                           source BLOB NOT NULL, source_bytes INTEGER NOT NULL, source_time INTEGER NOT NULL, run TEXT NOT NULL,
                           figures TEXT NOT NULL, settled INTEGER NOT NULL,
                           UNIQUE (name, sha256, request, source, source_bytes, source_time))""",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


class DamagedError(OutputError):
    """The file is no SQLite database any more, or not one of ours."""


def prepare(folder: Path, fill: Callable[[sqlite3.Connection], None], note: Callable[[str], None]) -> None:
    """Make the database of a folder if it has none. A damaged one is set aside under another name, and `note` is called with a sentence.

    Args:
        fill: called within the transaction that makes a new database.

    Raises:
        OutputError: the folder cannot be written or locked, or a newer splatc has written there.
    """
    path = folder / NAME
    try:
        _prepare(path, fill)
    except DamagedError as error:
        aside = _set_aside(path)
        note(f"{error}: set aside as {aside.name}; of the files that are there it is not known any more what made them")
        _prepare(path, fill)


def _prepare(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    with _opened(path) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        with _locked(database):
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise OutputError(f"{path}: written by a newer splatc: use that one, or another output folder")
            if version == 0:
                for statement in _SCHEMA:
                    database.execute(statement)
                fill(database)
            found = database.execute("PRAGMA quick_check").fetchone()
            if found != ("ok",):
                raise DamagedError(f"{path}: damaged")


@contextlib.contextmanager
def transaction(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection that alone may write; what it has written holds when the block ends, or nothing of it after an exception.

    Raises OutputError: no such database, no room, no lock.
    """
    with reading(folder) as database, _locked(database):
        yield database


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection of which each statement stands alone."""
    path = folder / NAME
    if not path.exists():  # SQLite would make an empty one
        raise OutputError(f"{path}: is gone: start the batch again")
    with _opened(path) as database:
        yield database


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    database = None
    try:
        database = sqlite3.connect(path, timeout=LOCK_TIMEOUT, isolation_level=None)
        yield database
    except sqlite3.ProgrammingError:  # a bug of ours
        raise
    except sqlite3.Error as error:
        raise _explained(path, error) from error
    finally:
        if database is not None:
            database.close()  # rolls back what was not committed


@contextlib.contextmanager
def _locked(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("COMMIT")


def _explained(path: Path, error: sqlite3.Error) -> OutputError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    if code in _DAMAGE:
        return DamagedError(f"{path}: damaged ({error})")
    if code == sqlite3.SQLITE_BUSY:
        return OutputError(f"{path}: locked by another program for more than {LOCK_TIMEOUT:.0f} seconds: end that one")
    if code == sqlite3.SQLITE_FULL:
        return OutputError(f"{path}: cannot be written: No space left on device")
    reason = _reason(path)
    if reason is None and code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
        return OutputError(
            f"{path}: cannot be locked or written ({error}): batch needs an output folder whose file system has file locks"
        )
    return OutputError(f"{path}: cannot be written: {reason or error}")


def _reason(path: Path) -> str | None:
    """The system's words for why nothing can be written beside `path`, which SQLite does not pass on; None if something can."""
    if path.is_dir():
        return "Is a directory"
    probe = path.with_name(orphans.new_name())
    try:
        with probe.open("xb", buffering=0) as stream:
            stream.write(bytes(4096))
    except OSError as error:
        return error.strerror
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return None


def _set_aside(path: Path) -> Path:
    """Rename a damaged database. Its rollback journal goes first: it must not be played back into the next one."""
    number = 1
    while (aside := path.with_name(f"{NAME}.damaged-{number}")).exists():
        number += 1
    try:
        rollback = path.with_name(f"{NAME}-journal")
        if rollback.exists():
            rollback.rename(aside.with_name(f"{aside.name}-journal"))
        path.rename(aside)
    except FileNotFoundError:  # another batch was quicker
        pass
    except OSError as error:
        raise OutputError(f"{path}: damaged, and cannot be set aside: {error.strerror}") from error
    return aside
