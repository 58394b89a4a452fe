"""A server for the tests of splatc/web/: folders, pages, and a file in ways that the first part of its path names, right and wrong ones."""

from __future__ import annotations

import http.server
import json
import mimetypes
import re
import threading
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, cast

TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src 'self' blob: data:; "
    "style-src 'self'; worker-src 'self'"
)
"""As strict as pages may be: no inline scripts or styles, nothing from elsewhere."""
WEB = Path(__file__).parent.parent / "splatc" / "web"


class Server:
    """Serves on a port of this machine, in threads of its own: splatc/web/ below /web/, and what it is given.

    `content` is a file that has every name below /ranges/, /whole/ and the other ways, counted anew with each "?anything"; `folders` are
    served with ranges below their names; `pages`, which may be added to later, are HTML by path ("/a.html").
    """

    def __init__(self, content: bytes = b"", folders: Mapping[str, Path] | None = None) -> None:
        self._server = _Files(("127.0.0.1", 0), _Handler)
        self._server.content = content
        self._server.folders = {"web": WEB, **(folders or {})}
        self.pages = self._server.pages
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Files(http.server.ThreadingHTTPServer):
    content = b""
    daemon_threads = True  # connections that browsers keep open are not waited for

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        super().__init__(address, handler)
        self.folders: dict[str, Path] = {}
        self.pages: dict[str, str] = {}
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.answers: dict[str, int] = {}
        self.requests: dict[str, list[tuple[int, int]]] = {}
        """Bytes [start, stop) of each answer, by its way, or by its path where it is a file of a folder."""
        self.waiting = 0
        self.together = 0
        """Answers of the way "late" that were asked for at the same time."""
        self.hung_up: set[str] = set()
        """Ways of which a client has left before its answer was there."""

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # else a body waits 40 ms for the client to have acknowledged the headers, which no server of files has
    )

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        server = cast(_Files, self.server)
        path, _, query = self.path.partition("?")
        if page := server.pages.get(path):
            self.send(200, page.encode(), Content_Type="text/html; charset=utf-8", Content_Security_Policy=POLICY)
            return
        way, _, name = path[1:].partition("/")
        if way == "log":
            self.answer_log(urllib.parse.unquote(name))
            return
        if way in server.folders:
            self.answer_file(server.folders[way] / name, path[1:])
            return
        if several := self.several(len(server.content)):
            self.note(f"{way}?{query}" if query else way, *several)
            self.parts(server.content, several, way)
            return
        start, stop = self.wanted(len(server.content))
        number = self.note(f"{way}?{query}" if query else way, (start, stop))
        try:
            getattr(self, "answer_" + way.replace("-", "_"), self.answer_ranges)(server.content, start, stop, number)
        except OSError:
            server.hung_up.add(way)
            raise

    def note(self, key: str, *ranges: tuple[int, int]) -> int:
        """Write an answer down; its number among those of the same key."""
        server = cast(_Files, self.server)
        with server.lock:
            server.requests.setdefault(key, []).extend(ranges)
            server.answers[key] = server.answers.get(key, 0) + 1
            return server.answers[key] - 1

    def answer_log(self, key: str) -> None:
        server = cast(_Files, self.server)
        ranges = server.requests.get(key, [])
        sent = sum(stop - start for start, stop in ranges)
        found = {
            "requests": server.answers.get(key, 0),
            "ranges": ranges,
            "sent": sent,
            "hungUp": key in server.hung_up,
            "together": server.together,
        }
        self.send(200, json.dumps(found).encode())

    def answer_file(self, path: Path, key: str) -> None:
        """A file of a folder, as any static server gives it."""
        if not path.is_file():
            self.send(404, b"no such file")
            return
        content = path.read_bytes()
        if several := self.several(len(content)):
            self.note(key, *several)
            self.parts(content, several, etag=f'"{path.stat().st_mtime_ns}"')
            return
        start, stop = self.wanted(len(content))
        self.note(key, (start, stop))
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {"Content-Type": kind, "ETag": f'"{path.stat().st_mtime_ns}"', "Accept-Ranges": "bytes"}
        if "Range" in self.headers:
            self.send(
                206, content[start:stop], None, **headers, Content_Range=f"bytes {start}-{stop - 1}/{len(content)}"
            )
        else:
            self.send(200, content, None, **headers)

    def several(self, length: int) -> list[tuple[int, int]]:
        """The ranges of a request for more than one."""
        found = re.findall(r"(\d+)-(\d+)", self.headers.get("Range", ""))
        return [(int(start), min(int(last) + 1, length)) for start, last in found] if len(found) > 1 else []

    def parts(self, content: bytes, ranges: list[tuple[int, int]], way: str = "", etag: str = '"1"') -> None:
        """Several ranges; some ways give the first alone, one too few, all of the file, those of another file, or a part of the answer."""
        if way in ("plain", "whole-of-several"):
            start, stop = ranges[0]
            self.part(content, start, stop) if way == "plain" else self.send(200, content)
            return
        length = len(content) + (way == "other-file")
        body = b"".join(
            b"\r\n--limit\r\nContent-Type: image/x-splat2d\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%s"
            % (start, stop - 1, length, content[start:stop])
            for start, stop in ranges[: -1 if way == "partial" else None]
        )
        kind = 'multipart/byteranges; boundary="limit"'
        body += b"\r\n--limit--\r\n"
        cut = body[: len(body) // 3] if way == "drops-several" else body
        self.send(206, cut, len(body), Content_Type=kind, ETag=etag)

    def wanted(self, length: int) -> tuple[int, int]:
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        return (int(found[1]), min(int(found[2]) + 1, length)) if found else (0, length)

    def send(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if length is not None and length != len(body):
            self.close_connection = True

    def part(self, content: bytes, start: int, stop: int, etag: str = '"1"', cut: int = 0, shift: int = 0) -> None:
        where = f"bytes {start + shift}-{stop + shift - 1}/{len(content)}"
        body = content[start : stop - cut]
        self.send(206, body, stop - start, Content_Range=where, ETag=etag)

    def answer_ranges(self, content: bytes, start: int, stop: int, _number: int) -> None:
        self.part(content, start, stop)

    def answer_whole(self, content: bytes, _start: int, _stop: int, _number: int) -> None:
        self.send(200, content)

    def answer_chunked(self, content: bytes, _start: int, _stop: int, _number: int) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(content), 5000):
            piece = content[at : at + 5000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def answer_late(self, content: bytes, start: int, stop: int, _number: int) -> None:
        server = cast(_Files, self.server)
        with server.lock:
            server.waiting += 1
            server.together = max(server.together, server.waiting)
        server.closing.wait(0.3)
        with server.lock:
            server.waiting -= 1
        self.part(content, start, stop)

    def answer_slow(self, content: bytes, start: int, stop: int, _number: int) -> None:
        self.send_header_of(206, stop - start, Content_Range=f"bytes {start}-{stop - 1}/{len(content)}")
        self.trickle(content[start:stop])

    def answer_slow_whole(self, content: bytes, _start: int, _stop: int, _number: int) -> None:
        self.send_header_of(200, len(content))
        self.trickle(content)

    def send_header_of(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), "ETag": '"1"', **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def trickle(self, body: bytes) -> None:
        for at in range(0, len(body), 2048):
            if cast(_Files, self.server).closing.wait(0.05):
                return
            self.wfile.write(body[at : at + 2048])

    def answer_drops(self, content: bytes, start: int, stop: int, number: int) -> None:
        self.part(content, start, stop, cut=10 if number else 0)

    def answer_drops_once(self, content: bytes, start: int, stop: int, number: int) -> None:
        self.part(content, start, stop, cut=10 if number == 1 else 0)

    def answer_changed(self, content: bytes, start: int, stop: int, number: int) -> None:
        self.part(content, start, stop, etag=f'"{number}"')

    def answer_changed_once(self, content: bytes, start: int, stop: int, number: int) -> None:
        self.part(content, start, stop, etag='"2"' if number == 1 else '"1"')

    def answer_unsatisfied(self, content: bytes, _start: int, _stop: int, _number: int) -> None:
        if "Range" in self.headers:
            self.send(416, b"", Content_Range=f"bytes */{len(content)}")
        else:
            self.send(200, content)

    def answer_unsatisfied_later(self, content: bytes, start: int, stop: int, number: int) -> None:
        if number:
            self.send(416, b"", Content_Range=f"bytes */{len(content)}")
        else:
            self.part(content, start, stop)

    def answer_unavailable_once(self, content: bytes, start: int, stop: int, number: int) -> None:
        if number in (0, 2):
            self.send(503, b"later")
        else:
            self.part(content, start, stop)

    def answer_drops_whole_once(self, content: bytes, _start: int, _stop: int, number: int) -> None:
        self.send(200, content[: len(content) // 2] if number == 0 else content, len(content))

    def answer_wrong_range(self, content: bytes, start: int, stop: int, number: int) -> None:
        self.part(content, start, stop, shift=1 if number else 0)

    def answer_short_whole(self, content: bytes, _start: int, _stop: int, _number: int) -> None:
        self.send(200, content[:-10], len(content))

    def answer_missing(self, _content: bytes, _start: int, _stop: int, _number: int) -> None:
        self.send(404, b"no such file")

    def answer_other_length(self, content: bytes, start: int, stop: int, number: int) -> None:
        if number:
            self.part(content + b"more", start, stop)
        else:
            self.part(content, start, stop)

    def answer_empty(self, _content: bytes, _start: int, _stop: int, _number: int) -> None:
        self.send(416, b"", Content_Range="bytes */0")

    def answer_hangs(self, _content: bytes, _start: int, _stop: int, _number: int) -> None:
        cast(_Files, self.server).closing.wait(30)
