"""The steps of a file, as integers over 2^32 (spec/quantization.md, "Steps"); needs no NumPy, so that a header is read at once.

All steps are powers of 2^(1/8), given by an index k: step(k) = STEP8[k mod 8] * 2^(k div 8) / 2^32, about 2^(k/8 - 16).
They are integers, so that whatever the bitstream derives from them (predictions, the number of angles) is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from splatc.attributes import Attribute, QuantizerFields

STEP8 = (65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194)
"""round(2^16 * 2^(j/8)) for j = 0..7."""
MAX_STEP_INDEX = 191
MAX_BINS = 32
"""Per octave of the log scale."""
MAX_LOG_ASPECT = 4
"""Largest ln(s1 / s2): whatever a file says, renderers never meet needles thinner than 1 : 55."""


@dataclass(frozen=True)
class Quantizer(QuantizerFields):
    """The steps of a file; each field is a header field."""

    def finer(self, delta: int) -> Quantizer:
        """All steps times 2^(delta / 8)."""
        changed = {
            each.name: getattr(self, each.name) + delta for each in fields(self) if each.metadata["kind"] == "step"
        }
        bins = [each.name for each in fields(self) if each.metadata["kind"] == "bins"]
        changed |= {name: min(max(round(getattr(self, name) * 2.0 ** (-delta / 8)), 1), MAX_BINS) for name in bins}
        return replace(self, **changed)

    def level_step(self, attribute: Attribute, level: int) -> int:
        """Of an attribute whose fields are a step and a slope."""
        step, slope = attribute.steps
        return step_q32(getattr(self, step) + getattr(self, slope) * level)

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
