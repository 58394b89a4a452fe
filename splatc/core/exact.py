"""Functions whose results are the same bits on every processor, for whatever decides the bytes of a file.

NumPy computes exp, log, sin and cos by other instructions, to other last bits, on each generation of processors. These here are made of
+, -, *, / and comparisons alone, which IEEE 754 rounds in one way; relative errors are some 1e-15. The core has the same series.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_LN2 = math.log(2.0)
_ROOT_HALF = math.sqrt(0.5)


def exp2(x: NDArray[np.floating]) -> Doubles:
    """2^x of exponents from -1000 to 1000."""
    exponent = np.asarray(x, np.float64)
    whole = np.floor(exponent + 0.5)
    fraction = (exponent - whole) * _LN2
    power = np.ones_like(fraction)
    for n in range(13, 0, -1):
        power = 1.0 + power * fraction / n
    result: Doubles = np.ldexp(power, whole.astype(np.int32))
    return result


def log2(x: NDArray[np.floating]) -> Doubles:
    """The binary logarithm of positive numbers."""
    mantissa, exponent = np.frexp(np.asarray(x, np.float64))
    low = mantissa < _ROOT_HALF
    mantissa = np.where(low, 2.0 * mantissa, mantissa)  # from sqrt(1/2) to sqrt(2)
    t = (mantissa - 1.0) / (mantissa + 1.0)  # ln m = 2 artanh t
    square = t * t
    series = np.zeros_like(t)
    for n in range(23, 0, -2):
        series = 1.0 / n + series * square
    result: Doubles = (exponent - low) + 2.0 / _LN2 * t * series
    return result


def sine_and_cosine(angle: NDArray[np.floating]) -> tuple[Doubles, Doubles]:
    """Of angles in radians."""
    half_turns = np.asarray(angle, np.float64) / math.pi
    quarter = np.floor(2.0 * half_turns + 0.5)
    rest = (half_turns - 0.5 * quarter) * math.pi  # at most pi / 4
    square, sine, cosine = rest * rest, np.ones_like(rest), np.ones_like(rest)
    for n in range(16, 0, -2):
        sine = 1.0 - sine * square / (n * (n + 1))
        cosine = 1.0 - cosine * square / (n * (n - 1))
    sine = sine * rest
    which = quarter.astype(np.int64)
    odd, sign = (which & 1).astype(bool), np.where(which & 2, -1.0, 1.0)
    return sign * np.where(odd, cosine, sine), sign * np.where(odd, -sine, cosine)
