"""attributes.md: turns, strips, and residuals with their escapes."""

from __future__ import annotations

from tests.independent_decoder.coder import RangeDecoder, table
from tests.independent_decoder.tables import Tables


def read_turns(decoder: RangeDecoder, tables: Tables, ms: list[int]) -> list[int]:
    """<Turns> of Gaussians with ms directions; 0 for those that have only one."""
    turns = [0] * len(ms)
    for m in sorted(set(ms) - {1}):
        members = [i for i in range(len(ms)) if ms[i] == m]
        for i, turn in zip(members, tables["turn", m].array(decoder, len(members)), strict=True):
            turns[i] = turn
    return turns


def read_strips(decoder: RangeDecoder, fs: list[int]) -> list[int]:
    """<Strips> of cells with fs strips; 0 for those that have only one."""
    strips = [0] * len(fs)
    for f in sorted(set(fs) - {1}):
        members = [i for i in range(len(fs)) if fs[i] == f]
        for i, strip in zip(members, decoder.array(table([1] * f), len(members)), strict=True):
            strips[i] = strip
    return strips


def read_residuals(decoder: RangeDecoder, tables: Tables, channel: str, n: int) -> list[int]:
    """<Residuals> of one coded channel."""
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
