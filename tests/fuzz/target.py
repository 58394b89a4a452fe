"""What holds for any bytes at all: they are refused with a SplatError by everyone who reads them, or read by everyone, to the same end."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np

from splatc import bitstream
from splatc.bitstream import Reader
from splatc.describe import describe
from splatc.errors import CorruptFileError, SplatError
from splatc.picture import Picture
from splatc.verifier import verify


def check(data: bytes) -> bool:
    """Read the bytes in every way, and say whether they are a file. Raises AssertionError, or whatever a defect raises."""
    try:
        header, gaussians = bitstream.decode(data)
        refused = None
    except SplatError as error:
        refused = error
    try:
        describe(data)  # may read what decode refuses: it looks into no stream
    except SplatError as error:
        assert refused is not None, f"info refuses what decode reads: {error}"
    try:
        describe(data, bits=True)
        assert refused is None, f"info --bits reads what decode refuses: {refused}"
    except SplatError as error:
        assert refused is not None, f"info --bits refuses what decode reads: {error}"
    try:
        with Picture(io.BytesIO(data)) as picture:
            scale = Fraction(1, max(1, max(picture.size) // 24))
            whole = _draw(picture, scale)
            assert whole is not None or refused is not None, "read refuses what decode reads"
            picture.metadata()
            x, y = picture.width // 2, picture.height // 2
            picture.read((x, y, 1, 1), max_level=1, allow_truncated=True)
    except SplatError:
        pass  # among them damage that only allow_truncated or metadata meets
    problems = verify(data)
    if refused is not None:
        assert problems, f"verify finds nothing where decode says: {refused}"
        return False
    assert all("metadata" in each.part for each in problems), problems
    chunks = [chunk.type for chunk in Reader(io.BytesIO(data)).chunks]
    if chunks == ["HEAD", "GAUS"]:
        assert bitstream.encode(header, gaussians) == data or len(gaussians) > 8000, "two files for one picture"
    return True


def _draw(picture: Picture, scale: Fraction) -> np.ndarray | None:
    try:
        return picture.read(scale=scale)
    except CorruptFileError:
        return None
