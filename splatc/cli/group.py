"""The command group: the one place that turns what went wrong into a line and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

import click

from splatc import __version__
from splatc.cli.console import complain, ignore_library_warnings
from splatc.cli.examples import FIRST_STEPS, SUMMARIES, epilog
from splatc.errors import SplatError


class _Group(click.Group):
    """Ends every command with a documented exit code: 0, that of the SplatError, 2 for usage, 128 + n for signal n."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        ignore_library_warnings()
        try:
            status = super().main(*args, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            status = error.exit_code
        except click.ClickException as error:
            complain(_explain(error))
            status = error.exit_code
        sys.exit(status)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)  # in the order of use, not of the alphabet

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, whose module is imported only now: most know things that the others need not wait for."""
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = getattr(importlib.import_module(f"splatc.cli.{cmd_name}"), cmd_name)
        command.epilog = epilog(cmd_name)
        command.short_help = SUMMARIES[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def invoke(self, ctx: click.Context) -> int:
        try:
            with _signals_raise():
                super().invoke(ctx)
        except SplatError as error:
            complain(str(error))
            return error.exit_code
        except MemoryError:
            complain("not enough memory: --max-memory refuses in time what would take too much")
            return SplatError.exit_code
        except KeyboardInterrupt:
            complain("interrupted")
            return 128 + signal.SIGINT
        except _Terminated as error:
            complain(f"ended by {error.signal.name}")
            return 128 + error.signal
        return 0


class _Terminated(BaseException):
    """A signal asks the process to end; like KeyboardInterrupt, nothing on the way catches it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave by way of every ``finally``, so that no temporary file stays."""

    def terminate(number: int, _: FrameType | None) -> NoReturn:
        raise _Terminated(number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    before = {name: signal.signal(getattr(signal, name), terminate) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _explain(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    advice = f" (see '{context.command_path} --help')" if context else ""
    return error.format_message().rstrip(".") + advice


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=FIRST_STEPS)
@click.version_option(__version__, "-V", "--version", message="splatc %(version)s")
def main() -> None:
    """Still images made of 2D Gaussians, for extreme compression."""
