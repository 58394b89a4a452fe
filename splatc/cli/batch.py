"""``splatc batch``."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from splatc.cli.console import Voice, complain, note, printable, say
from splatc.cli.encode import encode
from splatc.cli.options import force_option, json_option, quiet_option, verbose_option
from splatc.cli.target import Whole
from splatc.encoder.request import Request
from splatc.errors import BatchError, OutputError, UsageError
from splatc.runtime import orphans

if TYPE_CHECKING:
    from splatc.batch.job import Job, Outcome, Result
    from splatc.batch.journal import Journal
    from splatc.batch.plan import Pair
    from splatc.batch.share import Share
    from splatc.fit.engines.choice import Wanted

    Work = Callable[[Sequence[Job]], Generator[Result, None, None]]

_LISTED = 20
"""So many failures and notes are listed; the report has all of them."""


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(),
    help="Folder for the files; made if missing.",
)
@click.option(
    "-j",
    "--jobs",
    "processes",
    type=Whole(),
    metavar="N",
    help="Number of pictures encoded at the same time.  [default: one per core, fewer where memory is short; one on a GPU]",
)
@click.option("--skip-existing", is_flag=True, help="Keep every output that exists, whatever made it.")
@click.option("--keep-extension", is_flag=True, help="Name the file of a.png a.png.splat2d.")
@click.option(
    "--report", metavar="FILE", type=click.Path(), help="Write a table of all pictures to FILE, .csv or .json."
)
@click.option("--dask", metavar="ADDRESS", help="Encode on the cluster of this Dask scheduler: tcp://host:8786.")
@click.option(
    "--threads",
    type=Whole(),
    metavar="N",
    help="Number of threads for each picture.  [default: its share of the cores]",
)
@force_option
@quiet_option
@verbose_option
@json_option
def batch(
    inputs: tuple[str, ...],
    folder: str,
    processes: int | None,
    skip_existing: bool,
    keep_extension: bool,
    report: str | None,
    dask: str | None,
    threads: int | None,
    force: bool,
    quiet: bool,
    verbose: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Encode many pictures into the folder DIR.

    IN is a picture, a folder with all below it, or a pattern. What lies below a folder keeps its place below DIR. The options of encode
    hold for each picture. The same command goes on where it was stopped; several at once on one DIR share the work. A picture that fails
    stops no other, and makes the exit code 5.
    """
    _check_sqlite()

    from splatc.batch import report as reports
    from splatc.batch.job import Job
    from splatc.batch.journal import Journal
    from splatc.batch.plan import plan
    from splatc.batch.rounds import announce, beating, run_shared
    from splatc.fit.engines.choice import Wanted

    voice = Voice(quiet)
    verbose = verbose and not quiet
    Request(**{each.name: options[each.name] for each in fields(Request)}).check()
    wanted = Wanted(options["engine"], options["device"])
    if dask is None:  # else it is the workers that have devices
        wanted.at(options["effort"]).check(options["tune"])
    if report is not None:
        reports.check_report(report)
    started = time.perf_counter()
    if dask is not None:  # its workers need not stand in our folder
        inputs, folder = tuple(str(Path(each).absolute()) for each in inputs), str(Path(folder).absolute())
    pairs = plan(inputs, Path(folder), keep_extension=keep_extension, note=voice.note)
    _make_folder(folder, pairs)
    journal = Journal.join(folder, voice.note)
    with beating(journal):
        jobs = [Job(pair.source, pair.output, options, threads, force, skip_existing, journal) for pair in pairs]
        outcomes, todo = _sort(jobs, journal)
        announce(journal, jobs, todo, voice.note)
        if verbose:
            say(f"{len(jobs)} pictures, {len(todo)} to encode")
        todo, work = _work(todo, dask, processes, threads, wanted, verbose=verbose)
        try:
            with (
                contextlib.closing(run_shared(todo, work, journal, voice.note)) as results,
                _bar(len(jobs), len(outcomes), hidden=quiet) as step,
            ):
                for outcome in results:
                    outcomes.append(outcome)
                    step()
                    if verbose:
                        say(
                            outcome.error
                            or f"{outcome.source}: {outcome.bytes} bytes, PSNR {outcome.psnr_db or 0:.2f} dB"
                        )
            with contextlib.suppress(
                OutputError
            ):  # all files are there; if only this has no room left, -f will keep them once
                journal.end()
        finally:
            if report is not None:
                reports.write_report(report, outcomes)
    if as_json:
        click.echo(json.dumps(reports.as_data(outcomes)))
    if not quiet:
        _print_notes([outcome for outcome in outcomes if outcome.notes])
        say(reports.sentence(outcomes, time.perf_counter() - started))
    _complain_of([outcome for outcome in outcomes if outcome.status == "failed"], len(jobs))


_OWN = {parameter.name for parameter in batch.params}
batch.params[1:1] = [each for each in encode.params if isinstance(each, click.Option) and each.name not in _OWN]


def _check_sqlite() -> None:
    try:
        import sqlite3  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "batch needs the module sqlite3, which this Python was built without: use another Python"
        ) from error


def _make_folder(folder: str, pairs: Sequence[Pair]) -> None:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made: {error.strerror}") from error
    for each in {Path(pair.output).parent for pair in pairs}:
        orphans.remove(each)  # here too: without a picture left to do no worker does it


def _sort(jobs: Sequence[Job], journal: Journal) -> tuple[list[Outcome], list[Job]]:
    """What is done already, and what there is to do. Raises UsageError if that would replace files without leave."""
    from splatc.batch.job import look_at
    from splatc.batch.rounds import others

    outcomes, todo, taken = [], [], []
    finished = journal.finished(jobs)
    for job in jobs:
        there = Path(job.output).exists()  # looked at first: what another batch makes from here on is no obstacle
        known = next(finished) or (look_at(job.source, job.output, "kept") if job.keep else None)
        if known is not None:
            outcomes.append(known)
            continue
        if there and not job.force:
            taken.append(job)
        todo.append(job)
    if taken:
        first, origin = taken[0], journal.origin(taken[0])
        state = "exist already" + (" and are no whole .splat2d files" if first.keep else "")
        advice = "add -f to replace them" if first.keep else "add --skip-existing to keep them, or -f to replace them"
        why = f" (the first was {origin})" if origin else ""
        raise UsageError(f"{first.output}{others(len(taken) - 1)}: {state}: {advice}{why}")
    return outcomes, todo


def _work(
    todo: list[Job], dask: str | None, processes: int | None, threads: int | None, wanted: Wanted, *, verbose: bool
) -> tuple[list[Job], Work]:
    """The jobs in the order in which they are begun, and what does them."""
    if dask is not None:
        from splatc.batch import cluster

        return todo, partial(cluster.run_on_cluster, address=dask)

    from splatc.batch import pool

    todo, share = _shared(todo, processes, threads, wanted)
    if verbose and todo:
        say(f"{share.processes} at a time, each by {share.threads} thread{'s' if share.threads > 1 else ''}")
    return todo, partial(pool.run_local, processes=share.processes)


def _shared(todo: list[Job], processes: int | None, threads: int | None, wanted: Wanted) -> tuple[list[Job], Share]:
    """The jobs with their threads, in the order in which they are begun, and how many of them are worked on at a time."""
    from splatc.batch import share
    from splatc.core.pool import available

    if (
        processes is None
        and todo
        and not _beyond_estimates(wanted.at(todo[0].options["effort"]), todo[0].options["tune"])
    ):
        needs = [share.needed(job) for job in todo]
        chosen = share.choose(needs, available(), share.free_memory(), threads)
        order = sorted(range(len(todo)), key=lambda index: -needs[index])  # so that no large one is left for the end
        todo = [todo[index] for index in order]
    else:
        processes = min(processes or 1, max(1, len(todo)))
        chosen = share.Share(processes, threads or share.share_of_threads(processes, available()))
    return [replace(job, threads=chosen.threads) for job in todo], chosen


def _beyond_estimates(wanted: Wanted, tune: str) -> bool:
    """Whether something else than the compiled engine fits: a GPU, whose memory is not estimated, or PyTorch."""
    return wanted.engine in ("torch", "gsplat") or wanted.choose(tune, lambda *_: None).waits


@contextlib.contextmanager
def _bar(length: int, done: int, *, hidden: bool) -> Iterator[Any]:
    """A bar with the time left, on a terminal only; what it gives is called after each picture."""
    if hidden or not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=length, label="pictures", file=sys.stderr, width=30, show_pos=True) as bar:
        bar.pos = done  # before the clock starts, so that the time left is that of the rest
        bar.render_progress()
        yield lambda: bar.update(1)


def _print_notes(noted: Sequence[Outcome]) -> None:
    """A line for each picture of which not all is coded."""
    for outcome in noted[:_LISTED]:
        note(f"{outcome.source}: {outcome.notes}")
    if len(noted) > _LISTED:
        note(f"{len(noted) - _LISTED} more pictures have such notes: --report has all")


def _complain_of(failures: Sequence[Outcome], total: int) -> None:
    """Raises BatchError if there are failures, after a line for each."""
    for failure in failures[:_LISTED]:
        complain(printable(failure.error))
    if failures:
        more = f" (the first {_LISTED} are listed above, --report has all)" if len(failures) > _LISTED else ""
        raise BatchError(f"{len(failures)} of {total} pictures failed{more}")
