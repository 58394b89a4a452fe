"""How often the rate control asks the encoder."""

from __future__ import annotations

import pytest

from splatc.encoder.rate_control import RateControl
from splatc.quantize import QuantizedGaussians


def counting(rate: RateControl, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of Gaussians of each file that it measures from now on."""
    packs: list[int] = []
    measure = rate.measure

    def count(quantized: QuantizedGaussians) -> int:
        packs.append(len(quantized))
        return measure(quantized)

    monkeypatch.setattr(rate, "measure", count)
    return packs
