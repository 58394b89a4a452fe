"""Take the checks of the core away one by one, and see whether a test notices.

python tools/core_mutation.py                     # all of them
python tools/core_mutation.py --list              # what they are
python tools/core_mutation.py --sample 8 --seed 1

A check is a condition after which the core refuses: of an `if` that returns a status or 0, or of what a predicate
(`..._is_sound`, `in_range`) returns. A mutant has one of its comparisons taken away, or shifted by one; the objects that
are concerned are compiled anew, and tests run against the library in a fork. A mutant that crashes or hangs is killed like
one that fails a test. Linux and macOS.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import core_build

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    "tests/test_core_section_limits.py", "tests/test_core_limits.py", "tests/test_core_draw_limits.py", "tests/test_core_job_limits.py",
    "tests/test_core_section.py", "tests/test_core_raster.py", "tests/test_hostile.py",
    "tests/test_conformance.py",
)  # fmt: skip
"""Those that kill most come first."""
TESTS_OF = {
    "fit": ("tests/test_core_fit_limits.py", "tests/test_core_fit.py"),
    "loss": ("tests/test_core_loss_limits.py", "tests/test_core_losses.py"),
    "metric": ("tests/test_core_metric_limits.py", "tests/test_metrics.py"),
    "seed": ("tests/test_core_seed_limits.py", "tests/test_core_seeds.py"),
    "pack": ("tests/test_core_pack_limits.py", "tests/test_core_packing.py", "tests/test_bitstream_roundtrip.py"),
    "latent": ("tests/test_core_latent_limits.py", "tests/test_latent.py"),
    "grid": ("tests/test_grids.py",),
} | dict.fromkeys(("models", "chroma", "directions"), ("tests/test_draft_models.py", "tests/test_draft.py", *TESTS))
"""By what the name of a source begins with, tests of its own; those of the decoder's are TESTS."""
REFUSALS = r"CORE_[A-Z_]+|0|-1|\(int64_t\)1 << 62|\(span\)\{0, -1\}"
PREDICATES = (
    "steps_are_sound",
    "in_range",
    "view_is_sound",
    "draw_is_sound",
    "levels_are_sound",
    "is_sound",
    "stream_ends_well",
    "network_is_sound",
    "phases_are_sound",
    "parts_are_known",
    "sizes_are_known",
    "task_is_sound",
    "image_is_sound",
    "pixels_are_sound",
    "section_is_sound",
    "search_is_sound",
    "tables_are_sound",
    "layers_are_sound",
    "cells_are_wide",
)
LEFT_OUT = {
    "stopped(",
    "(status != CORE_OK",
    "second == 0",
    "count == 0",
    "chroma",
    "__get_cpuid",
    "all(c1",
    "parent < 0",
}
"""What is no check of an argument or a stream: work that is given up, what there is nothing to do for, what a processor has."""
QUICK = ("is_sound", "levels_are_sound", "draw_is_sound", "in_range", "core_fill_tiles", "core_draw_tile")
"""Functions whose checks the first tests alone hold."""
SPECIAL = (
    ("range.h", "quantile >> 24 || ", ""),
    ("raster.c", "t->starts[here->number + 1]; k++", "t->starts[here->number + 1] + 1; k++"),
    ("section.c", "section->beyond > (double)section->margin + 0.5", "0"),
    ("section.c", "!section->truncated && section->ends && !stream_ends_well(&r, section->minimum)", "0"),
    ("section.c", "4 * r.words > section->length", "0"),
    ("gaussians.c", "if (cursor[tile] >= starts[tile + 1]) return CORE_INVALID;", ""),
    ("gaussians.c", "min64(floor64(high) - first, count - 1)", "min64(floor64(high) - first, count)"),
    ("gaussians.c", "max64(floor64(low) - first, 0)", "max64(floor64(low) - first, -1)"),
    ("library.c", "which >= (int32_t)(sizeof BYTES / sizeof *BYTES)", "0"),
    ("internal.h", "(int64_t)1 << 58", "(int64_t)1 << 59"),
    ("internal.h", "steps->position[level], MAX_POSITION_CELLS", "steps->position[level], (int64_t)1 << 40"),
)  # fmt: skip
"""Checks that have another form: file, text, mutated text."""
EQUIVALENT: dict[str, str] = (
    {
        f"gaussians.c: core_{name}: count > MAX_GAUSSIANS  ->  count >= MAX_GAUSSIANS": "the largest count itself takes 5 GB to try"
        for name in ("count_entries", "count_tiles", "fill_tiles")
    }
    | {
        "pool.c: core_start: job->kind >= CORE_JOB_KINDS  ->  job->kind > CORE_JOB_KINDS": "what lies behind the table decides",
        "section.c: is_sound: each->count > MAX_GAUSSIANS - chain  ->  each->count >= MAX_GAUSSIANS - chain": "as much",
        "section.c: is_sound: each->parent >= number_of  ->  each->parent > number_of": "its own parent has too many ancestors",
        "neighbours.c: core_find_neighbours: count > MAX_GAUSSIANS  ->  count >= MAX_GAUSSIANS": "as much",
        "predict.c: core_make_residuals: t->count > MAX_GAUSSIANS  ->  t->count >= MAX_GAUSSIANS": "as much",
        "section.c: stream_ends_well: significant <= size  ->  significant < size": "of 2^32 numbers one ends with zeros",
        "positions.c: code_positions: count < 0  ->  count <= 0": "some half always holds points",
        "fit.c: is_sound: core_fit_tiles(t->width, t->height) < 0  ->  core_fit_tiles(t->width, t->height) <= 0": "a tile at least, or -1",
        "section.c: levels_are_sound: l->count > MAX_GAUSSIANS  ->  l->count >= MAX_GAUSSIANS": "as much",
        "pack_order.c: is_sound: t->count > MAX_GAUSSIANS  ->  t->count >= MAX_GAUSSIANS": "as much",
        "pack_sections.c: section_is_sound: each->parent >= at  ->  each->parent > at": "its own parent has too many ancestors",
        "pack_sections.c: search_of: made  ->  0": "it writes once more what is there",
        "metric.c: run_squares: item < 0  ->  0": "a job's items are counted from 0",
    }
    | {
        f"{name}: {before} < 0  ->  0": "a job's items and workers are counted from 0"
        for name in (
            "metric.c: run_similarity",
            "loss.c: item_is_sound",
        )
        for before in ("item", "worker")
    }
    | {
        f"{name}  ->  0": "every processor that the library is loaded on has the part"
        for name in (
            "metric.c: run_squares: parts == NULL",
            "metric.c: run_similarity: parts == NULL",
            "loss.c: item_is_sound: STRIPS[here->level] == NULL",
        )
    }
    | {
        "seed_apart.c: core_keep_apart: t->point_count > INT32_MAX - t->candidate_count  ->  "
        "t->point_count >= INT32_MAX - t->candidate_count": "as much",
        "seed_apart.c: core_keep_apart: t->rows < 1  ->  0": "no such cells are wide",
        "seed_apart.c: core_keep_apart: t->columns > 1 << 30  ->  0": "no row of them is allowed",
        "seed_apart.c: core_keep_apart: t->columns > 1 << 30  ->  t->columns >= 1 << 30": "as much",
        "seed_apart.c: core_keep_apart: t->rows > (1 << 30) / t->columns  ->  t->rows >= (1 << 30) / t->columns": "as much",
        "seed_draw.c: core_choose_smallest: count < 0  ->  0": "as few cannot be wanted",
        "seed_levels.c: find_features: level < LEAST_LEVEL  ->  0": "no lower level can be set",
        "seed_levels.c: find_colours: level < LEAST_LEVEL  ->  0": "no lower level can be set",
        "seed_levels.c: find_features: t->y1 <= t->y0  ->  t->y1 < t->y0": "a tile without rows has no band",
        "seed_nearest.c: core_make_tree: count > INT32_MAX  ->  count >= INT32_MAX": "as much",
        "seed_order.c: core_order_points: count > INT32_MAX  ->  count >= INT32_MAX": "as much",
        "seed_pixels.c: pixels_are_sound: height >= 1  ->  1": "a picture without rows has no band",
        "seed_pixels.c: pixels_are_sound: width <= INT32_MAX  ->  width < INT32_MAX": "as much",
    }
    | {
        f"seed_{place} < 0  ->  0": "items of a job begin at 0"
        for place in (
            "levels.c: find_features: band",
            "levels.c: find_colours: chunk",
            "nearest.c: find_nearest: chunk",
            "pixels.c: sum_band: band",
            "pixels.c: reduce_band: band",
            "pixels.c: split_band: band",
        )
    }
    | {"loss.c: item_is_sound: here->count < 0  ->  here->count <= 0": "a job has a phase"}
)
"""Mutants, as they are listed, that no test distinguishes from the core, and why."""


@dataclass(frozen=True)
class Mutant:
    """One change of one source."""

    file: str
    line: int
    start: int
    stop: int
    text: str
    function: str

    def label(self, source: str) -> str:
        return f"{self.file}: {self.function}: {_flat(source[self.start : self.stop])}  ->  {_flat(self.text)}"

    def applied(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.stop :]


def _flat(text: str) -> str:
    return " ".join(text.split())


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """All mutants of a source."""
    for match in re.finditer(r"\bif \(", source):
        stop = _closing(source, match.end())
        if stop is not None and re.match(rf"\)\s*return (?:{REFUSALS});", source[stop:]):
            yield from _of_condition(file, source, match.end(), stop, "0", "||")
    for match in re.finditer(r"\breturn (?P<rest>[^;]*?);", source):
        if _function(source, match.start()) in PREDICATES and match["rest"] not in ("0", "1"):
            yield from _of_condition(file, source, match.start("rest"), match.end("rest"), "1", "&&")
    for name, old, new in SPECIAL:
        if name == file:
            start = source.index(old)
            yield Mutant(file, _line(source, start), start, start + len(old), new, _function(source, start))


def _of_condition(file: str, source: str, start: int, stop: int, nothing: str, glue: str) -> Iterator[Mutant]:
    for first, last in _parts(source, start, stop, glue):
        atom = source[first:last]
        if any(word in atom for word in LEFT_OUT):
            continue
        inner = list(_parts(source, first, last, "&&"))
        if glue == "||" and len(inner) > 1:
            yield Mutant(file, _line(source, first), first, last, nothing, _function(source, first))
            for begin, end in inner:
                if glue in source[begin:end]:
                    yield from _of_condition(file, source, begin, end, nothing, glue)
            continue
        where = file, _line(source, first)
        yield Mutant(*where, first, last, nothing, _function(source, first))
        for comparison in re.finditer(r" (<=|>=|<|>) ", atom):
            if atom[: comparison.start()].count("(") == atom[: comparison.start()].count(")"):
                shifted = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[comparison[1]]
                at = first + comparison.start(1), first + comparison.end(1)
                text = atom[: comparison.start(1)] + shifted + atom[comparison.end(1) :]
                yield Mutant(
                    *where,
                    at[0] - comparison.start(1),
                    at[1] + len(atom) - comparison.end(1),
                    text,
                    _function(source, first),
                )


def _closing(source: str, start: int) -> int | None:
    """Where the bracket closes that stands before ``start``."""
    depth = 1
    for place in range(start, len(source)):
        depth += {"(": 1, ")": -1}.get(source[place], 0)
        if depth == 0:
            return place
    return None


def _parts(source: str, start: int, stop: int, glue: str) -> Iterator[tuple[int, int]]:
    """The operands of && or || between two places, those in brackets opened."""
    depth, begin = 0, start
    places = []
    for place in range(start, stop):
        depth += {"(": 1, ")": -1}.get(source[place], 0)
        if depth == 0 and source.startswith(glue, place):
            places.append((begin, place))
            begin = place + len(glue)
    for first, last in [*places, (begin, stop)]:
        while source[first].isspace():
            first += 1
        while source[last - 1].isspace():
            last -= 1
        other = "&&" if glue == "||" else "||"
        inner = source[first + 1 : last - 1]
        if source[first] == "(" and _closing(source, first + 1) == last - 1 and (glue in inner or other in inner):
            yield from _parts(source, first + 1, last - 1, glue)
        else:
            yield first, last


def _line(source: str, place: int) -> int:
    return source.count("\n", 0, place) + 1


def _function(source: str, place: int) -> str:
    """Name of the function around a place: the last definition that begins a line before it."""
    found = re.findall(r"^(?:static )?(?:inline )?[a-z_0-9]+ \*?([a-z_0-9]+)\(", source[:place], re.MULTILINE)
    return found[-1] if found else "?"


def everything() -> list[tuple[Mutant, str]]:
    """All mutants of all sources, and what is said of each."""
    result = []
    for path in core_build.sources():
        source = path.read_text()
        result += [(each, each.label(source)) for each in mutants(path.name, source)]
    return result


class Workshop:
    """A copy of the sources with their objects; only what a mutant concerns is compiled again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compiler = core_build.find_compiler()
        self.target = core_build.host()
        self.jobs = core_build.jobs(self.compiler, self.target)
        for path in core_build.sources():
            shutil.copy(path, folder)
        self._compile(self.jobs)

    def _compile(self, jobs: Sequence[core_build.Job]) -> None:
        flags = [*core_build.FLAGS, "-O1", "-w", "-fPIC"]
        moved = [core_build.Job(self.folder / job.source.name, job.object, job.flags) for job in jobs]
        core_build.compile_all(self.compiler, moved, flags, self.folder)

    def _concerned(self, file: str) -> list[core_build.Job]:
        def looks_at(name: str) -> bool:
            text = (self.folder / name).read_text()
            return name == file or any(looks_at(each) for each in re.findall(r'#include "(.*)"', text))

        return [job for job in self.jobs if looks_at(job.source.name)]

    def make(self, mutant: Mutant | None) -> Path:
        """The library with a mutant in it, or sound."""
        if mutant is not None:
            original = (self.folder / mutant.file).read_text()
            (self.folder / mutant.file).write_text(mutant.applied(original))
            kept = {job.object: (self.folder / job.object).read_bytes() for job in self._concerned(mutant.file)}
            try:
                self._compile(self._concerned(mutant.file))
                return self._link()
            finally:
                (self.folder / mutant.file).write_text(original)
                for name, content in kept.items():
                    (self.folder / name).write_bytes(content)
        return self._link()

    def _link(self) -> Path:
        library = self.folder / f"mutant-{time.monotonic_ns()}{self.target.suffix}"
        objects = [self.folder / job.object for job in self.jobs]
        link = self.compiler.for_library(self.target)
        command = [*self.compiler.command, *self.compiler.for_machine(self.target), *objects, *link, "-o", library]
        core_build.run([str(each) for each in command], self.folder, "the link")
        return library


def stages_of(file: str, quick: bool) -> list[Sequence[str]]:
    """The tests for a source, those that kill most first; only these if ``quick``."""
    tests = TESTS_OF.get(re.split(r"[_.]", file)[0], TESTS)
    first = [each for each in tests if "_limits" in each] or tests[:1]
    rest = [each for each in tests if each not in first]
    return [first] if quick or not rest else [first, rest]


def survives(library: Path, seconds: int, tests: Sequence[str] = TESTS) -> bool:
    """Whether no test fails, in a fork."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        signal.alarm(seconds)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))
        os.environ["SPLATC_CORE_LIBRARY"] = str(library)
        import pytest

        code = 1
        try:
            # Hypothesis, imported before, gives warning that its assertions are not rewritten.
            plain = "-x -q -p no:cacheprovider -p no:faulthandler -W ignore::pytest.PytestAssertRewriteWarning"
            code = int(pytest.main([*plain.split(), "-m", "not slow", *tests]))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def survivors(chosen: Sequence[tuple[Mutant, str]], seconds: int, quick: bool) -> list[str]:
    """Those of the mutants that no test kills. Raises SystemExit if a test fails without any change."""
    import constriction  # noqa: F401 - what every fork would import anew
    import hypothesis  # noqa: F401
    import PIL.Image  # noqa: F401
    import pytest  # noqa: F401 - a mutant takes a third of the time

    lived = []
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        sound = workshop.make(None)
        needed = {tuple(tests) for mutant, _ in chosen for tests in stages_of(mutant.file, quick)}
        for each in sorted(needed):
            if not survives(sound, 10 * seconds, each):
                raise SystemExit(f"{' '.join(each)}: a test fails without any change")
        for number, (mutant, label) in enumerate(chosen):
            library = workshop.make(mutant)
            if all(survives(library, seconds, tests) for tests in stages_of(mutant.file, quick)):
                lived.append(label)
                print(f"survived: {label} (line {mutant.line})", flush=True)
            if number % 20 == 19:
                print(f"{number + 1} of {len(chosen)}", file=sys.stderr, flush=True)
            library.unlink()
    return lived


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="only N mutants, at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--file", action="append", help="only those of a source; may be given again")
    parser.add_argument("--seconds", type=int, default=120, help="a mutant that runs longer counts as killed")
    parser.add_argument("--quick", action="store_true", help="only checks of arguments, and only the tests of these")
    parser.add_argument("--list", action="store_true", help="only print them")
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT)]
    chosen = [each for each in everything() if not given.file or each[0].file in given.file]
    if given.quick:
        chosen = [each for each in chosen if each[0].function in QUICK]
    if not given.list:
        chosen = [each for each in chosen if each[1] not in EQUIVALENT]
    if given.sample:
        chosen = random.Random(given.seed).sample(chosen, min(given.sample, len(chosen)))
    if given.list:
        for mutant, label in chosen:
            print(f"{label} (line {mutant.line})")
        return 0
    lived = survivors(chosen, given.seconds, given.quick)
    print(
        f"{len(chosen) - len(lived)} of {len(chosen)} mutants killed, {len(EQUIVALENT)} equivalent to the core",
        flush=True,
    )
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())
