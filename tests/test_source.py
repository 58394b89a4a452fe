"""Bytes of files: whatever a stream does, threads and forked processes read what lies in the file, or get a clear error."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatc
from splatc import bitstream
from splatc.bitstream import Layer, limits, reader
from splatc.bitstream.source import PIECE, Source, plain_file
from splatc.errors import CorruptFileError, InputError, LimitError, UsageError
from tests.bitstream_cases import header_for, random_quantized

WIDTH, HEIGHT = 600, 400


@pytest.fixture(scope="module")
def divided() -> bytes:
    """600 x 400, 2000 Gaussians in dozens of sections."""
    header = header_for(WIDTH, HEIGHT)
    gaussians = random_quantized(np.random.default_rng(4), header, 2000, levels=4)
    return bitstream.encode(header, gaussians, layout=(Layer(2, 9), Layer(2, 7)))


class Slow(io.RawIOBase):
    """What fsspec and its like give: each read takes its time, and may give less than was asked for."""

    def __init__(self, data: bytes, most: int = 1 << 20) -> None:
        self._bytes, self._place, self._most = data, 0, most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._place = offset + (0, self._place, len(self._bytes))[whence]
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        time.sleep(0.00005)  # others may seek meanwhile
        place = self._place
        part = self._bytes[place : place + min(size, self._most)]
        self._place = place + len(part)
        return part


def regions(seed: int, count: int) -> list[tuple[int, int, int, int]]:
    chance = np.random.default_rng(seed)
    corners = chance.integers(0, (WIDTH - 24, HEIGHT - 16), (count, 2))
    return [(int(x), int(y), 24, 16) for x, y in corners]


@pytest.mark.parametrize("kind", ["slow", "memory", "file"])
def test_8_threads_read_200_regions_each_of_one_open_picture(kind: str, divided: bytes, tmp_path: Path) -> None:
    path = tmp_path / "divided.splat2d"
    path.write_bytes(divided)
    whole = splatc.decode(divided)
    with path.open("rb") as file:
        stream: Any = {"slow": Slow(divided, 600), "memory": io.BytesIO(divided), "file": file}[kind]
        picture = splatc.open(stream)
        start = threading.Barrier(8)

        def read(seed: int) -> int:
            start.wait()
            return sum(
                np.array_equal(picture.read(each), whole[each[1] : each[1] + 16, each[0] : each[0] + 24])
                for each in regions(seed, 200)
            )

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read, range(8))) == [200] * 8


FORKED = """
import io, os, sys
import numpy as np
import splatc
from tests.test_source import regions

path, kind = sys.argv[1:]
whole = splatc.decode(path)
stream = {"path": lambda: path, "file": lambda: open(path, "rb"), "memory": lambda: io.BytesIO(open(path, "rb").read())}[kind]()
picture = splatc.open(stream)
picture.read((0, 0, 50, 50))
children = []
for seed in range(4):
    child = os.fork()
    if child == 0:
        right = all(np.array_equal(picture.read(r), whole[r[1] : r[1] + 16, r[0] : r[0] + 24]) for r in regions(seed, 400))
        os._exit(0 if right else 1)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""

POOLED = """
import sys
import multiprocessing
import numpy as np
import PIL.Image
import splatc, splatc.pillow_plugin

def decoded(path):
    return splatc.decode(path), np.asarray(PIL.Image.open(path))

if __name__ == "__main__":
    path, method = sys.argv[1:]
    expected = splatc.decode(path)
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map(decoded, [path] * 6)
    print(all(np.array_equal(each, expected) for pair in found for each in pair), len(found))
"""


def run(script: str, *arguments: str, folder: Path) -> str:
    (folder / "script.py").write_text(script)
    root = Path(__file__).parent.parent
    result = subprocess.run(
        [sys.executable, str(folder / "script.py"), *arguments],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.stderr == ""
    return result.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("kind", ["path", "file", "memory"])
def test_4_forked_children_read_400_regions_each_of_their_parents_picture(
    kind: str, divided: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "divided.splat2d"
    path.write_bytes(divided)
    assert run(FORKED, str(path), kind, folder=tmp_path) == "[0, 0, 0, 0]"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_decode_after_their_parent_has(method: str, divided: bytes, tmp_path: Path) -> None:
    if method != "spawn" and not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    path = tmp_path / "divided.splat2d"
    path.write_bytes(divided)
    assert run(POOLED, str(path), method, folder=tmp_path) == "True 6"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_stream_whose_position_processes_share_is_refused_in_the_child(divided: bytes, tmp_path: Path) -> None:
    path = tmp_path / "divided.splat2d.gz"
    path.write_bytes(gzip.compress(divided))
    with gzip.open(path) as stream:
        picture = splatc.open(stream)  # type: ignore[arg-type]
        assert picture.read((0, 0, 9, 9)).shape == (9, 9, 3)
        owner, picture.reader._source._owner = picture.reader._source._owner, -1
        with pytest.raises(UsageError, match=r"GzipFile .* before the process forked .* open the file by its path"):
            picture.read((0, 0, 99, 9))
        picture.reader._source._owner = owner
        assert picture.read((0, 0, 99, 9)).shape == (9, 99, 3)


@pytest.mark.parametrize("most", [1, 7, 4096])
def test_few_bytes_at_a_time_are_no_truncation(divided: bytes, most: int) -> None:
    assert np.array_equal(splatc.open(Slow(divided, most)).read(), splatc.decode(divided))  # type: ignore[arg-type]


def test_what_is_read_whole_is_read_once_and_in_few_requests(divided: bytes) -> None:
    for kept in (reader.KEPT, 0):
        requests: list[int] = []

        class Counted(Slow):
            def read(self, size: int = -1, /) -> bytes:
                requests.append(size)  # noqa: B023 - called within the loop
                return super().read(size)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "KEPT", kept)
            picture = splatc.open(Counted(divided))  # type: ignore[arg-type]
            assert np.array_equal(picture.read(), splatc.decode(divided))
        assert (picture.bytes_read <= len(divided) + 1024) == (kept > 0)
        assert (len(requests) < 10) == (kept > 0)


def test_temporary_files_are_read_with_what_was_written_to_them(divided: bytes) -> None:
    with tempfile.TemporaryFile() as plain, tempfile.NamedTemporaryFile() as named:
        for stream in (plain, named):
            stream.write(divided)
            assert splatc.open(stream).read().shape == (HEIGHT, WIDTH, 3)


def raising(error: Exception) -> Callable[..., Any]:
    def read(*_: object) -> bytes:
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "error", "words"),
    [
        (raising(OSError(5, "Input/output error")), InputError, "cannot be read: Input/output error"),
        (raising(ValueError("I/O operation on closed file")), InputError, "closed file"),
        (raising(EOFError("Compressed file ended")), InputError, "Compressed file ended"),
        (raising(KeyError()), InputError, "KeyError"),
        (lambda _: None, InputError, "non-blocking"),
        (lambda size: bytes(size + 1), InputError, "where .* were asked for"),
        (lambda size: "x" * size, UsageError, "as text"),
        (lambda _: b"", CorruptFileError, "become shorter"),
    ],
)
def test_what_a_stream_does_wrong_is_said(
    read: Callable[..., Any], error: type[Exception], words: str, divided: bytes
) -> None:
    class Wrong(Slow):
        broken = True

        def read(self, size: int = -1, /) -> bytes:
            return read(size) if self.broken else super().read(size)

    stream = Wrong(divided)
    with pytest.raises(error, match=words):
        splatc.open(stream)  # type: ignore[arg-type]
    stream.broken = False
    picture = splatc.open(stream)  # type: ignore[arg-type]
    stream.broken = True
    with pytest.raises(error, match=words):
        picture.read()


def test_closed_files_and_text_are_refused(divided: bytes, tmp_path: Path) -> None:
    path = tmp_path / "divided.splat2d"
    path.write_bytes(divided)
    with path.open("rb") as file:
        picture = splatc.open(file)
    with pytest.raises(InputError, match="closed file"):
        picture.read()
    with pytest.raises(UsageError, match="closed"):
        splatc.open(file)
    with path.open() as text, pytest.raises(UsageError, match='open it with "rb"'):
        splatc.open(text)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match='open it with "rb"'):
        splatc.open(io.StringIO("x"))  # type: ignore[arg-type]
    with splatc.open(path) as picture:
        pass
    with pytest.raises(InputError, match=r"divided\.splat2d: cannot be read: .*closed file"):
        picture.read()


def test_what_reads_by_place(divided: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "divided.splat2d"
    path.write_bytes(divided)
    with path.open("rb") as file:
        assert (plain_file(file) is file) == hasattr(os, "pread")
        assert plain_file(io.BytesIO(divided)) is None
    assert plain_file(file) is None  # it is closed
    monkeypatch.delattr(os, "pread", raising=False)  # as on Windows
    with splatc.open(path) as picture:
        assert picture.read((0, 0, 9, 9)).shape == (9, 9, 3)
    picture = splatc.open(io.BytesIO(divided))
    monkeypatch.setattr(picture.reader._source, "_owner", -1)  # as in a child: memory has no position that is shared
    assert picture.read((0, 0, 9, 9)).shape == (9, 9, 3)


def test_pieces_are_the_bytes_and_the_end_is_the_end() -> None:
    data = os.urandom(2 * PIECE + 5)
    source = Source(io.BytesIO(data))
    assert b"".join(source.pieces(3, 2 * PIECE)) == data[3 : 2 * PIECE + 3]
    assert max(map(len, source.pieces(0, len(data)))) == PIECE
    assert source.read(len(data) - 3, 10) == data[-3:]
    assert source.read(len(data) + 3, 10) == b""
    assert source.read(0, 9) == data[:9]


def test_files_beyond_the_limit_are_refused_before_they_are_read(
    divided: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", len(divided) - 1)
    stream = Slow(divided)
    monkeypatch.setattr(stream, "read", raising(AssertionError("was read")))
    with pytest.raises(LimitError, match=f"has {len(divided)} bytes, more than the {len(divided) - 1}"):
        splatc.open(stream)  # type: ignore[arg-type]
    assert [(each.kind, each.part) for each in splatc.verify(divided)] == [("limit", "file")]
