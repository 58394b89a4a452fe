"""A ``.splat2d`` file to a picture file: what ``splatc.decode_file`` and ``splatc decode`` call."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from splatc.decoder.budget import Budget
from splatc.runtime.files import atomic_output, check_output, display

if TYPE_CHECKING:
    from splatc.image.image import Samples
    from splatc.render.view import Scale
    from splatc.runtime.arguments import Number

Progress = Callable[[int, int, str], object]
"""Called with (rows done, rows in all, what is being done)."""


@dataclass(frozen=True)
class DecodeSummary:
    """What was written."""

    width: int
    """Of the output, px."""
    height: int
    """Of the output, px."""
    channels: int
    """1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
    bit_depth: int
    """8 or 16."""
    format: str
    """The type of the picture file: "PNG"."""
    bytes: int
    """Of the picture file."""
    seconds: float
    """From the call on."""
    notes: tuple[str, ...] = ()
    """What the picture comes without, a sentence each."""


def decode_file(
    source: str,
    target: str,
    *,
    region: Iterable[Number] | None = None,
    scale: Scale = 1,
    max_level: Number | None = None,
    allow_truncated: bool = False,
    bit_depth: int | None = None,
    strip: bool = False,
    budget: Budget = Budget(),  # noqa: B008 - frozen
    device: str = "auto",
    threads: int | None = None,
    force: bool = False,
    note: Callable[[str], None] = lambda text: None,
    log: Callable[[str, bool], None] = lambda sentence, warning: None,
    progress: Progress | None = None,
) -> DecodeSummary:
    """Decode the ``.splat2d`` file `source` to the picture file `target`, by strips; ``-`` is standard input and output.

    Args:
        region, scale, max_level, allow_truncated, bit_depth: as `Picture.read` takes them.
        strip: leave out the colour profile, EXIF and XMP.
        threads: of the core; None is as many as are set.
        force: replace `target` if it exists.
        note: called with each note, which begins with the name of the file that it is about, at once.
        log: called with (sentence, whether it is worth a note) on which device draws.
        progress: called after each strip, and every 50 ms of one that takes longer.

    Raises:
        SplatError: for every file that cannot be read, and every picture that cannot be written.
    """
    started = time.perf_counter()
    check_output(target, force=force, source=source)

    from splatc.bitstream import Metadata
    from splatc.core.pool import working_on
    from splatc.decoder.picture import Picture
    from splatc.image.saving import output_format, save_strips, unwritable

    kind = output_format(target)
    notes: list[str] = []

    def add(text: str) -> None:
        notes.append(text)
        note(text)

    with working_on(threads):
        with Picture(source, budget=budget, device=device, log=log, note=add) as picture:
            seen = picture.view(region, scale)
            depth = bit_depth or picture.bit_depth
            kind.check(picture.channels, depth, seen.columns, seen.rows)
            what = f"{kind.name} output of {seen.columns} x {seen.rows}"
            if kind.write is None:  # not written by strips
                whole = seen.columns * seen.rows * picture.channels * depth // 8
                budget.check_memory(2 * whole, what)
            advice = "choose .png or .tif, a smaller --scale or a --region, or "
            budget.check_work(kind.work * seen.columns * seen.rows, what, advice)
            with _reporting(progress, 0, seen.rows, "reading"):
                shape, strips = picture.strips(region, scale, max_level, depth, allow_truncated=allow_truncated)
            metadata = Metadata() if strip else picture.metadata()
        for sentence in (*kind.losses(metadata, shape.channels), *unwritable(metadata, kind)):
            add(f"{display(target)}: {sentence}")
        with atomic_output(target, force=force) as stream:
            save_strips(_reported(strips, shape.height, progress), shape, stream, kind, metadata)
            size = stream.seek(0, io.SEEK_END)
    return DecodeSummary(*shape, kind.name, size, time.perf_counter() - started, tuple(notes))


def _reported(strips: Iterator[Samples], rows: int, progress: Progress | None) -> Iterator[Samples]:
    """The strips; `progress` is called with each."""
    done = 0
    while True:
        with _reporting(progress, done, rows, "drawing"):
            strip = next(strips, None)
        if strip is None:
            return
        done += len(strip)
        yield strip


@contextlib.contextmanager
def _reporting(progress: Progress | None, done: int, rows: int, phase: str) -> Iterator[None]:
    """Call `progress` before the block, and every 50 ms for which that waits for the core; what it raises ends the block."""
    if progress is None:
        yield
        return

    from splatc.core.pool import watched

    progress(done, rows, phase)
    with watched(lambda: progress(done, rows, phase)):
        yield
