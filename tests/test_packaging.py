"""What is built is complete: every module and the marker of types in the wheel, what it takes to test them in the sdist."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from splatc import __version__

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = (".py", ".cu", ".cuh")
"""Modules, and the kernels that are compiled on the machine of the user."""


@pytest.mark.slow
def test_wheel_and_sdist_are_complete(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    # In a copy: setuptools leaves build/ and *.egg-info behind.
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(
        ".venv", ".git", "build", "dist", "out", "*.egg-info", ".*_cache", "__pycache__", ".hypothesis"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    built = tmp_path / "built"
    code = f"from setuptools import build_meta as b; b.build_sdist({str(built)!r}); b.build_wheel({str(built)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)

    with zipfile.ZipFile(built / f"splatc-{__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "splatc").rglob("*.*") if path.suffix in SHIPPED}
    assert modules | {"splatc/py.typed"} <= names
    assert not any(name.startswith(("tests/", "tools/", "spec/")) for name in names)

    with tarfile.open(built / f"splatc-{__version__}.tar.gz") as sdist:
        contents = {name.partition("/")[2] for name in sdist.getnames()}
    for folder in ("splatc", "tests", "tools", "spec"):
        kept = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*.*")
            if path.suffix in (*SHIPPED, ".cpp", ".h", ".md", ".png")
        }
        assert kept <= contents
    assert {"pyproject.toml", "Makefile", "constraints.txt", "FORMAT.md", "LICENSE", "CITATION.cff"} <= contents
    assert not any(name.endswith((".pyc", ".nbi", ".nbc")) for name in contents)


def test_the_workflow_calls_make_targets_that_exist() -> None:
    makefile, workflow = (ROOT / "Makefile").read_text(), (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    targets = {line.partition(":")[0] for line in makefile.splitlines() if line[:1].isalpha() and ":" in line}
    called = [line.partition("run: make ")[2].split() for line in workflow.splitlines() if "run: make " in line]
    assert called
    for words in called:
        assert {word for word in words if "=" not in word} <= targets


def test_citation_and_package_agree_on_the_version() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text()
