"""The vocabulary of the whole package: a set of 2D Gaussians and the picture that they make.

Picture model (spec/, "Picture model"): Gaussian i has a mean mu (px; x to the right, y down, pixel centres at +0.5), scales
s1 >= s2 (px), an angle theta (rad) of its long axis and a colour c. With Sigma = R(theta) diag(s1^2, s2^2) R(theta)^T and
q(p) = (p - mu)^T Sigma^-1 (p - mu), its weight at p is w(p) = max(0, exp(-q/2) - exp(-Q_MAX/2)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatc.attributes import FLOATS
from splatc.blend import Blend
from splatc.errors import UsageError, reason_of
from splatc.runtime import arguments

FloatArray = NDArray[np.float32]

Q_MAX = 12.25
"""Squared Mahalanobis radius beyond which a Gaussian weighs nothing (3.5 standard deviations)."""

CUTOFF = math.exp(-0.5 * Q_MAX)
"""What is subtracted from every weight, so that it falls to zero continuously at Q_MAX."""

EPSILON = 1e-4
"""Weight of the background in the normalized blend."""


@dataclass(frozen=True)
class Gaussians:
    """N anisotropic 2D Gaussians, as arrays of float32.

    A pixel takes a weight w(p) = max(0, exp(-q/2) - exp(-Q_MAX/2)) of each, with q the squared Mahalanobis distance
    of p from the mean.

    Source:
        spec/picture.md, "Picture model".

    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> len(one), one.colour.shape
    (1, (1, 3))
    """

    mean: FloatArray
    """(N, 2) x and y, px."""
    scale: FloatArray
    """(N, 2) standard deviations s1 >= s2 > 0, px."""
    angle: FloatArray
    """(N,) direction of the long axis, rad, in [0, pi), from +x towards +y."""
    colour: FloatArray
    """(N, C) nominally in [0, 1]; C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""

    def __len__(self) -> int:
        return len(self.angle)


@dataclass(frozen=True)
class Scene:
    """Gaussians on a canvas: all that a renderer needs."""

    width: int
    """px."""
    height: int
    """px."""
    blend: Blend
    """How Gaussians make a pixel."""
    background: FloatArray
    """(C,) the colour where no Gaussian reaches (normalized blend), in [0, 1]."""
    gaussians: Gaussians
    """N of them, with C channels."""

    @property
    def channels(self) -> int:
        """C, the samples of a pixel: 1 to 4."""
        return len(self.background)


def checked(name: str, value: object) -> Gaussians:
    """Gaussians whose shapes agree, all finite, s1 >= s2 > 0, as contiguous arrays of float32 of this machine's byte order."""
    if not all(hasattr(value, each) for each in FLOATS):
        arguments.fail(name, value, "an object of splatc.Gaussians")
    given = {each: getattr(value, each) for each in FLOATS}
    arrays: dict[str, Any] = {}
    for each, array in given.items():
        try:
            arrays[each] = np.asarray(None if isinstance(array, bytes | bytearray) else array)
        except Exception as error:  # of whatever library the array is
            raise UsageError(
                f"{name}.{each}={arguments.shown(array)}: expected an array: {reason_of(error)}"
            ) from error
        if arrays[each].dtype.kind not in "fiu":
            raise UsageError(
                f"{name}.{each} is an array of {arrays[each].dtype}: expected float32: array.astype(numpy.float32)"
            )
    count = len(arrays["angle"]) if arrays["angle"].ndim == 1 else -1
    expected = [
        ("mean", [(count, 2)]),
        ("scale", [(count, 2)]),
        ("colour", [(count, channels) for channels in (1, 2, 3, 4)]),
    ]
    if count < 0 or any(arrays[each].shape not in shapes for each, shapes in expected):
        raise UsageError(
            f"Gaussians of shapes {', '.join(f'{each} {array.shape}' for each, array in arrays.items())}: "
            "expected mean (N, 2), scale (N, 2), angle (N,), colour (N, 1 to 4)"
        )
    with np.errstate(over="ignore"):  # what becomes infinite is refused below
        arrays = {each: np.ascontiguousarray(array, np.float32) for each, array in arrays.items()}
    for each, array in arrays.items():
        if not np.isfinite(array).all():
            raise UsageError(f"the Gaussians have a {each} that is not finite")
    scale = arrays["scale"]
    if (scale[:, 1] <= 0).any() or (scale[:, 0] < scale[:, 1]).any():
        raise UsageError("the Gaussians have scales out of order: expected s1 >= s2 > 0")
    return Gaussians(**arrays)
