"""``splatc view`` serves what was named, to browsers of this machine, and nothing else: whatever is asked for, by whomever."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from splatc.view import catalogue, handler, server
from splatc.view.server import Server
from tests.view_calls import HOSTILE, ONE, SECRET, UNDECODABLE, ask, listed, make_folder, raw, serving


@pytest.fixture
def folder(tmp_path: Path, tiny_file: bytes) -> Path:
    return make_folder(tmp_path, tiny_file)


@pytest.fixture
def one(tiny_splat: Path) -> Iterator[Server]:
    with serving(tiny_splat) as running:
        yield running


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
