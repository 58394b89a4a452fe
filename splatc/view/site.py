"""What the server of ``splatc view`` has: a page with its script and style, a list of the files that were named, and these files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from splatc.view.bundle import WEB, script, style_sheet
from splatc.view.catalogue import Catalogue, ListedFile, Opened, opened_bytes
from splatc.view.document import END, begin

MIME = "image/x-splat2d"
PICTURES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".splat2d": MIME,
    ".webp": "image/webp",
}
"""Of pictures that browsers show, by extension; ours among them."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
    "style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of all that is served: nothing of another origin, no inline script or style."""

HEAD = """<link rel="stylesheet" href="style.css">
<link rel="preload" href="files.json" as="fetch" crossorigin>
<script defer src="script.js"></script>"""


@dataclass(frozen=True)
class Resource:
    """What an address stands for."""

    type: str
    open: Callable[[], Opened]
    """Raises OSError if it is gone."""


class Site:
    """Answers by address; no address is ever a path."""

    def __init__(self, catalogue: Catalogue, label: Callable[[str], str], original: Path | None = None) -> None:
        """``label`` makes one line of text of a name; ``original`` is a picture that browsers know, to compare the one file with."""
        self._catalogue = catalogue
        self._label = label
        self._original = original
        self._started = int(time.time())
        self._parts = {
            "/": ("text/html; charset=utf-8", (begin("splatc view", HEAD) + END).encode()),
            "/script.js": ("text/javascript; charset=utf-8", script("served.js", alone=False).encode()),
            "/style.css": ("text/css; charset=utf-8", style_sheet().encode()),
            "/core.wasm": ("application/wasm", (WEB / "core.wasm").read_bytes()),
        }
        """Type and bytes of the page and of what belongs to it, by address."""

    def find(self, path: str) -> Resource | None:
        """What an absolute path of a URL, without a query, stands for; None for nothing."""
        if path == "/files.json":
            return self._of_bytes("application/json", self._list())
        if path in self._parts:
            return self._of_bytes(*self._parts[path])
        if path == "/original" and self._original is not None:
            original = ListedFile(b"", "", self._original)
            return Resource(PICTURES[self._original.suffix.lower()], original.open)
        if path.startswith("/files/"):
            entry = self._catalogue.find(unquote_to_bytes(path.removeprefix("/files/")))
            return None if entry is None else Resource(MIME, entry.open)
        return None

    def _of_bytes(self, kind: str, content: bytes) -> Resource:
        return Resource(kind, lambda: opened_bytes(content, self._started))

    def _list(self) -> bytes:
        """What the page asks for first: names and addresses, of the files that are there now."""
        self._catalogue.refresh()
        files = []
        for entry in self._catalogue.entries:
            found = {"key": entry.address, "name": self._label(entry.name), "source": f"files/{entry.address}"}
            if self._original is not None:
                found |= {"compare": "original", "compareName": self._label(self._original.name)}
            files.append(found)
        return json.dumps({"alone": self._catalogue.alone, "files": files}).encode()
