"""Work on the strips of a picture in threads, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from splatc import core

T = TypeVar("T")
U = TypeVar("U")


def in_threads(work: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """work(item) of each item, in order; a few items at a time lie in memory. zlib lets other threads run."""
    threads = _threads()
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[U]] = deque()
        for item in items:
            try:
                waiting.append(pool.submit(work, item))
            except RuntimeError:  # the system gives no thread
                while waiting:
                    yield waiting.popleft().result()
                yield work(item)
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _threads() -> int:
    """As many as the renderer uses: ``--threads`` is for both."""
    return min(core.threads(), 8)
