"""A stream of pieces reads as their concatenation."""

from __future__ import annotations

import io

import numpy as np
import pytest

from splatc.image.readers.splice import Piece, spliced

BASE = bytes(range(200))
PIECES: list[Piece] = [(10, 50), b"inserted", b"", (50, 50), (0, 3), b"!", (190, 200)]
WHOLE = BASE[10:50] + b"inserted" + BASE[:3] + b"!" + BASE[190:]


def test_all_at_once_and_by_random_reads() -> None:
    stream = spliced(io.BytesIO(BASE), PIECES)
    assert stream.read() == WHOLE
    assert stream.read() == b""
    rng = np.random.default_rng(0)
    for _ in range(300):
        at, size = int(rng.integers(0, len(WHOLE) + 5)), int(rng.integers(0, 70))
        stream.seek(at)
        assert stream.read(size) == WHOLE[at : at + size]
        assert stream.tell() == min(at + size, max(at, len(WHOLE)))


def test_ends_and_wrong_places() -> None:
    stream = spliced(io.BytesIO(BASE), PIECES)
    assert stream.seek(0, 2) == len(WHOLE)
    assert stream.seek(-4, 2) == len(WHOLE) - 4
    assert stream.seek(2, 1) == len(WHOLE) - 2
    assert stream.read() == WHOLE[-2:]
    with pytest.raises(ValueError, match="negative"):
        stream.seek(-1)
    assert spliced(io.BytesIO(BASE), []).read() == b""


def test_what_is_cut_off_below_ends_the_stream() -> None:
    assert spliced(io.BytesIO(BASE), [(190, 300)]).read() == BASE[190:]
