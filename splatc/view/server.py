"""A server for browsers of this machine: on 127.0.0.1 alone, a thread a connection, none of which a slow client can keep for ever."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator

from splatc.errors import ServerError, reason_of
from splatc.view.handler import Handler
from splatc.view.site import Site

ADDRESS = "127.0.0.1"
MAX_CONNECTIONS = 64
"""At the same time; a browser has six."""
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Server(http.server.ThreadingHTTPServer):
    """Serves a Site. ``serve_forever`` does it, in the thread that calls it."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let two servers have one port
    request_queue_size = 64

    def __init__(self, site: Site, port: int, log: Callable[[str], None]) -> None:
        """``port`` 0 is any free one; ``log`` is called with each request, in any thread. Raises ServerError."""
        self.site = site
        self.log = log
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._deadlines: dict[socket.socket, float] = {}
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            advice = "choose another port, or leave --port out" if port else "is there a network?"
            raise ServerError(f"port {port} of {ADDRESS} cannot be opened: {reason_of(error)}: {advice}") from error
        names = (ADDRESS, "localhost")
        self.hosts = {f"{name}:{self.server_port}" for name in names} | (
            set(names) if self.server_port == 80 else set()
        )
        """What the Host of a request may be."""

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}/"

    def server_bind(self) -> None:
        """Without asking the name of this machine of a name server, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, self.server_address[1]

    @contextlib.contextmanager
    def deadline(self, connection: socket.socket, seconds: float) -> Iterator[None]:
        """A connection that is still in this block after some seconds is closed, unless the deadline was lifted."""
        self._deadlines[connection] = time.monotonic() + seconds
        try:
            yield
        finally:
            self.lift_deadline(connection)

    def lift_deadline(self, connection: socket.socket) -> None:
        self._deadlines.pop(connection, None)

    def service_actions(self) -> None:
        """Close what has waited too long; called twice a second."""
        now = time.monotonic()
        for connection, end in list(self._deadlines.items()):
            if end < now:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        assert isinstance(request, socket.socket)
        request.settimeout(0)
        with contextlib.suppress(OSError):
            request.sendall(_FULL)
        self.shutdown_request(request)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or is too slow, is no error; all else is, and is logged with its traceback."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]
