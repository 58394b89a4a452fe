"""How many Gaussians a file of a given size may hold, asked of the real encoder while the fit goes on; in the end, the file itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from splatc import bitstream
from splatc.bitstream import Header, Metadata
from splatc.bitstream.predict import predicted_colours
from splatc.errors import UsageError
from splatc.gaussians import FloatArray, Gaussians
from splatc.quantize import QuantizedGaussians, empty_gaussians, quantize
from splatc.steps import Quantizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from splatc.fit.trainer import Moment

FIRST_GUESS = 36.0
"""Bits per Gaussian, before there is anything to encode."""
MANY = 10_000
"""Gaussians whose packing takes so long that it is not done at every pruning."""
FEW_LESS = 0.7
"""As long as more than this share of them is left."""
FAR_TOO_MANY = 1.3
"""Times the Gaussians that the file can hold: later prunings will pack again."""
SAMPLED = 30_000
"""Gaussians that are packed in place of all, in squares all over the picture, where a GPU waits for it."""
SAMPLES_COST = 1.02
"""What each costs there over what it costs among all: it has fewer neighbours. A third of 115 000 seeds with random shapes and colours."""
MARGIN = 1.01
"""Pruning aims this far above the target, because the Gaussians become cheaper to code as the fit goes on; the rest is trimmed."""

ENOUGH, ENOUGH_HURRIED = 0.0003, 0.01
"""Of the target, what the trim may leave; where a GPU has waited long enough, the second."""
AIM = 0.998
"""Of what seems to fit: to be a little below the target ends the search, to be above does not."""
LINEAR = 6
"""Packings after which the trim halves what is left."""


@dataclass(frozen=True)
class Target:
    """What the file must not exceed: a number of bytes, or of Gaussians."""

    kind: Literal["bytes", "count"]
    value: int


class RateControl:
    """The target, and the measured bits of Gaussians in a file."""

    def __init__(self, header: Header, target: Target, metadata: Metadata, *, hurried: bool = False) -> None:
        self.hurried = hurried
        """Packs fewer Gaussians than MANY, too, only where the number matters."""
        self.header = header
        self.metadata = metadata
        self._packed: tuple[Quantizer, int, float] | None = None
        """Steps, number and bits of the Gaussians that were packed last."""
        self.target = target
        empty = empty_gaussians(header.channels)
        self.overhead = len(self.pack(empty))
        if target.kind == "bytes" and target.value <= self.overhead:
            bare = len(bitstream.encode(header, empty))
            if bare < target.value:
                raise UsageError(
                    f"no file of {target.value} bytes can hold this picture with its colour profile, EXIF and XMP, which take "
                    f"{self.overhead - bare} bytes: leave them out (--strip), or allow more than {self.overhead} bytes"
                )
            ratio = header.cr_denominator / (self.overhead + 8)
            raise UsageError(
                f"no file of {target.value} bytes can hold this picture: an empty one takes {self.overhead}; "
                f"the highest ratio is about {int(ratio) if ratio >= 1.0 else f'{ratio:.2g}'}"
            )

    def first_count(self) -> int:
        """How many Gaussians the file will hold, before anything is known of them."""
        if self.target.kind == "count":
            return self.target.value
        return max(1, int((self.target.value - self.overhead) * 8 / FIRST_GUESS))

    def budget(self, moment: Moment) -> int:
        """How many Gaussians like these the file may hold, with a little to spare for the trim."""
        gaussians = moment.gaussians
        self.header = replace(self.header, quantizer=moment.quantizer)
        if self.target.kind == "count":
            return self.target.value
        now = len(gaussians)
        bits_now = self._bits_each(gaussians)
        available = MARGIN * 8 * (self.target.value - self.overhead)
        count = available / bits_now
        for _ in range(4):
            # The fewer there are in the same area, the more each position costs: log2(area / count).
            count = available / max(1.0, bits_now + math.log2(now / count))
        return max(1, round(count))

    def predict(self, gaussians: Gaussians, quantizer: Quantizer) -> FloatArray:
        """(N, C) the colours, in the coded space, that the file predicts from neighbours."""
        quantized = quantize_for(replace(self.header, quantizer=quantizer), gaussians)
        return predicted_colours(quantizer, quantized, self.header.width, self.header.height)

    def _bits_each(self, gaussians: Gaussians) -> float:
        """Bits per Gaussian in a real file; of many Gaussians, what was found when there were a few more will do."""
        now = len(gaussians)
        if self._packed is not None and (self.hurried or now > MANY):
            quantizer, count, bits = self._packed
            if quantizer == self.header.quantizer and count * FEW_LESS < now <= count:
                bits += math.log2(count / now)
                far = now * bits > FAR_TOO_MANY * 8 * (self.target.value - self.overhead)
                if far or (self.hurried and now > MANY):
                    return bits
        some = gaussians
        if self.hurried and now > 2 * SAMPLED:
            some = in_squares(gaussians, self.header.width, self.header.height, SAMPLED)
        bits = 8 * (self.measure(quantize_for(self.header, some)) - self.overhead) / len(some)
        bits /= 1.0 if some is gaussians else SAMPLES_COST
        self._packed = (self.header.quantizer, now, bits)
        return bits

    def pack(self, quantized: QuantizedGaussians) -> bytes:
        """The file with these Gaussians."""
        return bitstream.encode(self.header, quantized, self.metadata)

    def measure(self, quantized: QuantizedGaussians) -> int:
        """Bytes of that file."""
        return bitstream.measure(self.header, quantized, self.metadata)

    def trim(self, quantized: QuantizedGaussians, cost: FloatArray) -> bytes:
        """The file with as many Gaussians as fit, those of highest pruning cost first."""
        ranking = np.argsort(-cost, kind="stable")
        if self.target.kind == "count":
            return self.pack(quantized.take(ranking[: self.target.value]))
        kept = quantized.take(ranking[: self.most(quantized, ranking)])
        while (
            len(data := self.pack(kept)) > self.target.value
        ):  # pragma: no cover - once in 10^9: measured, it had fitted
            kept = quantized.take(ranking[: len(kept) - 1])
        return data

    def most(self, quantized: QuantizedGaussians, ranking: NDArray[np.int64]) -> int:
        """How many Gaussians fit into the file, in this order; of several numbers one that uses the target nearly as well as the most."""
        low, spare = 0, float(self.target.value - self.overhead)
        high = len(ranking)
        excess = float(self.measure(quantized) - self.target.value)
        if excess <= 0.0:
            return high
        enough = (ENOUGH_HURRIED if self.hurried else ENOUGH) * self.target.value
        look = 0
        while high - low > 1 and (low == 0 or spare > enough):
            # Between what fits and what does not bytes are nearly proportional; where they are not, halving ends it.
            share = AIM * spare / (spare + excess) if look < LINEAR else 0.5
            tried = min(max(low + int(share * (high - low)), low + 1), high - 1)
            size = self.measure(quantized.take(ranking[:tried]))
            if size <= self.target.value:
                low, spare = tried, float(self.target.value - size)
            else:
                high, excess = tried, float(size - self.target.value)
            look += 1
        return low


def in_squares(gaussians: Gaussians, width: int, height: int, count: int) -> Gaussians:
    """Some ``count`` of the Gaussians, or more: all that lie in some squares, which are spread over the picture."""
    period = max(1, len(gaussians) // count)
    x, y = (
        np.floor(gaussians.mean[:, axis] * (16 / side)).astype(np.int64) for axis, side in ((0, width), (1, height))
    )
    chosen = np.flatnonzero((x + 7 * y) % period == 0)
    if len(chosen) < count // 2:  # they lie too unevenly
        return gaussians
    return Gaussians(*(part[chosen] for part in vars(gaussians).values()))


def quantize_for(header: Header, gaussians: Gaussians) -> QuantizedGaussians:
    """The integers of Gaussians in a file with this header."""
    return quantize(header.quantizer, gaussians, header.width, header.height)
