"""``splatc view`` serves what was named, to browsers of this machine, and nothing else: whatever is asked for, by whomever."""

from __future__ import annotations

import contextlib
import email.parser
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from splatc.cli import main
from splatc.cli.console import one_line
from splatc.errors import ServerError
from splatc.view import catalogue, conditions, handler, ranges, server
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


@pytest.fixture
def folder(tmp_path: Path, tiny_file: bytes) -> Path:
    """A folder with two files of ours, among others, beside something that was not named."""
    (tmp_path / "secret.splat2d").write_bytes(SECRET)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "b.splat2d").write_bytes(SECRET)
    inner = tmp_path / "named" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "a.splat2d").write_bytes(tiny_file)
    (inner / "B.SPLAT2D").write_bytes(tiny_file)
    (inner / "notes.txt").write_bytes(SECRET)
    return inner.parent


@pytest.fixture
def one(tiny_splat: Path) -> Iterator[Server]:
    with serving(tiny_splat) as running:
        yield running


ONE = "/files/0/tiny.splat2d"


def test_a_page_its_modules_and_the_files_and_nothing_else(one: Server, tiny_file: bytes) -> None:
    kinds = {"/": "text/html; charset=utf-8", ONE: "image/x-splat2d"}
    kinds |= {"/script.js": "text/javascript; charset=utf-8", "/core.wasm": "application/wasm"}
    for path, kind in kinds.items():
        status, headers, body = ask(one, path)
        assert (status, headers["content-type"], int(headers["content-length"])) == (200, kind, len(body)), path
    assert ask(one, ONE)[2] == tiny_file
    page = ask(one, "/")[2].decode()
    for part in page.split('="')[1:]:
        name = part.partition('"')[0]
        if name.endswith((".js", ".css", ".wasm")):
            assert ask(one, f"/{name}")[0] == 200, name
    for path in (
        "/files",
        "/files/",
        "/files/0",
        "/files/0/",
        "/web/",
        "/web/page.js",
        "/original",
        "/favicon.ico",
        "/x",
    ):
        assert ask(one, path)[0] == 404, path


@pytest.mark.parametrize(
    "path",
    [
        "/files/0/../secret.splat2d",
        "/files/0/%2e%2e/secret.splat2d",
        "/files/0/..%2fsecret.splat2d",
        "/files/0/%252e%252e%252fsecret.splat2d",
        "/files/0/inner/../../secret.splat2d",
        "/files/../../secret.splat2d",
        "/files/0//a.splat2d",
        "/files/0/a.splat2d/",
        "/files/0/a.splat2d%00",
        "/files/0/a.splat2d%00.png",
        "/files/0/A.splat2d",
        "/files/0/inner/b.splat2d",
        "/FILES/0/a.splat2d",
        "/files/0/inner/notes.txt",
        "/files/0/inner",
        "/files/1/a.splat2d",
        "/files/00/a.splat2d",
        "/files/0\\a.splat2d",
        "/files/0/a.splat2d:stream",
        "/../cli/view.py",
        "/%2e%2e/cli/view.py",
        "/SCRIPT.JS",
        "//evil.example/files/0/a.splat2d",
    ],
)
def test_no_address_leads_anywhere_else(path: str, folder: Path) -> None:
    with serving(folder) as running:
        status, _, body = ask(running, path)
        assert status == 404
        assert SECRET not in body


def test_absolute_paths_lead_nowhere(folder: Path) -> None:
    with serving(folder) as running:
        for start in ("/files/0/", "/files/", "/", ""):
            assert ask(running, f"{start}{folder}/a.splat2d")[0] == 404
            assert ask(running, f"{start}file://{folder}/a.splat2d")[0] == 404


def test_a_folder_has_all_files_of_ours_below_it(folder: Path, tiny_file: bytes) -> None:
    with serving(folder) as running:
        assert [each["name"] for each in listed(running)] == ["a.splat2d", "inner/B.SPLAT2D"]
        for each in listed(running):
            assert ask(running, f"/{each['source']}")[2] == tiny_file
        (folder / "c.splat2d").write_bytes(tiny_file)  # which the next look at the page shows
        assert ask(running, "/files/0/c.splat2d")[0] == 404
        assert len(listed(running)) == 3
        assert ask(running, "/files/0/c.splat2d")[0] == 200


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights there")
def test_links_below_a_folder_are_not_followed(folder: Path, tmp_path: Path, tiny_file: bytes) -> None:
    (folder / "link.splat2d").symlink_to(tmp_path / "secret.splat2d")
    (folder / "linked").symlink_to(tmp_path / "secret")
    (folder / "loop").symlink_to(folder)
    with serving(folder) as running:
        assert [each["key"] for each in listed(running)] == ["0/a.splat2d", "0/inner/B.SPLAT2D"]
        for path in ("link.splat2d", "linked/b.splat2d", "loop/a.splat2d"):
            assert ask(running, f"/files/0/{path}")[0] == 404
        # What has become a link since it was listed.
        (folder / "a.splat2d").unlink()
        (folder / "a.splat2d").symlink_to(tmp_path / "secret.splat2d")
        (folder / "inner").rename(tmp_path / "moved")
        (folder / "inner").symlink_to(tmp_path / "moved")
        for path in ("a.splat2d", "inner/B.SPLAT2D"):
            assert ask(running, f"/files/0/{path}")[0] == 404
    named = tmp_path / "named.splat2d"
    named.symlink_to(tmp_path / "target.splat2d")
    (tmp_path / "target.splat2d").write_bytes(tiny_file)
    with serving(named) as running:  # the user has said that this one is meant
        assert ask(running, "/files/0/named.splat2d")[2] == tiny_file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe_below_a_folder_makes_no_request_wait(folder: Path) -> None:
    os.mkfifo(folder / "pipe.splat2d")
    with serving(folder) as running:
        assert len(listed(running)) == 2
        (folder / "a.splat2d").unlink()
        os.mkfifo(folder / "a.splat2d")
        assert ask(running, "/files/0/a.splat2d")[0] == 404


def test_hostile_names_stay_names(tmp_path: Path, tiny_file: bytes) -> None:
    names = [os.fsencode(name) for name in HOSTILE] + ([UNDECODABLE] if sys.platform == "linux" else [])
    there = tmp_path / "names"
    there.mkdir()
    for name in names:
        with contextlib.suppress(OSError):  # of a system that has no such names
            (there / os.fsdecode(name)).write_bytes(tiny_file)
    with serving(there) as running:
        files = listed(running)
        assert len(files) == len(list(there.iterdir()))
        for each in files:
            assert each["source"].isascii()
            assert not set(each["source"]) & set("<>\"'?#\\ ")
            assert ask(running, f"/{each['source']}")[2] == tiny_file
        before, _, rest = ask(running, "/")[2].partition(b'id="files">')
        listed_names, _, after = rest.partition(b"</script>")
        assert not set(b"<>&") & set(listed_names) and b"onerror=" in listed_names
        assert b"onerror=" not in before + after


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "[::1]:{port}",
        "127.0.0.1:{port}.evil.example",
        "",
    ],
)
def test_another_host_is_refused(host: str, one: Server) -> None:
    """DNS rebinding: a site whose name comes to mean this machine, so that its pages may read what is served here."""
    status, _, body = ask(one, ONE, Host=host.format(port=one.server_port))
    assert status == 403
    assert b"\x8bS2D" not in body


def test_requests_that_name_no_host_or_two_are_refused(one: Server) -> None:
    host = f"Host: 127.0.0.1:{one.server_port}\r\n".encode()
    for lines in (b"", host + host, host + b"Host: evil.example\r\n"):
        assert b" 403 " in raw(one, b"GET / HTTP/1.1\r\n" + lines + b"\r\n").split(b"\r\n")[0]
    assert ask(one, "/", Host=f"LOCALHOST:{one.server_port}")[0] == 200
    assert raw(one, b"GET /\r\n\r\n").startswith(b"403 ")  # HTTP/0.9
    assert b" 404 " in raw(one, b"GET http://evil.example/ HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")


def test_only_get_and_head(one: Server, tiny_file: bytes) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"):
        status, headers, _ = ask(one, ONE, method)
        assert (status, headers["allow"]) == (405, "GET, HEAD")
    status, headers, body = ask(one, ONE, "HEAD")
    assert (status, body, headers["content-length"]) == (200, b"", str(len(tiny_file)))
    assert (headers["accept-ranges"], "etag" in headers) == ("bytes", True)
    assert ask(one, "/x", "HEAD")[2] == b""


def test_a_connection_serves_one_request_after_the_other(one: Server, tiny_file: bytes) -> None:
    tag = ask(one, ONE)[1]["etag"]
    with contextlib.closing(http.client.HTTPConnection(server.ADDRESS, one.server_port, timeout=10)) as connection:
        connection.connect()
        before = connection.sock
        for method, path, headers, status in (
            ("GET", "/x", {}, 404),
            ("GET", ONE, {"If-None-Match": tag}, 304),
            ("HEAD", ONE, {}, 200),
            ("GET", ONE, {"Range": "bytes=999999-"}, 416),
            ("GET", ONE, {"Range": "bytes=1-2,5-6"}, 206),
            ("GET", ONE, {"If-Match": '"x"'}, 412),
            ("GET", ONE, {}, 200),
        ):
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            assert response.status == status
            assert connection.sock is before
        assert body == tiny_file


def test_a_body_is_not_taken_for_a_request(one: Server) -> None:
    inner = b"GET /script.js HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % one.server_port
    outer = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n\r\n" % (one.server_port, len(inner))
    assert raw(one, outer + inner).count(b"HTTP/1.1 ") == 1


def test_every_answer_has_the_policy(one: Server) -> None:
    for path, method in (("/", "GET"), (ONE, "HEAD"), ("/x", "GET"), ("/", "POST"), ("/script.js", "GET")):
        headers = ask(one, path, method)[1]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy and "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (None, None),
        ("bytes=0-9", [(0, 10)]),
        ("BYTES = 0-9", [(0, 10)]),
        ("bytes=90-", [(90, 100)]),
        ("bytes=90-1000", [(90, 100)]),
        ("bytes=-10", [(90, 100)]),
        ("bytes=-1000", [(0, 100)]),
        ("bytes=-0", []),
        ("bytes=100-", []),
        ("bytes=100-200,300-", []),
        ("bytes=0-0,100-", [(0, 1)]),
        ("bytes=50-59, 0-9", [(50, 60), (0, 10)]),
        ("bytes=,50-59,,0-9,", [(50, 60), (0, 10)]),
        ("bytes=50-59,0-9,55-69", [(0, 10), (50, 70)]),
        ("bytes=0-,0-,0-", [(0, 100)]),
        ("bytes=9-0", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("bytes=a-b", None),
        ("bytes=0x0-9", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes=+1-2", None),
        ("bytes=1 - 2", None),
        ("bytes=--1", None),
        ("bytes=0-9;5-6", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("lines=0-9", None),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(0, 2 * ranges.MAX_RANGES + 2, 2)), None),
    ],
)
def test_the_range_field(field: str | None, expected: list[ranges.Range] | None) -> None:
    assert ranges.parse(field, 100) == expected


def test_a_file_without_bytes_has_no_range() -> None:
    assert ranges.parse("bytes=0-", 0) == []
    assert ranges.parse("bytes=-5", 0) == []


def test_ranges_are_those_bytes(one: Server, tiny_file: bytes) -> None:
    size = len(tiny_file)
    for field, part in (("bytes=0-9", slice(0, 10)), ("bytes=7-", slice(7, None)), ("bytes=-5", slice(-5, None))):
        status, headers, body = ask(one, ONE, Range=field)
        start, stop, _ = part.indices(size)
        assert (status, body) == (206, tiny_file[part])
        assert headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        assert headers["content-length"] == str(stop - start)
    status, headers, body = ask(one, ONE, Range=f"bytes={size}-")
    assert (status, headers["content-range"]) == (416, f"bytes */{size}")
    assert ask(one, ONE, Range="bytes=9-0")[::2] == (200, tiny_file)
    assert ask(one, ONE, "HEAD", Range="bytes=0-9")[1]["content-length"] == str(size)


def test_several_ranges_are_parts(one: Server, tiny_file: bytes) -> None:
    status, headers, body = ask(one, ONE, Range="bytes=20-29,0-4,-3")
    assert (status, int(headers["content-length"])) == (206, len(body))
    assert "content-range" not in headers
    message = email.parser.BytesParser().parsebytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
    parts: list[Any] = list(message.get_payload())
    size = len(tiny_file)
    expected = [(20, 30), (0, 5), (size - 3, size)]
    assert [part["Content-Range"] for part in parts] == [f"bytes {a}-{b - 1}/{size}" for a, b in expected]
    for start, stop in expected:
        head = f"Content-Range: bytes {start}-{stop - 1}/{size}\r\n\r\n".encode()
        assert body.partition(head)[2].startswith(tiny_file[start:stop] + b"\r\n--")


def test_conditions(one: Server, tiny_file: bytes, tiny_splat: Path) -> None:
    os.utime(tiny_splat, (1_700_000_000, 1_700_000_000))
    _, headers, _ = ask(one, ONE)
    tag, date = headers["etag"], headers["last-modified"]
    assert date == "Tue, 14 Nov 2023 22:13:20 GMT"
    later, earlier = "Wed, 15 Nov 2023 22:13:20 GMT", "Mon, 13 Nov 2023 22:13:20 GMT"

    def status(method: str = "GET", **fields: str) -> int:
        return ask(one, ONE, method, **fields)[0]

    for field in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        assert ask(one, ONE, If_None_Match=field)[::2] == (304, b"")
    assert status("HEAD", If_None_Match=tag) == 304
    assert status(If_None_Match='"x"') == 200
    assert status(If_None_Match='"x"', If_Modified_Since=later) == 200  # which has precedence
    assert (status(If_Modified_Since=date), status(If_Modified_Since=earlier)) == (304, 200)
    assert status(If_Modified_Since="yesterday") == 200
    assert (status(If_Match=tag), status(If_Match="*"), status(If_Match='"x"'), status(If_Match=f"W/{tag}")) == (
        200,
        200,
        412,
        412,
    )
    assert (status(If_Unmodified_Since=later), status(If_Unmodified_Since=earlier)) == (200, 412)
    for field, expected in ((tag, 206), (date, 206), ('"x"', 200), (f"W/{tag}", 200), (later, 200), ("x", 200)):
        found = ask(one, ONE, Range="bytes=0-9", If_Range=field)
        assert (found[0], found[2]) == (expected, tiny_file[:10] if expected == 206 else tiny_file)
    tiny_splat.write_bytes(tiny_file)  # now
    assert ask(one, ONE)[1]["etag"] != tag
    assert (
        status(Range="bytes=0-9", If_Range=ask(one, ONE)[1]["last-modified"]) == 200
    )  # may change again in this second


def test_a_version_is_as_old_as_the_file() -> None:
    assert conditions.Version('"x"', 0).date == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_files_that_vanish_or_come_back(one: Server, tiny_splat: Path, tiny_file: bytes) -> None:
    tiny_splat.unlink()
    status, _, body = ask(one, ONE)
    assert (status, str(tiny_splat).encode() in body) == (404, False)
    tiny_splat.mkdir()
    assert ask(one, ONE)[0] == 404
    tiny_splat.rmdir()
    tiny_splat.write_bytes(tiny_file + b"more")
    assert ask(one, ONE)[2] == tiny_file + b"more"


def test_a_file_that_changes_while_it_is_sent_ends_the_connection(
    tmp_path: Path, tiny_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_PIECE", 100)
    path = tmp_path / "a.splat2d"
    for change in (lambda: path.write_bytes(tiny_file[:150]), lambda: path.write_bytes(b"x" * len(tiny_file))):
        path.write_bytes(tiny_file)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        seen = 0

        def unchanged(self: Any, change: Any = change, known: Any = catalogue.Opened.unchanged) -> bool:
            nonlocal seen
            seen += 1
            if seen == 2:
                change()
            return bool(known(self))

        with serving(path) as running, monkeypatch.context() as patch:
            patch.setattr(catalogue.Opened, "unchanged", unchanged)
            with pytest.raises(http.client.IncompleteRead) as caught:
                ask(running, "/files/0/a.splat2d")
        assert caught.value.partial == tiny_file[:100]


def test_slow_clients_are_let_go_of(tiny_splat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "PATIENCE", 0.3)
    with serving(tiny_splat) as running, socket.create_connection((server.ADDRESS, running.server_port), 10) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        start = time.monotonic()
        for _ in range(100):  # a byte now and then
            time.sleep(0.05)
            try:
                slow.sendall(b"X")
            except OSError:
                break
        assert time.monotonic() - start < 4


def test_connections_are_bounded(tiny_splat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 3)
    with serving(tiny_splat) as running, contextlib.ExitStack() as closing:
        for _ in range(3):
            idle = closing.enter_context(socket.create_connection((server.ADDRESS, running.server_port), 10))
            idle.sendall(b"GET / HTTP/1.1\r\n")
        time.sleep(0.3)
        assert ask(running, "/")[0] == 503
        closing.close()
        deadline = time.monotonic() + 5
        while ask(running, "/")[0] == 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ask(running, "/")[0] == 200


def test_it_listens_on_this_machine_alone(one: Server) -> None:
    assert one.server_address[0] == "127.0.0.1"
    assert one.url == f"http://127.0.0.1:{one.server_port}/"


def test_a_port_that_is_taken_is_a_line(one: Server, tiny_splat: Path, splatc: Any) -> None:
    with pytest.raises(ServerError, match=f"port {one.server_port} "):
        Server(one.site, one.server_port, print)
    done = splatc("view", "tiny.splat2d", "--no-browser", "--port", str(one.server_port))
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert b"choose another port" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_command_serves_until_it_is_ended(
    sent: signal.Signals, code: int, tiny_splat: Path, tiny_file: bytes
) -> None:
    command = [sys.executable, "-m", "splatc", "view", str(tiny_splat), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        url = process.stdout.readline().decode().strip()
        host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
            connection.request("GET", ONE)
            assert connection.getresponse().read() == tiny_file
            process.send_signal(sent)  # while the connection is open
            assert process.wait(10) == code
        assert process.stdout.read() == b""
        assert process.stderr.read().decode() == ("" if code == 0 else "splatc: error: ended by SIGTERM\n")


def view(*words: str, stdin: bytes = b"") -> tuple[int, str]:
    result = CliRunner().invoke(main, ["view", *words], input=stdin)
    return result.exit_code, result.stderr


def test_what_is_refused_before_anything_is_served(
    tmp_path: Path, tiny_splat: Path, tiny_picture: Path, folder: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    damaged = tmp_path / "damaged.splat2d"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" * 20)
    tiff = tmp_path / "original.tif"
    tiff.write_bytes(b"")
    for words, code, said in (
        ([str(tmp_path / "none.splat2d")], 1, "No such file"),
        ([str(empty)], 1, "no .splat2d file"),
        ([str(damaged)], 3, f"error: {damaged}: not a .splat2d file"),
        ([str(tiny_splat), str(damaged)], 3, "not a .splat2d file"),
        ([str(tiny_splat), "--source", str(tiff)], 2, "browsers show no such picture"),
        ([str(tiny_splat), "--source", str(tmp_path / "none.png")], 1, "no such file"),
        ([str(folder), "--source", str(tiny_picture)], 2, "one FILE"),
        ([str(tiny_splat), "--port", "65536"], 2, "65535"),
        ([str(tiny_splat), "--port", "8000", "--save", "page.html"], 2, "mean nothing with --save"),
    ):
        found, error = view(*words)
        assert (found, error.count("\n")) == (code, 1), error
        assert said in error


def test_too_many_files_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.view.catalogue.MAX_FILES", 1)
    assert view(str(folder))[0] == 4


def test_standard_input_and_an_original_are_served(
    tmp_path: Path, tiny_file: bytes, tiny_picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Any] = []
    monkeypatch.setattr(Server, "serve_forever", lambda self: found.append(self.site))
    assert view("-", "--no-browser", "--source", str(tiny_picture), stdin=tiny_file) == (0, "")
    (site,) = found
    with site.find("/files/0/stdin.splat2d").open().stream as stream:
        assert stream.read() == tiny_file
    original = site.find("/original")
    assert original.type == "image/png"
    with original.open().stream as stream:
        assert stream.read() == tiny_picture.read_bytes()
    found.clear()
    truncated = tmp_path / "truncated.splat2d"
    truncated.write_bytes(tiny_file[:-40])  # what is there is shown
    assert view(str(truncated), "--no-browser")[0] == 0


@pytest.mark.parametrize("works", [True, False])
def test_a_browser_is_opened_or_asked_for(works: bool, tiny_splat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    opened: list[str] = []

    class Window(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            opened.append(url)
            return works

    done = threading.Event()
    monkeypatch.setattr(webbrowser, "get", lambda: Window())
    monkeypatch.setattr(Server, "serve_forever", lambda self: done.wait(0.5))
    result = CliRunner().invoke(main, ["view", str(tiny_splat)])
    assert (result.exit_code, opened) == (0, [result.stdout.strip()])
    assert ("no browser could be opened" in result.stderr) is not works


def test_a_browser_in_the_terminal_is_not_opened(tiny_splat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("false"))
    monkeypatch.setattr(Server, "serve_forever", lambda self: time.sleep(0.5))
    assert "no browser could be opened" in CliRunner().invoke(main, ["view", str(tiny_splat)]).stderr
