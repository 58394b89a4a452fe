"""How long a fit runs and what happens when: the presets behind ``--effort``, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Rates:
    """Adam's rates at the first step; all fall exponentially to ``final`` times that."""

    mean: float = 0.25
    """of the Gaussian's size g"""
    size: float = 0.1
    """of ln g"""
    ratio: float = 0.2
    """of ln(s1 / s2)"""
    angle: float = 0.1
    """rad"""
    colour: float = 0.02
    """of full range"""
    final: float = 0.02


@dataclass(frozen=True)
class Schedule:
    """The phases of a fit; all times are shares of ``steps``."""

    steps: int
    oversampling: float = 3.0
    """Gaussians seeded for each one that stays."""
    prune_from: float = 0.08
    prune_until: float = 0.4
    cuts: int = 10
    quantized: bool = True
    """False: floats to the end, without noise and freezing, as the papers fit."""
    noise_from: float = 0.1
    """From here on the parameters carry the noise of their quantization."""
    freeze_shape: tuple[float, float] = (0.5, 0.7)
    """From when to when size, ratio and angle take their final values."""
    freeze_mean: tuple[float, float] = (0.7, 0.85)
    freeze_colour: tuple[float, float] = (0.85, 1.0)
    stages: int = 10
    """In so many parts of equal size the Gaussians follow one another within each of these times."""
    rates: Rates = Rates()

    def cut_steps(self) -> list[int]:
        """The steps at which Gaussians are dropped."""
        span = (self.prune_until - self.prune_from) / max(1, self.cuts - 1)
        return [round((self.prune_from + k * span) * self.steps) for k in range(self.cuts)]

    def freezes(self) -> dict[int, tuple[tuple[str, ...], float]]:
        """By step, which attributes are rounded then, and of what share of the Gaussians from then on."""
        result: dict[int, tuple[tuple[str, ...], float]] = {}
        for names, (start, end) in (
            (("size", "ratio", "angle"), self.freeze_shape),
            (("mean",), self.freeze_mean),
            (("colour",), self.freeze_colour),
        ):
            for stage in range(1, self.stages + 1):
                time = start + (end - start) * stage / self.stages
                result[round(time * self.steps)] = (names, stage / self.stages)
        return result

    def trim_step(self) -> int:
        """When only colours are left to move, and the number of Gaussians can be made right."""
        return round(self.freeze_mean[1] * self.steps)


_STEPS = {1: 250, 2: 400, 3: 700, 4: 1200, 5: 2000, 6: 3500, 7: 6000, 8: 10000, 9: 20000}


def schedule(effort: int) -> Schedule:
    """The preset of an effort, 1 (fastest) to 9."""
    return replace(Schedule(steps=_STEPS[effort]))
