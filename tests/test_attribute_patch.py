"""A new attribute is a row of one table: opacity.patch adds one, that changes the picture, to a copy of the repository, and it works there.

The patch is kept up with the code: where it no longer applies, apply what still does to a copy, mend the rest, and put the difference here
(tests/attribute_patch/README.md).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATCH, CHECK = (ROOT / "tests" / "attribute_patch" / name for name in ("opacity.patch", "check.py"))
OWN_LINE = ("splatc/core/", "splatc/cuda/", "splatc/fit/cuda/", "splatc/web/", "spec/", "tests/independent_decoder/")
"""The core, CUDA, the browser, spec/ and the independent decoder each need a line of their own."""
MOST_FILES = 5


def test_it_touches_few_files() -> None:
    files = set(re.findall(r"^\+\+\+ b/(\S+)$", PATCH.read_text("utf-8"), re.MULTILINE))
    assert {path for path in files if not path.startswith(OWN_LINE)} == {
        "splatc/attributes.py",
        "splatc/fit/engines/autograd.py",
        "splatc/fit/table.py",
        "splatc/gaussians.py",
        "splatc/render/reference.py",
    }
    assert len([path for path in files if not path.startswith(OWN_LINE)]) <= MOST_FILES


def test_contributing_lists_the_files() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for path in set(re.findall(r"^\+\+\+ b/(\S+)$", PATCH.read_text("utf-8"), re.MULTILINE)):
        assert f"`{path}`" in text, path


@pytest.mark.skipif(shutil.which("git") is None or shutil.which("cc") is None, reason="needs git and a C compiler")
def test_the_patched_copy_codes_draws_and_fits_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.dylib", "*.dll", "web")
    for folder in ("splatc", "tools"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path), "PYTHONPATH": str(copy)}
    environment.pop("SPLATC_CORE", None)
    for command in (
        ["git", "apply", str(PATCH)],
        [sys.executable, "tools/core_build.py"],
        [sys.executable, "-P", str(CHECK)],
    ):
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert done.stdout.endswith("all held\n")
