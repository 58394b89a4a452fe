"""Servers of files for the tests of `splatc view`, and what asks them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from splatc.cli.console import one_line
from splatc.view import server
from splatc.view.catalogue import Catalogue
from splatc.view.server import Server
from splatc.view.site import Site

Answer = tuple[int, dict[str, str], bytes]
SECRET = b"not to be served"
HOSTILE = (
    "<img src=x onerror=alert(1)>.splat2d",
    "\"'`&amp;</script><script>alert(1)</script>.splat2d".replace("/", "\N{DIVISION SLASH}"),
    "two\nlines\t.splat2d",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.splat2d",
    "%2e%2e%2f%00?file=1#1,2,3.splat2d",
    "..splat2d",
)
ONE = "/files/0/tiny.splat2d"
"""The address of tiny.splat2d where nothing else is named."""
UNDECODABLE = b"caf\xe9 \xff.splat2d"
"""No UTF-8."""


@contextlib.contextmanager
def serving(*names: str | Path, original: Path | None = None) -> Iterator[Server]:
    site = Site(Catalogue([str(name) for name in names]), one_line, original)
    with Server(site, 0, lambda _: None) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


def ask(running: Server, path: str, method: str = "GET", **headers: str) -> Answer:
    with contextlib.closing(http.client.HTTPConnection(server.ADDRESS, running.server_port, timeout=10)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, found, response.read()


def raw(running: Server, request: bytes) -> bytes:
    """All that comes back for some bytes, until the server closes the connection."""
    with socket.create_connection((server.ADDRESS, running.server_port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def listed(running: Server) -> list[dict[str, str]]:
    page = ask(running, "/")[2].decode()
    files: list[dict[str, str]] = json.loads(page.partition('id="files">')[2].partition("</script>")[0])["files"]
    return files


def make_folder(tmp_path: Path, content: bytes) -> Path:
    """A folder with two files of ours, among others, beside something that was not named."""
    (tmp_path / "secret.splat2d").write_bytes(SECRET)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "b.splat2d").write_bytes(SECRET)
    inner = tmp_path / "named" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "a.splat2d").write_bytes(content)
    (inner / "B.SPLAT2D").write_bytes(content)
    (inner / "notes.txt").write_bytes(SECRET)
    return inner.parent
