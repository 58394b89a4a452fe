"""What holds for any bytes at all: they are refused with a SplatError by everyone who reads them, or read by everyone, to the same end.

Everyone: ``splatc.decode``, ``splatc.open`` and its regions, ``info``, ``verify``, the integers below them, and Pillow.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import PIL.Image

import splatc
import splatc.pillow_plugin
from splatc import bitstream
from splatc.bitstream import Reader
from splatc.errors import CorruptFileError, SplatError, UnsupportedFileError

LONGEST = 24
"""px: what is drawn of a picture is drawn no larger than this."""


def check(data: bytes) -> bool:
    """Read the bytes in every way, and say whether they are a file. Raises AssertionError, or whatever a defect raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", splatc.SplatWarning)  # of metadata that are damaged
        return _check(data)


def _check(data: bytes) -> bool:
    decoded, refused = _outcome(lambda: bitstream.decode(data))
    # Looks into no stream, so it may read what is refused.
    _agree("info", _outcome(lambda: splatc.info(data)), refused, may_read=True)
    _agree("info --bits", _outcome(lambda: splatc.info(data, bits=True)), refused)
    size = _outcome(lambda: splatc.open(io.BytesIO(data)).size)[0]
    scale = Fraction(1, 1 if size is None else max(1, max(size) // LONGEST))
    pixels, unread = _outcome(lambda: splatc.decode(data, scale=scale))
    if not _is_limit(unread):
        _agree("decode", (pixels, unread), refused)
    if pixels is not None:
        _check_pixels(data, pixels, scale)
    _outcome(lambda: _read_parts(data))
    problems = splatc.verify(data)
    if refused is not None:
        assert problems, f"verify finds nothing where decode says: {refused}"
        return False
    assert all("metadata" in each.part for each in problems), problems
    chunks = [chunk.type for chunk in Reader(io.BytesIO(data)).chunks]
    if chunks == ["HEAD", "GAUS"]:
        header, gaussians = decoded
        assert bitstream.encode(header, gaussians) == data or len(gaussians) > 8000, "two files for one picture"
    return True


def _outcome(read: Callable[[], Any]) -> tuple[Any, SplatError | None]:
    """What a way of reading gives, or why it refuses. Any other exception is a defect."""
    try:
        return read(), None
    except SplatError as error:
        return None, error


def _agree(
    name: str, found: tuple[Any, SplatError | None], refused: SplatError | None, *, may_read: bool = False
) -> None:
    _, own = found
    assert own is None or refused is not None, f"{name} refuses what the integers are read from: {own}"
    assert own is not None or refused is None or may_read, f"{name} reads what is refused: {refused}"


def _is_limit(error: SplatError | None) -> bool:
    """Whether it is refused for what it costs, of which the integers know nothing."""
    return error is not None and not isinstance(error, CorruptFileError | UnsupportedFileError)


def _check_pixels(data: bytes, pixels: np.ndarray, scale: Fraction) -> None:
    """An open picture, read twice and in part, and Pillow show the same."""
    with splatc.open(io.BytesIO(data)) as picture:
        x, y = picture.width // 2, picture.height // 2
        picture.read((x, y, 1, 1), max_level=1)
        assert np.array_equal(picture.read(scale=scale), pixels), "a second reading shows something else"
        if scale == 1:
            crop = picture.read((x, y, 1, 1))
            assert np.array_equal(crop, pixels[y : y + 1, x : x + 1]), "a region is no crop"
            if picture.bit_depth == 8:
                shown = np.asarray(PIL.Image.open(io.BytesIO(data)))
                assert np.array_equal(shown, pixels), "Pillow shows something else"


def _read_parts(data: bytes) -> None:
    """What may work although the whole does not."""
    with splatc.open(io.BytesIO(data)) as picture:
        picture.metadata()
        x, y = picture.width // 2, picture.height // 2
        picture.read((x, y, 1, 1), max_level=1, allow_truncated=True)
