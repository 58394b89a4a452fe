"""The struct of ``fit/rdo.h`` as ctypes has it."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_int64, c_void_p


class Rdo(ctypes.Structure):
    """``core_rdo``."""

    _fields_ = [
        *((name, c_int64) for name in ("count", "choices")),
        *((name, c_void_p) for name in ("choice", "price", "order")),
        *((name, c_int64) for name in ("width", "height", "stride")),
        *((name, c_int32) for name in ("channels", "unused")),
        *((name, c_void_p) for name in ("sums", "target", "chosen", "cost")),
    ]


NUMBERS = {"rdo": 61}
"""Numbers of the structs for ``core_struct_bytes``."""
MIRRORS = {"rdo": ctypes.sizeof(Rdo)}
"""Bytes of those that stand here."""
