"""Messages and progress on standard error. No text reaches a terminal with control characters in it."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator

import click

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is going on)."""


def printable(text: str) -> str:
    """`text` on one line, with what a terminal might obey (escape codes, line breaks, text direction) spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def say(text: str) -> None:
    """One line to standard error."""
    click.echo(printable(text), err=True)


def note(text: str) -> None:
    """A remark that the user should see, but that stops nothing."""
    _labelled("note:", "yellow", text)


def complain(text: str) -> None:
    """The one line that an error gets."""
    _labelled("error:", "red", text)


def _labelled(label: str, colour: str, text: str) -> None:
    # click drops the colour where standard error is no terminal; NO_COLOR asks for it everywhere (no-color.org).
    styled = label if os.environ.get("NO_COLOR") else click.style(label, fg=colour, bold=True)
    click.echo(f"splatc: {styled} {printable(text)}", err=True)


def ignore_library_warnings() -> None:
    """Keep off standard error what Pillow warns of odd metadata: what matters of it is a note."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@contextlib.contextmanager
def progress_reporter(*, quiet: bool, verbose: bool) -> Iterator[Progress | None]:
    """A function that draws a bar with the time left; without a terminal a line per phase if `verbose`, else None."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        # An empty bar shows until the first step.
        with click.progressbar(length=1, label="starting", file=sys.stderr, width=30) as bar:

            def draw(step: int, total: int, phase: str) -> None:
                bar.length, bar.label = total, phase
                bar.update(step - bar.pos)

            yield draw
            if bar.length and bar.pos < bar.length:  # a fit may end early: all of its Gaussians are final
                bar.update(bar.length - bar.pos)
    else:
        yield _phase_lines() if verbose else None


def _phase_lines() -> Progress:
    last = ""

    def report(step: int, total: int, phase: str) -> None:
        nonlocal last
        if phase != last:
            say(f"step {step} of {total}: {phase}")
            last = phase

    return report
