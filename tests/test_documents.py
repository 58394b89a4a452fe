"""What the documents say of the code is so: files that they name exist, commands that they show are valid."""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
from pathlib import Path

import click
import pytest

import splatc
from splatc.bitstream.header import VERSION
from splatc.cli import main

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "FORMAT.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md", "tools/README.md"]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_exist(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link}
    quoted = set(re.findall(r"`((?:splatc|tests|tools|spec|\.github)/[\w./]+)`", text))
    missing = [each for each in links if each and not (ROOT / name).parent.joinpath(each).exists()]
    missing += [each for each in quoted if not (ROOT / each).exists()]
    assert not missing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_chapters_that_are_linked_exist(name: str) -> None:
    """Each by its name in lower case, as GitHub makes anchors: without punctuation, and with hyphens for spaces."""
    for link in re.findall(r"\]\(([^)]*#[^)]+)\)", (ROOT / name).read_text("utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        text = (ROOT / name if not path else (ROOT / name).parent / path).read_text("utf-8")
        chapters = re.findall(
            r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
        )
        assert anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in chapters}, link


def test_the_readme_s_commands_are_valid() -> None:
    lines = [line.strip() for line in README.splitlines() if line.startswith("    splatc ")]
    assert len(lines) > 8
    for line in lines:
        name, *words = shlex.split(line, comments=True)[1:]
        command = main.get_command(click.Context(main), name)
        assert command is not None, line
        with command.make_context(name, words) as context:  # raises for what it does not know
            assert context.params
    assert {line.split()[1] for line in lines} | {"completion"} == set(main.list_commands(click.Context(main)))


def test_the_readme_s_python_is_python_and_names_what_there_is() -> None:
    blocks = re.findall(r"(?:^    .*\n)+", README, re.MULTILINE)
    programs = [textwrap.dedent(block) for block in blocks if block.startswith("    import ")]
    assert programs
    for program in programs:
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "splatc":
                assert node.attr in splatc.__all__


def test_the_tour_of_the_format_is_of_this_version() -> None:
    assert f"Version {'.'.join(map(str, VERSION))}: what" in (ROOT / "FORMAT.md").read_text("utf-8")
