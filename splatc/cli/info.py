"""``splatc info``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from splatc.cli.console import printable
from splatc.cli.options import MAX_FILE_BYTES
from splatc.files import display, named, read_input

if TYPE_CHECKING:
    from splatc.bitstream import Inspection

SCHEMA_VERSION = 1


@click.command()
@click.argument("source", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(source: str, as_json: bool) -> None:
    """Print what the .splat2d FILE holds, and what its bytes are spent on.

    "-" is standard input.
    """
    data = read_input(source, limit=MAX_FILE_BYTES)

    from splatc.bitstream import inspect

    with named(source):
        report = _report(inspect(data))
    click.echo(json.dumps(report) if as_json else f"{printable(display(source))}\n{_table(report)}")


def _report(inspection: Inspection) -> dict[str, Any]:
    """What both outputs show; the names are a stable interface under SCHEMA_VERSION."""
    from splatc.bitstream.header import VERSION

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


def _table(report: dict[str, Any]) -> str:
    """The report for people, an idea a line."""
    count = report["gaussians"]
    colours = {1: "gray", 2: "gray and alpha", 3: "RGB", 4: "RGB and alpha"}[report["channels"]]
    background = " ".join(map(str, report["background"]))
    levels = ", ".join(f"{each['gaussians']} of level {each['level']}" for each in report["levels"])
    quantizer = ", ".join(f"{name} {value}" for name, value in report["quantizer"].items())
    chunks = ", ".join(f"{chunk['type']} {chunk['length']} bytes" for chunk in report["chunks"])
    rows = [
        ("picture", f"{report['width']} x {report['height']}, {colours}, {report['bit_depth']} bits per sample"),
        ("blend", f"{report['blend']}, background {background}"),
        ("file", f"{report['bytes']} bytes, {report['bits_per_pixel']:.4f} bpp, CR {report['compression_ratio']:.1f}"),
        ("format", f"{report['format_version']}, chunks: {chunks}"),
        ("Gaussians", f"{count}{': ' if levels else ''}{levels}"),
        ("quantizer", quantizer),
        ("bits", f"{8 * report['bytes'] / max(count, 1):.2f} per Gaussian, of these"),
    ]
    rows += [
        (f"  {name}", f"{bits / max(count, 1):6.2f}  {bits / (8 * report['bytes']):6.1%}")
        for name, bits in report["bits"].items()
    ]
    return "\n".join(f"{name:<12}  {text}" for name, text in rows)
