"""Keys of stable outputs (JSON, tables) that were renamed: printed under both names for one version, so that programs have time to change.

A new name is a new ``schema_version`` of its output. A row of `RENAMED` goes with the version after the one that brought it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

RENAMED: dict[str, dict[str, str]] = {
    "info": {
        "sections.tile": "block",
        "quantizer.log_scales": "sizes",
        "quantizer.aspect": "anisotropy",
    },
}
"""By output: path of the key, of which lists count as their entries, and the name that it had before.

``bits`` has the new names alone: its entries add up to the bits of the file, and would not with some of them twice."""


def with_old_keys(output: str, report: dict[str, Any]) -> dict[str, Any]:
    """A report with the renamed keys under their old names, too.

    Args:
        output: which of `RENAMED`.
        report: with the new names only; a key that it lacks gets no old name.

    Returns:
        A copy. Old keys come last in their dictionary; a key that is there already keeps its value.
    """
    result = copy.deepcopy(report)
    for path, old in RENAMED[output].items():
        *parents, new = path.split(".")
        for each in _entries(result, parents):
            if new in each:
                each.setdefault(old, copy.deepcopy(each[new]))
    return result


def _entries(report: dict[str, Any], parents: list[str]) -> Iterator[dict[str, Any]]:
    """The dictionaries at the end of a path."""
    if not parents:
        yield report
        return
    below = report.get(parents[0], [])
    for each in below if isinstance(below, list) else [below]:
        yield from _entries(each, parents[1:])
