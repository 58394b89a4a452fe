"""Damage that gets past the CRCs: a chunk, a section or the order of chunks changes, and all checksums are made right again."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

from splatc.bitstream import container
from splatc.errors import SplatError
from tests import surgery

Change = Callable[[bytes], bytes]
_NUMBERS = (0, 1, 127, 128, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**35 - 1)
_TYPES = (b"HEAD", b"INDX", b"GAUS", b"iccp", b"exif", b"xmpd", b"noTE", b"TiLE")


def mutated(data: bytes, change: Change, chance: random.Random) -> bytes:
    """Another file. ``change`` changes bytes at random; without a sound chunk table the whole file is what it changes."""
    try:
        chunks = surgery.chunks_of(data)
    except SplatError:
        chunks = []
    if not chunks or chance.random() < 0.05:
        return change(data)
    action = chance.random()
    at = chance.randrange(len(chunks))
    kind, payload = chunks[at]
    if action < 0.70:
        chunks[at] = (kind, change(payload))
    elif action < 0.80:
        chunks[at] = (kind, _with_number(payload, chance))
    elif action < 0.84:
        chunks.insert(chance.randrange(len(chunks) + 1), chunks[at])
    elif action < 0.88:
        del chunks[at]
    elif action < 0.92:
        chunks[at] = (chance.choice(_TYPES), payload)
    elif action < 0.96:
        chance.shuffle(chunks)
    else:
        chunks.insert(chance.randrange(len(chunks) + 1), (chance.choice(_TYPES), change(payload)))
    file = container.write(chunks)
    if chance.random() < 0.8:
        with contextlib.suppress(SplatError, KeyError):
            file = surgery.mended(file)
    return file


def random_bytes_changed(chance: random.Random) -> Change:
    """What atheris does better: bits flipped, bytes replaced, deleted, inserted, repeated."""

    def change(data: bytes) -> bytes:
        content = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            at = chance.randrange(len(content) + 1)
            action = chance.randrange(5)
            if action == 0 and at < len(content):
                content[at] ^= 1 << chance.randrange(8)
            elif action == 1 and at < len(content):
                content[at] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
            elif action == 2:
                del content[at : at + chance.randrange(1, 5)]
            elif action == 3:
                content[at:at] = chance.randbytes(chance.randrange(1, 5))
            else:
                content[at:at] = content[at : at + chance.randrange(1, 20)]
        return bytes(content)

    return change


def _with_number(payload: bytes, chance: random.Random) -> bytes:
    """A varint of some interesting size in the place of a byte or two."""
    at = chance.randrange(len(payload) + 1)
    return payload[:at] + surgery.varint(chance.choice(_NUMBERS)) + payload[at + chance.randrange(3) :]
