"""The structs of ``core.h`` as ctypes and NumPy have them; ``loading.py`` compares their sizes with those of the library."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_double, c_float, c_int32, c_int64, c_uint64, c_void_p

import numpy as np

from splatc.attributes import COLUMNS, FLOATS, PARTS, PREDICTED, QUANTIZER_FIELDS
from splatc.core import fit_structs, loss_structs, pack_structs, rdo_structs, refine_structs, seed_structs
from splatc.core.fit_structs import MAX_CHANNELS


class CoreHeader(ctypes.Structure):
    """``core_header``."""

    _fields_ = [
        (name, c_int32)
        for name in (
            "channels", *QUANTIZER_FIELDS, "models",
        )
    ]  # fmt: skip


SECTION = np.dtype(
    [
        *(
            (name, np.int64)
            for name in (
                "start", "count", "stream", "length", "minimum", "parent", "tables", "first_level", "levels",
                "x0", "y0", "x1", "y1", "margin",
            )
        ),
        *((name, np.int32) for name in ("known", "truncated", "ends", "status")),
        ("decoded", np.int64),
        ("beyond", np.float64),
        ("bits", np.float64, len(PARTS)),
    ]
)  # fmt: skip
"""``core_section``."""

LEVEL = np.dtype(
    [("count", np.int64), *((name, np.int32) for name in ("level", "x", "y", "columns", "rows", "unused"))]
)
"""``core_level``."""


class ColumnPointers(ctypes.Structure):
    """``core_columns``."""

    _fields_ = [(name, c_void_p) for name in COLUMNS]


class FloatPointers(ctypes.Structure):
    """``core_gaussians``."""

    _fields_ = [(name, c_void_p) for name in FLOATS]


class Decode(ctypes.Structure):
    """``core_decode``."""

    _fields_ = [
        ("steps", c_void_p),
        ("bytes", c_void_p),
        ("byte_count", c_int64),
        ("sections", c_void_p),
        ("section_count", c_int64),
        ("levels", c_void_p),
        ("level_count", c_int64),
        ("first", c_void_p),
        ("tables", c_void_p),
        ("table_count", c_int64),
        ("partitions", c_void_p),
        *((name, c_void_p) for name in COLUMNS),
        ("sites", c_void_p),
        ("order", c_void_p),
        ("count", c_int64),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
        ("workers", c_int32),
        ("tally", c_int32),
        ("stop", c_void_p),
    ]


class LatentTile(ctypes.Structure):
    """``core_latent_tile``."""

    _fields_ = [
        ("network", c_void_p),
        ("bytes", c_void_p),
        ("length", c_int64),
        *((name, c_int32) for name in ("q", "latents", "columns", "rows")),
        ("result", c_void_p),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
        ("stop", c_void_p),
    ]


class Synthesis(ctypes.Structure):
    """``core_synthesis``."""

    _fields_ = [
        ("network", c_void_p),
        ("values", c_void_p),
        *((name, c_int32) for name in ("q", "latents", "columns", "rows")),
        *((name, c_int64) for name in ("column", "row", "width", "height")),
        ("least_level", c_int32),
        ("unused", c_int32),
        *((name, c_void_p) for name in COLUMNS),
        ("room", c_int64),
        ("count", c_int64),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
    ]


class Grids(ctypes.Structure):
    """``core_grids``."""

    _fields_ = [
        *((name, c_void_p) for name in ("coarse", "fine", "numbers")),
        *((name, c_int64) for name in ("busy", "column", "row", "columns", "rows", "width", "height", "tile")),
        ("steps", c_void_p),
        ("weights", c_void_p),
    ]


class Predict(ctypes.Structure):
    """``core_predict``."""

    _fields_ = [
        ("steps", c_void_p),
        *((name, c_void_p) for name in COLUMNS),
        ("count", c_int64),
        ("first", c_int64),
        *((f"{name}_residual", c_void_p) for name in PREDICTED),
        ("sites", c_void_p),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
    ]


class CoreView(ctypes.Structure):
    """``core_view``."""

    _fields_ = [
        *((name, c_double) for name in ("grid_scale", "shift_x", "shift_y", "variance")),
        *(
            (name, c_int64)
            for name in (
                "samples", "left", "top", "columns", "rows", "end_x", "end_y", "tile_x", "tile_y", "tiles_x", "tiles_y",
            )
        ),
    ]  # fmt: skip


class Draw(ctypes.Structure):
    """``core_draw``."""

    _fields_ = [
        ("view", POINTER(CoreView)),
        ("placed", c_void_p),
        ("count", c_int64),
        ("starts", c_void_p),
        ("members", c_void_p),
        ("member_count", c_int64),
        ("background", c_float * MAX_CHANNELS),
        ("channels", c_int32),
        ("normalized", c_int32),
        ("depth", c_int32),
        ("workers", c_int32),
        ("first", c_int64),
        ("last", c_int64),
        ("out", c_void_p),
        ("out_bytes", c_int64),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
        ("stop", c_void_p),
        ("grids", POINTER(Grids)),
    ]


class Dequantizing(ctypes.Structure):
    """``core_dequantizing``."""

    _fields_ = [
        ("steps", c_void_p),
        ("count", c_int64),
        *((name, c_void_p) for name in COLUMNS),
        *((f"{name}_floats", c_void_p) for name in FLOATS),
    ]


class Placing(ctypes.Structure):
    """``core_placing``."""

    _fields_ = [
        ("view", POINTER(CoreView)),
        ("count", c_int64),
        *((f"{name}_floats", c_void_p) for name in FLOATS),
        ("channels", c_int32),
        ("normalized", c_int32),
        ("placed", c_void_p),
    ]


class Job(ctypes.Structure):
    """``core_job``."""

    _fields_ = [
        ("kind", c_int32),
        ("workers", c_int32),
        ("task", c_void_p),
        ("items", c_int64),
        ("list", c_void_p),
        ("phases", c_void_p),
        ("phase_count", c_int64),
        ("joined", c_int32),
        ("unused", c_int32),
        ("link", c_void_p),
        ("taken", c_int64),
        ("done", c_int64),
        ("busy", c_uint64),
        ("stop", c_int32),
        ("status", c_int32),
    ]


NUMBERS = (
    {
        name: kind
        for kind, name in enumerate(
            (
                "header",
                "steps",
                "tables",
                "partitions",
                "site",
                "section",
                "level",
                "decode",
                "predict",
                "view",
                "placed",
                "draw",
                "job",
                "dequantizing",
                "placing",
                "columns",
                "gaussians",
                "latent_network",
                "latent_tile",
                "synthesis",
            )
        )
    }
    | {"grids": 27}
    | fit_structs.NUMBERS
    | loss_structs.NUMBERS
    | pack_structs.NUMBERS
    | rdo_structs.NUMBERS
    | refine_structs.NUMBERS
    | seed_structs.NUMBERS
)
"""Numbers of the structs for ``core_struct_bytes``."""

MIRRORS = {
    "header": ctypes.sizeof(CoreHeader), "section": SECTION.itemsize, "level": LEVEL.itemsize, "decode": ctypes.sizeof(Decode),
    "predict": ctypes.sizeof(Predict), "view": ctypes.sizeof(CoreView), "draw": ctypes.sizeof(Draw), "job": ctypes.sizeof(Job),
    "dequantizing": ctypes.sizeof(Dequantizing), "placing": ctypes.sizeof(Placing),
    "latent_tile": ctypes.sizeof(LatentTile), "synthesis": ctypes.sizeof(Synthesis), "grids": ctypes.sizeof(Grids),
    "columns": ctypes.sizeof(ColumnPointers), "gaussians": ctypes.sizeof(FloatPointers),
    **fit_structs.MIRRORS, **loss_structs.MIRRORS, **pack_structs.MIRRORS, **rdo_structs.MIRRORS, **refine_structs.MIRRORS,
    **seed_structs.MIRRORS,
}  # fmt: skip
"""Bytes of those that stand here."""
