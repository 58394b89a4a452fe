"""What callers of the Python functions pass, checked in one place: each function here returns the value in its plain type, or raises
UsageError with a sentence that names the argument, its value (shortened) and what was expected.

Numbers may be of any kind: NumPy's and PyTorch's scalars, Fraction, Decimal; a whole number may also be a float without a fraction. A bool
is no number, text neither.
"""

from __future__ import annotations

import io
import math
import numbers
import os
import reprlib
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import BinaryIO, NoReturn, SupportsFloat, SupportsIndex, cast

from splatc.errors import UsageError, reason_of

LARGEST = 2**63 - 1
"""Of whole numbers: counts and sizes are int64 in the core."""
EXIF_PREFIX = b"Exif\0\0"
"""Before the TIFF structure in a JPEG file, and in what Pillow calls `exif`."""

Number = SupportsFloat | SupportsIndex
"""What callers may give for a number."""
_Plain = int | float | Fraction | Decimal
_NO_SEQUENCES = (str, bytes, bytearray, set, frozenset, dict)
"""Can be iterated, but are no numbers in an order."""


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 5

    def repr_int(self, x: int, level: int) -> str:
        """Python itself refuses to write more than 4300 digits."""
        digits = int(x.bit_length() * math.log10(2.0)) + 1
        return super().repr_int(x, level) if digits < 1000 else f"a number of some {digits} digits"


def shown(value: object) -> str:
    """The value as messages show it: on one line, and not all of it if it is long."""
    try:
        text = _Short().repr(value)
    except Exception:  # a repr of the caller's own may raise anything
        text = f"<{type(value).__name__}>"
    return " ".join(text.split())


def fail(name: str, value: object, expected: str) -> NoReturn:
    """Raise UsageError: `expected` goes on from "expected"."""
    raise UsageError(f"{name}={shown(value)}: expected {expected}")


def whole(name: str, value: object, low: int = 1, high: int = LARGEST, *, otherwise: str = "") -> int:
    """A whole number from `low` to `high`; `otherwise` says what else would do ("None")."""
    number = _number(value)
    try:
        if number is not None and low <= number <= high and number == int(number):
            return int(number)
    except (ArithmeticError, ValueError):  # Decimal's signalling NaN; an infinity
        pass
    most = "2^63 - 1" if high == LARGEST else str(high)
    fail(name, value, f"a whole number from {low} to {most}" + (f", or {otherwise}" if otherwise else ""))


def positive(name: str, value: object) -> float:
    """A number above 0 that is not infinite."""
    number = _number(value)
    try:
        result = math.nan if number is None else float(number)
    except (ArithmeticError, ValueError):  # too large for a float
        result = math.nan
    if not 0.0 < result < math.inf:
        fail(name, value, "a number above 0")
    return result


def fraction(value: object) -> Fraction | None:
    """A number, or text such as "1/8", as a fraction; None if it is none, or has too many digits for anyone to have meant it."""
    if isinstance(value, str):
        plain = value.isascii() and len(value) <= 20 and not set(value) - set("0123456789./")
        number: _Plain | str | None = value if plain else None
    else:
        number = _number(value)
    try:
        if number is None or (isinstance(number, Decimal) and not -1000 < number.adjusted() < 1000):
            return None
        return Fraction(number)
    except (ArithmeticError, ValueError):  # NaN and infinities; "1/0", "1/2/3"
        return None


def _number(value: object) -> _Plain | None:
    """The number that a value is, None if it is none."""
    if getattr(value, "shape", None) == () and hasattr(
        value, "item"
    ):  # a scalar of NumPy, PyTorch, JAX, or an array of no axes
        try:
            value = value.item()
        except Exception:  # on another device, without a value yet: whatever its library raises
            return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        return None
    if isinstance(value, numbers.Integral):
        return int(value)
    return value if isinstance(value, Fraction | Decimal) else float(value)


def choice(name: str, value: object, choices: Sequence[str], *, otherwise: str = "") -> str:
    """One of some words; `otherwise` says what else would do ("None")."""
    if isinstance(value, str) and value in choices:
        return str(value)
    words = [*map(repr, choices), *([otherwise] if otherwise else [])]
    fail(name, value, f"{', '.join(words[:-1])} or {words[-1]}")


def whole_choice(name: str, value: object, choices: Sequence[int], *, otherwise: str = "") -> int:
    """One of some whole numbers."""
    number = _number(value)
    try:
        if number is not None and number in choices:
            return int(number)
    except ArithmeticError:
        pass
    words = [*map(repr, choices), *([otherwise] if otherwise else [])]
    fail(name, value, f"{', '.join(words[:-1])} or {words[-1]}")


def flag(name: str, value: object) -> bool:
    """True or False, of Python or of NumPy; 1 and 0 will do."""
    scalar = value
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        scalar = value.item()
    if isinstance(scalar, int) and scalar in (0, 1):
        return bool(scalar)
    fail(name, value, "True or False")


def called(name: str, value: object) -> Callable[..., object] | None:
    """A function, or None."""
    if value is None or callable(value):
        return value
    fail(name, value, "a function, or None")


def content(name: str, value: object) -> bytes:
    """Bytes, from bytes, bytearray, memoryview and what else exports them; none at all from None."""
    if value is None:
        return b""
    found = byte_view(value)
    if found is None:
        fail(name, value, "bytes, or None" + (" (text goes through .encode())" if isinstance(value, str) else ""))
    return bytes(found)


def exif(name: str, value: object) -> bytes:
    """EXIF as a TIFF structure, whether or not the prefix of JPEG stands before it."""
    return content(name, value).removeprefix(EXIF_PREFIX)


def byte_view(value: object) -> memoryview | None:
    """The bytes of what has them, None of all else (text; an array of anything but bytes)."""
    try:
        if str(getattr(value, "dtype", "uint8")) != "uint8":  # a date of NumPy's exports eight bytes
            return None
        view = memoryview(value)  # type: ignore[arg-type] # that is the question
    except Exception:  # TypeError, ValueError, BufferError, and what a class of the caller's own raises
        return None
    return view if view.ndim == 1 and view.format in ("B", "b", "c") else None


def path(name: str, value: object) -> str:
    """A path, from text, bytes or anything with `__fspath__`. The name "-" is a file here, not standard input."""
    try:
        text = os.fsdecode(value)  # type: ignore[arg-type] # TypeError is the answer
    except Exception:  # what a __fspath__ of the caller's own raises
        fail(name, value, "a path: text, bytes or os.PathLike")
    if not text or "\0" in text:
        fail(name, value, "the path of a file")
    return "./-" if text == "-" else text


def file(name: str, value: object) -> memoryview | str | BinaryIO:
    """The bytes of a file, the path of one (bytes are never that), or an open binary file that can seek."""
    if isinstance(value, str | os.PathLike):
        return path(name, value)
    found = byte_view(value)
    return stream(name, value, "the bytes of a .splat2d file, its path") if found is None else found


def stream(name: str, value: object, expected: str = "a path") -> BinaryIO:
    """An open binary file that can seek; `expected` says what else would do."""
    if isinstance(value, io.TextIOBase):
        fail(name, value, f'{expected} or a binary file, not one of text: open it with "rb"')
    if not all(_has_method(value, each) for each in ("read", "seek")):
        advice = "; bytes go into an io.BytesIO" if byte_view(value) is not None else ""
        fail(name, value, f"{expected} or a binary file, not {type(value).__name__}{advice}")
    opened = cast(BinaryIO, value)
    try:
        able = not _has_method(opened, "seekable") or opened.seekable()
    except Exception as error:  # ValueError is Python's for a closed file; other libraries have other ones
        raise UsageError(f"{name}={shown(value)}: expected an open file: {reason_of(error)}") from error
    if not able:
        raise UsageError("a pipe or stream that cannot seek: read it into an io.BytesIO first")
    return opened


def _has_method(value: object, name: str) -> bool:
    """Whether it can be called; looking may raise anything, where the caller's class makes its attributes."""
    try:
        return callable(getattr(value, name, None))
    except Exception:
        return False


def region(name: str, value: object) -> tuple[int, int, int, int]:
    """(x, y, width, height), whole numbers of px; whether they lie in a picture is not looked at. Text is none, nor are bytes."""
    parts: tuple[object, ...] = ()
    if isinstance(value, Iterable) and not isinstance(value, _NO_SEQUENCES):
        parts = _items(value, 4)
    if len(parts) != 4:
        fail(name, value, "x, y, width and height in px, four whole numbers")
    x, y, width, height = (
        whole(f"{name}: {part}", each, -LARGEST)
        for part, each in zip(("x", "y", "width", "height"), parts, strict=True)
    )
    return x, y, width, height


def colour(name: str, value: object, channels: int) -> tuple[int, ...]:
    """A whole number from 0 to 255 for each channel."""
    numbers_expected = (
        f"{channels} whole numbers from 0 to 255" if channels > 1 else "1 whole number from 0 to 255, in a tuple"
    )
    parts: tuple[object, ...] = ()
    if isinstance(value, Iterable) and not isinstance(value, _NO_SEQUENCES):
        parts = _items(value, channels)
    if len(parts) != channels:
        fail(name, value, numbers_expected)
    try:
        return tuple(whole(name, each, 0, 255) for each in parts)
    except UsageError:
        fail(name, value, numbers_expected)


def _items(value: Iterable[object], most: int) -> tuple[object, ...]:
    """The first items, one more than `most` at most; none where iterating fails, as it does for an array without axes."""
    try:
        return tuple(each for _, each in zip(range(most + 1), value, strict=False))
    except Exception:  # of whatever class the value has
        return ()
