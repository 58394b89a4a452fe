"""The commands of the documents that run a tool: their options exist, and so do the fields of `--try`."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from splatc.fit.schedule import Rates, Schedule
from splatc.steps import Quantizer

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "tests/README.md", "tools/README.md"]
SHELL = str.maketrans(dict.fromkeys("${}*()[]", "x"))
"""What a shell would have put others in place of; of a command only the options are of interest."""


def commands() -> list[tuple[str, str]]:
    """The tool and its words of each line that stands by itself, continued lines joined."""
    found = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
        for line in re.findall(r"^    .*$", text, re.MULTILINE):
            found += re.findall(r"python tools/(\w+)\.py\b((?:\"[^\"]*\"|[^;\"])*)", line)
    return found


class Understood(BaseException):
    """A command was parsed; a tool that catches exceptions does not catch this one."""


@pytest.mark.parametrize(("tool", "words"), commands())
def test_a_command_is_understood(tool: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [f"{tool}.py", *shlex.split(words.translate(SHELL), comments=True)])
    parse_args = argparse.ArgumentParser.parse_args

    def parse(parser: argparse.ArgumentParser, *arguments: list[str] | None) -> None:
        parse_args(parser, *arguments)  # SystemExit for what it does not know
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    try:
        module = importlib.import_module(tool)
    except ModuleNotFoundError as error:
        pytest.skip(f"needs {error.name}")
    with pytest.raises(Understood):
        module.main()


def test_the_fields_of_a_candidate_exist() -> None:
    """In the commands, and in the text beside them, of the sections that are about tools/sweep.py."""
    known = {each.name for kind in (Schedule, Quantizer) for each in fields(kind)} | {"effort", "optimization"}
    known |= {f"rates.{each.name}" for each in fields(Rates)}
    sections = re.split(
        r"^##+ ", (ROOT / "tools/README.md").read_text("utf-8").replace("\\\n", " "), flags=re.MULTILINE
    )
    candidates = [
        candidate.strip('"')
        for section in sections
        if "tools/sweep.py" in section
        for candidate in re.findall(r'--try ("[^"]*"|[^\s`"]+)|`([a-z_.]+=[^`]*)`', section)
        for candidate in candidate
    ]
    named = {setting.partition("=")[0] for candidate in candidates for setting in candidate.split()}
    assert len(named) > 20
    assert not named - known
