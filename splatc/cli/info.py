"""``splatc info``."""

from __future__ import annotations

import json
from typing import Any

import click

from splatc.cli.console import Voice, printable
from splatc.cli.options import budget_options, json_option, quiet_option, threads_option
from splatc.cli.target import InPath
from splatc.decoder.opened import open_file
from splatc.runtime.files import display, named


@click.command()
@click.argument("source", metavar="FILE", type=InPath())
@click.option("--bits", is_flag=True, help="Also print what the bits are spent on; decodes all of FILE.")
@budget_options
@threads_option
@quiet_option
@json_option
def info(
    source: str,
    bits: bool,
    max_memory: int | None,
    max_work: int | None,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Print what the .splat2d FILE holds.

    Structure, checksums and metadata are checked. The streams of Gaussians are decoded only with --bits; "splatc verify" decodes them to
    their end. "-" is standard input.
    """
    from splatc.decoder.budget import Budget
    from splatc.decoder.describe import describe
    from splatc.runtime.renamed_keys import with_old_keys

    if bits:  # else nothing needs the core, nor NumPy
        from splatc import core

        core.set_threads(threads)
    with open_file(source) as file, named(source):
        report = describe(file, bits=bits, budget=Budget(max_memory=max_memory, max_work=max_work))
    for each in report["notes"]:
        Voice(quiet).note(f"{display(source)}: {each}")
    if as_json:
        click.echo(json.dumps(with_old_keys("info", report)))
    else:
        click.echo(f"{printable(display(source))}\n{_table(report)}")


def _sections(sections: list[dict[str, Any]]) -> str:
    """How many, and how large their streams are."""
    sizes = [each["bytes"] for each in sections]
    return f"{len(sizes)} of {min(sizes)} to {max(sizes)} bytes" if len(sizes) > 1 else str(len(sizes))


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
        ("sections", _sections(report["sections"])),
        ("bits", f"{8 * report['bytes'] / max(count, 1):.2f} per Gaussian{', of these' if 'bits' in report else ''}"),
    ]
    rows += [
        (f"  {name}", f"{bits / max(count, 1):6.2f}  {bits / (8 * report['bytes']):6.1%}")
        for name, bits in report.get("bits", {}).items()
    ]
    if "latents" in report:
        found = report["latents"]
        left_out = "Gaussians", "sections", "bits"
        rows = [row for row in rows if row[0] not in left_out and not row[0].startswith("  ")]
        rows.append(("latents", f"network {found['network']}, q {found['q']}, tiles {found['tiles']}"))
        shares = report.get("bits", {}).items()
        rows += [(f"  {name}", f"{bits / 8:.0f} bytes, {bits / (8 * report['bytes']):.1%}") for name, bits in shares]
    return "\n".join(f"{name:<12}  {text}" for name, text in rows)
