"""A page that has all in itself: files, decoder and viewer, to be opened from a disk, a mail or any server."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from splatc.errors import LimitError
from splatc.view.bundle import script, style_sheet
from splatc.view.document import END, begin

MAX_BYTES = 64 << 20
"""Of all files of a page together: browsers hold a page as text several times. What is larger is for a server."""

_POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; style-src {style}; worker-src blob:; connect-src blob: data:; "
    "img-src blob: data:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Item:
    """A file of a page."""

    name: str
    """One line of text."""
    content: bytes


@dataclass(frozen=True)
class Original:
    """A picture that browsers know, to compare the one file with."""

    name: str
    type: str
    """Such as image/png."""
    content: bytes


def write(items: Sequence[Item], *, alone: bool, original: Original | None = None) -> Iterator[bytes]:
    """The page, in pieces.

    Args:
        items: The files.
        alone: Whether the one file is shown itself, not a list of it.
        original: What is shown beside it.

    Raises:
        LimitError: They are more than MAX_BYTES.
    """
    style = style_sheet()
    title = items[0].name if alone else f"{len(items)} pictures"
    yield begin(title, f"<style>{style}</style>", policy(hash_source(style))).encode()
    yield from body(items, alone=alone, original=original)
    yield END.encode()


def policy(style: str) -> str:
    """The Content-Security-Policy of a page with a `body`, in which ``style`` is allowed for styles."""
    return _POLICY.format(script=hash_source(_script()), style=style)


def body(items: Sequence[Item], *, alone: bool, original: Original | None = None) -> Iterator[bytes]:
    """What makes a viewer of the element #viewer of a page: the files, and the script that shows them. Raises as write does."""
    check_size(sum(len(item.content) for item in items) + (len(original.content) if original else 0))
    listed: list[dict[str, object]] = [{"name": item.name} for item in items]
    if original is not None:
        listed[0]["compare"] = {"name": original.name, "type": original.type}
    files = in_script({"alone": alone, "files": listed})
    yield f'<script type="application/json" id="files">{files}</script>\n'.encode()
    for number, item in enumerate(items):
        yield from _block(f"file-{number}", item.content)
    if original is not None:
        yield from _block("compare", original.content)
    yield f"<script>{_script()}</script>\n".encode()


def check_size(size: int) -> None:
    """Raise LimitError if so many bytes are too many for a page."""
    if size > MAX_BYTES:
        raise LimitError(
            f"the files have {size} bytes, a page holds at most {MAX_BYTES}: leave --save out to have them served, or name fewer"
        )


def in_script(value: object) -> str:
    """JSON that may stand between the tags of a script element: none of its words ends that, or begins a comment."""
    text = json.dumps(value)  # ASCII: surrogates are escaped, too
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _block(name: str, content: bytes) -> Iterator[bytes]:
    """Bytes that a script of the page finds by a name."""
    yield f'<script type="text/plain" id="{name}">'.encode()
    yield base64.b64encode(content)
    yield b"</script>\n"


def _script() -> str:
    return script("saved.js")


def hash_source(text: str) -> str:
    """What a Content-Security-Policy calls an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
