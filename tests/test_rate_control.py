"""The control of a file's size: the trim uses what the target allows, and asks the encoder a few times, not once a Gaussian."""

from __future__ import annotations

import numpy as np
import pytest

from splatc.bitstream import Header, Metadata
from splatc.encoder.rate_control import RateControl, Target, quantize_for
from splatc.quantize import QuantizedGaussians
from tests.packings import counting
from tests.scenes import random_gaussians

HEADER = Header(200, 100, channels=3, background=(0, 0, 0))


def quantized(count: int, seed: int = 0) -> QuantizedGaussians:
    return quantize_for(HEADER, random_gaussians(np.random.default_rng(seed), count, HEADER.width, HEADER.height))


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.parametrize("size", [60, 100, 400, 1500])
def test_a_file_far_too_large_is_trimmed_in_a_few_looks(
    size: int, hurried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = RateControl(HEADER, Target("bytes", size), Metadata(), hurried=hurried)
    looks = counting(rate, monkeypatch)
    gaussians = quantized(400)
    data = rate.trim(gaussians, np.arange(400, dtype=np.float32))
    assert len(data) <= size
    assert len(data) >= (0.99 if hurried else 0.999) * size - 10  # or one Gaussian less than would be too many
    assert len(looks) <= 14
    assert all(0 < count <= 400 for count in looks)


def test_all_stay_where_all_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = RateControl(HEADER, Target("bytes", 100_000), Metadata())
    looks = counting(rate, monkeypatch)
    gaussians = quantized(400)
    assert rate.trim(gaussians, np.ones(400, np.float32)) == rate.pack(gaussians)
    assert looks == [400]


def test_where_bytes_are_far_from_proportional_halving_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = RateControl(HEADER, Target("bytes", 1000), Metadata())
    ranking = np.arange(100_000)
    looks: list[int] = []

    def measure(gaussians: QuantizedGaussians) -> int:
        looks.append(len(gaussians))
        return rate.overhead + (1 if len(gaussians) < 70_000 else 10**9)

    monkeypatch.setattr(rate, "measure", measure)
    assert rate.most(quantized(1).take(np.zeros(100_000, np.int64)), ranking) == 69_999
    assert len(looks) < 30
