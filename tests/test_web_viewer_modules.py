"""What of the viewer (splatc/web/viewer.js) needs no page: views, tiles, what its workers do, the list of its modules."""

from __future__ import annotations

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
        names = re.findall(r'^(?:import|export) [^;]*?from "\./([\w.]+)";$', (WEB / name).read_text(), re.MULTILINE)
        found += [each for each in dict.fromkeys(names) if each not in found]
    return found


def test_the_page_asks_for_all_modules_at_once() -> None:
    """Else a browser finds them one import after the other, a round trip each."""
    preloaded = re.findall(r'<link rel="modulepreload" href="([\w.]+)" />', (WEB / "viewer.html").read_text())
    assert preloaded == list(dict.fromkeys([*imported("worker.js"), *imported("viewer_page.js")]))
