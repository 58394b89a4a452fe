"""A ``.splat2d`` file in plain words and numbers, for ``splatc info`` and ``splatc.info``. Imports neither Numba nor torch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from splatc.bitstream import inspect
from splatc.bitstream.header import VERSION

SCHEMA_VERSION = 1


def describe(data: bytes) -> dict[str, Any]:
    """What a ``.splat2d`` file holds and what its bytes are spent on; the names are a stable interface under SCHEMA_VERSION.

    Raises CorruptFileError, UnsupportedFileError and LimitError.
    """
    inspection = inspect(data)
    header, size = inspection.header, inspection.file_bytes
    top = len(header.level_counts) - 1
    return {
        "schema_version": SCHEMA_VERSION,
        "format_version": ".".join(map(str, VERSION)),
        "width": header.width,
        "height": header.height,
        "channels": header.channels,
        "bit_depth": header.depth,
        "blend": header.blend.name.lower(),
        "background": list(header.background),
        "bytes": size,
        "bits_per_pixel": 8 * size / (header.width * header.height),
        "compression_ratio": header.cr_denominator / size,
        "gaussians": header.count,
        "levels": [{"level": top - i, "gaussians": count} for i, count in enumerate(header.level_counts)],
        "bits": inspection.bits,
        "quantizer": asdict(header.quantizer),
        "chunks": [asdict(chunk) | {"critical": chunk.critical} for chunk in inspection.chunks],
    }
