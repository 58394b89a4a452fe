"""Requests of a browser of this machine and their answers (RFC 9110, RFC 9112): GET and HEAD, ranges, conditions."""

from __future__ import annotations

import http.server
import secrets
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from splatc.view import conditions, ranges
from splatc.view.catalogue import Opened
from splatc.view.ranges import Range
from splatc.view.site import POLICY, Resource

if TYPE_CHECKING:
    from splatc.view.server import Server

PATIENCE = 20.0
"""Seconds that a client may take to send a request, and to take each piece of an answer."""
_PIECE = 1 << 18
_METHODS = ("GET", "HEAD")
_HARMLESS = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
"""Errors behind which the next request of a connection is still understood."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""Of every answer. ``no-cache``: kept, but asked for anew, since files change."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    disable_nagle_algorithm = True

    @property
    def _server(self) -> Server:
        return cast("Server", self.server)

    def version_string(self) -> str:
        return "splatc"

    def handle_one_request(self) -> None:
        """Within PATIENCE: a client that sends a byte now and then is let go of, too."""
        with self._server.deadline(self.connection, PATIENCE):
            super().handle_one_request()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self._server.lift_deadline(self.connection)  # what takes its time now is the answer, a piece at a time
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body, which would be taken for the next request
        if not self._is_for_us():
            self._refuse(HTTPStatus.FORBIDDEN, "this server answers to the address that splatc view has printed, alone")
            return False
        if self.command not in _METHODS:
            allowed = {"Allow": ", ".join(_METHODS)}
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are answered", allowed)
            return False
        return True

    def _is_for_us(self) -> bool:
        """Whether the request names this machine: a page of another site whose name has come to mean it (DNS rebinding) names that site."""
        hosts = self.headers.get_all("Host") or []
        return len(hosts) == 1 and hosts[0].strip().lower() in self._server.hosts

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        found = self._server.site.find(path) if path.startswith("/") else None
        if found is None:
            self._refuse(HTTPStatus.NOT_FOUND, "nothing has this address")
            return
        try:
            opened = found.open()
        except (OSError, ValueError):
            self._refuse(HTTPStatus.NOT_FOUND, "the file is gone, or cannot be read")
            return
        with opened.stream:
            self._answer(found, opened)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, found: Resource, opened: Opened) -> None:
        status = conditions.status(self.headers, opened.version)
        if status is HTTPStatus.PRECONDITION_FAILED:
            self._refuse(status, "the file is another version")
            return
        wanted = None
        # Ranges are for GET alone (RFC 9110, 14.2).
        if self.command == "GET" and status is None and conditions.range_holds(self.headers, opened.version):
            wanted = ranges.parse(self.headers.get("Range"), opened.size)
        if wanted == []:
            size = {"Content-Range": f"bytes */{opened.size}"}
            self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"the file has {opened.size} bytes", size)
            return
        headers = {"ETag": opened.version.tag, "Last-Modified": opened.version.date, "Accept-Ranges": "bytes"}
        if status is HTTPStatus.NOT_MODIFIED:
            self._start(status, headers)
        elif wanted is None:
            self._start(HTTPStatus.OK, headers | {"Content-Type": found.type, "Content-Length": str(opened.size)})
            self._send(opened, (0, opened.size))
        elif len(wanted) == 1:
            headers |= {"Content-Type": found.type, "Content-Range": _stated(wanted[0], opened.size)}
            self._start(HTTPStatus.PARTIAL_CONTENT, headers | {"Content-Length": str(wanted[0][1] - wanted[0][0])})
            self._send(opened, wanted[0])
        else:
            self._send_parts(found.type, opened, wanted, headers)

    def _send_parts(self, kind: str, opened: Opened, wanted: Sequence[Range], headers: dict[str, str]) -> None:
        """Several ranges (RFC 9110, section 14.6)."""
        boundary = secrets.token_hex(16)
        heads = [
            f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {_stated(each, opened.size)}\r\n\r\n".encode()
            for each in wanted
        ]
        end = f"\r\n--{boundary}--\r\n".encode()
        length = sum(map(len, heads)) + sum(stop - start for start, stop in wanted) + len(end)
        headers |= {"Content-Type": f"multipart/byteranges; boundary={boundary}", "Content-Length": str(length)}
        self._start(HTTPStatus.PARTIAL_CONTENT, headers)
        for head, each in zip(heads, wanted, strict=True):
            self.wfile.write(head)
            self._send(opened, each)
        self.wfile.write(end)

    def _start(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        """Everything up to the body."""
        self.send_response(status)
        for name, value in (_HEADERS | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, opened: Opened, part: Range) -> None:
        """The bytes of a range. Raises ConnectionAbortedError where the file no longer has them: the client must not take what it got."""
        if self.command == "HEAD":
            return
        for piece in _pieces(opened, part):
            self.wfile.write(piece)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request."""
        self._refuse(HTTPStatus(code), message or HTTPStatus(code).description)

    def _refuse(self, status: HTTPStatus, reason: str, headers: dict[str, str] | None = None) -> None:
        """Answer with a line of plain text: no page, in which words of a request could become HTML."""
        body = f"{status.value} {status.phrase}: {reason}\n".encode("ascii", "replace")
        fixed = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        if status not in _HARMLESS:
            fixed["Connection"] = "close"  # which send_header heeds
        self._start(status, fixed | (headers or {}))
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        self._server.log(format % args)


def _stated(part: Range, size: int) -> str:
    """A range as Content-Range has it."""
    return f"bytes {part[0]}-{part[1] - 1}/{size}"


def _pieces(opened: Opened, part: Range) -> Iterator[bytes]:
    start, end = part
    opened.stream.seek(start)
    while start < end:
        piece = opened.stream.read(min(_PIECE, end - start))
        if not piece or not opened.unchanged():
            raise ConnectionAbortedError("the file has changed while it was sent")
        start += len(piece)
        yield piece
