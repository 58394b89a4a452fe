"""header.md: numbers, and the fields of a header."""

from __future__ import annotations

from tests.independent_decoder.model import Header
from tests.independent_decoder.quantization import grid


def read_varint(data: bytes, start: int) -> tuple[int, int]:
    """The number, and where the next starts."""
    number = 0
    for i, byte in enumerate(data[start : start + 5]):
        number += (byte & 127) << (7 * i)
        if byte < 128:
            if byte == 0 and i > 0:
                raise ValueError("a number is not in its shortest form")
            return number, start + i + 1
    raise ValueError("a number is too long, or cut off")


class Fields:
    """Reads the numbers of a header one after the other and holds each to its range."""

    def __init__(self, payload: bytes) -> None:
        self.rest = payload

    def u8(self, low: int = 0, high: int = 255) -> int:
        if not self.rest:
            raise ValueError("HEAD is too short")
        number, self.rest = self.rest[0], self.rest[1:]
        return self.checked(number, low, high)

    def i8(self) -> int:
        number = self.u8()
        return number - 256 if number >= 128 else number

    def varint(self, low: int, high: int) -> int:
        number, end = read_varint(self.rest, 0)
        self.rest = self.rest[end:]
        return self.checked(number, low, high)

    @staticmethod
    def checked(number: int, low: int, high: int) -> int:
        if not low <= number <= high:
            raise ValueError(f"a number in HEAD is {number}, not in {low}..{high}")
        return number


def read_header(payload: bytes) -> Header:
    field = Fields(payload)
    version = field.u8(), field.u8()
    if version not in ((1, 0), (1, 1)):
        raise ValueError(f"version {version[0]}.{version[1]}, not 1.0 or 1.1")
    flags = field.u8(0, 15)
    channels = flags // 2 % 4 + 1
    header = Header(  # Python evaluates these in the order of the page's table
        version=version,
        blend=flags % 2,
        channels=channels,
        depth=16 if flags & 8 else 8,
        width=field.varint(1, 1048576),
        height=field.varint(1, 1048576),
        background=tuple(field.u8() for _ in range(channels)),
        position=field.u8(0, 191),
        position_slope=field.i8(),
        log_scales=field.u8(1, 32),
        aspect=field.u8(0, 191),
        angle=field.u8(0, 191),
        angle_slope=field.i8(),
        luma=field.u8(0, 191),
        chroma=field.u8(0, 191),
        colour_slope=field.i8(),
        level_counts=tuple(field.varint(0, 67108864) for _ in range(field.u8(0, 16))),
        models=field.u8(0, 7) if version == (1, 1) else 0,
    )
    if field.rest:
        raise ValueError("HEAD is too long")
    if header.level_counts[:1] == (0,):
        raise ValueError("the top level is empty")
    # limits.md
    if header.width * header.height > 2**32 or sum(header.level_counts) > 2**26:
        raise ValueError("beyond the limits")
    if any(max(grid(header, level)) > 2**26 for level in range(len(header.level_counts))):
        raise ValueError("a position grid is beyond the limits")
    return header
