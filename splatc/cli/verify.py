"""``splatc verify``."""

from __future__ import annotations

import io
import json
from typing import Any

import click

from splatc.cli.console import complain, printable
from splatc.cli.options import budget_options, json_option, quiet_option, threads_option
from splatc.cli.target import InPath
from splatc.decoder.opened import open_file
from splatc.errors import InputError, LimitError
from splatc.runtime.files import display_input


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=InPath())
@budget_options
@threads_option
@quiet_option
@json_option
@click.pass_context
def verify(
    context: click.Context,
    sources: tuple[str, ...],
    max_memory: int | None,
    max_work: int | None,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check every byte of .splat2d FILEs: structure, checksums, limits, and that each stream decodes to its end.

    Prints a line for each problem, or "ok"; with --json a line of JSON for each FILE. Nothing is decoded to pixels. "-" is standard input.
    Exit codes: 0 all files are sound, 3 one is damaged or unsupported, 4 one is beyond a limit, 1 one cannot be read; of several, that of
    the first file with a problem.
    """
    from splatc import core
    from splatc.decoder.budget import Budget
    from splatc.decoder.verifier import SCHEMA_VERSION, find_problems, report

    core.set_threads(threads)
    code, budget = 0, Budget(max_memory=max_memory, max_work=max_work)
    for source in sources:
        try:
            with open_file(source) as file:
                problems, size = find_problems(file, budget), file.seek(0, io.SEEK_END)
        except (InputError, LimitError) as error:
            code = code or error.exit_code
            if as_json:
                kind = "limit" if isinstance(error, LimitError) else "unreadable"
                problem = {"kind": kind, "part": "file", "message": str(error)}
                found: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "valid": False, "problems": [problem]}
                click.echo(json.dumps({"file": source, **found}))
            else:
                complain(str(error))
            continue
        code = code or next((each.exit_code for each in problems), 0)
        if as_json:
            click.echo(json.dumps({"file": source, **report(size, problems)}))
            continue
        for each in problems:
            click.echo(printable(f"{display_input(source)}: {each.part}: {each.message}"))
        if not problems and not quiet:
            click.echo(printable(f"{display_input(source)}: ok, {size} bytes"))
    context.exit(code)
