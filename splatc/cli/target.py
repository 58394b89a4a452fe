"""Numbers, sizes and names of files as a user types them."""

from __future__ import annotations

import math
import os
import re

import click

from splatc.descriptors import standard_name

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


class FiniteAbove(click.ParamType[float]):
    """A finite number above a bound: click's FloatRange lets nan and inf through."""

    name = "number"

    def __init__(self, bound: float) -> None:
        self.bound = bound

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (self.bound < number < math.inf):
            self.fail(f"{value!r} is not a number above {self.bound:g}", param, ctx)
        return number


class Size(click.ParamType[int]):
    """A number of bytes: 4096, 300k, 1.5MB, 20KiB."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmg]i?)?b?\s*", str(value), re.IGNORECASE | re.ASCII)
        if not match:
            self.fail(f"{value!r} is not a size such as 4096, 300k, 1.5MB or 20KiB", param, ctx)
        size = int(float(match[1]) * _UNITS[(match[2] or "").lower()])
        if size == 0:
            self.fail(f"{value!r} is less than one byte", param, ctx)
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
