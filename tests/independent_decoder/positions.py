"""positions.md: how many Gaussians each half of a node holds."""

from __future__ import annotations

from collections import defaultdict

from tests.independent_decoder.coder import RangeDecoder
from tests.independent_decoder.model import clamp
from tests.independent_decoder.tables import Tables, fixed_partition_table


def read_positions(
    decoder: RangeDecoder, tables: Tables, columns: int, rows: int, points: int
) -> list[tuple[int, int]]:
    """<The tree>: the cells (x, y) of all points of a level, in coding order."""
    nodes = [(0, 0, points)]
    for remaining in range(2 * (max(columns, rows) - 1).bit_length(), 0, -1):
        half = 2 ** ((remaining - 1) // 2)
        vertical = remaining % 2 == 0
        fractions = []  # 0 where nothing is coded
        for x, y, _ in nodes:
            extent, origin = (rows, y) if vertical else (columns, x)
            second = clamp(extent - origin - half, 0, half)
            fractions.append(16 * half // (half + second) if second else 0)
        firsts = read_partitions(decoder, tables, [n for _, _, n in nodes], fractions)
        halves = []
        for (x, y, n), k in zip(nodes, firsts, strict=True):
            halves.append((x, y, k))
            halves.append((x, y + half, n - k) if vertical else (x + half, y, n - k))
        nodes = [node for node in halves if node[2]]
    return [(x, y) for x, y, n in nodes for _ in range(n)]


def read_partitions(decoder: RangeDecoder, tables: Tables, counts: list[int], fractions: list[int]) -> list[int]:
    """<The binary partition counts of one step>: k of each node."""
    groups, rests = defaultdict(list), defaultdict(list)
    for node, (n, fraction) in enumerate(zip(counts, fractions, strict=True)):
        d = max(0, n.bit_length() - 8)
        if fraction:
            groups[n >> d, fraction].append(node)
            rests[d].append(node)
    ks = counts.copy()
    for (m, fraction), members in sorted(groups.items()):
        if 2 <= m <= 32:
            js = tables["partition", m, fraction].array(decoder, len(members))
        else:
            js = decoder.array(fixed_partition_table(m, fraction), len(members))
        for node, j in zip(members, js, strict=True):
            ks[node] = j
    for d, members in sorted(rests.items()):
        for node, rest in zip(members, decoder.uniform(d, len(members)), strict=True):
            ks[node] = (ks[node] << d) + rest
    if any(k > n for k, n in zip(ks, counts, strict=True)):
        raise ValueError("more points in a half than in the whole")
    return ks
