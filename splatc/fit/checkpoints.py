"""Gaussians in and out of files of other programs: NumPy archives, and checkpoints of GaussianImage.

GaussianImage (Zhang et al., ECCV 2024; github.com/Xinjie-Q/GaussianImage) saves the state dict of its model: ``_xyz``, the mean
as atanh of -1..1 over the picture, ``_features_dc``, the colour, and either ``_cholesky`` (l11, l21, l22, less 0.5, 0 and 0.5; the
covariance is L L^T in px^2) or ``_scaling`` (less 0.5, px) and ``_rotation`` (of its sigmoid over 0..2 pi). Its pixel centres lie
at whole numbers, ours at +0.5. It blends by sum, without a window: exp(-q/2) down to 1/255.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatc.attributes import FLOATS
from splatc.errors import InputError, UsageError
from splatc.gaussians import Gaussians, checked
from splatc.runtime import arguments
from splatc.runtime.arguments import Number
from splatc.runtime.files import atomic_output, named, read_input

_CHECKPOINTS = (".pth", ".pt", ".tar")  # GaussianImage calls its own gaussian_model.pth.tar
_EXPECTED = "expected .npz, .splat2d, or a checkpoint of GaussianImage (.pth, .pt, .pth.tar)"
_MAX_BYTES = 1 << 32
_CHOLESKY_BOUND = np.array([0.5, 0.0, 0.5])
_SMALLEST = 1e-3
"""px: what a covariance without area is widened to."""

Doubles = NDArray[np.float64]


def load_gaussians(
    path: str | os.PathLike[str], *, width: Number | None = None, height: Number | None = None
) -> Gaussians:
    """Load Gaussians from a NumPy archive, a ``.splat2d`` file or a checkpoint of GaussianImage.

    A checkpoint is read without running code from it (``weights_only`` of PyTorch). Its Gaussians are for the sum
    blend.

    Args:
        path: a file with the extension .npz (of `save_gaussians`), .splat2d, .pth, .pt or .tar.
        width: of the picture, px, 1 or more; needed with a checkpoint, which does not know it.
        height: of the picture, px, likewise.

    Returns:
        The Gaussians, finite and with s1 >= s2 > 0.

    Raises:
        InputError: the file is missing, damaged or of another kind.
        UsageError: the extension is another one, the size of the picture is missing, or a checkpoint needs PyTorch
            (``"splatc[train]"``).
        CorruptFileError: the ``.splat2d`` file is damaged.
        UnsupportedFileError: the ``.splat2d`` file is of another version of the format.
        LimitError: the ``.splat2d`` file exceeds a limit.
        CoreError: the compiled core is missing or cannot run here.

    Source:
        Zhang et al., "GaussianImage", ECCV 2024; github.com/Xinjie-Q/GaussianImage.

    >>> import os, tempfile
    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "one.npz")
    ...     splatc.save_gaussians(path, one)
    ...     splatc.load_gaussians(path).mean.tolist()
    [[8.0, 6.0]]
    """
    path = arguments.path("path", path)
    size = _size(width, height)
    extension = PurePath(path).suffix.lower()
    if extension not in (".npz", ".splat2d", *_CHECKPOINTS):
        raise UsageError(f"{path}: {_EXPECTED}")
    if extension in _CHECKPOINTS and size is None:
        raise UsageError(f"{path}: a checkpoint does not know the size of its picture: give width and height")
    data = read_input(path, limit=_MAX_BYTES)
    with named(path):
        if extension == ".splat2d":
            return _from_splat2d(data)
        checkpoint = extension in _CHECKPOINTS
        gaussians = from_state_dict(_load_state_dict(data), *size) if size and checkpoint else _from_npz(data)
        try:
            return checked("gaussians", gaussians)
        except UsageError as error:
            raise InputError(str(error)) from error


def save_gaussians(
    path: str | os.PathLike[str],
    gaussians: Gaussians,
    *,
    width: Number | None = None,
    height: Number | None = None,
    force: bool = False,
) -> None:
    """Save Gaussians as a NumPy archive or as a checkpoint of GaussianImage.

    The file appears whole or not at all. An archive has the float32 arrays ``mean``, ``scale``, ``angle`` and
    ``colour``. In a checkpoint means outside of the picture move to its border.

    Args:
        path: a file with the extension .npz, or .pth, .pt or .tar for a checkpoint.
        gaussians: the N Gaussians that are saved; with RGB colours for a checkpoint.
        width: of the picture, px, 1 or more; needed for a checkpoint.
        height: of the picture, px, likewise.
        force: replace an existing file.

    Raises:
        UsageError: the extension is another one, the file exists, the size of the picture is missing, the Gaussians
            are not sound, or a checkpoint needs PyTorch (``"splatc[train]"``).
        OutputError: the file cannot be written.

    Source:
        Zhang et al., "GaussianImage", ECCV 2024; github.com/Xinjie-Q/GaussianImage.

    >>> import os, tempfile
    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "one.npz")
    ...     splatc.save_gaussians(path, one)
    ...     sorted(np.load(path))
    ['angle', 'colour', 'mean', 'scale']
    """
    path = arguments.path("path", path)
    size, force = _size(width, height), arguments.flag("force", force)
    extension = PurePath(path).suffix.lower()
    gaussians = checked("gaussians", gaussians)
    if extension == ".npz":
        with atomic_output(path, force=force) as stream:
            np.savez(stream, **{name: getattr(gaussians, name) for name in FLOATS})
        return
    if extension not in _CHECKPOINTS:
        raise UsageError(f"{path}: {_EXPECTED.replace('.splat2d, ', '')}; encode_gaussians makes .splat2d files")
    if size is None:
        raise UsageError(f"{path}: a checkpoint holds positions relative to its picture: give width and height")
    if gaussians.colour.shape[1] != 3:
        raise UsageError(
            f"{path}: GaussianImage has RGB only, these Gaussians have {gaussians.colour.shape[1]} channels"
        )

    with named(path):
        torch = _torch()
    state = {
        name: torch.from_numpy(np.ascontiguousarray(value, np.float32))
        for name, value in to_state_dict(gaussians, *size).items()
    }
    with atomic_output(path, force=force) as stream:
        torch.save(state, stream)


def _size(width: object, height: object) -> tuple[int, int] | None:
    """Both sides of a picture, px; None if one is not given. Raises UsageError."""
    sides = [
        None if side is None else arguments.whole(name, side, otherwise="None")
        for name, side in (("width", width), ("height", height))
    ]
    return None if sides[0] is None or sides[1] is None else (sides[0], sides[1])


def from_state_dict(state: Mapping[str, Any], width: int, height: int) -> Gaussians:
    """The Gaussians of a GaussianImage model, as arrays by name. Raises InputError if one is missing or of another shape."""
    mean = 0.5 * (np.tanh(_array(state, "_xyz", 2)) + 1.0) * [width, height] + 0.5
    colour = _array(state, "_features_dc", 3)
    if "_opacity" in state:
        colour = colour * _array(state, "_opacity", 1)
    if "_cholesky" in state:
        l11, l21, l22 = (_array(state, "_cholesky", 3) + _CHOLESKY_BOUND).T
        covariance = np.stack([l11 * l11, l11 * l21, l21 * l21 + l22 * l22], axis=1)
    else:
        scale = np.abs(_array(state, "_scaling", 2) + 0.5)
        angle = 2.0 * math.pi / (1.0 + np.exp(-_array(state, "_rotation", 1)[:, 0]))
        covariance = _covariance(scale, angle)
    if not len(mean) == len(colour) == len(covariance):
        raise InputError("the checkpoint's arrays differ in length: it is damaged, or of another model")
    scales, angle = _axes(covariance)
    return Gaussians(*(np.ascontiguousarray(each, np.float32) for each in (mean, scales, angle, colour)))


def to_state_dict(gaussians: Gaussians, width: int, height: int) -> dict[str, Doubles]:
    """What GaussianImage_Cholesky's ``state_dict`` holds for these Gaussians."""
    inside = (gaussians.mean.astype(np.float64) - 0.5) / [width, height] * 2.0 - 1.0
    sxx, sxy, _ = _covariance(gaussians.scale.astype(np.float64), gaussians.angle.astype(np.float64)).T
    l11 = np.sqrt(sxx)
    l22 = gaussians.scale.astype(np.float64).prod(axis=1) / l11  # the determinant of L is s1 s2
    return {
        "_xyz": np.arctanh(np.clip(inside, -1 + 1e-6, 1 - 1e-6)),
        "_cholesky": np.stack([l11, sxy / l11, l22], axis=1) - _CHOLESKY_BOUND,
        "_opacity": np.ones((len(gaussians), 1)),
        "_features_dc": gaussians.colour.astype(np.float64),
        "background": np.ones(3),
        "bound": np.full((1, 2), 0.5),
        "cholesky_bound": _CHOLESKY_BOUND[np.newaxis],
    }


def _covariance(scale: Doubles, angle: Doubles) -> Doubles:
    """(N, 3) Sigma_xx, Sigma_xy, Sigma_yy."""
    c, s = np.cos(angle), np.sin(angle)
    a, b = scale[:, 0] ** 2, scale[:, 1] ** 2
    return np.stack([a * c * c + b * s * s, (a - b) * c * s, a * s * s + b * c * c], axis=1)


def _axes(covariance: Doubles) -> tuple[Doubles, Doubles]:
    """(N, 2) scales s1 >= s2 and (N,) the angle of the long axis in [0, pi)."""
    sxx, sxy, syy = covariance.T
    middle, radius = 0.5 * (sxx + syy), np.hypot(0.5 * (sxx - syy), sxy)
    variances = np.stack([middle + radius, middle - radius], axis=1)
    angle = 0.5 * np.arctan2(2.0 * sxy, sxx - syy) % math.pi
    return np.sqrt(np.maximum(variances, _SMALLEST**2)), angle


def _array(state: Mapping[str, Any], name: str, columns: int) -> Doubles:
    """(N, columns) one entry of a state dict."""
    if name not in state:
        raise InputError(f"the checkpoint has no {name}: expected the state dict of a GaussianImage model")
    try:
        values = np.asarray(state[name], np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # a sparse tensor, or one without memory
        raise InputError(f"{name} of the checkpoint is no plain array: {error}") from error
    if values.ndim != 2 or values.shape[1] != columns:
        raise InputError(f"{name} of the checkpoint has shape {values.shape}: expected (N, {columns})")
    return values


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise UsageError('a checkpoint needs PyTorch: pip install "splatc[train]"') from error
    return torch


def _load_state_dict(data: bytes) -> Mapping[str, Any]:
    torch = _torch()
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler met
        raise InputError(
            f"not a checkpoint that can be read without running its code: {str(error).splitlines()[0]}"
        ) from error
    if not isinstance(state, Mapping):
        raise InputError("the checkpoint is no state dict: expected that of a GaussianImage model")
    tensors = {str(name): value.detach() for name, value in state.items() if isinstance(value, torch.Tensor)}
    # NumPy has no bfloat16.
    return {name: value.double() if value.is_floating_point() else value for name, value in tensors.items()}


def _from_npz(data: bytes) -> Gaussians:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return Gaussians(**{name: np.ascontiguousarray(archive[name], np.float32) for name in FLOATS})
    except KeyError as error:
        raise InputError(f"the archive lacks an array: expected {', '.join(FLOATS)}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:  # AttributeError: an .npy file
        raise InputError(f"not a .npz archive of Gaussians: {error}") from error


def _from_splat2d(data: bytes) -> Gaussians:
    from splatc import bitstream
    from splatc.quantize import dequantize

    header, quantized = bitstream.decode(data)
    return dequantize(header.quantizer, quantized)
