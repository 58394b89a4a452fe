"""The command line as a terminal sees it: help with examples that work, completion, colours only where they are wanted."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from splatc.cli import main
from splatc.cli.completion import SHELLS
from splatc.cli.examples import EXAMPLES, SUMMARIES
from tests.conftest import Command

NO_CONTEXT = click.Context(main)
COMMANDS = {name: command for name in SUMMARIES if (command := main.get_command(NO_CONTEXT, name)) is not None}
LINES = [(name, line) for name, lines in EXAMPLES.items() for line in lines]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_examples_in_its_help(name: str) -> None:
    text = CliRunner().invoke(main, [name, "--help"], terminal_width=80).stdout
    examples = text.partition("Examples:\n")[2]
    for line in EXAMPLES[name]:
        assert f"    {line}\n" in examples  # not wrapped


@pytest.mark.parametrize(("name", "line"), LINES)
def test_examples_are_valid(name: str, line: str) -> None:
    words = shlex.split(line, comments=False)
    assert name in words
    while "splatc" in words:
        words = words[words.index("splatc") + 1 :]
        end = next((index for index, word in enumerate(words) if word in ("|", ">")), len(words))
        command = COMMANDS[words[0]]
        with command.make_context(words[0], words[1:end]) as context:  # raises for what it does not know
            assert context.params


def test_the_program_s_help_is_a_page_of_whole_sentences() -> None:
    text = CliRunner().invoke(main, ["--help"], terminal_width=80).stdout
    assert "..." not in text.partition("Commands:")[2]
    assert "Examples:\n    splatc encode photo.jpg photo.splat2d --cr 200\n" in text
    assert list(COMMANDS) == main.list_commands(NO_CONTEXT) == list(SUMMARIES)
    assert text.index("  encode ") < text.index("  decode ") < text.index("  completion ")


def test_every_command_and_option_says_what_it_does() -> None:
    for command in COMMANDS.values():
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (command.name, parameter.name)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_a_script(shell: str) -> None:
    script = CliRunner().invoke(main, ["completion", shell]).stdout
    assert f"_SPLATC_COMPLETE={shell}_complete" in script
    executable = shutil.which(shell)
    if executable is not None:
        subprocess.run([executable, "-n"], input=script.encode(), check=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("splatc enc", "plain,encode"),
        ("splatc encode --tu", "plain,--tune"),
        ("splatc encode --tune ", "plain,ssim"),
        ("splatc completion ", "plain,zsh"),
        ("splatc info ", "file,"),
        ("splatc decode ", "file,"),
        ("splatc encode a.png ", "file,"),
        ("splatc batch photos/ -o ", "file,"),
        ("splatc plot ", "file,"),
    ],
)
def test_completion_knows_commands_options_and_files(words: str, expected: str, tmp_path: Path) -> None:
    typed = words.split(" ")
    variables = {"_SPLATC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(typed) - 1)}
    code = "from splatc.cli import main; main(prog_name='splatc')"
    result = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | variables, cwd=tmp_path, capture_output=True, check=False
    )
    assert result.stderr == b""
    assert expected in result.stdout.decode().splitlines()


def test_no_escape_codes_without_a_terminal(splatc: Command) -> None:
    for arguments in (["--help"], ["encode", "--help"], ["info", "missing"]):
        result = splatc(*arguments)
        assert b"\x1b" not in result.stdout + result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_on_a_terminal_unless_unwanted(no_color: str) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "splatc", "info", "missing"]
    subprocess.run(command, stderr=theirs, env=os.environ | {"NO_COLOR": no_color}, check=False)
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert ("\x1b[31m" in shown) == (no_color == "")
    assert re.sub(r"\x1b\[\d+m", "", shown).startswith("splatc: error: missing: cannot be read")


@pytest.mark.parametrize("arguments", [["--help"], ["batch", "--help"], ["view", "--help"], ["completion", "bash"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, atexit; from splatc.cli import main;"
        "atexit.register(lambda: print(*sorted({'numpy', 'numba', 'torch', 'scipy', 'PIL'} & set(sys.modules)),"
        f" file=sys.stderr)); main({arguments!r})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stderr.split() == []


def test_a_file_pipes_through_all_commands(splatc: Command, tiny_file: bytes) -> None:
    picture = splatc("decode", "-", "-", stdin=tiny_file)
    assert picture.stdout.startswith(b"\x89PNG")
    assert splatc("info", "-", stdin=tiny_file).stdout
    assert splatc("plot", "-", "-o", "-", stdin=tiny_file).stdout.startswith(b"\x89PNG")
