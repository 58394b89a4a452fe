"""Messages and progress on standard error. No text reaches a terminal with control characters in it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

import click

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is going on)."""


def one_line(text: str) -> str:
    """`text` with control characters (escape codes, line breaks, text direction) and bytes that are no text escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def printable(text: str, stream: TextIO | None = None) -> str:
    """`text` on one line (`one_line`), with what the encoding of `stream` (by default standard output) cannot hold escaped, too."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    return one_line(text).encode(encoding, "backslashreplace").decode(encoding)


def say(text: str) -> None:
    """One line to standard error."""
    _write(printable(text, sys.stderr))


def note(text: str) -> None:
    """Write a note: something the user should know that stops nothing."""
    _labelled("note:", "yellow", text)


def complain(text: str) -> None:
    """Write the one line of an error."""
    _labelled("error:", "red", text)


@dataclass(frozen=True)
class Voice:
    """What a command writes to standard error besides errors, by its options -q and -v; -q has precedence."""

    quiet: bool = False
    verbose: bool = False

    def note(self, text: str) -> None:
        """See `note`."""
        if not self.quiet:
            note(text)

    def say(self, text: str) -> None:
        """Write the result of the command, unless -q."""
        if not self.quiet:
            say(text)

    def detail(self, text: str) -> None:
        """Write what is being done, with -v."""
        if self.verbose:
            self.say(text)

    def log(self, text: str, warning: bool) -> None:
        """A warning is a note, anything else a detail."""
        (self.note if warning else self.detail)(text)


def _labelled(label: str, colour: str, text: str) -> None:
    # click drops the colour where standard error is no terminal; NO_COLOR asks for it everywhere (no-color.org).
    styled = label if os.environ.get("NO_COLOR") else click.style(label, fg=colour, bold=True)
    _write(f"splatc: {styled} {printable(text, sys.stderr)}")


def _write(line: str) -> None:
    with contextlib.suppress(OSError):  # a closed standard error must not end the command
        click.echo(line, err=True)


def ignore_library_warnings() -> None:
    """Ignore Pillow's warnings about odd metadata: what matters of them is a note."""
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
                # What came before the first step, and that step, load and compile: no measure of the others.
                if bar.pos == 0:
                    bar.start = bar.last_eta = time.time()
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
