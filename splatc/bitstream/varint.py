"""Unsigned numbers of one to five bytes (spec/header.md, "Encodings"): small ones are common, and every byte of overhead is picture."""

from __future__ import annotations

from splatc.errors import CorruptFileError

MAX_BYTES = 5


def write(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all bytes but the last have their highest bit set. 0 <= value < 2^35."""
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127)
    return bytes([group | 128 for group in groups[:-1]] + groups[-1:])


def read(data: bytes, position: int, where: str) -> tuple[int, int]:
    """The number that starts at a position, and the position after it.

    Raises CorruptFileError, which says ``where``, if the data end within the number, or it is too long or not in its shortest form.
    """
    value = 0
    for index in range(MAX_BYTES):
        if position >= len(data):
            raise CorruptFileError(f"{where} ends too early, after {len(data)} bytes")
        group, position = data[position], position + 1
        value |= (group & 127) << 7 * index
        if group < 128:
            if group == 0 and index:
                raise CorruptFileError(
                    f"the number that ends at byte {position} of {where} is not in its shortest form"
                )
            return value, position
    raise CorruptFileError(f"the number that ends at byte {position} of {where} is longer than five bytes")
