"""Options that mean something in a command are there, in the same words as in the others; numbers are refused in one line."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import click
import pytest

from splatc.cli import main
from splatc.cli.examples import SUMMARIES
from tests.conftest import Command

README = Path(__file__).parent.parent / "README.md"
NO_CONTEXT = click.Context(main)
COMMANDS = {name: command for name in SUMMARIES if (command := main.get_command(NO_CONTEXT, name)) is not None}

SHARED = {"-f": "--force", "-q": "--quiet", "-v": "--verbose", "--json": "--json", "--threads": "--threads"}
# -f: it writes a file whose name is given. -q, -v: there are notes, or progress. --json: it reports something.
TABLE = {
    "encode": {"-f", "-q", "-v", "--json", "--threads"},
    "decode": {"-f", "-q", "-v", "--threads"},
    "info": {"-q", "--json", "--threads"},
    "verify": {"-q", "--json", "--threads"},
    "batch": {"-f", "-q", "-v", "--json", "--threads"},
    "compare": {"-q", "--json", "--threads"},
    "plot": {"-f", "-q", "--threads"},
    "view": {"-f", "-q", "-v"},
    "completion": set(),
}


def options(command: click.Command) -> dict[str, click.Option]:
    return {flag: each for each in command.params if isinstance(each, click.Option) for flag in each.opts}


def test_every_command_has_the_options_that_mean_something_in_it() -> None:
    assert {name: set(options(command)) & set(SHARED) for name, command in COMMANDS.items()} == TABLE
    for command in COMMANDS.values():
        for short, long in SHARED.items():
            if short in options(command):
                assert long in options(command)


def test_the_readme_s_table_is_this_one() -> None:
    lines = README.read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| option |"))
    head, _, *rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    names = [each.strip() for each in head.split("|")[2:-1]]
    found: dict[str, set[str]] = {name: set() for name in names}
    for row in rows:
        title, *marks = [each.strip() for each in row.split("|")[1:-1]]
        for name, mark in zip(names, marks, strict=True):
            if mark:
                found[name].add(re.findall(r"`(-[-\w]+)", title)[0])
    assert found == {name: flags for name, flags in TABLE.items() if flags}


@pytest.mark.parametrize("flag", [*SHARED, "--max-memory", "--device"])
def test_the_same_words_everywhere(flag: str) -> None:
    found = [options(command)[flag] for name, command in COMMANDS.items() if flag in options(command)]
    words = {(each.help or "").partition("  [default")[0] for each in found}
    if flag == "--threads":
        words -= {"Number of threads for each picture."}  # of batch, which has several at a time
    if flag == "--max-memory":
        words = {
            each.partition("; what PyTorch")[0].rstrip(".") for each in words
        }  # of what encodes, which has engines
    assert len(words) == 1, words
    assert len({type(each.type) for each in found}) == 1


def test_no_option_takes_a_number_of_click_s_own() -> None:
    """Those let through what Python's int and float do: digits of any script, underscores, 400 digits."""
    for name, command in COMMANDS.items():
        for flag, option in options(command).items():
            if not option.is_flag:
                assert not isinstance(option.type, click.types.IntParamType | click.types.FloatParamType), (name, flag)


NUMBERS = [
    (name, option.opts[0])
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
    and type(option.type).__name__ in ("Whole", "FiniteAbove", "Size", "_RegionType")
] + [("decode", "--scale")]
REST = {
    "encode": ["tiny.png", "out.splat2d"],
    "decode": ["tiny.splat2d", "out.png"],
    "info": ["tiny.splat2d"],
    "verify": ["tiny.splat2d"],
    "compare": ["tiny.splat2d", "tiny.splat2d"],
    "plot": ["tiny.splat2d", "-o", "out.png"],
    "view": ["tiny.splat2d"],
    "batch": ["tiny.png", "-o", "out"],
}
WRONG = [
    "9" * 400,
    "9" * 5000,
    "nan",
    "inf",
    "1e999",
    "-1e999",
    "١٢",
    "1_0",
    "-3",
    "0x10",
    "12parsecs",
    "",
    "1,2",
    "1/0",
    "½",
    "²",
]


@pytest.mark.parametrize(("name", "flag"), NUMBERS)
def test_numbers_that_are_none_get_one_line(
    name: str, flag: str, tmp_path: Path, tiny_picture: Path, tiny_splat: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for value in WRONG:
        with pytest.raises(SystemExit) as ended:
            main([name, *REST[name], flag, value], prog_name="splatc")
        captured = capfd.readouterr()
        assert ended.value.code == 2, (value[:40], captured.err)
        assert captured.out == ""
        lines = captured.err.splitlines()
        assert len(lines) == 1, (value[:40], lines)
        assert lines[0].startswith("splatc: error: ")
        assert len(lines[0]) < 300, (value[:40], lines[0][:300])
    assert {each.name for each in tmp_path.iterdir()} <= {"tiny.png", "tiny.splat2d"}


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--size", "1.5MB", 1_500_000),
        ("--size", "9007199254740993", 9007199254740993),  # no double holds it
        ("--size", " 20KiB ", 20480),
        ("--size", ".5k", 500),
        ("--cr", "1e2", 100.0),
        ("--cr", "+5.", 5.0),
        ("-n", "007", 7),
    ],
)
def test_numbers_as_people_write_them(flag: str, value: str, expected: float) -> None:
    context = COMMANDS["encode"].make_context("encode", ["a.png", "b.splat2d", flag, value])
    assert context.params[options(COMMANDS["encode"])[flag].name or ""] == expected


def test_quiet_prints_errors_only_and_has_precedence(splatc: Command, tiny_picture: Path, tiny_splat: Path) -> None:
    for words in (
        ["encode", "tiny.png", "q.splat2d", "-n", "3", "-e", "1"],
        ["decode", "tiny.splat2d", "q.png"],
        ["plot", "tiny.splat2d", "-o", "plot.png", "--source", "tiny.png"],
        ["verify", "tiny.splat2d"],
        ["view", "tiny.splat2d", "--save", "page.html"],
    ):
        result = splatc(*words, "-q", *(["-v"] if "-v" in TABLE[words[0]] else []))
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b""), words
    result = splatc("decode", "no.splat2d", "q2.png", "-q")
    assert result.returncode == 1
    assert result.stderr.count(b"\n") == 1


def test_verbose_says_what_is_being_done(splatc: Command, tiny_splat: Path) -> None:
    assert b"drawn by the CPU" in splatc("decode", "tiny.splat2d", "v.png", "-v").stderr
    assert splatc("decode", "tiny.splat2d", "w.png").stderr == b""


def test_json_is_on_standard_output_alone(splatc: Command, tiny_picture: Path, tiny_splat: Path) -> None:
    for words in (["info", "tiny.splat2d"], ["verify", "tiny.splat2d"], ["compare", "tiny.png", "tiny.splat2d"]):
        for quiet in ([], ["-q"]):
            result = splatc(*words, "--json", *quiet)
            assert json.loads(result.stdout)
            assert result.stderr == b""


def test_what_compare_reads_gets_one_note(splatc: Command, tmp_path: Path) -> None:
    import numpy as np
    import PIL.Image

    frames = [PIL.Image.fromarray(np.full((8, 8), 40 * each, np.uint8)) for each in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    loud, quiet = splatc("compare", "moving.gif", "moving.gif"), splatc("compare", "moving.gif", "moving.gif", "-q")
    assert b"splatc: note: moving.gif: " in loud.stderr
    assert quiet.stderr == b""
    assert quiet.stdout == loud.stdout != b""


def test_a_refused_picture_ends_with_3(splatc: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("just words\n")
    assert splatc("encode", "notes.txt", "out.splat2d").returncode == 3
    assert splatc("encode", "missing.png", "out.splat2d").returncode == 1
