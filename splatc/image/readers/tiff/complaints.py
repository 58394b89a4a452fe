"""What the readers of TIFF say by other ways than errors: libtiff on standard error, tifffile by its logger."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator

from splatc.errors import InputImageError

_STDERR = 2
_lock = threading.Lock()
_muted = 0
_saved = -1


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Keep off standard error what native code writes while the block lasts.

    Pillow's libtiff writes there of each damaged strip, with no way to stop it from Python; the error that follows says it too. So the
    descriptor itself points to nothing, for the whole process, while a picture is decoded.
    """
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _muted, _saved
    with _lock:
        if not _muted:
            with contextlib.suppress(OSError):  # no standard error, or no descriptor left
                _saved = os.dup(_STDERR)
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, _STDERR)
                os.close(nothing)
        _muted += 1


def _end() -> None:
    global _muted, _saved
    with _lock:
        _muted -= 1
        if not _muted and _saved >= 0:
            os.dup2(_saved, _STDERR)
            os.close(_saved)
            _saved = -1


@contextlib.contextmanager
def heeded(name: str) -> Iterator[None]:
    """Nothing that a library logs by the logger `name` on this thread is shown; a warning is damage.

    tifffile goes on after it: strips that are not there are black. Raises InputImageError with the first of them, at the end.
    """
    said: list[str] = []
    thread = threading.get_ident()

    def take(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        if record.levelno >= logging.WARNING:
            said.append(record.getMessage())
        return False

    logger = logging.getLogger(name)
    logger.addFilter(take)
    try:
        yield
    finally:
        logger.removeFilter(take)
    if said:
        raise InputImageError(f"damaged or truncated picture: {' '.join(said[0].split())}")
