"""Hostile files by every way of reading: they are refused, or their picture is drawn without what is damaged beside it."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("imageio.v3")

from tests.hostile import doors, memory
from tests.hostile.case import plain
from tests.hostile.write import cases

CASES = {case.name: case for case in cases()}
FOUND = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def found() -> FOUND:
    """The outcome by file and door."""
    paths = sorted(doors.FOLDER.glob("*.splat2d"))
    assert len(paths) == len(CASES)
    return {path.stem: dict(zip(doors.DOORS, doors.outcomes(path), strict=True)) for path in paths}


def test_the_table_says_what_happens(found: FOUND) -> None:
    """After a change: python -m tests.hostile.doors."""
    text = doors.README.read_text()
    assert doors.written(text, doors.table({name: tuple(row.values()) for name, row in found.items()})) == text


def test_a_whole_picture_is_drawn_from_sound_files_only(found: FOUND) -> None:
    """Or from those with damaged metadata, with a warning."""
    whole = ("`splatc.decode` of bytes", "`splatc.decode` of a path", "`open`, `read`")
    commands = ("`splatc decode`", "of a pipe", "`plot`")
    for name, row in found.items():
        kind = CASES[name].kind
        metadata = name.startswith("metadata-")
        assert {row[door] for door in whole} == {"reads, warning" if metadata else kind}, name
        code = "0, note" if metadata else "4" if kind == "limit" else "3"
        assert {row[door] for door in commands} == {code}, name
        plug_ins = {"reads, warning"} if metadata else {"unidentified", "OSError"}
        assert {row["`load`"], row["imageio `imread`"]} <= plug_ins, name


def test_verifying_finds_all(found: FOUND) -> None:
    for name, row in found.items():
        assert row["`splatc.verify`"] == "finds"
        assert row["`verify` "] == ("4" if CASES[name].kind == "limit" else "3"), name
        assert row["`verify`"].partition(",")[0] in ("unidentified", "OSError"), name


def test_damage_that_draws_nothing_costs_no_region(found: FOUND) -> None:
    readers = [name for name, row in found.items() if row["`read` of a region"] == "reads"]
    assert readers == [name for name in found if name.startswith(("ancillary", "metadata"))]


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(os, "fork"), reason="peak memory is read from /proc")
@pytest.mark.parametrize("kind", [b"noTE", b"iccp", b"HEAD", b"INDX", b"GAUS"])
def test_a_large_chunk_is_never_in_memory(kind: bytes) -> None:
    """100 MiB, which are few for a test; tests/README.md has the figures of more."""
    with tempfile.TemporaryDirectory() as name:
        memory.warm_up(Path(name))
        path = Path(name) / "sparse.splat2d"
        memory.sparse(path, kind, 100 << 20)
        found = dict(zip(memory.DOORS, memory.peaks(path), strict=True))
        assert found.pop("piped") < 48
        assert max(found.values()) < 12
        path.unlink()
        with path.open("wb") as file:
            file.write(plain())
            file.truncate(3 << 30)
        for door in ("decode", "info", "verify", "Pillow", "piped"):
            assert memory.peak(memory.DOORS[door], path) < 48
