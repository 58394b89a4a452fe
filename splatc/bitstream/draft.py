"""The draft of the next minor version of the format: a decoder reads its own draft and refuses every other by name (spec/draft.md)."""

from __future__ import annotations

from splatc.bitstream import varint
from splatc.bitstream.header import DRAFT_VERSION
from splatc.errors import CorruptFileError, UnsupportedFileError

NUMBER = 1
"""Of the draft that this splatc writes and reads."""


def write() -> bytes:
    """The DRFT payload."""
    return varint.write(NUMBER)


def check(payload: bytes) -> None:
    """Raise UnsupportedFileError for another draft than NUMBER, CorruptFileError where the payload is no number."""
    number, end = varint.read(payload, 0, "the DRFT chunk")
    if end != len(payload):
        raise CorruptFileError(f"the DRFT chunk has {len(payload)} bytes, expected {end}")
    if number != NUMBER:
        version = ".".join(map(str, DRAFT_VERSION))
        raise UnsupportedFileError(
            f"the file is of draft {number} of format {version}; this decoder reads draft {NUMBER}"
        )
