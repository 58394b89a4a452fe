"""priors.md: what tables start from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from operator import mul


def decay(r: int, n: int) -> list[int]:
    """d[0], d[1], ..., n numbers."""
    return list(accumulate(range(n - 1), lambda d, _: d * r // 256, initial=65536))


def prior(weights: Sequence[int], n: int) -> list[int]:
    total = sum(weights)
    return [1 + w * n * 256 // total for w in weights]


def residual_prior(r: int, n: int) -> list[int]:
    d = decay(r, 49)
    return prior([*d[:0:-1], *d, 256], n)


@cache
def partition_weights(n: int, q: int) -> list[int]:
    """W[0..n] of <Binary partition counts>."""
    first = list(accumulate((q + i for i in range(n)), mul, initial=1))
    second = list(accumulate((16 - q + i for i in range(n)), mul, initial=1))
    v = [math.comb(n, k) * first[k] * second[n - k] for k in range(n + 1)]
    total = sum(v)
    return [2**30 * vk // total for vk in v]
