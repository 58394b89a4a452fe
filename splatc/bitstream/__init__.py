"""Quantized Gaussians <-> the bytes of a ``.splat2d`` file. spec/ is the normative text; knows neither pixels nor the fit."""

from splatc.bitstream.codec import Inspection, decode, encode, inspect, read_header
from splatc.bitstream.container import Chunk
from splatc.bitstream.header import Header
from splatc.bitstream.positions import canonical_order

__all__ = ["Chunk", "Header", "Inspection", "canonical_order", "decode", "encode", "inspect", "read_header"]
