"""What an AVIF file says of its picture where its boxes say nothing: the sequence header of AV1 (5.5)."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from splatc.errors import InputImageError
from splatc.image.readers import av1, cicp, load
from splatc.image.readers.avif_metadata import avif_metadata
from tests.odd_files import PICTURE, box, saved


class Bits:
    """Written one after the other."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> Bits:
        self.text += f"{value:0{count}b}"
        return self

    def unit(self, *, sized: bool = True) -> bytes:
        """As a sequence header OBU behind a temporal delimiter."""
        body = int((self.text + "1").ljust(-(-(len(self.text) + 1) // 8) * 8, "0"), 2)
        data = body.to_bytes(-(-(len(self.text) + 1) // 8), "big")
        return bytes([0x12, 0, 0x0A, len(data)]) + data if sized else bytes([0x08]) + data


def colours(bits: Bits, primaries: int, transfer: int) -> Bits:
    """The rest of the header of a still picture of 8 bits per sample, without any filter."""
    bits.put(0, 3).put(0, 3)
    return bits.put(0, 1).put(0, 1).put(1, 1).put(primaries, 8).put(transfer, 8).put(6, 8)


def reduced() -> Bits:
    """The beginning of the header of a still picture."""
    return Bits().put(0, 3).put(1, 1).put(1, 1).put(4, 5).put(5, 4).put(5, 4).put(63, 6).put(47, 6)


def full(*, timing: bool, hints: bool) -> Bits:
    """The header of a sequence with two operating points, as far as the description of its colours."""
    bits = Bits().put(0, 3).put(0, 1).put(0, 1).put(timing, 1)
    if timing:
        bits.put(1, 32).put(30, 32).put(1, 1).put(0b00101, 5).put(1, 1).put(9, 5).put(1, 32).put(5, 5).put(6, 5)
    bits.put(1, 1).put(1, 5)
    for level in (4, 9):
        bits.put(0, 12).put(level, 5)
        if level > 7:
            bits.put(1, 1)
        if timing:
            bits.put(1, 1).put(3, 10).put(4, 10).put(0, 1)
        bits.put(1, 1).put(5, 4)
    bits.put(7, 4).put(7, 4).put(63, 8).put(47, 8).put(1, 1).put(3, 4).put(2, 3)
    bits.put(0, 3).put(0, 4).put(hints, 1)
    if hints:
        bits.put(3, 2)
    bits.put(0, 1).put(1, 1).put(0, 1).put(1, 1)
    if hints:
        bits.put(6, 3)
    bits.put(0, 3).put(0, 1).put(0, 1)
    return bits


def test_a_sequence_header_of_any_kind() -> None:
    assert av1.colours(colours(reduced(), 12, 13).unit()) == (12, 13)
    assert av1.colours(colours(reduced(), 9, 16).unit(sized=False)) == (9, 16)
    for timing in (False, True):
        for hints in (False, True):
            header = full(timing=timing, hints=hints).put(1, 1).put(9, 8).put(18, 8).put(9, 8)
            assert av1.colours(header.unit()) == (9, 18)
            assert av1.colours(full(timing=timing, hints=hints).put(0, 1).unit()) is None
    sound = colours(reduced(), 12, 13).unit()
    for end in range(len(sound) - 2):
        av1.colours(sound[:end])
    assert av1.colours(b"") is None


def _coded(primaries: int, transfer: int) -> bytes:
    """A file without a colour box whose coded picture states these numbers."""
    data = saved("AVIF", quality=95)
    data = data.replace(b"colrnclx", b"skipnclx", 1)
    start = data.index(b"\x12\0\x0a") + 4
    header = av1._Bits(data[start : start + data[start - 1]])
    assert av1._colours(header) == (1, 13)
    bits = f"{int.from_bytes(header.data, 'big'):0{8 * len(header.data)}b}"
    bits = bits[: header.at - 16] + f"{primaries:08b}{transfer:08b}" + bits[header.at :]
    return data[:start] + int(bits, 2).to_bytes(len(header.data), "big") + data[start + len(header.data) :]


def _load(tmp_path: Path, data: bytes) -> bytes:
    path = tmp_path / "x.avif"
    path.write_bytes(data)
    image = load(str(path))
    assert image.notes == ()
    return image.metadata.icc


def test_colours_of_the_coded_picture(tmp_path: Path) -> None:
    assert _load(tmp_path, _coded(1, 13)) == b""
    space = cicp.colour_space(12, 13)
    assert space is not None
    assert _load(tmp_path, _coded(12, 13)) == space.profile(3)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_of_the_coded_picture_is_refused(transfer: int, name: str, tmp_path: Path) -> None:
    with pytest.raises(InputImageError, match=re.escape(f"({name})")):
        _load(tmp_path, _coded(9, transfer))


def test_a_colour_box_that_says_nothing_leaves_it_to_the_picture() -> None:
    data = _coded(9, 14).replace(b"skipnclx\0\1\0\r", b"colrnclx\0\2\0\2")
    assert avif_metadata(io.BytesIO(data)).cicp == (9, 14)
    unskipped = _coded(9, 14).replace(b"skipnclx", b"colrnclx")
    assert avif_metadata(io.BytesIO(unskipped)).cicp == (1, 13)


def test_the_depth_is_that_of_the_picture() -> None:
    data = saved("AVIF")
    first = int.from_bytes(data[:4], "big")
    other = box(b"free", box(b"pixi", b"\0\0\0\0\3\x0a\x0a\x0a"))
    assert avif_metadata(io.BytesIO(data[:first] + other + data[first:])).bits == 8
    bare = data.replace(b"pixi", b"skip")
    at = bare.index(b"av1C") + 6
    assert [avif_metadata(io.BytesIO(bare[:at] + bytes([flags]) + bare[at + 1 :])).bits for flags in (12, 76, 108)] == [
        8,
        10,
        12,
    ]


def test_a_profile_as_long_as_it_likes_hides_no_depth(tmp_path: Path) -> None:
    plain = io.BytesIO()
    PICTURE.convert("RGB").save(plain, "JPEG2000", no_jp2=False)
    data = bytearray(plain.getvalue())
    data[data.index(b"\xff\x4f\xff\x51") + 42] = 11
    where = data.index(b"jp2c") - 4
    path = tmp_path / "x.jp2"
    path.write_bytes(data[:where] + box(b"free", bytes(1 << 17)) + data[where:])
    with pytest.raises(InputImageError, match="12 bits per sample"):
        load(str(path))
