"""The rows of tools/web_bench.py: what each measures, in which unit, and what is hoped for."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import splatc
from splatc.view import bundle, site
from tests.browser import Browser
from tests.web_server import WEB, Server

WINDOW = (512, 512)
DRAG = 40
"""Movements of the mouse, a frame or so apart."""

INTEGERS = """
const bytes = new Uint8Array(await (await fetch(arguments[0])).arrayBuffer());
const { open } = await import("/web/splat2d.js");
const started = performance.now();
await (await open(bytes)).gaussians();
return performance.now() - started;
"""
NODE_INTEGERS = """
import {{ readFileSync }} from "node:fs";
import {{ open }} from {module};
const bytes = new Uint8Array(readFileSync({file}));
const started = performance.now();
await (await open(bytes)).gaussians();
console.log(performance.now() - started);
"""
WATCH = """
addEventListener("sharp", () => requestAnimationFrame(() => setTimeout(() => (globalThis.sharpAt ??= performance.now()))), true);
const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const look = () => {
  for (const canvas of document.querySelectorAll("canvas")) {
    if (!canvas.width || !canvas.height) continue;
    probe.clearRect(0, 0, 1, 1);
    probe.drawImage(canvas, canvas.width / 2, canvas.height / 2, 1, 1, 0, 0, 1, 1);
    if (probe.getImageData(0, 0, 1, 1).data[3]) return (globalThis.paintedAt ??= performance.now());
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
"""Put into the page before its own scripts: when the middle of a canvas is painted, and when all is sharp."""
VIEWER = "const { viewer } = globalThis.splat2dModules['viewer_page.js'];"


@dataclass(frozen=True)
class Bench:
    browser: Browser
    server: Server
    path: Path
    address: str
    """Of the file, on the server."""

    def empty(self) -> None:
        self.browser.open(f"{self.server.url}/empty.html")

    def view(self, url: str = "") -> None:
        """Go to the viewer, or to a page that is one, and wait until the picture is sharp."""
        self.browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        self.browser.open(url or f"{self.server.url}/viewer.html?src={urllib.parse.quote(self.address)}")
        self.browser.run("while (!globalThis.sharpAt) await new Promise((resolve) => setTimeout(resolve, 5));")

    def log(self) -> tuple[int, int]:
        """Requests for the file so far, and their bytes."""
        key = urllib.parse.quote(self.address[1:], safe="")
        with urllib.request.urlopen(f"{self.server.url}/log/{key}") as answer:
            reported = json.load(answer)
        return reported["requests"], reported["sent"]


@dataclass(frozen=True)
class Row:
    says: str
    target: str
    units: tuple[str, ...]
    measure: Callable[[Bench], tuple[float, ...]]
    file: str = ""
    """Which of the files it takes."""
    repeats: bool = True


def size(_bench: Bench) -> tuple[float, ...]:
    """kB after gzip -9: what `splatc view` serves to show a picture; what viewer.html takes."""

    def packed(contents: Iterable[bytes]) -> float:
        return sum(len(gzip.compress(content, 9)) for content in contents) / 1000

    names = ("core.wasm", "viewer.html", "viewer.css", "viewer_script.js")
    return packed(shipped()), packed((WEB / name).read_bytes() for name in names)


def shipped() -> list[bytes]:
    """What a browser fetches from `splatc view` besides the picture: page, style, script, core.wasm."""
    return [
        site.page(alone=True, files=[{"key": "0", "name": "a", "source": "files/0"}]).encode(),
        bundle.style_sheet().encode(),
        bundle.script("served.js", address=site.SCRIPT).encode(),
        (WEB / "core.wasm").read_bytes(),
    ]


def integers(bench: Bench) -> tuple[float, ...]:
    """ms of opening and decoding what lies in memory, core.wasm fetched and compiled: in Chromium, in Node."""
    bench.empty()
    chromium = float(bench.browser.run(INTEGERS, bench.address))
    script = NODE_INTEGERS.format(module=json.dumps((WEB / "splat2d.js").as_uri()), file=json.dumps(str(bench.path)))
    command = ["node", "--input-type=module", "--eval", script]
    return chromium, float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def shown(bench: Bench) -> tuple[float, ...]:
    """ms from navigation on: something of the picture, all of it."""
    bench.view()
    return tuple(map(float, bench.browser.run("return [globalThis.paintedAt, globalThis.sharpAt]")))


def served(bench: Bench) -> tuple[float, ...]:
    """The same of the page of `splatc view`, which is one script."""
    command = [sys.executable, "-m", "splatc", "view", "--no-browser", str(bench.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            found = next(match for line in process.stdout if (match := re.search(r"http://[\w.:]+/", line)))
            bench.view(found[0])
        finally:
            process.terminate()
    return tuple(map(float, bench.browser.run("return [globalThis.paintedAt, globalThis.sharpAt]")))


def pan(bench: Bench) -> tuple[float, ...]:
    """ms until a view at 1:1 is sharp again that has moved by half its width."""
    bench.view()
    took = bench.browser.run(
        VIEWER
        + """
        viewer.goTo({ ...viewer.view, zoom: 1 });
        await viewer.settled();
        const started = performance.now();
        viewer.goTo({ ...viewer.view, x: viewer.view.x + 640 });
        await viewer.settled();
        await new Promise(requestAnimationFrame);
        return performance.now() - started;
        """
    )
    return (float(took),)


def frames(bench: Bench) -> tuple[float, ...]:
    """ms between two frames while the mouse drags a view at 1:1: 95 of 100, the longest."""
    bench.view()
    bench.browser.run(VIEWER + "viewer.goTo({ ...viewer.view, zoom: 1 }); await viewer.settled();")
    bench.browser.run(
        """
        globalThis.frames = [];
        let last = performance.now();
        const note = (now) => (frames.push(now - last), (last = now), requestAnimationFrame(note));
        requestAnimationFrame((now) => ((last = now), requestAnimationFrame(note)));
        """
    )
    for step in range(DRAG + 1):
        kind = ("mousePressed", "mouseMoved", "mouseReleased")[(step > 0) + (step == DRAG)]
        place = {"x": 900 - 15 * step, "y": 400, "button": "left", "buttons": int(step < DRAG), "clickCount": 1}
        bench.browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **place})
        time.sleep(0.012)
    taken = sorted(bench.browser.run("return globalThis.frames"))
    return float(taken[int(0.95 * (len(taken) - 1))]), float(taken[-1])


def memory(bench: Bench) -> tuple[float, ...]:
    """MB of the process of the page with the viewer in it, after it was moved about; of an empty page."""
    bench.empty()
    before = renderer_memory(bench.browser)
    bench.view()
    for zoom in (1, 0.25, 8):
        bench.browser.run(VIEWER + f"viewer.goTo({{ ...viewer.view, zoom: {zoom} }}); await viewer.settled();")
    return renderer_memory(bench.browser), before


def renderer_memory(browser: Browser) -> float:
    """Proportional share of memory of the largest process that Chromium draws a page in, MB."""
    parents = {browser.driver.service.process.pid}
    commands = {}
    for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent in parents:
                parents.add(int(stat.parent.name))
                commands[stat.parent] = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
    rollups = [(folder / "smaps_rollup").read_text() for folder, line in commands.items() if b"--type=renderer" in line]
    found = [re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE) for text in rollups]
    return max(int(each[1]) for each in found if each) / 1000


def coarse(bench: Bench) -> tuple[float, ...]:
    """Per cent of the file that have come when its coarse levels can be drawn."""
    bench.empty()
    share = bench.browser.run(
        """
        const { open } = await import("/web/splat2d.js");
        const picture = await open(arguments[0], { firstBytes: 2 ** 14 });
        await picture.read({ maxLevel: picture.layers[0].level, scale: 1 / 8 });
        return (100 * picture.bytesLoaded) / picture.bytes;
        """,
        bench.address,
    )
    return (float(share),)


def window(bench: Bench) -> tuple[float, ...]:
    """Of windows of 512 x 512 px in a grid: requests, the most and 95 of 100; bytes over those of splatc.open, the most and the mean."""
    requests, shares = [], []
    data = bench.path.read_bytes()
    with splatc.open(io.BytesIO(data)) as picture:
        places = [
            (x, y, *WINDOW)
            for x in range(100, picture.width - WINDOW[0], picture.width // 8)
            for y in range(100, picture.height - WINDOW[1], picture.height // 8)
        ]
    for place in places:
        with splatc.open(io.BytesIO(data)) as picture:
            picture.read(place)
            expected = picture.bytes_read
        bench.empty()
        before = bench.log()
        bench.browser.run(
            'const { open } = await import("/web/splat2d.js"); await (await open(arguments[0])).read({ region: arguments[1] });',
            f"{bench.address}?{place}",
            place,
        )
        after = bench.log()
        requests.append(after[0] - before[0])
        shares.append((after[1] - before[1]) / expected)
    requests.sort()
    return requests[-1], requests[int(0.95 * (len(requests) - 1))], max(shares), sum(shares) / len(shares)


MS = ("ms",)
ROWS: dict[str, Row] = {
    "size": Row(
        "viewer and decoder gzipped: as splatc view serves it, viewer.html", "100 kB", ("kB",) * 2, size, repeats=False
    ),
    "integers-small": Row("integers of 768 x 512, cold: Chromium, Node", "60 ms", MS * 2, integers, "picture"),
    "shown": Row("768 x 512 from navigation on: first paint, sharp", "250 ms", MS * 2, shown, "picture"),
    "served": Row("the same of the page of splatc view: first paint, sharp", "250 ms", MS * 2, served, "picture"),
    "integers-large": Row("integers of 7287 x 4220: Chromium, Node", "500 ms", MS * 2, integers, "large"),
    "shown-large": Row("7287 x 4220 from navigation on: first paint, sharp", "200 ms, -", MS * 2, shown, "large"),
    "served-large": Row(
        "the same of the page of splatc view: first paint, sharp", "200 ms, -", MS * 2, served, "large"
    ),
    "coarse": Row("of 7287 x 4220 until its coarse levels are seen", "15 %", ("%",), coarse, "large", repeats=False),
    "pan": Row("sharp after a pan of half a screen, 1280 x 800", "250 ms", MS, pan, "large"),
    "frames": Row("between frames while dragging: 95 %, longest", "33 ms", MS * 2, frames, "large"),
    "memory": Row("of the page with the mosaic; of an empty one", "300 MB", ("MB", "MB"), memory, "mosaic"),
    "window": Row(
        "512 x 512 px of the mosaic: requests (most, 95 %), bytes over splatc.open's (most, mean)",
        "8, 1.25",
        ("", "", "", ""),
        window,
        "mosaic",
        repeats=False,
    ),
}
