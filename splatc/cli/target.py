"""How large the file may become: the user's words for it, turned into bytes or a count."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from splatc.errors import UsageError

if TYPE_CHECKING:
    from splatc.image_io import Image

DEFAULT_CR = 100.0

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


@dataclass(frozen=True)
class Request:
    """The options as given; at most one is not None."""

    cr: float | None = None
    bpp: float | None = None
    size: int | None = None
    count: int | None = None

    def check(self) -> None:
        """Raises UsageError if there is more than one target."""
        given = {"--cr": self.cr, "--bpp": self.bpp, "--size": self.size, "-n": self.count}
        names = [name for name, value in given.items() if value is not None]
        if len(names) > 1:
            raise UsageError(f"{' and '.join(names)} exclude each other: give one target")

    def resolve(self, image: Image) -> tuple[Literal["bytes", "count"], int]:
        """What the file of a picture must not exceed. Raises UsageError if that is less than a byte."""
        if self.count is not None:
            return "count", self.count
        if self.size is not None:
            return "bytes", self.size
        if self.bpp is not None:
            words, limit = f"--bpp {self.bpp:g}", self.bpp * image.width * image.height / 8
        else:
            ratio = DEFAULT_CR if self.cr is None else self.cr
            words, limit = f"--cr {ratio:g}", image.pixels.nbytes / ratio
        if limit < 1:
            raise UsageError(f"{words} leaves this picture of {image.width} x {image.height} less than one byte")
        return "bytes", int(limit)
