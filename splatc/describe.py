"""A ``.splat2d`` file in plain words and numbers, for ``splatc info`` and ``splatc.info``; streams are read only to count their bits."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

from splatc.bitstream.header import VERSION
from splatc.bitstream.structure import Structure
from splatc.budget import Budget

SCHEMA_VERSION = 2
"""2: the streams are not decoded; ``bits`` are there only where they are asked for; ``sections``: levels, Gaussians of each, bytes of the
stream, block (x0, y0, x1, y1), px."""


def describe(data: bytes, *, bits: bool = False, budget: Budget = Budget()) -> dict[str, Any]:  # noqa: B008 - frozen
    """What a ``.splat2d`` file holds, and, with ``bits``, what they are spent on; the names are a stable interface under SCHEMA_VERSION.

    Checks the structure and all CRCs, and decodes no symbol without ``bits``. Raises CorruptFileError, UnsupportedFileError and LimitError.
    """
    structure = Structure(io.BytesIO(data))
    structure.check()
    header, size = structure.header, structure.file_bytes
    top = len(header.level_counts) - 1
    report = {
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
        "sections": [
            {
                "levels": list(range(each.top, each.top - len(each.counts), -1)),
                "gaussians": list(each.counts),
                "bytes": each.length,
                "block": list(each.rectangle),
            }
            for each in structure.sections
        ],
        "quantizer": asdict(header.quantizer),
        "chunks": [asdict(chunk) | {"critical": chunk.critical} for chunk in structure.chunks],
    }
    if bits:
        from splatc.bitstream import Reader, inspect

        reader = Reader(io.BytesIO(data))
        budget.check_groups([reader.cost(group) for group in reader.groups()])
        report["bits"] = inspect(data).bits
    return report
