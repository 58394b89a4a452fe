"""Quantized Gaussians <-> the bytes of a ``.splat2d`` file. spec/ is the normative text; knows neither pixels nor the fit."""

from splatc.bitstream.codec import Inspection, decode, encode, inspect, read_header
from splatc.bitstream.container import Chunk
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layout, Pass, Section
from splatc.bitstream.metadata import Metadata
from splatc.bitstream.reader import Reader

__all__ = [
    "Chunk",
    "Header",
    "Inspection",
    "Layout",
    "Metadata",
    "Pass",
    "Reader",
    "Section",
    "decode",
    "encode",
    "inspect",
    "read_header",
]
