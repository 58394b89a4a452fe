"""The help of a command names every key of its JSON output, and no other."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from splatc.batch import report
from splatc.batch.job import Outcome
from splatc.cli import keys, main


def said(command: str) -> set[str]:
    """The keys that the help explains."""
    return {key for words in keys.KEYS[command] for key in words.split(", ") if key}


def printed(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_what_is_printed_is_what_is_said(tiny_splat: Path) -> None:
    path = str(tiny_splat)
    assert set(printed("info", path, "--bits", "--json")) == said("info")
    assert set(printed("verify", path, "--json")) == said("verify")
    assert set(printed("compare", path, path, "--json")) == said("compare")
    document = report.as_data([])
    assert {*document, *(each.name for each in fields(Outcome))} == said("batch")


@pytest.mark.parametrize("command", keys.KEYS)
def test_the_help_has_them_in_lines_that_fit(command: str) -> None:
    text = CliRunner().invoke(main, [command, "--help"], terminal_width=80).stdout
    assert "Keys of --json:" in text
    for line in keys.lines(command):
        assert line.strip() in text
        assert len(line) <= 78
