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
    freeze_shape: float = 0.6
    """Size, ratio and angle take their final values."""
    freeze_mean: float = 0.8
    """The mean takes its final value; the colours stay free to the end."""
    rates: Rates = Rates()

    def cut_steps(self) -> list[int]:
        """The steps at which Gaussians are dropped."""
        span = (self.prune_until - self.prune_from) / max(1, self.cuts - 1)
        return [round((self.prune_from + k * span) * self.steps) for k in range(self.cuts)]


_STEPS = {1: 200, 2: 350, 3: 600, 4: 1000, 5: 1600, 6: 3000, 7: 5000, 8: 8000, 9: 14000}


def schedule(effort: int) -> Schedule:
    """The preset of an effort, 1 (fastest) to 9."""
    return replace(Schedule(steps=_STEPS[effort]))
