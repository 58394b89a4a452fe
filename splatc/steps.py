"""The steps of a file, as integers over 2^32 (spec/quantization.md, "Steps"); needs no NumPy, so that a header is read at once.

All steps are powers of 2^(1/8), given by an index k: step(k) = STEP8[k mod 8] * 2^(k div 8) / 2^32, about 2^(k/8 - 16).
They are integers, so that whatever the bitstream derives from them (predictions, the number of angles) is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

STEP8 = (65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194)
"""round(2^16 * 2^(j/8)) for j = 0..7."""
MAX_STEP_INDEX = 191
MAX_LEVELS = 16
MAX_LOG_ASPECT = 4
"""Largest ln(s1 / s2): whatever a file says, renderers never meet needles thinner than 1 : 55."""


@dataclass(frozen=True)
class Quantizer:
    """The steps of a file; each field is a header field."""

    position: int = 121
    """Step index of the mean at level 0 (px): 2^(121/8 - 16) = 0.55 px; a part of that across long Gaussians."""
    position_slope: int = 5
    """Added to it per level."""
    log_scales: int = 5
    """Bins per octave of the scale g, 1..32."""
    aspect: int = 114
    """Step index of ln(s1 / s2): 0.30."""
    angle: int = 104
    """Step index of the angle (rad, for sinh(ln(s1 / s2)) = 1) at level 0: 0.125."""
    angle_slope: int = 1
    luma: int = 98
    """Step index of luma at level 0, in units of full range: 0.074; 0.026 at level 2."""
    chroma: int = 100
    colour_slope: int = -6

    def finer(self, delta: int) -> Quantizer:
        """All steps times 2^(delta / 8)."""
        return Quantizer(
            position=self.position + delta,
            position_slope=self.position_slope,
            log_scales=min(max(round(self.log_scales * 2.0 ** (-delta / 8)), 1), 32),
            aspect=self.aspect + delta,
            angle=self.angle + delta,
            angle_slope=self.angle_slope,
            luma=self.luma + delta,
            chroma=self.chroma + delta,
            colour_slope=self.colour_slope,
        )

    def position_step(self, level: int) -> int:
        return step_q32(self.position + self.position_slope * level)

    def angle_step(self, level: int) -> int:
        return step_q32(self.angle + self.angle_slope * level)

    def luma_step(self, level: int) -> int:
        """Also the step of gray and alpha."""
        return step_q32(self.luma + self.colour_slope * level)

    def chroma_step(self, level: int) -> int:
        return step_q32(self.chroma + self.colour_slope * level)

    def colour_steps(self, level: int, channels: int) -> tuple[int, ...]:
        """The step of each coded channel, over 2^32: Y | Y A | Y U V | Y U V A."""
        luma, chroma = self.luma_step(level), self.chroma_step(level)
        return {1: (luma,), 2: (luma, luma), 3: (luma, chroma, chroma), 4: (luma, chroma, chroma, luma)}[channels]

    def log_aspect_q16(self, aspect: int) -> int:
        """ln(s1 / s2) over 2^16 of an aspect index."""
        return min((aspect * step_q32(self.aspect)) >> 16, MAX_LOG_ASPECT << 16)


def step_q32(index: int) -> int:
    """The step of an index, over 2^32; the index is clamped to 0..MAX_STEP_INDEX."""
    index = min(max(int(index), 0), MAX_STEP_INDEX)
    return STEP8[index & 7] << (index >> 3)


def grid_shape(width: int, height: int, step: int) -> tuple[int, int]:
    """Cells of the position grid in x and y: ceil(width / step), ceil(height / step), step over 2^32."""
    return -(-(width << 32) // step), -(-(height << 32) // step)
