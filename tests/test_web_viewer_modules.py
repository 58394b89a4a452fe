"""What of the viewer (splatc/web/viewer.js) needs no page: views, tiles, what its workers do, the list of its modules."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

from tests.test_web_core import passed, run_node

ROOT = Path(__file__).parent.parent
WEB = ROOT / "splatc" / "web"


def test_views_tiles_and_workers() -> None:
    assert passed(run_node("camera", "tiles", "serve")) > 30


def imported(entry: str) -> list[str]:
    """A module and all that it imports, in the order in which a browser finds them."""
    found = [entry]
    for name in found:
        text = (WEB / name).read_text()
        names = re.findall(r'^(?:import|export) (?:[^;]*?from )?"\./([\w.]+)";$', text, re.MULTILINE)
        found += [each for each in dict.fromkeys(names) if each not in found]
    return found


def test_the_page_has_one_script_which_is_made_of_the_modules() -> None:
    """Else a browser finds them one import after the other, a round trip each."""
    assert re.findall(r'<script[^>]* src="([^"]+)"', (WEB / "viewer.html").read_text()) == ["viewer_script.js"]
    subprocess.run([sys.executable, ROOT / "tools" / "web_build.py", "--check"], check=True)


def test_the_worker_asks_for_all_modules_at_once() -> None:
    named = re.findall(r'^import .*"\./([\w.]+)";$', (WEB / "worker.js").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(imported("worker.js")[1:])


def test_the_page_is_small() -> None:
    parts = [(WEB / name).read_bytes() for name in ("core.wasm", "viewer.css", "viewer.html", "viewer_script.js")]
    assert sum(len(gzip.compress(part, 9)) for part in parts) < 100_000
