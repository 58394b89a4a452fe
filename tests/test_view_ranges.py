"""Parts of files that a browser asks for, and conditions: what `splatc view` answers to ranges, tags and dates (RFC 9110)."""

from __future__ import annotations

import email.parser
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from splatc.view import conditions, ranges
from splatc.view.server import Server
from tests.view_calls import ONE, ask, serving


@pytest.fixture
def one(tiny_splat: Path) -> Iterator[Server]:
    with serving(tiny_splat) as running:
        yield running


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
