"""Stable outputs carry renamed keys under both names for one version; what people read has the new ones only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import splatc
from splatc.cli import main
from splatc.runtime import renamed_keys
from splatc.runtime.renamed_keys import RENAMED, with_old_keys


def info(path: Path) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["info", str(path), "--bits", "--json"])
    assert result.exit_code == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def values(report: Any, names: list[str]) -> list[Any]:
    """All values at the end of a path, through dictionaries and lists."""
    if isinstance(report, list):
        return [value for each in report for value in values(each, names)]
    return [report] if not names else values(report[names[0]], names[1:])


@pytest.mark.parametrize("path", RENAMED["info"])
def test_info_prints_both_names(path: str, tiny_splat: Path) -> None:
    *parents, new = path.split(".")
    old = RENAMED["info"][path]
    for report in (info(tiny_splat), splatc.info(tiny_splat, bits=True)):
        found = values(report, [*parents, new])
        assert found == values(report, [*parents, old])
        assert found


def test_bits_add_up_to_the_file(tiny_splat: Path) -> None:
    """Under one name each."""
    for report in (info(tiny_splat), splatc.info(tiny_splat, bits=True)):
        assert sum(report["bits"].values()) == pytest.approx(8 * report["bytes"])


def test_the_table_has_the_new_names_only(tiny_splat: Path) -> None:
    table = CliRunner().invoke(main, ["info", str(tiny_splat), "--bits"]).stdout
    assert table
    words = table.replace(",", " ").split()
    assert not set(RENAMED["info"].values()) & set(words)


def test_a_report_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        renamed_keys.RENAMED, "x", {"a.b": "old", "missing.b": "old", "top": "old_top", "gone": "old_gone"}
    )
    report = {"a": [{"b": [1]}, {"c": 2}], "top": 3}
    both = with_old_keys("x", report)
    assert both == {"a": [{"b": [1], "old": [1]}, {"c": 2}], "top": 3, "old_top": 3}
    assert report == {"a": [{"b": [1]}, {"c": 2}], "top": 3}
    both["a"][0]["old"].append(2)
    assert both["a"][0]["b"] == [1]
