"""One point of the bench of large pictures: splatc by its command, the others by a bounded search; each step in a process of its own."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import processes
from bench.large_point import LargePoint
from bench.processes import Run
from bench.splatc_codec import source_digest
from splatc.bitstream import read_header

TOOLS = Path(__file__).parent.parent
PERFORM = "import sys; sys.path.insert(0, sys.argv[1]); from bench.large_tasks import perform; perform(sys.argv[2])"
"""Not by a file of its own, whose folder would be searched for modules."""
REGION = 512
"""Side of the region, px."""


class Failed(RuntimeError):  # noqa: N818 - reads better
    """Something could not be measured, in a line."""


@dataclass(frozen=True)
class Picture:
    """A file, and what identifies it."""

    path: Path
    name: str
    digest: str
    width: int
    height: int
    channels: int

    @property
    def raw(self) -> int:
        """Bytes of the pixels."""
        return self.width * self.height * self.channels

    def limit(self, ratio: float) -> int:
        """Bytes of the largest file that has at least this compression ratio."""
        return int(self.raw / ratio)

    def point(self, codec: str, settings: str, ratio: float) -> LargePoint:
        pixels = self.width * self.height
        return LargePoint(
            self.name, self.digest, pixels, codec, settings, ratio, width=self.width, height=self.height, raw=self.raw
        )


@dataclass(frozen=True)
class SplatcLarge:
    """How splatc is run."""

    effort: int
    threads: int
    options: tuple[str, ...]
    """More options of ``splatc encode``, as they are."""
    source: str
    """What `source_digest` said when the bench began."""

    @property
    def name(self) -> str:
        return " ".join([f"splatc -e {self.effort}", *self.options])

    @property
    def settings(self) -> str:
        return f"{self.name}; {self.threads} threads; source {self.source}"

    def encode(self, picture: Path, coded: Path, ratio: float, effort: int | None = None) -> Run:
        options = ["-f", "--cr", f"{ratio:g}", "-e", str(effort or self.effort), "--threads", str(self.threads)]
        return _splatc("encode", picture, coded, *options, *self.options)

    def decode(self, coded: Path, decoded: Path) -> Run:
        return _splatc("decode", "-f", coded, decoded, "--threads", str(self.threads))

    def warm_up(self, picture: Picture, folder: Path) -> None:
        """Code a small copy, so that the system has read the program from the disk before the measurement."""
        small = folder / "warm.png"
        task("shrink", picture=str(picture.path), pixels=250_000, output=str(small))
        _good(self.encode(small, folder / "warm.splat2d", 50, effort=1))
        _good(self.decode(folder / "warm.splat2d", folder / "warm.ppm"))

    def measure(self, picture: Picture, ratio: float, folder: Path, *, compare: bool = True) -> LargePoint:
        """Encode, decode cold, decode warm, a region, quality. Raises Failed."""
        coded, decoded = folder / "coded.splat2d", folder / ("decoded.pgm" if picture.channels == 1 else "decoded.ppm")
        encoded = _good(self.encode(picture.path, coded, ratio))
        size = coded.stat().st_size
        if size > picture.limit(ratio):
            raise Failed(f"splatc --cr {ratio:g} wrote {size} bytes, more than {picture.limit(ratio)}")
        cold = _good(self.decode(coded, decoded))
        warm = _decode_bench(coded, {})
        width, height = min(REGION, picture.width), min(REGION, picture.height)
        corner = [(picture.width - width) // 2, (picture.height - height) // 2]
        region = _decode_bench(coded, {"region": [*corner, width, height]})
        if source_digest() != self.source:
            raise Failed("the source of splatc changed while it was measured: start again")
        quality = {"psnr": 0.0, "ms_ssim": 0.0}
        if compare:
            quality = task("compare", picture=str(picture.path), decoded=str(decoded))
        decoded.unlink()
        return replace(
            picture.point(self.name, self.settings, ratio),
            size=size,
            psnr=quality["psnr"],
            ms_ssim=quality["ms_ssim"],
            encode_seconds=round(encoded.seconds, 3),
            decode_seconds=round(cold.seconds, 3),
            gaussians=read_header(coded.read_bytes()).count,
            encode_peak=round(encoded.peak, 1),
            decode_peak=round(cold.peak, 1),
            warm_seconds=round(warm["seconds"], 4),
            region_seconds=round(region["seconds"], 4),
            region_peak=round(region["peak"], 1),
            region_bytes=region["bytes"],
        )


def measure_codec(
    codec: str, title: str, settings: str, picture: Picture, ratio: float, bounds: tuple[float, float], folder: Path
) -> LargePoint:
    """The best file of JPEG 2000 or AVIF that the search finds within ``bounds``, (minutes, GB); without one a point without a size.

    Raises Failed where the codec is not to blame.
    """
    point = picture.point(title, settings, ratio)
    minutes, gigabytes = bounds
    words: dict[str, Any] = {
        "codec": codec,
        "picture": str(picture.path),
        "limit": picture.limit(ratio),
        "seconds": 60 * minutes,
    }
    words |= {"gigabytes": gigabytes, "folder": str(folder)}
    # The search looks at the clock before each encoding; one that takes far too long is ended.
    found = processes.run(_task_command("search", words), seconds=90 * minutes)
    reports = _lines(found.output)
    if not any("trying" in line for line in reports):
        raise Failed(found.failure or "the search said nothing")
    remarks = _remarks(reports, found)
    best: tuple[dict[str, Any], dict[str, Any], Run] | None = None
    for candidate in {line["path"]: line for line in reports if "path" in line}.values():
        judged = processes.run(
            _task_command(
                "judge", {"picture": str(picture.path), "candidate": candidate["path"], "gigabytes": gigabytes}
            )
        )
        if judged.failure:
            remarks.append(f"{_scale(candidate['factor'])} coded but not decoded: {judged.failure}")
            continue
        quality = _lines(judged.output)[-1]
        if best is None or quality["psnr"] > best[1]["psnr"]:
            best = candidate, quality, judged
    if best is None:
        return replace(point, note="; ".join(remarks), encode_peak=found.peak, search_seconds=round(found.seconds, 1))
    candidate, quality, judged = best
    return replace(
        point,
        size=Path(candidate["path"]).stat().st_size,
        psnr=quality["psnr"],
        ms_ssim=quality["ms_ssim"],
        encode_seconds=round(candidate["encode_seconds"], 3),
        decode_seconds=round(quality["seconds"], 4),
        warm_seconds=round(quality["seconds"], 4),
        note="; ".join(filter(None, [candidate["note"], *remarks])),
        encode_peak=round(found.peak, 1),
        decode_peak=round(judged.peak, 1),
        search_seconds=round(found.seconds, 1),
    )


def _remarks(reports: Sequence[dict[str, Any]], found: Run) -> list[str]:
    """What a search could not do, and where it stopped."""
    remarks = [f"{_scale(line['too_large'])}: no file so small" for line in reports if "too_large" in line]
    last = [line["trying"] for line in reports if "trying" in line][-1]
    ends = [line["end"] for line in reports if "end" in line]
    reason = ends[0] if ends else found.failure
    return [*remarks, f"{_scale(last)}: {reason}"] if reason else remarks


def _scale(factor: int) -> str:
    return "full size" if factor == 1 else f"1/{factor}"


def task(name: str, **arguments: Any) -> Any:
    """The result of a task of `bench.large_tasks`, None of one that has none. Raises Failed."""
    lines = _lines(_good(processes.run(_task_command(name, arguments))).output)
    return lines[-1] if lines else None


def _task_command(name: str, arguments: dict[str, Any]) -> list[str | Path]:
    return [sys.executable, "-P", "-c", PERFORM, TOOLS, json.dumps({"do": name} | arguments)]


def _decode_bench(coded: Path, arguments: dict[str, Any]) -> Any:
    command: list[str | Path] = [sys.executable, TOOLS / "decode_bench.py", coded, "--one", json.dumps(arguments)]
    return _lines(_good(processes.run(command)).output)[-1]


def _splatc(*arguments: str | Path) -> Run:
    """The command of this very package (-P: not of one in the current folder)."""
    return processes.run([sys.executable, "-P", "-m", "splatc", *arguments])


def _good(run: Run) -> Run:
    if run.failure:
        raise Failed(run.failure)
    return run


def _lines(output: str) -> list[Any]:
    """The lines of JSON; one that an ended process left unfinished is passed over."""
    found = []
    for line in output.splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [line for line in found if line is not None]


def temporary(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder beside the results: large files need room that a folder of temporary files may not have."""
    return tempfile.TemporaryDirectory(dir=folder, prefix="work-")
