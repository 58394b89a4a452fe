"""The house's words are those of the field, everywhere the same: none of the private ones that they replaced comes back.

A word stands in the table with what to say instead; where it also has a meaning that everybody knows, the row says in which files it is
looked for, or in which phrases it is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("splatc", "spec", "tests", "tools", "README.md", "CONTRIBUTING.md", "FORMAT.md")
SUFFIXES = {".c", ".cpp", ".cu", ".cuh", ".h", ".html", ".js", ".md", ".mjs", ".py", ".toml", ".ts"}
NOT_READ = {"tests/test_words.py", "spec/changelog.md", "splatc/runtime/renamed_keys.py", "splatc/web/viewer_script.js"}
"""These say what the words were."""


@dataclass(frozen=True)
class Word:
    """A word, or several, that are not said: regular expressions, without regard to case."""

    pattern: str
    """Of a whole word, or of a whole part of a name: `cut` also finds `FEWEST_CUT` and `cut_off`, but not `cutoff`."""
    instead: str
    where: str = ""
    """Found anywhere in a path; empty for all files."""
    right: str = ""
    """Phrases in which the word is right."""


FIT = (
    r"^splatc/fit/|^splatc/core/fit|^tests/test_fit|(encoder|rate_control|quality_\w+|pipeline)\.py"
    r"|^tools/(sweep|ablation)"
)
DRAWING = (
    r"^splatc/(render|cuda/kernels|core/(core\.h|draw|gaussians|raster)|web/(view|work|plan))"
    r"|^spec/(picture|limits)|test_render|core_calls"
)
INTEGERS = (
    r"^splatc/(bitstream/|quantize|steps|core/(attributes|models|positions|predict|section|core\.h))"
    r"|^spec/[a-z]+\.md|independent_decoder"
)

SECTIONS = (
    r"^splatc/(bitstream/|core/(fit/pack|pack|section)|web/section)|^spec/(sections|positions|gaussians)\.md"
    r"|bitstream_sections|divide_oracle|independent_decoder"
)
SHAPES = r"^splatc/(quantize|steps|gaussians|fit/(noise|rate|rounding|table)|core/(attributes|gaussians))\."

WORDS = [
    Word(r"births?|newborns?|bear(s|ing)?", "densify, new Gaussians"),
    Word(r"born", "made, or new", right=r"Word\(", where=FIT),
    Word(r"cuts?|cutting", "prune, pruning", where=FIT, right=r"cuts? off|cut-off|cut short|is cut to"),
    Word(r"removals?", "prune, pruning cost"),
    Word(
        r"freez(e|es|ing)",
        "progressive quantization",
        right=r"--freeze|freeze\(folder|freeze\(options|options\.freeze|`--freeze`",
    ),
    Word(r"held|hold still", "frozen mask", where=FIT, right=r"lock held"),
    Word(r"lattices?", "polyphase subset"),
    Word(r"pull(s|ed|ing)?", "rate gradient", right=r"pull-push|pull[ _]request"),
    Word(
        r"promis(e|es|ed|ing)",
        "prediction; a header declares",
        right=r"\bPromise\b|(fs|timers)/promises|\(promise\)|\bpromise\.",
    ),
    Word(r"expected[_ ](angle|colour|index|psnr|rise|value)s?|[.>]expected", "prediction, predicted"),
    Word(r"frames?", "supersampling grid", where=DRAWING, right=r"[Zz]std frame|Zstandard frame|stack frame"),
    Word(r"points? of (a|the) frame", "point of the supersampling grid"),
    Word(r"(?<!grid )points? (of work|a pixel|per px)|check_points", "evaluations of Gaussians; samples"),
    Word(
        r"anisotrop(y|ies)|SpreadTables?|spread tables?|heirs?|split shares?",
        "log aspect ratio, parametric model, context inheritance, partition",
    ),
    Word(r"sizes?", "log scale", where=SHAPES, right=r"size_t|of equal size|int64_t size|\(double\)size"),
    Word(r"(?<!aspect )ratios?", "log aspect ratio", where=SHAPES),
    Word(
        r"strips?|turns?",
        "sub-cell offset, orientation residual",
        where=INTEGERS,
        right=r"in turn\b|turns? pixels|it turns|turned|A decoder turns|\.strip\(",
    ),
    Word(r"splits?", "binary partition count", where=INTEGERS, right=r"\.split\("),
    Word(r"density", "points of the supersampling grid per px (grid_scale)", where=DRAWING),
    Word(r"pass(es)?(?! [a-z(])", "layer", where=SECTIONS, right=r"^\s*pass$|passes on"),
    Word(r"blocks?", "tile", where=SECTIONS, right=r"EXIF block|non-blocking|[Ww]ithin the block"),
    Word(r"reach_(of|x|y)|[.>]reach|(a|its|their|each|in|of) reach", "bounding margin; extent of an ellipse"),
    Word(r"what happens", "event", where=r"schedule|trainer"),
    Word(r"tells?|telling|told", "says, states, has; log, note or report", right=r"\.tell\(|def tell\("),
    Word(r"urgent", "warning"),
    Word(r"strays?", "orphaned temporary file"),
    Word(
        r"machines?",
        "runtime; GPU, computer",
        where=r"^splatc/(runtime|batch)/|^tools/(bench/)?cuda",
        right=r"\bmachine\b",
    ),
    Word(r"quick(ly)?", "compiled", where=r"^splatc/(core|fit|render|runtime)/"),
    Word(r"deep(er)?", "16-bit", right=r"/deep\b|deep/|Deep Zoom|deepzoom"),
    Word(r"kinds", "type; sniffing", where=r"^splatc/image/readers/", right=r"kinds of|rare kinds"),
    Word(r"hidden", "transparent", where=r"^splatc/(image|encoder|decoder)/"),
    Word(r"scratch", "workspace", right=r"from scratch"),
    Word(r"hears?|heard|nobody|whoever|anybody|lies about|believed?", "a sentence that says what the code does"),
]


def paths() -> Iterator[Path]:
    """All files of text."""
    for place in PLACES:
        path = ROOT / place
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if each.suffix in SUFFIXES and each.relative_to(ROOT).as_posix() not in NOT_READ and each.is_file():
                yield each


def found(word: Word, text: str) -> list[int]:
    """Numbers of the lines that say it."""
    said = re.compile(rf"(?<![A-Za-z])(?:{word.pattern})(?![A-Za-z])", re.IGNORECASE)
    if said.search(text) is None:
        return []
    right = re.compile(word.right) if word.right else None
    lines = enumerate(text.splitlines(), 1)
    return [number for number, line in lines if said.search(right.sub("", line) if right else line)]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """By path."""
    return {each.relative_to(ROOT).as_posix(): each.read_text("utf-8") for each in paths()}


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.pattern)
def test_no_private_word_is_said(word: Word, texts: dict[str, str]) -> None:
    read = {path: text for path, text in texts.items() if re.search(word.where, path)}
    assert read, "no file is read for this word"
    said = [f"{path}:{number}" for path, text in read.items() for number in found(word, text)]
    said += [path for path in read if found(word, Path(path).stem)]
    assert not said, f"say {word.instead!r} instead of {word.pattern!r}"


def test_words_are_found_in_names_and_sentences() -> None:
    word = Word(r"cuts?", "prune", right="cut off")
    text = "FEWEST_CUTS = 10\nthe last cut\na file that is cut off\ncutoff, shortcut\nHalfCut\n"
    assert found(word, text) == [1, 2]
