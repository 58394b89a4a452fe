"""The table of `speed_bench.py`: medians of old and new, their ratio, and what the files are worth."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bench.decode_against import head
from bench.speed_rows import BUSY, ROWS, Row
from bench.speed_samples import Sample

ALL = "all"
"""In place of the options, where all those of a row are taken together."""


@dataclass(frozen=True)
class Runs:
    """The samples of one job and of one installation."""

    samples: Sequence[Sample]

    def median(self, value: Callable[[Sample], float]) -> float:
        return statistics.median(map(value, self.samples))

    @property
    def seconds(self) -> float:
        return self.median(lambda sample: sample.seconds)

    @property
    def peak(self) -> float:
        return self.median(lambda sample: sample.peak)

    @property
    def last(self) -> Sample:
        """What does not change from run to run."""
        return self.samples[-1]


@dataclass(frozen=True)
class Line:
    """A line of the table, as text."""

    HEAD: ClassVar = (
        "| work | old | new | new / old | must | aim | quality, new - old | worst | asked | peak old, new | runs |"
    )
    BELOW: ClassVar = "|---" * 11 + "|"

    work: str
    old: str
    new: str
    ratio: str = ""
    quality: str = ""
    worst: str = ""
    peak: str = ""
    runs: int | None = None

    def beside(self, row: Row) -> str:
        """With what is asked of the row."""
        cells = [self.work, self.old, self.new, self.ratio, row.must, row.aim, self.quality, self.worst, row.quality]
        return "| " + " | ".join([*cells, self.peak, "" if self.runs is None else str(self.runs)]) + " |"


@dataclass(frozen=True)
class Case:
    """One job with one picture, by old and by new."""

    picture: str
    variant: str
    case: str
    old: Runs | None
    new: Runs | None


def report(samples: Sequence[Sample], old: str, new: str) -> str:
    """Markdown: where it was measured, a table of all rows, a table of all pictures. `old` and `new` name the installations."""
    loads = [sample.load for sample in samples]
    lines = [
        head(),
        f"{old} against {new}; load before a run: median {statistics.median(loads):.1f}, most {max(loads):.1f}",
    ]
    lines += ["", Line.HEAD, Line.BELOW]
    details = [
        "",
        "| work | picture | old | new | new / old | bytes old, new | PSNR old, new | MS-SSIM old, new |",
        "|---" * 8 + "|",
    ]
    for name, row in ROWS.items():
        cases = _cases(samples, name, old, new)
        if not cases:
            continue
        for variant in dict.fromkeys(case.variant for case in cases):
            some = [case for case in cases if case.variant == variant]
            lines.append(_LINES[row.how](row, some).beside(row))
            details += [_detail(row, case) for case in some if row.how in ("encode", "psnr")]
        if row.how in ("encode", "psnr") and len({case.variant for case in cases}) > 1:
            every = _LINES[row.how](row, [Case(c.picture, ALL, c.case, c.old, c.new) for c in cases])
            lines.append(every.beside(row))
    return "\n".join(lines + (details if len(details) > 3 else []))


def _cases(samples: Sequence[Sample], row: str, old: str, new: str) -> list[Case]:
    keys = dict.fromkeys(sample.key for sample in samples if sample.key.split("|")[0] == row)
    found = []
    for key in keys:
        sides = [[sample for sample in samples if sample.key == key and sample.side == side] for side in (old, new)]
        _, picture, variant, case = key.split("|")
        a, b = (Runs(side) if side else None for side in sides)
        found.append(Case(picture, variant, case, a, b))
    return found


def _both(cases: Sequence[Case]) -> list[tuple[Case, Runs, Runs]]:
    return [(case, case.old, case.new) for case in cases if case.old and case.new]


def _title(row: Row, cases: Sequence[Case]) -> str:
    return f"**{row.title}, all**" if cases[0].variant == ALL else f"{row.title}, `{cases[0].variant}`"


def _encode_line(row: Row, cases: Sequence[Case]) -> Line:
    """Means of the medians of all pictures that both have encoded; without one, of what there is."""
    both = _both(cases)
    if not both:
        sides = [[case.old for case in cases if case.old], [case.new for case in cases if case.new]]
        alone = [f"{statistics.fmean(runs.seconds for runs in side):.2f} s" if side else "-" for side in sides]
        return Line(_title(row, cases), alone[0], alone[1])
    old, new = statistics.fmean(a.seconds for _, a, _ in both), statistics.fmean(b.seconds for _, _, b in both)
    gains = [(_gain(row, a.last, b.last), case.picture) for case, a, b in both]
    digits, unit = (5, "") if row.similarity else (3, " dB")
    peaks = max(a.peak for _, a, _ in both), max(b.peak for _, _, b in both)
    return Line(
        _title(row, cases),
        f"{old:.2f} s",
        f"{new:.2f} s",
        f"{new / old:.3f}",
        f"{statistics.fmean(gain for gain, _ in gains):+.{digits}f}{unit}",
        f"{min(gains)[0]:+.{digits}f} {min(gains)[1]}",
        f"{peaks[0]:.0f}, {peaks[1]:.0f} MB",
        min(min(len(a.samples), len(b.samples)) for _, a, b in both),
    )


def _psnr_line(row: Row, cases: Sequence[Case]) -> Line:
    """Seconds of a search in seconds of one fit of the size that it found, median and worst; the sizes beside each other."""
    old, new = (_fits([side for side in sides if side]) for sides in zip(*((c.old, c.new) for c in cases), strict=True))
    both = _both(cases)
    if not both:
        return Line(_title(row, cases), old, new)
    growths = [(100 * (b.last.size / a.last.size - 1), case.picture) for case, a, b in both]
    return Line(
        _title(row, cases),
        old,
        new,
        f"{sum(b.seconds for _, _, b in both) / sum(a.seconds for _, a, _ in both):.3f}",
        f"{statistics.fmean(growth for growth, _ in growths):+.1f} % bytes",
        f"{max(growths)[0]:+.1f} % {max(growths)[1]}",
        runs=min(len(b.samples) for _, _, b in both),
    )


def _fits(runs: Sequence[Runs]) -> str:
    if not runs:
        return "-"
    fits = [each.median(lambda sample: sample.in_fits) for each in runs]
    tries = [each.last.tries for each in runs]
    reported = f"; {statistics.median(tries):g} / {max(tries)} reported" if any(tries) else ""
    return f"{statistics.median(fits):.2f} / {max(fits):.2f} fits{reported}"


def _ratio_line(row: Row, cases: Sequence[Case]) -> Line:
    """The two cases of a row beside each other, for each installation."""
    sides, quality, runs = [], "", 0
    for side in ("old", "new"):
        found: dict[str, Runs] = {case.case: getattr(case, side) for case in cases if getattr(case, side)}
        if len(found) < 2:
            sides.append("-")
            continue
        a, b = (found[case] for case in row.cases)
        sides.append(_COMPARED[row.how](a.seconds, b.seconds))
        runs = min(len(a.samples), len(b.samples))
        if row.how in ("threads", "batch"):
            alike = len({sample.digest for sample in [*a.samples, *b.samples]}) == 1
            quality = "same bytes" if alike else "OTHER BYTES"
    if row.how == "busy":
        cores = os.cpu_count() or 1
        quality = f"its share: {(cores + BUSY) / cores:.2f} times"
    title = f"{row.title}, {cases[0].picture}" + (f", `{cases[0].variant}`" if row.how == "batch" else "")
    return Line(title, sides[0], sides[1], quality=quality, runs=runs)


_COMPARED: dict[str, Callable[[float, float], str]] = {
    "threads": lambda one, two: f"{one / two:.2f}: {one:.2f} s, {two:.2f} s",
    "busy": lambda alone, beside: f"{beside / alone:.2f} times {alone:.2f} s",
    "batch": lambda one, each: f"{3600 / each:.0f} by a thread each, {3600 / one:.0f} one at a time",
    "first": lambda first, warm: f"{first - warm:.2f} s over {warm:.2f} s",
}


def _install_line(row: Row, cases: Sequence[Case]) -> Line:
    old, new = (f"{side.last.megabytes:.0f} MB" if side else "-" for side in (cases[0].old, cases[0].new))
    return Line(row.title, old, new, runs=1)


_LINES: dict[str, Callable[[Row, Sequence[Case]], Line]] = {
    "encode": _encode_line,
    "psnr": _psnr_line,
    "threads": _ratio_line,
    "busy": _ratio_line,
    "batch": _ratio_line,
    "first": _ratio_line,
    "install": _install_line,
}


def _detail(row: Row, case: Case) -> str:
    """A picture in numbers, as both sides have it."""
    old, new = case.old, case.new
    ratio = f"{new.seconds / old.seconds:.3f}" if old and new else ""

    def pair(text: Callable[[Runs], str]) -> str:
        return ", ".join(text(runs) if runs else "-" for runs in (old, new))

    cells = [f"{row.title}, `{case.variant}`", case.picture]
    cells += [f"{runs.seconds:.2f} s" if runs else "-" for runs in (old, new)]
    cells += [ratio, pair(lambda runs: str(runs.last.size)), pair(lambda runs: f"{runs.last.psnr:.3f}")]
    return "| " + " | ".join([*cells, pair(lambda runs: f"{runs.last.ms_ssim:.5f}")]) + " |"


def _gain(row: Row, old: Sample, new: Sample) -> float:
    return new.ms_ssim - old.ms_ssim if row.similarity else new.psnr - old.psnr
