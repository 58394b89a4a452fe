"""The structs of ``fit/pack.h`` as ctypes and NumPy have them."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_int64, c_void_p

import numpy as np

from splatc.attributes import COLUMNS, FLOATS, MAX_LEVELS, PREDICTED


class Quantizing(ctypes.Structure):
    """``core_quantizing``."""

    _fields_ = [
        ("steps", c_void_p),
        *((name, c_int64) for name in ("count", "width", "height")),
        *((f"{name}_floats", c_void_p) for name in FLOATS),
        *((name, c_void_p) for name in COLUMNS),
    ]


LAYER = np.dtype([("levels", np.int32), ("tile_log2", np.int32)])
"""``core_layer``."""

PART = np.dtype(
    [*((name, np.int32) for name in ("layer", "column", "row", "unused")), ("counts", np.int64, MAX_LEVELS)]
)
"""``core_part``."""


class Arranging(ctypes.Structure):
    """``core_arranging``."""

    _fields_ = [
        ("steps", c_void_p),
        *((name, c_int64) for name in ("count", "width", "height")),
        *((name, c_void_p) for name in ("level", "x", "y")),
        ("level_count", c_int64),
        ("layers", c_void_p),
        ("layer_count", c_int64),
        ("order", c_void_p),
        ("parts", c_void_p),
        ("part_room", c_int64),
        ("part_count", c_int64),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
    ]


SECTION = np.dtype(
    [
        *(
            (name, np.int64)
            for name in (
                "start", "count", "parent", "chain", "tables", "first_level", "levels", "minimum", "x0", "y0", "x1", "y1",
                "search", "first_symbol", "symbols", "length",
            )
        ),
        ("beyond", np.float64),
    ]
)  # fmt: skip
"""``core_pack_section``."""

CHUNK = np.dtype([(name, np.int64) for name in ("section", "first", "last")])
"""``core_chunk``."""


class Pack(ctypes.Structure):
    """``core_pack``."""

    _fields_ = [
        ("steps", c_void_p),
        ("sections", c_void_p),
        ("section_count", c_int64),
        ("levels", c_void_p),
        ("level_count", c_int64),
        ("chunks", c_void_p),
        ("chunk_count", c_int64),
        ("first", c_void_p),
        ("tables", c_void_p),
        ("table_count", c_int64),
        ("partitions", c_void_p),
        *((name, c_void_p) for name in COLUMNS),
        *((f"{name}_residual", c_void_p) for name in PREDICTED),
        ("around", c_void_p),
        ("sites", c_void_p),
        ("order", c_void_p),
        ("count", c_int64),
        ("searches", c_void_p),
        ("search_bytes", c_int64),
        ("workspace", c_void_p),
        ("workspace_bytes", c_int64),
        ("workers", c_int32),
        ("unused", c_int32),
        ("shares", c_void_p),
        ("chosen", c_void_p),
        ("symbol_room", c_int64),
    ]


NUMBERS = {"quantizing": 50, "layer": 51, "part": 52, "arranging": 53, "pack_section": 54, "chunk": 55, "pack": 56}
"""Numbers of the structs for ``core_struct_bytes``."""

MIRRORS = {
    "quantizing": ctypes.sizeof(Quantizing), "layer": LAYER.itemsize, "part": PART.itemsize, "arranging": ctypes.sizeof(Arranging),
    "pack_section": SECTION.itemsize, "chunk": CHUNK.itemsize, "pack": ctypes.sizeof(Pack),
}  # fmt: skip
"""Bytes of those that stand here."""
