"""PNM files (Netpbm): a file may hold several pictures, one directly behind the other, and comments."""

from __future__ import annotations

import re
from typing import BinaryIO

from splatc.image.readers.found import Found

_TOKEN = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])*([0-9]+)")
_HEAD = 1 << 16
_BITS = {b"P4": 0, b"P5": 1, b"P6": 3}
"""Samples of a pixel in the binary types; P4 has a bit for each pixel."""


def begins(head: bytes) -> bool:
    """Whether a file that begins so is PBM, PGM or PPM."""
    return head[:1] == b"P" and head[1:2] in (b"1", b"2", b"3", b"4", b"5", b"6") and head[2:3].isspace()


def survey(stream: BinaryIO) -> Found:
    """See survey.survey."""
    stream.seek(0)
    head = stream.read(_HEAD)
    kind, at = head[:2], 2
    numbers: list[int] = []
    for _ in range(2 if kind in (b"P1", b"P4") else 3):
        token = _TOKEN.match(head, at)
        if token is None or len(token[1]) > 10:
            return Found(stream)
        numbers.append(int(token[1]))
        at = token.end()
    notes = ["comments are left out"] if b"#" in head[:at] else []
    if kind in _BITS:
        width, height = numbers[:2]
        row = (width + 7) // 8 if kind == b"P4" else width * _BITS[kind] * (2 if numbers[2] > 255 else 1)
        end = at + 1 + row * height
        left = stream.seek(0, 2) - end
        if left <= 0:  # the end may lie further than any file can be long
            return Found(stream, tuple(notes))
        stream.seek(end)
        behind = stream.read(16)
        if begins(behind.lstrip() + bytes(3)):
            notes.append("only the first of several pictures is coded")
        elif behind.strip():
            notes.append(f"{left} bytes behind the end of the picture are left out")
    return Found(stream, tuple(notes))
