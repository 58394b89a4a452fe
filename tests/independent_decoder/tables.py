"""priors.md and attributes.md: the tables of a section, each made from its prior when it is first asked for."""

from __future__ import annotations

from functools import cache

from tests.independent_decoder.coder import AdaptiveTable, Cumulative, ParametricModel, table
from tests.independent_decoder.priors import decay, partition_weights, prior, residual_prior


class Tables(dict[tuple[int | str, ...], AdaptiveTable | ParametricModel]):
    """The adaptive tables and parametric models in use, each made when first asked for; attributes.md says which there are."""

    def __init__(self, log_scales: int) -> None:
        super().__init__()
        self.log_scales = log_scales

    def next_level(self) -> None:
        """Context inheritance of the tables that each level has for itself."""
        for key in self:
            if key[0] in ("log_scale", "aspect", "residual"):
                self[key] = self[key].inherited()

    def __missing__(self, key: tuple[int | str, ...]) -> AdaptiveTable | ParametricModel:
        match key:
            case ("log_scale",):
                self[key] = AdaptiveTable(prior([1] * self.log_scales, self.log_scales))
            case ("aspect",):
                self[key] = AdaptiveTable(prior(decay(208, 64), 16))
            case "angle", int(m):
                weights = [8192 + 2**20 // (min(i, m - i) ** 2 + 1 + 512 // m) for i in range(m)]
                self[key] = AdaptiveTable(prior(weights, 8 * m))
            case "residual", "Y" | "A":
                self[key] = AdaptiveTable(residual_prior(236, 16), smooth=True)
            case "residual", "U" | "V":
                self[key] = ParametricModel([0] * 98, 12)
            case "partition", int(m), int(fraction):
                self[key] = AdaptiveTable(prior(partition_weights(m, fraction), 64))
        return self[key]


@cache
def fixed_partition_table(n: int, q: int) -> Cumulative:
    return table(partition_weights(n, q))
