"""attributes.md: orientation residuals, sub-cell offsets, and residuals of colours with their escapes."""

from __future__ import annotations

from tests.independent_decoder.coder import RangeDecoder, table
from tests.independent_decoder.tables import Tables


def read_angle_residuals(decoder: RangeDecoder, tables: Tables, ms: list[int]) -> list[int]:
    """<Orientation residuals> of Gaussians with ms directions; 0 for those that have only one."""
    residuals = [0] * len(ms)
    for m in sorted(set(ms) - {1}):
        members = [i for i in range(len(ms)) if ms[i] == m]
        for i, residual in zip(members, tables["angle", m].array(decoder, len(members)), strict=True):
            residuals[i] = residual
    return residuals


def read_offsets(decoder: RangeDecoder, fs: list[int]) -> list[int]:
    """<Sub-cell offsets> of cells with fs of them; 0 for those that have only one."""
    offsets = [0] * len(fs)
    for f in sorted(set(fs) - {1}):
        members = [i for i in range(len(fs)) if fs[i] == f]
        for i, offset in zip(members, decoder.array(table([1] * f), len(members)), strict=True):
            offsets[i] = offset
    return offsets


def read_colour_residuals(decoder: RangeDecoder, tables: Tables, channel: str, n: int) -> list[int]:
    """<Residuals of colours> of one coded channel."""
    symbols = tables["residual", channel].array(decoder, n)
    escapes = iter(decoder.uniform(16, symbols.count(97)))
    residuals = []
    for s in symbols:
        if s < 97:
            residuals.append(s - 48)
        else:
            u = next(escapes)
            if u < 97:
                raise ValueError("an escape for a residual that has a symbol")
            residuals.append(-(u + 1) // 2 if u % 2 else u // 2)
    return residuals
