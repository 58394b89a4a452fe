"""The blocks of a GIF file (GIF 89a): frames are counted, and what is no pixel becomes a note."""

from __future__ import annotations

import struct
from typing import BinaryIO

from splatc.image.readers.found import Found, listed
from splatc.image.readers.splice import spliced

_COMMENT, _TEXT, _APPLICATION = 0xFE, 0x01, 0xFF
_PLAYBACK = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def survey(stream: BinaryIO) -> Found:
    """See survey.survey."""
    stream.seek(0)
    data = stream.read()
    frames, others, canvas, comments, at = 0, [], (0, 0), False, 13
    try:
        canvas = struct.unpack_from("<HH", data, 6)
        at += _palette(data[10])
        while data[at] in b"!,":
            if data[at] == ord(","):
                if not frames:  # Pillow enlarges the picture to hold its first frame
                    left, top, width, height = struct.unpack_from("<4H", data, at + 1)
                    canvas = max(canvas[0], left + width), max(canvas[1], top + height)
                frames += 1
                at = _behind(data, at + 11 + _palette(data[at + 9]))
                continue
            label, name = data[at + 1], data[at + 3 : at + 14]
            comments = comments or label == _COMMENT
            if label == _APPLICATION and name not in _PLAYBACK:
                others.append(name.decode("latin-1").strip())
            elif label == _TEXT:
                others.append("plain text")
            at = _behind(data, at + 2)
    except (IndexError, struct.error):  # truncated: the reader of the first frame finds out whether that is complete
        pass
    notes = [f"only the first of {frames} frames is coded"] if frames > 1 else []
    notes += ["the comment is left out"] if comments else []
    notes += [f"GIF extensions are left out: {listed(others)}"] if others else []
    whole = (
        spliced(stream, [data[:6], struct.pack("<HH", *canvas), (10, len(data))]) if max(canvas) < 1 << 16 else stream
    )
    return Found(whole, tuple(notes), size=canvas if canvas[0] and canvas[1] else None)


def _palette(flags: int) -> int:
    """Bytes of the palette that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _behind(data: bytes, at: int) -> int:
    """Where the sub-blocks end that begin there."""
    while data[at]:
        at += 1 + data[at]
    return at + 1
