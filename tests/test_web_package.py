"""splatc/web as a package of npm: it could be published as it stands."""

from __future__ import annotations

import fnmatch
import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import splatc
from splatc.view import bundle, site
from splatc.view.bundle import graph

ROOT = Path(__file__).parent.parent
WEB = ROOT / "splatc" / "web"
ALWAYS = {"LICENSE", "README.md", "package.json"}
"""What npm packs whatever "files" says."""
PAGES = {"early_worker.js", "gallery.css", "gallery.js", "page.js", "saved.js", "served.js"}
"""Of the pages of splatc view: nothing that others import."""


@pytest.fixture(scope="module")
def package() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((WEB / "package.json").read_text("utf-8"))
    return found


def packed(package: dict[str, Any]) -> set[str]:
    """What "files" lists, the last pattern that fits deciding."""
    found = set(ALWAYS)
    for pattern in package["files"]:
        names = {path.name for path in WEB.iterdir() if fnmatch.fnmatch(path.name, pattern.removeprefix("!"))}
        assert names, f"{pattern} fits nothing"
        found = found - names if pattern.startswith("!") else found | names
    return found


def test_version_and_licence_are_those_of_splatc(package: dict[str, Any]) -> None:
    assert (package["version"], package["license"]) == (splatc.__version__, "MIT")
    assert (WEB / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert not package.get("dependencies")


def test_everything_is_packed_but_the_pages_of_splatc_view(package: dict[str, Any]) -> None:
    assert packed(package) == {path.name for path in WEB.iterdir()} - PAGES


def test_every_export_is_packed_and_has_types(package: dict[str, Any]) -> None:
    names = packed(package)
    for name, target in package["exports"].items():
        default = target if isinstance(target, str) else target["default"]
        assert default.removeprefix("./") in names, name
        if default.endswith(".js"):
            assert target["types"] == f"{default.removesuffix('.js')}.d.ts"
            assert target["types"].removeprefix("./") in names
            assert set(graph(default.removeprefix("./"))) <= names
    declared = {path.name for path in WEB.glob("*.d.ts")}
    assert declared == {
        target["types"].removeprefix("./") for target in package["exports"].values() if "types" in target
    }
    for name in package["sideEffects"]:
        assert list(WEB.glob(name)), name


def test_a_viewer_takes_at_most_100_kb() -> None:
    """Gzipped: what `splatc view` serves besides the picture, and what viewer.html takes."""
    core = (WEB / "core.wasm").read_bytes()
    page = site.page(True, [{"key": "0", "name": "a", "source": "files/0"}])
    served = [page, bundle.style_sheet(), bundle.script("served.js", address=site.SCRIPT)]
    pages = [(WEB / name).read_text("utf-8") for name in ("viewer.html", "viewer.css", "viewer_script.js")]
    for texts in (served, pages):
        assert sum(len(gzip.compress(content, 9)) for content in (core, *(text.encode() for text in texts))) <= 100_000


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed; the list is computed above")
def test_npm_packs_that_list(package: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(WEB, tmp_path / "web")
    command = ["npm", "pack", "--dry-run", "--json", "--offline", "--ignore-scripts", f"--cache={tmp_path / 'cache'}"]
    done = subprocess.run(command, cwd=tmp_path / "web", capture_output=True, check=True, timeout=120, text=True)
    (found,) = json.loads(done.stdout)
    assert {each["path"] for each in found["files"]} == packed(package)
