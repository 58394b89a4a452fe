"""Older names of modules: the same module, with a warning at the line that imports it; no other name is found."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import splatc
from splatc.decoder import verifier
from splatc.runtime.renamed_modules import RENAMED


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if they were not imported yet."""
    for old in RENAMED:
        monkeypatch.delitem(sys.modules, old, raising=False)
        monkeypatch.delattr(splatc, old.partition(".")[2], raising=False)


@pytest.mark.parametrize("old", RENAMED)
def test_an_older_name_is_the_module_and_warns(old: str) -> None:
    new = importlib.import_module(RENAMED[old])
    spec = new.__spec__
    with pytest.warns(DeprecationWarning, match=f"^{old} is now {RENAMED[old]}$"):
        assert importlib.import_module(old) is new
    assert new.__name__ == RENAMED[old]
    assert new.__spec__ is spec


def test_the_warning_names_the_line_that_imports() -> None:
    code = "import splatc\nfrom splatc.picture import Picture\nfrom splatc.picture import open"
    run = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.count("DeprecationWarning") == 1
    assert "<string>:2: DeprecationWarning: splatc.picture is now splatc.decoder.picture" in run.stderr


def test_pickles_that_hold_an_older_name_load() -> None:
    problem = verifier.Problem("corrupt", "checksum", "text")
    data = pickle.dumps(problem, 0).replace(b"splatc.decoder.verifier", b"splatc.verifier")
    with pytest.warns(DeprecationWarning):
        assert pickle.loads(data) == problem


def test_other_names_are_not_found() -> None:
    for name in ("splatc.older", "splatc.nothing"):
        with pytest.raises(ModuleNotFoundError, match=f"No module named '{name}'"):
            importlib.import_module(name)


def test_nothing_of_ours_uses_them() -> None:
    root = Path(splatc.__file__).parent.parent
    files = [path for folder in ("splatc", "tools", "tests") for path in (root / folder).rglob("*.py")]
    assert files
    for path in files:
        if path.name not in ("renamed_modules.py", "test_renamed_modules.py"):
            text = path.read_text()
            assert not any(f"from {old} import" in text or f"import {old}\n" in text for old in RENAMED), path
