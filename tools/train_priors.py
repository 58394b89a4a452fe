"""What default tables and adaptation constants would save: real files are coded again with candidates in the place of what the format has.

    python tools/train_priors.py fits/*.splat2d

Files are named PICTURE.RATIO.splat2d; tools/README.md, "Default tables", says how they are made. Two tables are printed:

- Constants: the bytes of all files of a ratio, with one constant of the format changed.
- Tables: each attribute starts in each level from counts trained on the files of *other* pictures (leave one out), pooled or by level, and
  weighing as much as so many symbols; inherited contexts take a share of it again, or not. Given is the change in
  bytes against the format as it is.

Only ideal code lengths are counted, which files exceed by less than two bytes.
"""

from __future__ import annotations

import argparse
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from splatc import bitstream
from splatc.bitstream import Header, coder, layout, parametric, positions, predict, priors, stream
from splatc.bitstream.attributes import ESCAPE
from splatc.bitstream.coder import SHARP, SMOOTH, AdaptiveTable, Counts, Frequencies, Symbols, scaled
from splatc.bitstream.parametric import ParametricModel
from splatc.bitstream.priors import RESIDUAL_RADIUS
from splatc.bitstream.stream import GaussianSymbols
from splatc.quantize import MAX_ASPECT, angle_count_table

CONSTANTS: tuple[tuple[ModuleType, str, tuple[int, ...]], ...] = (
    (coder, "FIRST_BATCH", (2, 4, 8)),
    (coder, "INHERITED", (16, 32, 64)),
    (priors, "PARTITION_WEIGHT", (1, 2, 3)),
    (priors, "PARTITION_SYMBOLS", (16, 32, 64, 128)),
    (priors, "ANGLE_WIDTH", (256, 512, 1024)),
    (priors, "ANGLE_FLOOR", (1 << 12, 1 << 13, 1 << 14)),
    (parametric, "GEOMETRIC", (48, 96, 160)),
    (parametric, "INHERITED", (4, 8, 16)),
)
STRENGTHS = (16, 48, 150)
"""Symbols that a trained table may weigh as much as."""
AGAIN = (0, 16, 64)
"""Symbols that it may weigh in inherited contexts, too."""

Prior = Callable[[int], Counts]
"""The counts that the table of a level starts from."""


class Meter:
    """A coder that writes nothing and adds up what it would have cost."""

    def __init__(self) -> None:
        self.part = ""
        self.bits = 0.0

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        if len(symbols) and len(frequencies) > 1:
            self.bits += float((16 - np.log2(frequencies[symbols])).sum())


class Fit:
    """One file, as the symbols that it is coded with."""

    def __init__(self, path: Path) -> None:
        self.picture, _, self.ratio = path.stem.rpartition(".")
        self.header: Header
        self.header, gaussians = bitstream.decode(path.read_bytes())
        inspection = bitstream.inspect(path.read_bytes())
        if len(inspection.sections) != 1:
            raise SystemExit(f"{path}: only files of one section can be compared")
        (self.section,) = inspection.sections
        self.overhead = inspection.bits["overhead"]
        self.symbols: GaussianSymbols = predict.to_symbols(self.header.quantizer, gaussians)
        self.levels = levels_of(self.header, self.symbols)

    def bytes(self) -> float:
        """Of the whole file, with the constants as they are now."""
        meter = Meter()
        tables = stream.Tables()
        for level in layout.ranges(self.header, self.section):
            stream.code_level(meter, self.header, level, self.symbols, tables, positions.encode)
        return (meter.bits + self.overhead) / 8


def levels_of(header: Header, symbols: GaussianSymbols) -> dict[str, list[tuple[int, Symbols]]]:
    """What is coded of each attribute: (level, its symbols) from coarse to fine."""
    found = defaultdict(list)
    coded = symbols.attributes
    for level in np.unique(symbols.level)[::-1].tolist():
        here = symbols.level == level
        found["log_scale"].append((level, coded["log_scale"][here]))
        found["aspect"].append((level, coded["aspect"][here]))
        for channel, name in enumerate(("luma", "U", "V")[: header.channels]):
            residual = coded["colour"][here, channel]
            near = np.abs(residual) <= RESIDUAL_RADIUS
            found[name].append((level, np.where(near, residual + RESIDUAL_RADIUS, ESCAPE).astype(np.int32)))
        directions = angle_count_table(header.quantizer)[level, coded["aspect"][here]]
        for count in np.unique(directions[directions > 1]).tolist():
            found[f"angle of {count}"].append((level, coded["angle"][here][directions == count]))
    return found


def alphabet(attribute: str, bins: int) -> int:
    """The number of symbols of an attribute."""
    if attribute.startswith("angle"):
        return int(attribute.rpartition(" ")[2])
    return {"log_scale": bins, "aspect": MAX_ASPECT + 1}.get(attribute, ESCAPE + 1)


def bits_now(attribute: str, levels: list[tuple[int, Symbols]], bins: int) -> float:
    """What an attribute costs as the format codes it, escaped numbers left out; the tables of orientation residuals serve all levels."""
    meter = Meter()
    table: AdaptiveTable | ParametricModel | None = None
    for _, symbols in levels:
        if attribute.startswith("angle"):
            table = table or AdaptiveTable(priors.angle_residual(alphabet(attribute, bins)))
        elif table is None:
            table = first_table(attribute, bins)
        else:
            table = table.inherited()
        table.code(meter, symbols)
    return meter.bits


def first_table(attribute: str, bins: int) -> AdaptiveTable | ParametricModel:
    match attribute:
        case "log_scale":
            return AdaptiveTable(priors.log_scale(bins))
        case "aspect":
            return AdaptiveTable(priors.aspect(MAX_ASPECT + 1))
        case "luma":
            return AdaptiveTable(priors.luma_residual(), SMOOTH)
        case _:
            return ParametricModel()


def bits_trained(attribute: str, levels: list[tuple[int, Symbols]], prior: Prior, again: int) -> float:
    """What it costs where each level, or the first alone (again = 0), starts from trained counts."""
    meter = Meter()
    table: AdaptiveTable | None = None
    for level, symbols in levels:
        if table is None:
            table = AdaptiveTable(prior(level), SMOOTH if attribute == "luma" else SHARP)
        elif not attribute.startswith("angle"):
            table = table.inherited()
            table.counts += scaled(prior(level), again)
        table.code(meter, symbols)
    return meter.bits


def train(attribute: str, fits: Iterable[Fit], by_level: bool, strength: int, bins: int) -> Prior:
    """Counts in proportion to what the fits hold, each fit weighing as the root of its number of Gaussians."""
    size = alphabet(attribute, bins)
    seen: defaultdict[int, NDArray[np.float64]] = defaultdict(lambda: np.zeros(size))
    for fit in fits:
        for level, symbols in fit.levels.get(attribute, ()):
            seen[level] += np.bincount(symbols, minlength=size) / np.sqrt(len(fit.symbols.level))
    pooled = smoothed(attribute, sum(seen.values(), np.full(size, 1e-3)))

    @functools.cache
    def prior(level: int) -> Counts:
        weights = pooled * 0.05 + smoothed(attribute, seen[level]) if by_level else pooled
        counts: Counts = 1 + (weights / weights.sum() * strength * coder.INCREMENT).astype(np.int64)
        return counts

    return prior


def smoothed(attribute: str, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Residuals are made symmetric, and blurred a little; every symbol stays possible."""
    if attribute in ("luma", "U", "V"):
        near = (counts[:ESCAPE] + counts[:ESCAPE][::-1]) / 2
        counts = np.append(np.convolve(near, [0.1, 0.2, 0.4, 0.2, 0.1], mode="same"), counts[ESCAPE])
    spread_out: NDArray[np.float64] = counts + 2e-3 * counts.sum() / len(counts)
    return spread_out


def print_constants(fits: list[Fit], ratios: list[str]) -> None:
    print(
        f"| constant | value | {' | '.join(f'bytes at CR {ratio}' for ratio in ratios)} |\n|---|---|{'---|' * len(ratios)}"
    )
    for module, name, values in CONSTANTS:
        for value in values:
            with patch.object(module, name, value):
                priors.partition_table.cache_clear()
                totals = [sum(fit.bytes() for fit in fits if fit.ratio == ratio) for ratio in ratios]
            mark = " (now)" if value == getattr(module, name) else ""
            print(f"| {module.__name__}.{name} | {value}{mark} | {' | '.join(f'{total:.0f}' for total in totals)} |")
    priors.partition_table.cache_clear()


def print_tables(fits: list[Fit], ratios: list[str], bins: int) -> None:
    print(
        f"\n| attribute | trained | {' | '.join(f'bytes at CR {ratio}' for ratio in ratios)} |\n|---|---|{'---|' * len(ratios)}"
    )
    attributes = sorted({attribute for fit in fits for attribute in fit.levels})
    for group in ("log_scale", "aspect", "angle", "luma", "U", "V"):
        members = [attribute for attribute in attributes if attribute.split()[0] == group]
        now = {
            ratio: total(fits, ratio, members, lambda fit, each: bits_now(each, fit.levels[each], bins))
            for ratio in ratios
        }
        print(f"| {group} | as it is | {' | '.join(f'{now[ratio]:.0f}' for ratio in ratios)} |")
        changes = []
        for by_level, strength, again in product((False, True), STRENGTHS, AGAIN):
            if group == "angle" and (by_level or again):
                continue  # its tables have no levels

            @functools.cache
            def prior(picture: str, attribute: str, by_level: bool = by_level, strength: int = strength) -> Prior:
                others = (fit for fit in fits if fit.picture != picture)
                return train(attribute, others, by_level, strength, bins)

            def bits(fit: Fit, each: str, again: int = again, prior: Callable[[str, str], Prior] = prior) -> float:
                return bits_trained(each, fit.levels[each], prior(fit.picture, each), again)

            change = [total(fits, ratio, members, bits) - now[ratio] for ratio in ratios]
            changes.append((change, f"{'by level' if by_level else 'pooled'}, {strength} symbols, {again} inherited"))
        change, name = min(changes, key=lambda entry: sum(c / now[r] for c, r in zip(entry[0], ratios, strict=True)))
        print(f"| | best: {name} | {' | '.join(f'{each:+.0f}' for each in change)} |")


def total(fits: list[Fit], ratio: str, attributes: list[str], bits: Callable[[Fit, str], float]) -> float:
    """Bytes of attributes in all fits of a ratio."""
    return sum(bits(fit, each) for fit in fits if fit.ratio == ratio for each in attributes if each in fit.levels) / 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="PICTURE.RATIO.splat2d")
    fits = [Fit(path) for path in parser.parse_args().files]
    ratios = sorted({fit.ratio for fit in fits}, key=float)
    bins = {fit.header.quantizer.log_scales for fit in fits}
    if len(bins) > 1:
        parser.error("the files differ in their number of log scales per octave")
    print_constants(fits, ratios)
    print_tables(fits, ratios, bins.pop())


if __name__ == "__main__":
    main()
