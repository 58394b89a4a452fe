"""The tables of the bench of large pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.large_point import LargePoint
from bench.report import markdown


def as_json(points: Sequence[LargePoint], made_by: dict[str, str]) -> dict[str, Any]:
    return {"schema_version": 1, **made_by, "points": [asdict(point) for point in points]}


def as_markdown(points: Sequence[LargePoint], made_by: dict[str, str]) -> str:
    """``points`` in the order of the rows; those of splatc are the ones that count Gaussians."""
    heading = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in made_by.items())
    ours = [point for point in points if point.gaussians]
    parts = ["# Large pictures", heading, "## Cost of splatc", _cost(ours)]
    parts.append(
        "Encode and decode cold: whole processes as a user runs them, decode to PPM or PGM. Warm: into memory, the best of three. "
        "Region: 512 x 512 px in the middle, warm, and the peak of a process that does only that. MB = 10^6 bytes."
    )
    parts += ["## Quality at equal bytes", _quality(points)]
    parts.append(
        "Limit for all: raw bytes / CR. MS-SSIM of pictures up to 16 megapixels only. Encode of the others: of the chosen encoding; "
        "search: of all of them. Decode: warm, into memory, scaling up included; ours / theirs: splatc's time over theirs."
    )
    return "\n\n".join(parts) + "\n"


def _cost(points: Sequence[LargePoint]) -> str:
    names = [
        "picture",
        "size",
        "CR",
        "codec",
        "bytes",
        "Gaussians",
        "encode, s",
        "peak, MB",
        "decode cold, s",
        "peak, MB",
    ]
    names += ["warm, s", "region, s", "peak, MB", "bytes read"]
    rows = [
        [
            Path(point.picture).stem,
            f"{point.width} x {point.height}",
            f"{point.ratio:g}",
            point.codec,
            str(point.size),
            str(point.gaussians),
            f"{point.encode_seconds:.1f}",
            f"{point.encode_peak:.0f}",
            f"{point.decode_seconds:.2f}",
            f"{point.decode_peak:.0f}",
            f"{point.warm_seconds:.2f}",
            f"{point.region_seconds:.3f}",
            f"{point.region_peak:.0f}",
            str(point.region_bytes),
        ]
        for point in points
    ]
    return markdown(names, rows)


def _quality(points: Sequence[LargePoint]) -> str:
    names = ["picture", "CR", "codec", "bytes", "PSNR, dB", "MS-SSIM", "encode, s", "search, s", "peak, MB"]
    names += ["decode, s", "ours / theirs", "remarks"]
    return markdown(names, [_quality_row(point, points) for point in points])


def _quality_row(point: LargePoint, points: Sequence[LargePoint]) -> list[str]:
    head = [Path(point.picture).stem, f"{point.ratio:g}", point.codec]
    search = "" if point.gaussians else f"{point.search_seconds:.0f}"
    if point.size is None:
        return [*head, "-", "-", "", "-", search, f"{point.encode_peak:.0f}", "-", "", f"cannot: {point.note}"]
    ours = next((p for p in points if p.gaussians and (p.digest, p.ratio) == (point.digest, point.ratio)), None)
    compared = ours is not None and not point.gaussians and point.warm_seconds > 0
    return [
        *head,
        str(point.size),
        f"{point.psnr:.2f}",
        f"{point.ms_ssim:.4f}" if point.ms_ssim else "",
        f"{point.encode_seconds:.1f}",
        search,
        f"{point.encode_peak:.0f}",
        f"{point.warm_seconds:.2f}",
        f"{ours.warm_seconds / point.warm_seconds:.2f}" if compared and ours is not None else "",
        point.note,
    ]
