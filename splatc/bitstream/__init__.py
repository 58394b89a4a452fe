"""Quantized Gaussians <-> the bytes of a ``.splat2d`` file. spec/ is the normative text; knows neither pixels nor the fit.

Each name below is loaded when it is first used: what only looks at the structure of a file needs no NumPy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from splatc.bitstream.codec import Inspection, decode, encode, inspect, measure, read_header
    from splatc.bitstream.container import Chunk
    from splatc.bitstream.header import Header
    from splatc.bitstream.layout import Layer, Layout, Section
    from splatc.bitstream.metadata import Metadata
    from splatc.bitstream.reader import Reader
    from splatc.bitstream.structure import Structure

__all__ = [
    "Chunk",
    "Header",
    "Inspection",
    "Layer",
    "Layout",
    "Metadata",
    "Reader",
    "Section",
    "Structure",
    "decode",
    "encode",
    "inspect",
    "measure",
    "read_header",
]

_HOMES = {
    "Chunk": "container",
    "Header": "header",
    "Layout": "layout",
    "Metadata": "metadata",
    "Layer": "layout",
    "Reader": "reader",
    "Section": "layout",
    "Structure": "structure",
}
"""The others live in codec.py."""


if not TYPE_CHECKING:  # else every name would pass the type checker

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'splatc.bitstream' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"splatc.bitstream.{_HOMES.get(name, 'codec')}"), name)
        globals()[name] = value
        return value
