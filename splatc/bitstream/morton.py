"""Morton codes of single cells (spec/positions.md); of arrays: positions.py."""

from __future__ import annotations


def morton_of(column: int, row: int) -> int:
    """The same of one cell."""
    return sum((column >> i & 1) << 2 * i | (row >> i & 1) << 2 * i + 1 for i in range(max(column, row).bit_length()))


def unmorton(code: int) -> tuple[int, int]:
    """Column and row of the cell with a Morton code."""
    bits = range(0, code.bit_length(), 2)
    return sum((code >> i & 1) << i // 2 for i in bits), sum((code >> i + 1 & 1) << i // 2 for i in bits)
