"""Linked folders and files in what a batch is given: each picture once, in its own place, and nothing left out without a note."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from splatc.batch.folders import matches
from splatc.batch.plan import plan
from splatc.errors import InputError
from tests.test_batch import make_pictures

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def planned(folder: Path, *inputs: Path | str) -> tuple[list[str], list[str]]:
    """Where the files go, and the notes."""
    notes: list[str] = []
    pairs = plan([str(each) for each in inputs], folder / "out", note=notes.append)
    return [Path(pair.output).relative_to(folder / "out").as_posix() for pair in pairs], notes


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    make_pictures(tmp_path, "in/b.png", "in/real/c.png", "elsewhere/d.png", "elsewhere/deep/e.png")
    for link in ("in/again", "in/once"):
        (tmp_path / link).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/a link").symlink_to("real")
    (tmp_path / "in/z").symlink_to(tmp_path / "elsewhere/deep")
    found = planned(tmp_path, tmp_path / "in")
    assert found == (["again/d.splat2d", "again/deep/e.splat2d", "b.splat2d", "real/c.splat2d"], [])


def test_loops_end(tmp_path: Path) -> None:
    make_pictures(tmp_path, "in/a.png", "in/sub/b.png", "other/c.png")
    (tmp_path / "in/sub/up").symlink_to("..")
    (tmp_path / "in/self").symlink_to("self")
    (tmp_path / "in/here").symlink_to(".")
    (tmp_path / "in/one.png").symlink_to("two.png")
    (tmp_path / "in/two.png").symlink_to("one.png")
    assert planned(tmp_path, tmp_path / "in") == (
        ["a.splat2d", "sub/b.splat2d"],
        [f"{tmp_path}/in/{name}.png: a link to nothing: left out" for name in ("one", "two")],
    )
    (tmp_path / "in/sub/beyond").symlink_to(tmp_path)
    (tmp_path / "in/there").symlink_to(tmp_path / "other")
    (tmp_path / "other/back").symlink_to(tmp_path / "in")
    places, notes = planned(tmp_path, tmp_path / "in", tmp_path / "in")
    assert places == ["a.splat2d", "sub/b.splat2d", "there/c.splat2d"]
    assert f"{tmp_path}/in/sub/beyond: a link to a folder that it lies in: not followed" in notes


def test_patterns_follow_them_too(tmp_path: Path) -> None:
    make_pictures(tmp_path, "in/a.png", "in/x/b.png", "elsewhere/c.png", "elsewhere/d.jpg", "elsewhere/.e.png")
    (tmp_path / "in/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/loop").symlink_to(".")
    assert planned(tmp_path, tmp_path / "in/**/*.png")[0] == ["a.splat2d", "link/c.splat2d", "x/b.splat2d"]
    assert planned(tmp_path, tmp_path / "in/**")[0] == ["a.splat2d", "link/c.splat2d", "link/d.splat2d", "x/b.splat2d"]
    assert planned(tmp_path, tmp_path / "in/*/*.png")[0] == ["link/c.splat2d", "loop/a.splat2d", "x/b.splat2d"]
    with pytest.raises(InputError, match="no pictures there"):
        plan([str(tmp_path / "in/**/x/*.jpg")], tmp_path)


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("a.png", "**/*.png", True),
        ("x/y/a.png", "**/*.png", True),
        ("x/y/a.png", "x/**/a.*", True),
        ("x/a.png", "x/**/y/a.*", False),
        ("x/y/z/a.png", "**/y/**/a.png", True),
        ("x/a.jpg", "**/*.png", False),
        ("x/a.jpg", "**", True),
        ("x/a.jpg", "y/**", False),
    ],
)
def test_two_stars_stand_for_any_number_of_folders(path: str, pattern: str, fits: bool) -> None:
    assert matches(Path(path).parts, Path(pattern).parts) is fits


def test_pictures_that_are_links(tmp_path: Path) -> None:
    make_pictures(tmp_path, "in/b.png", "elsewhere/d.png")
    (tmp_path / "in/a.png").symlink_to("b.png")
    (tmp_path / "in/c.png").symlink_to(tmp_path / "elsewhere/d.png")
    (tmp_path / "in/e.png").symlink_to("missing")
    (tmp_path / "in/f").symlink_to("missing")
    places, notes = planned(tmp_path, tmp_path / "in")
    assert places == ["b.splat2d", "c.splat2d"]
    assert notes == [f"{tmp_path}/in/e.png: a link to nothing: left out"]
    with pytest.raises(InputError, match=r"e\.png: cannot be read: a link to nothing"):
        plan([str(tmp_path / "in/e.png")], tmp_path)


def test_what_cannot_be_read_gets_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures(tmp_path, "in/a.png", "in/locked/b.png")
    scan = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert planned(tmp_path, tmp_path / "in") == (
        ["a.splat2d"],
        [f"{tmp_path}/in/locked: its files are left out: Permission denied"],
    )
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        plan(["x" * 5000], tmp_path)


def test_a_picture_by_the_name_of_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures(tmp_path, "a.png")
    (tmp_path / "a.png").rename(tmp_path / "-")
    monkeypatch.chdir(tmp_path)
    assert plan(["-"], tmp_path)[0].source == "./-"
