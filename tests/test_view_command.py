"""The command `splatc view`: what it refuses before anything is served, how it ends, and which browser it opens."""

from __future__ import annotations

import contextlib
import http.client
import signal
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
from splatc.errors import ServerError
from splatc.view.server import Server
from tests.view_calls import ONE, make_folder, serving


@pytest.fixture
def folder(tmp_path: Path, tiny_file: bytes) -> Path:
    return make_folder(tmp_path, tiny_file)


@pytest.fixture
def one(tiny_splat: Path) -> Iterator[Server]:
    with serving(tiny_splat) as running:
        yield running


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
