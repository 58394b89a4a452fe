"""What the server of ``splatc view`` has: a page with its script and style, a list of the files that were named, and these files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from splatc.view.bundle import WEB, script, start_script, style_sheet
from splatc.view.catalogue import Catalogue, ListedFile, Opened, opened_bytes
from splatc.view.document import END, begin
from splatc.view.page import hash_source, in_script

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
SCRIPT = "script.js"
"""The address of the script of the page and of its workers."""
_EARLY = start_script("early_worker.js", SCRIPT)
POLICY = (
    f"default-src 'none'; script-src 'self' {hash_source(_EARLY)} 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of all that is served: nothing of another origin, no inline style, one inline script."""
_SMALL = 2**15
"""Bytes of a file that the page asks for as a whole, and draws without a worker (SMALL of splatc/web/engine.js)."""
_PRELOADED = """<link rel="preload" href="{source}" as="fetch" crossorigin>
<link rel="preload" href="core.wasm" as="fetch" crossorigin>"""
_HEAD = """{first}
<link rel="stylesheet" href="style.css">
<script type="application/json" id="files">{files}</script>
<script defer blocking="render" src="script.js"></script>"""


def page(alone: bool, files: Sequence[dict[str, str]], size: int | None = None) -> str:
    """The HTML.

    Args:
        alone: Whether the one file is shown, not a list.
        files: Of each its key, its name, its address, and of one that is alone what it is compared with.
        size: Bytes of the one file, where it is known.
    """
    first = f"<script>{_EARLY}</script>"
    if alone:
        source = files[0]["source"]
        is_small = size is not None and size <= _SMALL
        first = _PRELOADED.format(source=source) if is_small else f'<script data-source="{source}">{_EARLY}</script>'
    return begin("splatc view", _HEAD.format(first=first, files=in_script({"alone": alone, "files": files}))) + END


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
            f"/{SCRIPT}": ("text/javascript; charset=utf-8", script("served.js", address=SCRIPT).encode()),
            "/style.css": ("text/css; charset=utf-8", style_sheet().encode()),
            "/core.wasm": ("application/wasm", (WEB / "core.wasm").read_bytes()),
            "/latent_1.bin": ("application/octet-stream", (WEB / "latent_1.bin").read_bytes()),
        }
        """Type and bytes of what belongs to the page, by address."""

    def find(self, path: str) -> Resource | None:
        """What an absolute path of a URL, without a query, stands for; None for nothing."""
        if path == "/":
            return self._of_bytes("text/html; charset=utf-8", self._page().encode())
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

    def _page(self) -> str:
        files = self._list()
        size = self._catalogue.entries[0].size() if self._catalogue.alone else None
        return page(self._catalogue.alone, files, size)

    def _list(self) -> list[dict[str, str]]:
        """What the page knows of the files that are there now."""
        self._catalogue.refresh()
        files = []
        for entry in self._catalogue.entries:
            found = {"key": entry.address, "name": self._label(entry.name), "source": f"files/{entry.address}"}
            if self._original is not None:
                found |= {"compare": "original", "compareName": self._label(self._original.name)}
            files.append(found)
        return files
