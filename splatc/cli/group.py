"""The command group: the one place where errors become a line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

import click

from splatc import __version__
from splatc.cli.console import complain, ignore_library_warnings
from splatc.cli.examples import FIRST_STEPS, SUMMARIES, epilog
from splatc.cli.streams import flush, prepared
from splatc.errors import SplatError

_NO_MEMORY = "not enough memory: --max-memory refuses in time what would take too much"


class _Group(click.Group):
    """Ends every command with a documented exit code: 0, that of the SplatError, 2 for usage, 128 + n for signal n."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        ignore_library_warnings()
        # splatc calls BLAS for small arrays only; its threads, one a processor, cost memory and time when NumPy is imported.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        with prepared():
            status = _status_of(lambda: self._main(*args, **extra)) or _status_of(flush)
        sys.exit(status)

    def _main(self, *args: Any, **extra: Any) -> int:
        try:
            status: int = super().main(*args, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            with contextlib.suppress(OSError):
                error.show()
            return error.exit_code
        except click.ClickException as error:
            complain(_explain(error))
            return error.exit_code
        return status

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)  # in the order of use, not of the alphabet

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command. Its module is imported only now, so that no command waits for the imports of another."""
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
        def run() -> int:
            with _signals_raise():
                super(_Group, self).invoke(ctx)
            return 0

        return _status_of(run)


def _status_of(run: Callable[[], int | None]) -> int:
    """Run a function and return the exit code, with a line for an error; None is 0."""
    try:
        return run() or 0
    except SplatError as error:
        complain(str(error))
        return error.exit_code
    except BrokenPipeError:  # the reader has closed the pipe
        return SplatError.exit_code
    except (KeyboardInterrupt, click.Abort):
        complain("interrupted")
        return 128 + signal.SIGINT
    except _Terminated as error:
        complain(f"ended by {error.signal.name}")
        return 128 + error.signal
    except MemoryError:
        complain(_NO_MEMORY)
    except ImportError as error:
        complain(_unloadable(error))
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        complain(_NO_MEMORY)
    return SplatError.exit_code


def _unloadable(error: ImportError) -> str:
    """The message for a module that cannot be imported: mostly it is incomplete, or there is no memory for it."""
    while isinstance(error.__cause__, ImportError):  # NumPy's own message is a page
        error = error.__cause__
    reason = " ".join(str(error).split())
    return f"a part of splatc cannot be loaded: {reason}: allow more memory (ulimit -v), or install splatc once more"


class _Terminated(BaseException):
    """Raised by a signal that ends the process; a BaseException, as KeyboardInterrupt is, so that no `except Exception` catches it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise, so that every ``finally`` runs and no temporary file stays.

    One that is ignored (nohup) stays ignored, and one that a calling program handles stays handled. Python treats SIGINT like that.
    """

    def terminate(number: int, _: FrameType | None) -> NoReturn:
        raise _Terminated(number)

    numbers = [
        getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]  # Windows has no SIGHUP
    ours = threading.current_thread() is threading.main_thread()
    free = [number for number in numbers if ours and signal.getsignal(number) == signal.SIG_DFL]
    for number in free:
        signal.signal(number, terminate)
    try:
        yield
    finally:
        for number in free:
            signal.signal(number, signal.SIG_DFL)


def _explain(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    advice = f" (see '{context.command_path} --help')" if context else ""
    return error.format_message().rstrip(".") + advice


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=FIRST_STEPS)
@click.version_option(__version__, "-V", "--version", message="splatc %(version)s")
def main() -> None:
    """Still images made of 2D Gaussians, for extreme compression."""
