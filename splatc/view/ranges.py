"""The Range field of a request (RFC 9110, section 14): which bytes of a file are asked for."""

from __future__ import annotations

import itertools
import re

Range = tuple[int, int]
"""[start, end), bytes of the file."""

MAX_RANGES = 64
"""More of them in one request are not meant seriously: the whole file is sent."""
_SPECIFIER = re.compile(r"([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


def parse(field: str | None, size: int) -> list[Range] | None:
    """The ranges that a Range field asks for, of a file of ``size`` bytes.

    Args:
        field: What stands in it; None if there is none.
        size: Bytes of the file.

    Returns:
        None where the field is to be ignored (missing, malformed, of another unit, too many ranges), so that all of the file is meant;
        an empty list where none of the ranges has a byte of the file (416). Ranges that overlap are joined, in ascending order; others
        stay in the order in which they were asked for.

    Source: RFC 9110, sections 14.1.2 and 14.2.
    """
    unit, separator, rest = (field or "").partition("=")
    if not separator or unit.strip().lower() != "bytes":
        return None
    specifiers = [part for each in rest.split(",") if (part := each.strip(" \t"))]
    if not 0 < len(specifiers) <= MAX_RANGES:
        return None
    found: list[Range] = []
    for each in specifiers:
        match = _SPECIFIER.fullmatch(each)
        if match is None or each == "-":
            return None
        first, last = match[1], match[2]
        if first and last and int(last) < int(first):
            return None
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last) + 1, size) if first and last else size
        if start < end:
            found.append((start, end))
    return _joined(found)


def _joined(ranges: list[Range]) -> list[Range]:
    ascending = sorted(ranges)
    if all(before[1] <= after[0] for before, after in itertools.pairwise(ascending)):
        return ranges
    joined: list[Range] = []
    for start, end in ascending:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
