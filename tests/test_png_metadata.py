"""What a PNG file says beside its pixels: kept as far as a ``.splat2d`` file holds it, and named in a note where it is not."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from splatc.bitstream.limits import MAX_METADATA
from splatc.image.readers import load
from tests.odd_files import chunk, png_with

PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b" " * 2000 + b"</x:xmpmeta>"
LONG = PACKET + b" " * MAX_METADATA
KEYWORD = b"XML:com.adobe.xmp\0"


def _raw(name: bytes, text: bytes) -> bytes:
    return chunk(b"tEXt", b"Raw profile type " + name + b"\0" + text)


LOST = {
    "XMP, packed": (chunk(b"iTXt", KEYWORD + b"\1\0\0\0" + zlib.compress(LONG)), "XMP is longer than 16 MiB and is left out"),
    "XMP as it is": (chunk(b"iTXt", KEYWORD + b"\0\0\0\0" + LONG), "XMP is longer than 16 MiB and is left out"),
    "XMP, old text": (chunk(b"zTXt", KEYWORD + b"\0" + zlib.compress(LONG)), "XMP is longer than 16 MiB and is left out"),
    "XMP, cut off": (
        chunk(b"iTXt", KEYWORD + b"\1\0\0\0" + zlib.compress(PACKET)[:-8]),
        "damaged PNG chunks are left out: iTXt (XMP)",
    ),
    "EXIF": (chunk(b"eXIf", b"II*\0\0\0\0\0" + bytes(MAX_METADATA)), "EXIF is longer than 16 MiB and is left out"),
    "profile, cut off": (
        chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(3000))[:-6]),
        "damaged PNG chunks are left out: iCCP (its profile cannot be unpacked)",
    ),
    "raw profile of no digits": (_raw(b"exif", b"\nexif\n 4\nxyz\n"), "damaged PNG chunks are left out: tEXt (EXIF)"),
    "two packets": (2 * chunk(b"iTXt", KEYWORD + b"\0\0\0\0" + PACKET), "all XMP packets but the first are left out"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_kept_gets_a_note(name: str, tmp_path: Path) -> None:
    before, note = LOST[name]
    path = tmp_path / "x.png"
    path.write_bytes(png_with(before))
    image = load(str(path))
    assert note in image.notes
    assert image.metadata.xmp == (PACKET if name == "two packets" else b"")
    assert not image.metadata.exif
    assert not image.metadata.icc


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_xmp_in_any_kind_of_text(kind: bytes, tmp_path: Path) -> None:
    bodies = {b"tEXt": PACKET, b"zTXt": b"\0" + zlib.compress(PACKET), b"iTXt": b"\1\0en\0\0" + zlib.compress(PACKET)}
    path = tmp_path / "x.png"
    path.write_bytes(png_with(chunk(kind, KEYWORD + bodies[kind])))
    image = load(str(path))
    assert image.metadata.xmp == PACKET
    assert image.notes == ()
