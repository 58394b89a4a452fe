"""The structs of ``fit/fit.h`` as ctypes has them."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int32, c_int64, c_uint32, c_void_p

from splatc.attributes import COORDINATES

MAX_CHANNELS = 4


class Adam(ctypes.Structure):
    """``core_fit_adam``."""

    _fields_ = [
        *(
            (name, c_float)
            for name in (
                *(each.name for each in COORDINATES), "beta1", "beta2", "unbias1", "unbias2", "epsilon",
                "end_x", "end_y", "least_scale", "most_scale", "most_aspect",
            )
        ),
        ("moving", c_int32),
    ]  # fmt: skip


class Rate(ctypes.Structure):
    """``core_fit_rate``."""

    _fields_ = [
        ("predicted", c_void_p),
        ("colour_step", c_void_p),
        ("by_colour", c_float * MAX_CHANNELS),
        *((name, c_float) for name in ("aspect_step", "by_aspect", "soft")),
        ("unused", c_int32),
    ]


class Network(ctypes.Structure):
    """``core_fit_network``."""

    _fields_ = [
        ("weights", c_void_p),
        ("hidden", c_int64),
        *((name, c_float) for name in ("gain", "log_age", "log_base", "unused")),
    ]


class Fit(ctypes.Structure):
    """``core_fit``."""

    _fields_ = [
        *((name, c_int32) for name in ("what", "channels", "normalized", "depth")),
        ("count", c_int64),
        *((name, c_void_p) for name in ("values", "first", "second", "frozen")),
        *((name, c_int64) for name in ("width", "height", "stride")),
        ("samples", c_void_p),
        ("unit", c_float),
        ("background", c_float * MAX_CHANNELS),
        *((name, c_float) for name in ("origin_x", "origin_y", "reduction")),
        *((name, c_uint32) for name in ("seed", "step")),
        ("widths", c_void_p),
        ("adam", POINTER(Adam)),
        ("rate", POINTER(Rate)),
        ("network", POINTER(Network)),
        *((name, c_void_p) for name in ("placed", "boxes", "entry_starts", "tile_starts", "members", "sums")),
        ("entries", c_int64),
        *(
            (name, c_void_p)
            for name in ("tile_squares", "image", "weight", "gradient", "curvature", "cost", "workspace")
        ),
        ("workspace_bytes", c_int64),
        ("needed", c_int64),
        ("stop", c_void_p),
        ("workers", c_int32),
        ("finer", c_int32),
    ]


NUMBERS = {"fit": 20, "fit_widths": 21, "fit_adam": 22, "fit_rate": 23, "fit_placed": 24, "fit_network": 25}
MIRRORS = {
    "fit": ctypes.sizeof(Fit),
    "fit_adam": ctypes.sizeof(Adam),
    "fit_rate": ctypes.sizeof(Rate),
    "fit_network": ctypes.sizeof(Network),
}
