"""What splatc/web costs in headless Chromium and in Node: bytes, seconds, frames, memory, against the targets.

    python tools/web_bench.py --picture kodim03.splat2d --large jwst.splat2d --mosaic mosaic.splat2d
    python tools/web_bench.py --picture kodim03.splat2d --rows size integers-small shown    # some of the rows

The picture is meant to have 768 x 512 px at CR 100 (`splatc encode tests/images/kodim03.png kodim03.splat2d --cr 100`), the large one
7287 x 4220 at CR 500, the mosaic 16384 x 16384; a row whose file is not given is left out. Medians of --runs, each in a page, or a process
of Node, of its own; the server is that of the tests, on this machine. Takes chromium, chromium-driver, node and selenium. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.web_rows import ROWS, Bench
from tests.browser import Browser, missing
from tests.web_server import WEB, Server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("picture", "large", "mosaic"):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=[*ROWS], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--runs", type=int, default=5, help="default: %(default)s")
    options = parser.parse_args()
    if missing():
        parser.error(f"{missing()} is not installed")
    files = {name: path.resolve() for name in ("picture", "large", "mosaic") if (path := getattr(options, name))}
    print(f"{os.cpu_count()} processors, medians of {options.runs}\n")
    print("| row | what | target | measured |\n|---|---|---|---|", flush=True)
    with Server(folders={f"{name}-file": path.parent for name, path in files.items()}) as server:
        html = (WEB / "viewer.html").read_text()
        server.pages["/viewer.html"] = html.replace("<head>", '<head><base href="/web/" />')
        server.pages["/empty.html"] = "<!doctype html><title>empty</title>"
        for name in options.rows:
            row = ROWS[name]
            if row.file and row.file not in files:
                continue
            found = [once(row.measure, server, files, row.file) for _ in range(options.runs if row.repeats else 1)]
            values = [statistics.median(values) for values in zip(*found, strict=True)]
            shown = ", ".join(f"{value:.4g} {unit}" for value, unit in zip(values, row.units, strict=True))
            print(f"| `{name}` | {row.says} | {row.target} | {shown} |", flush=True)


def once(measure: object, server: Server, files: dict[str, Path], file: str) -> tuple[float, ...]:
    """A measurement in a browser of its own, so that nothing is cached."""
    assert callable(measure)
    with tempfile.TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        path = files.get(file, Path())
        found: tuple[float, ...] = measure(Bench(browser, server, path, f"/{file}-file/{path.name}"))
        return found


if __name__ == "__main__":
    main()
