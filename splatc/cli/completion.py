"""``splatc completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options and file names."""
    kind = get_completion_class(shell)
    assert kind is not None  # click has all of SHELLS
    script = kind(context.find_root().command, {}, "splatc", "_SPLATC_COMPLETE")
    click.echo(script.source_template % script.source_vars())
