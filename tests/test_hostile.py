"""The files of tests/hostile/: each is refused by every reader, with the error that its rule has."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from splatc import bitstream
from splatc.bitstream import Reader
from splatc.cli import main
from splatc.decoder.describe import describe
from splatc.decoder.verifier import find_problems
from splatc.errors import CorruptFileError, LimitError, SplatError, UnsupportedFileError
from tests import independent_decoder
from tests.hostile.case import Case, divided, plain
from tests.hostile.write import FOLDER, cases, info_reads, listing

ERRORS: dict[str, type[SplatError]] = {
    "corrupt": CorruptFileError,
    "unsupported": UnsupportedFileError,
    "limit": LimitError,
}
SYMBOLS = (
    "stream",
    "sections-swapped",
    "section-wrong-crc",
    "latents-wrong-crc",
    "border-moved",
    "chunk-in-a-chunk",
    "count-one-less",
    "section-noise",
    "margin",
)
"""What files are called whose fault lies in their streams, which `info` does not decode."""
CASES = {case.name: case for case in cases()}
each = pytest.mark.parametrize("name", CASES)


def read_everything(data: bytes) -> None:
    """The Gaussians and the metadata."""
    bitstream.decode(data)
    Reader(io.BytesIO(data)).metadata()


def test_the_files_are_those_that_the_script_writes() -> None:
    """After a change of the format or of a case: python -m tests.hostile.write."""
    written = {path.stem: path.read_bytes() for path in FOLDER.glob("*.splat2d")}
    assert written == {name: case.data for name, case in CASES.items()}
    assert (FOLDER / "README.md").read_text() == listing()
    assert len(CASES) == len(cases()), "two cases have one name"


def test_what_they_are_made_from_is_sound() -> None:
    for data in (plain(), divided()):
        read_everything(data)
        assert find_problems(data) == []


@each
def test_one_typed_error_a_rule(name: str) -> None:
    case = CASES[name]
    with pytest.raises(SplatError) as refusal:
        read_everything(case.data)
    assert isinstance(refusal.value, ERRORS[case.kind])
    assert case.says in str(refusal.value)
    assert str(refusal.value).isprintable()


@each
def test_verify_finds_it_and_says_the_same_kind(name: str) -> None:
    case = CASES[name]
    problems = find_problems(case.data)
    assert case.kind in {problem.kind for problem in problems}
    assert all(problem.message.isprintable() for problem in problems)
    if case.parts:
        assert [problem.part for problem in problems] == list(case.parts)


@each
def test_info_refuses_what_it_looks_at(name: str) -> None:
    case = CASES[name]
    if info_reads(case):
        assert case.parts or any(words in name for words in SYMBOLS)
        return
    with pytest.raises(ERRORS[case.kind]):
        describe(case.data)


@pytest.mark.parametrize("name", list(CASES)[::9])
def test_the_command_ends_with_one_line_and_the_exit_code(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = FOLDER / f"{name}.splat2d"
    code = 4 if case.kind == "limit" else 3
    decoded, written = (0, ["out.png"]) if name.startswith("metadata") else (code, [])
    result = CliRunner().invoke(main, ["decode", str(path), str(tmp_path / "out.png")])
    files = [each.name for each in tmp_path.iterdir()]
    assert (result.exit_code, result.stderr.count("\n"), files) == (decoded, 1, written)
    assert CliRunner().invoke(main, ["verify", str(path)]).exit_code == code


def test_the_second_decoder_refuses_them_too() -> None:
    """The one that was written from spec/ alone, where it looks at the same things: it leaves metadata alone."""
    accepted = []
    for case in CASES.values():
        try:
            independent_decoder.decode(case.data)
        except Exception:  # it has one kind of error for all
            continue
        accepted.append(case.name)
    assert [name for name in accepted if not name.startswith("metadata")] == []


def test_the_list_of_the_issue_is_covered() -> None:
    """One file at least for each thing that a file can lie about."""
    for words in (
        "twice",
        "missing",
        "unknown",
        "at-end",
        "2-to-31",
        "2-to-63",
        "swapped",
        "wrong-crc",
        "noise",
        "limit",
    ):
        assert any(words in name for name in CASES), words
    assert isinstance(CASES["head-twice"], Case)
