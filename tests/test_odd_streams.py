"""Unusual streams and pictures of callers: an error is one line and a SplatError."""

from __future__ import annotations

import contextlib
import copy
import io
import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import splatc
import splatc.pillow_plugin
from splatc.bitstream.source import Source
from splatc.errors import InputError, SplatError, UsageError


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def _raise(error: Exception) -> Any:
    raise error


def stream_with(data: bytes, **methods: Any) -> Any:
    """A file in memory some of whose methods are others."""
    return type("Odd", (io.BytesIO,), methods)(data)


def after_the_end(value: object) -> Callable[[io.BytesIO, int, int], object]:
    """A seek that returns an unexpected position of the end."""

    def seek(self: io.BytesIO, offset: int, whence: int = 0) -> object:
        place = io.BytesIO.seek(self, offset, whence)
        return value if whence == 2 else place

    return seek


@pytest.mark.parametrize(
    "methods",
    [
        *({"seek": after_the_end(value)} for value in ("a", [], -1, 1.5, float("nan"), object(), np.array([1, 2]))),
        *({"read": lambda _, __, value=value: value} for value in (5, [1000], "text", None, object())),
        *(
            {method: lambda *_, error=error: _raise(error)}
            for method in ("read", "seek", "seekable")
            for error in (UnspeakableError(), ValueError("two\nlines\x1b[31m"), NotImplementedError(), OSError())
        ),
        *({method: property(lambda _: 1 / 0)} for method in ("read", "seek", "dtype")),
    ],
)
@pytest.mark.parametrize("door", [splatc.decode, splatc.info, splatc.open])
def test_what_an_odd_stream_does_is_one_line(door: Any, methods: dict[str, Any], tiny_file: bytes) -> None:
    try:
        door(stream_with(tiny_file, **methods))
    except SplatError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 400
    else:
        assert "dtype" in methods


def test_a_stream_may_give_its_bytes_in_numbers_of_another_size(tiny_file: bytes) -> None:
    def read(self: io.BytesIO, size: int) -> memoryview:
        return memoryview(io.BytesIO.read(self, max(2, size // 2 * 2) if size > 1 else size)).cast(
            "B" if size % 2 else "H"
        )

    assert splatc.verify(stream_with(tiny_file, read=read)) == []


def test_a_path_that_cannot_say_what_it_is(tmp_path: Path) -> None:
    path = type("Broken", (), {"__fspath__": lambda _: 1 / 0})()
    with pytest.raises(UsageError, match="expected a path"):
        splatc.decode(path)


@pytest.mark.skipif(not hasattr(os, "pread"), reason="files are read by a lock")
def test_a_file_that_is_closed_meanwhile_is_not_read_as_another(
    tiny_file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its descriptor may be that of the next file that is opened."""
    for name, content in (("ours", tiny_file), ("theirs", bytes(4096))):
        (tmp_path / name).write_bytes(content)
    pread, theirs = os.pread, contextlib.ExitStack()

    def slow(descriptor: int, length: int, offset: int) -> bytes:
        ours.close()
        other = theirs.enter_context((tmp_path / "theirs").open("rb"))
        assert other.fileno() == descriptor
        return pread(descriptor, length, offset)

    ours = (tmp_path / "ours").open("rb")
    source = Source(ours)
    with theirs:
        monkeypatch.setattr(os, "pread", slow)
        with pytest.raises(InputError, match="closed"):
            source.read(300, 50)


def _corner(picture: Any) -> Any:
    return picture.read(region=(1, 2, 8, 7))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_picture_goes_to_other_processes_by_its_path(method: str, tiny_splat: Path) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    with splatc.open(tiny_splat) as picture, multiprocessing.get_context(method).Pool(1) as pool:
        assert np.array_equal(pool.apply(_corner, (picture,)), _corner(picture))


def test_copies_of_a_picture_are_opened_anew(tiny_splat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_splat.parent)
    with splatc.open(tiny_splat.name, max_pixels=70) as picture:
        monkeypatch.chdir("/")
        others = [copy.copy(picture), copy.deepcopy(picture), pickle.loads(pickle.dumps(picture))]
        expected = _corner(picture)
    for other in others:
        with other:
            assert np.array_equal(_corner(other), expected)
            with pytest.raises(SplatError, match="more than the 70 pixels"):
                other.read()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_picture_of_a_stream_cannot_be_copied(duplicate: Callable[[object], object], tiny_file: bytes) -> None:
    with splatc.open(io.BytesIO(tiny_file)) as picture, pytest.raises(UsageError, match="by its path"):
        duplicate(picture)


@pytest.mark.parametrize("cut", [0, 5])
def test_bytes_are_let_go_of_also_where_they_were_damaged(cut: int, tiny_file: bytes) -> None:
    data = bytearray(tiny_file[: len(tiny_file) - cut])
    try:
        splatc.decode(data)
    except SplatError:
        data.append(0)  # BufferError, if a traceback still held a view of them
    else:
        data.append(0)


def test_a_closed_image_of_pillow_s_cannot_be_verified(tiny_splat: Path) -> None:
    image = PIL.Image.open(tiny_splat)
    image.close()
    with pytest.raises(RuntimeError, match="directly after open"):
        image.verify()
