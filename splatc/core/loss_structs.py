"""The structs of ``fit/loss.h`` and ``fit/metric.h`` as ctypes has them."""

from __future__ import annotations

import ctypes
from ctypes import c_float, c_int32, c_int64, c_void_p


class Loss(ctypes.Structure):
    """``core_loss``."""

    _fields_ = [
        ("loss", c_int32),
        ("channels", c_int32),
        ("width", c_int64),
        ("height", c_int64),
        ("stride", c_int64),
        ("samples", c_void_p),
        ("drawn", c_void_p),
        ("gradient", c_void_p),
        ("every", c_int32),
        ("first", c_int32),
        ("depth", c_int32),
        ("unit", c_float),
        ("workers", c_int32),
        ("unused", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
    ]


class Squares(ctypes.Structure):
    """``core_squares``."""

    _fields_ = [
        ("a", c_void_p),
        ("b", c_void_p),
        ("count", c_int64),
        ("sums", c_void_p),
        ("depth", c_int32),
        ("unused", c_int32),
    ]


class Similarity(ctypes.Structure):
    """``core_similarity``."""

    _fields_ = [
        ("a", c_void_p),
        ("b", c_void_p),
        ("width", c_int64),
        ("height", c_int64),
        ("channels", c_int32),
        ("channel", c_int32),
        ("depth", c_int32),
        ("workers", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
    ]


NUMBERS = {"loss": 30, "squares": 31, "similarity": 32}
"""Numbers for ``core_struct_bytes``."""

MIRRORS = {
    "loss": ctypes.sizeof(Loss),
    "squares": ctypes.sizeof(Squares),
    "similarity": ctypes.sizeof(Similarity),
}
