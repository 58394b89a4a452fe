"""What is measured of a large picture: a point of the bench, and what memory, regions and reading cost."""

from __future__ import annotations

from dataclasses import dataclass

from bench.results import Point


@dataclass(frozen=True)
class LargePoint(Point):
    """Memory in MB (10^6 bytes). ``encode_seconds`` and ``decode_seconds`` of splatc are those of whole processes that start cold."""

    width: int = 0
    height: int = 0
    raw: int = 0
    """Bytes of the pixels."""
    gaussians: int = 0
    encode_peak: float = 0.0
    """Of the process that encodes; of the other codecs the process that searches."""
    decode_peak: float = 0.0
    """Of `splatc decode`, which writes PPM or PGM; others: of the process that decodes and compares."""
    warm_seconds: float = 0.0
    """Decoding into memory once everything is loaded, scaling up included: the best of three."""
    region_seconds: float = 0.0
    """Likewise, of 512 x 512 px in the middle."""
    region_peak: float = 0.0
    """Of a process that does only that."""
    region_bytes: int = 0
    """Read of the file for it."""
    search_seconds: float = 0.0
    """Others: of all their encodings."""
