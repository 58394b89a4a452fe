"""The structs of ``fit/seed.h`` as ctypes has them."""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_float, c_int32, c_int64, c_uint64, c_void_p

_PIXELS: list[tuple[str, type[c_void_p] | type[c_int64] | type[c_int32]]] = [
    ("pixels", c_void_p), ("width", c_int64), ("height", c_int64), ("channels", c_int32), ("sample_bytes", c_int32)
]  # fmt: skip


class Sum(ctypes.Structure):
    """``core_sum``."""

    _fields_ = [*_PIXELS, ("sums", c_void_p)]


class Reduce(ctypes.Structure):
    """``core_reduce``."""

    _fields_ = [*_PIXELS, ("reduction", c_int64), ("means", c_void_p), ("unit", c_float), ("unused", c_int32)]


class Split(ctypes.Structure):
    """``core_split``."""

    _fields_ = [*_PIXELS, ("reduction", c_int64), ("rows", c_int64), ("stride", c_int64), ("subsets", c_void_p)]


class Features(ctypes.Structure):
    """``core_features``."""

    _fields_ = [
        ("image", c_void_p),
        *((name, c_int64) for name in ("width", "height", "x0", "y0", "x1", "y1")),
        ("channels", c_int32),
        *((name, c_float) for name in ("gradient_share", "variance_share", "floor")),
        *((name, c_void_p) for name in ("statistics", "weight", "arrival")),
        ("seed", c_uint64),
    ]


class Colours(ctypes.Structure):
    """``core_colours``."""

    _fields_ = [
        ("image", c_void_p),
        *((name, c_int64) for name in ("width", "height", "count")),
        ("channels", c_int32),
        ("unused", c_int32),
        *((name, c_void_p) for name in ("mean", "scale", "colour")),
    ]


class Nearest(ctypes.Structure):
    """``core_nearest``."""

    _fields_ = [
        ("tree", c_void_p),
        ("tree_points", c_int64),
        ("points", c_void_p),
        ("count", c_int64),
        ("neighbours", c_int32),
        ("unused", c_int32),
        ("distance", c_void_p),
    ]


class Apart(ctypes.Structure):
    """``core_apart``."""

    _fields_ = [
        ("points", c_void_p),
        ("candidates", c_void_p),
        ("point_count", c_int64),
        ("candidate_count", c_int64),
        *((name, c_double) for name in ("width", "height", "radius")),
        ("columns", c_int64),
        ("rows", c_int64),
        *((name, c_void_p) for name in ("heads", "links", "accepted")),
    ]


_STRUCTS = {
    "sum": Sum, "reduce": Reduce, "split": Split, "features": Features, "colours": Colours, "nearest": Nearest, "apart": Apart,
}  # fmt: skip
NUMBERS = {name: 40 + number for number, name in enumerate(_STRUCTS)}
"""Numbers of the structs for ``core_struct_bytes``."""
MIRRORS = {name: ctypes.sizeof(struct) for name, struct in _STRUCTS.items()}
"""Bytes of those that stand here."""
