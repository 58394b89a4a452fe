"""What of the viewer (splatc/web/viewer.js) needs no page: views, tiles, what its workers do, the list of its modules."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from tests.test_web_core import passed, run_node

WEB = Path(__file__).parent.parent / "splatc" / "web"


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


def test_the_page_asks_for_all_modules_at_once() -> None:
    """Else a browser finds them one import after the other, a round trip each."""
    preloaded = re.findall(r'<link rel="modulepreload" href="([\w.]+)" />', (WEB / "viewer.html").read_text())
    assert preloaded == imported("viewer_page.js")


def test_so_does_the_worker() -> None:
    named = re.findall(r'^import .*"\./([\w.]+)";$', (WEB / "worker.js").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(imported("worker.js")[1:])


def test_the_page_is_small() -> None:
    """Decoder and viewer as a page of one script has them, without what documents them."""
    modules = dict.fromkeys([*imported("viewer_page.js"), *imported("worker.js")])
    text = "".join((WEB / name).read_text() for name in modules)
    text = re.sub(r"^[ \t]*/\*\*.*?\*/\n", "", text, flags=re.MULTILINE | re.DOTALL)
    parts = [text.encode(), *((WEB / name).read_bytes() for name in ("core.wasm", "viewer.css", "viewer.html"))]
    assert sum(len(gzip.compress(part, 9)) for part in parts) < 85_000
