"""A ``.splat2d`` file in plain words and numbers, for ``splatc info`` and ``splatc.info``; streams are read only to count their bits."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

from splatc.bitstream.structure import Structure
from splatc.decoder.budget import Budget

if TYPE_CHECKING:
    from splatc.bitstream import Reader

SCHEMA_VERSION = 3
"""3: standard names, see `splatc.runtime.renamed_keys` for those of 2. ``sections``: levels, Gaussians of each, bytes of the stream, tile
(x0, y0, x1, y1), px. 2: the streams are not decoded; ``bits`` are there only where they are asked for."""


def describe(file: bytes | BinaryIO, *, bits: bool = False, budget: Budget = Budget()) -> dict[str, Any]:  # noqa: B008 - frozen
    """What a ``.splat2d`` file holds, and, with ``bits``, what they are spent on; the names are a stable interface under SCHEMA_VERSION.

    Checks the structure, all CRCs and the metadata (``notes``), and decodes no symbol without ``bits``. ``file`` is a seekable binary
    file, or its bytes. Raises CorruptFileError, UnsupportedFileError and LimitError.
    """
    stream = io.BytesIO(file) if isinstance(file, bytes) else file
    if not bits:
        return report(Structure(stream, budget.check_memory))

    from splatc.bitstream import Reader

    return report_with_bits(Reader(stream, budget.check_memory), budget)


def report_with_bits(reader: Reader, budget: Budget) -> dict[str, Any]:
    """What `describe` says of an open file, ``bits`` among it."""
    return report(reader) | {"bits": _bits(reader, budget)}


def _bits(reader: Reader, budget: Budget) -> dict[str, float]:
    """Bits by part of the file; ``overhead`` is all that is no stream."""
    budget.check_groups(
        [reader.needed()] if reader.latents is not None else [reader.cost(group) for group in reader.groups()]
    )
    bits = reader.bits()
    return bits | {"overhead": 8 * reader.file_bytes - sum(bits.values())}


def report(structure: Structure) -> dict[str, Any]:
    """The same without ``bits``."""
    structure.check()
    header, size = structure.header, structure.file_bytes
    top = len(header.level_counts) - 1
    found = structure.latents
    latents = {} if found is None else {"latents": {"network": found.network, "q": found.q, "tiles": len(found.tiles)}}
    return latents | {
        "schema_version": SCHEMA_VERSION,
        "format_version": ".".join(map(str, header.version)),
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
                "tile": list(each.rectangle),
            }
            for each in structure.sections
        ],
        "quantizer": asdict(header.quantizer),
        "chunks": [asdict(chunk) | {"critical": chunk.critical} for chunk in structure.chunks],
        "notes": [str(error) for error in structure.sound_metadata()[1].values()],
    }
