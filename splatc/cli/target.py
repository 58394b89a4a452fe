"""Numbers, sizes and names of files as a user types them.

Numbers are of ASCII digits, finite, and in their range; a message shows no more than the beginning of a long one.
"""

from __future__ import annotations

import math
import os
import re
from fractions import Fraction

import click

from splatc.runtime.arguments import LARGEST, shown
from splatc.runtime.descriptors import standard_name

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_LONGEST = 40
"""Longest text of a number."""
_WHOLE = re.compile(r"\s*([+-]?[0-9]+)\s*")
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*", re.IGNORECASE)
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([kmg]i?)?b?\s*", re.IGNORECASE | re.ASCII)


def whole_number(text: str) -> int | None:
    """The integer that a text is, None if it is none, or longer than any that is meant."""
    match = _WHOLE.fullmatch(text) if len(text) <= _LONGEST else None
    return int(match[1]) if match else None


class Whole(click.ParamType[int]):
    """A whole number in a range."""

    name = "integer"

    def __init__(self, low: int = 1, high: int = LARGEST) -> None:
        self.low, self.high = low, high

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = value if isinstance(value, int) else whole_number(value)
        if number is None or not self.low <= number <= self.high:
            asked = f"from {self.low} to {self.high}" if self.high < LARGEST else f"of {self.low} or more"
            self.fail(f"{shown(value)} is not a whole number {asked}", param, ctx)
        return number


class FiniteAbove(click.ParamType[float]):
    """A finite number above a bound."""

    name = "number"

    def __init__(self, bound: float) -> None:
        self.bound = bound

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
        number = float(match[1]) if match else math.nan
        if not self.bound < number < math.inf:
            self.fail(f"{shown(value)} is not a number above {self.bound:g}", param, ctx)
        return number


class Size(click.ParamType[int]):
    """A number of bytes: 4096, 300k, 1.5MB, 20KiB."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        match = _SIZE.fullmatch(text) if len(text) <= _LONGEST else None
        if not match:
            self.fail(f"{shown(value)} is not a size such as 4096, 300k, 1.5MB or 20KiB", param, ctx)
        size = int(Fraction(match[1]) * _UNITS[(match[2] or "").lower()])
        if size == 0:
            self.fail(f"{shown(value)} is less than one byte", param, ctx)
        if size > LARGEST:
            self.fail(f"{shown(value)} is more than the 2^63 - 1 bytes that anything can have", param, ctx)
        return size


class _StreamPath(click.Path):
    """A file, or ``-``, which is what the names of standard input or output become, too."""

    descriptor: int

    def __init__(self) -> None:
        super().__init__(allow_dash=True)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        return standard_name(os.fspath(value), self.descriptor)


class InPath(_StreamPath):
    descriptor = 0


class OutPath(_StreamPath):
    descriptor = 1
