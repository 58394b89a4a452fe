"""Fields of an EXIF block, read in every type of number and changed in place."""

from __future__ import annotations

import io
import struct
from typing import Any

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splatc.image.readers import exif

ORDERS = ["<", ">"]
VALUES: dict[str, tuple[int, int, Any]] = {
    "BYTE": (1, 1, "B"),
    "ASCII": (2, 2, "2s"),
    "SHORT": (3, 1, "H"),
    "LONG": (4, 1, "I"),
    "RATIONAL": (5, 1, "II"),
    "SBYTE": (6, 1, "b"),
    "UNDEFINED": (7, 1, "B"),
    "SSHORT": (8, 1, "h"),
    "SLONG": (9, 1, "i"),
    "SRATIONAL": (10, 1, "ii"),
    "FLOAT": (11, 1, "f"),
    "DOUBLE": (12, 1, "d"),
    "LONG8": (16, 1, "Q"),
    "SHORT, twice": (3, 2, "HH"),
    "SHORT, four times": (3, 4, "HHHH"),
}


def block(order: str, kind: int, count: int, name: str, value: int, *more: tuple[int, int, int, int]) -> bytes:
    """A TIFF structure with an orientation of any type, between two other fields."""
    packed = struct.pack(
        order + name, *([str(value).encode()] if kind == 2 else (value, 1) if kind in (5, 10) else [value] * count)
    )
    entries = [(0x10F, 2, 4, b"Me\0\0"), (0x112, kind, count, packed), (0x128, 3, 1, struct.pack(order + "Hxx", 2))]
    directory = struct.pack(order + "H", len(entries))
    behind = 8 + 2 + 12 * len(entries) + 4
    for tag, each, number, data in entries:
        place = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(order + "I", behind)
        directory += struct.pack(order + "HHI", tag, each, number) + place
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8) + directory + bytes(4) + (packed if len(packed) > 4 else b"")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", VALUES)
def test_orientation_of_every_type(kind: str, order: str) -> None:
    made = block(order, *VALUES[kind], 6)
    assert exif.orientation(made) == 6
    changed = exif.with_orientation_1(made)
    assert exif.orientation(changed) == 1
    assert len(changed) == len(made)
    assert exif.find(changed, 0x10F) == exif.find(made, 0x10F)
    assert exif.orientation(block(order, *VALUES[kind], 9)) == 1


@pytest.mark.parametrize("value", [0, 9, 255, 256, 65535])
def test_what_is_no_orientation_means_1(value: int) -> None:
    assert exif.orientation(block("<", 3, 1, "H", value)) == 1
    assert exif.with_orientation_1(block("<", 3, 1, "H", value)) == block("<", 3, 1, "H", 1)


def test_no_orientation_is_none() -> None:
    assert exif.orientation(b"") is None
    assert exif.orientation(b"II*\0") is None
    assert exif.orientation(b"MM\0*\0\0\0\x08\0\0") is None


def jpeg_with_thumbnail(orientation: int) -> tuple[bytes, bytes]:
    """An EXIF block as cameras write it, and the small picture in it."""
    stream = io.BytesIO()
    PIL.Image.new("RGB", (16, 8), "red").save(stream, "JPEG")
    small = stream.getvalue()
    made = PIL.Image.Exif()
    made[0x112] = orientation
    made[0x10F] = "A maker"
    made.get_ifd(0x8769)[0x927C] = b"offsets of unknown use"
    head = made.tobytes().removeprefix(b"Exif\0\0")
    order = exif.order(head)
    (first,) = struct.unpack_from(order + "I", head, 4)
    (count,) = struct.unpack_from(order + "H", head, first)
    head += bytes(len(head) % 2)
    second = struct.pack(order + "H", 2)
    second += struct.pack(order + "HHII", 0x201, 4, 1, len(head) + 2 + 24 + 4)
    second += struct.pack(order + "HHII", 0x202, 4, 1, len(small)) + bytes(4)
    link = first + 2 + 12 * count
    return head[:link] + struct.pack(order + "I", len(head)) + head[link + 4 :] + second + small, small


def test_a_thumbnail_goes_and_all_else_stays_in_place() -> None:
    made, small = jpeg_with_thumbnail(6)
    changed = exif.without_thumbnail(made)
    assert small in made and small[:8] not in changed
    assert len(changed) <= len(made) - len(small)
    back = PIL.Image.Exif()
    back.load(changed)
    assert back[0x10F] == "A maker"
    assert back.get_ifd(0x8769)[0x927C] == b"offsets of unknown use"
    assert not back.get_ifd(1)
    assert changed.find(b"offsets") == made.find(b"offsets")
    assert exif.without_thumbnail(changed) == changed


def test_a_thumbnail_in_the_middle_becomes_zeros() -> None:
    made, small = jpeg_with_thumbnail(6)
    order = exif.order(made)
    comment = struct.pack(order + "HHII", 0x13B, 2, 8, len(made))  # its value stands behind the thumbnail
    (count,) = struct.unpack_from(order + "H", made, 8)
    at = 10 + 12 * (count - 1)
    made = made[:at] + comment + made[at + 12 :] + b"Someone\0"
    changed = exif.without_thumbnail(made)
    assert len(changed) == len(made)
    assert changed.endswith(b"Someone\0")
    assert small[:8] not in changed


@given(st.binary(max_size=200), st.integers(0, 1), st.integers(0, 60))
def test_whatever_the_bytes_nothing_is_raised(noise: bytes, big: int, start: int) -> None:
    whole = jpeg_with_thumbnail(6)[0]
    for data in (whole[:start] + noise, whole[:start] + noise + whole[start:], b"MM\0*" * big + noise):
        exif.orientation(data)
        exif.without_thumbnail(exif.with_orientation_1(data))


def test_directories_that_name_themselves_and_one_another_take_no_time() -> None:
    entries = b"".join(struct.pack("<HHII", 0x8769, 4, 1, 8) for _ in range(60_000))
    ranges = b"".join(struct.pack("<HHII", 0x100, 1, 1_000_000, 8) for _ in range(60_000))
    for inner in (entries, ranges):
        made = b"II*\0" + struct.pack("<IH", 8, 60_000) + inner + struct.pack("<I", 8) + bytes(300_000)
        exif.without_thumbnail(made)  # a search without memory takes hours
