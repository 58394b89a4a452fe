"""priors.md and attributes.md: the tables of a section, each made from its prior when it is first asked for."""

from __future__ import annotations

from functools import cache

from tests.independent_decoder.coder import AdaptiveTable, Cumulative, SpreadTable, table
from tests.independent_decoder.priors import decay, prior, residual_prior, split_weights


class Tables(dict[tuple[int | str, ...], AdaptiveTable | SpreadTable]):
    """The adaptive and spread tables in use, each made from its prior when it is first asked for; attributes.md says which there are."""

    def __init__(self, sizes: int) -> None:
        super().__init__()
        self.sizes = sizes

    def next_level(self) -> None:
        """Put heirs in the place of the tables that each level has for itself."""
        for key in self:
            if key[0] in ("size", "anisotropy", "residual"):
                self[key] = self[key].heir()

    def __missing__(self, key: tuple[int | str, ...]) -> AdaptiveTable | SpreadTable:
        match key:
            case ("size",):
                self[key] = AdaptiveTable(prior([1] * self.sizes, self.sizes))
            case ("anisotropy",):
                self[key] = AdaptiveTable(prior(decay(208, 64), 16))
            case "turn", int(m):
                weights = [8192 + 2**20 // (min(i, m - i) ** 2 + 1 + 512 // m) for i in range(m)]
                self[key] = AdaptiveTable(prior(weights, 8 * m))
            case "residual", "Y" | "A":
                self[key] = AdaptiveTable(residual_prior(236, 16), smooth=True)
            case "residual", "U" | "V":
                self[key] = SpreadTable([0] * 98, 12)
            case "split", int(m), int(share):
                self[key] = AdaptiveTable(prior(split_weights(m, share), 64))
        return self[key]


@cache
def fixed_split_table(n: int, q: int) -> Cumulative:
    return table(split_weights(n, q))
