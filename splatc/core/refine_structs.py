"""The struct of ``fit/refine.h``, mirrored for ctypes."""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_float, c_int32, c_int64, c_void_p


class Refinement(ctypes.Structure):
    """``core_refinement``."""

    _fields_ = [
        *((name, c_void_p) for name in ("network", "pixels", "latents", "costs", "kernels", "products", "gains")),
        *((name, c_int64) for name in ("width", "height", "column", "row")),
        *((name, c_int32) for name in ("channels", "most", "q", "only_measured")),
        ("worth", c_float),
        ("unused", c_int32),
        ("error", c_double),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
    ]


NUMBERS = {"refinement": 60}
MIRRORS = {"refinement": ctypes.sizeof(Refinement)}
