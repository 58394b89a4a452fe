"""Pixels are turned once, whatever says so, in whatever file, by every reader."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest

from splatc.image.readers import exif as exif_block
from splatc.image.readers import large_source, load, source
from splatc.image.readers import xmp as xmp_packet
from splatc.image.readers.orientation import orientation_of, turned
from tests.test_exif import VALUES, block, jpeg_with_thumbnail
from tests.test_xmp import packet

FIELD = Path(__file__).parent / "field"
RNG = np.random.default_rng(5)
RGB = RNG.integers(0, 256, (12, 20, 3)).astype(np.uint8)
SIXTEEN_BIT = RNG.integers(0, 65536, (12, 20, 4)).astype(np.uint16)
SIXTEEN_BIT[..., 3] |= 0x8000
OTHERS = range(1, 9)
BOTH = {1: (), 2: (1,), 3: (0, 1), 4: (0,)}


def shown(pixels: Any, orientation: int) -> Any:
    """Without the code that is tested: by EXIF's table, the 0th row and the 0th column of each."""
    if orientation < 5:
        return np.flip(pixels, BOTH[orientation])
    turns = {5: (0, 1), 6: (3, 0), 7: (2, 1), 8: (1, 0)}  # quarter turns to the left of what is mirrored or not
    quarters, mirrored = turns[orientation]
    swapped = np.swapaxes(pixels, 0, 1) if mirrored else pixels
    return np.rot90(swapped, quarters)


def short(orientation: int, order: str = "<") -> bytes:
    return block(order, 3, 1, "H", orientation)


def png(pixels: Any, before: list[tuple[bytes, bytes]], behind: list[tuple[bytes, bytes]] = []) -> bytes:  # noqa: B006
    """A PNG file of 8 or 16 bits with any chunks before and behind its pixels."""
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2]]
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8 * pixels.itemsize, kind, 0, 0, 0)
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(len(pixels), -1).view(np.uint8)
    data = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())
    chunks = [(b"IHDR", header), *before, (b"IDAT", data[:20]), (b"IDAT", data[20:]), *behind, (b"IEND", b"")]
    written = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def saved(pixels: Any, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
    picture.save(stream, kind, **options)
    return stream.getvalue()


def check(data: bytes, orientation: int, folder: Path, expected: Any = None) -> None:
    """The pixels of a file are turned, and nothing in it states an orientation any more."""
    (folder / "in").write_bytes(data)
    loaded = load(str(folder / "in"))
    if expected is None:
        expected = np.asarray(PIL.Image.open(io.BytesIO(data)))
    pixels = loaded.pixels[..., 0] if expected.ndim == 2 else loaded.pixels
    assert pixels.shape == shown(expected, orientation).shape
    assert (pixels == shown(expected, orientation)).all()
    assert orientation_of(loaded.metadata.exif, loaded.metadata.xmp) == 1
    for stated in (exif_block.orientation(loaded.metadata.exif), xmp_packet.orientation(loaded.metadata.xmp)):
        assert stated in (None, 1)


READERS = ["Pillow", "pyvips"]
"""And tifffile, for TIFF."""


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Reads everything that it can."""
    name: str = request.param
    if name != "Pillow":
        pytest.importorskip(name)
        monkeypatch.setattr(source, "STREAM_ABOVE", 0)
        monkeypatch.setattr(large_source, "installed", lambda asked: asked == name)
    return name


@pytest.mark.parametrize("orientation", OTHERS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("place", ["before", "behind"])
def test_png(place: str, dtype: Any, channels: int, orientation: int, reader: str, tmp_path: Path) -> None:
    pixels = (SIXTEEN_BIT if dtype is np.uint16 else SIXTEEN_BIT >> 8).astype(dtype)[..., -channels:]
    chunks = [(b"eXIf", short(orientation))]
    data = png(pixels, chunks) if place == "before" else png(pixels, [], chunks)
    check(data, orientation, tmp_path, pixels)


@pytest.mark.filterwarnings("ignore:Metadata Warning")  # Pillow's, of several numbers
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", VALUES)
def test_every_type_of_number(kind: str, order: str, reader: str, tmp_path: Path) -> None:
    exif = block(order, *VALUES[kind], 6)
    check(png(RGB, [(b"eXIf", exif)]), 6, tmp_path, RGB)


@pytest.mark.filterwarnings("ignore:Metadata Warning")
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [name for name in VALUES if name != "LONG8"])  # of BigTIFF
@pytest.mark.parametrize("reader", [*READERS, "tifffile"], indirect=True)
def test_every_type_of_number_in_tiff(kind: str, order: str, reader: str, tmp_path: Path) -> None:
    check(_tiff(RGB, *VALUES[kind], 6, order), 6, tmp_path, RGB)


def _tiff(pixels: Any, kind: int, count: int, name: str, orientation: int, order: str) -> bytes:
    """An uncompressed TIFF file whose orientation has any type."""
    value: Any = (
        (orientation, 1) if kind in (5, 10) else [str(orientation).encode()] if kind == 2 else [orientation] * count
    )
    packed = struct.pack(order + name, *value)
    height, width, channels = pixels.shape
    start = 8 + 2 + 12 * 11 + 4
    bits = struct.pack(f"{order}{channels}H", *[8] * channels)
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, start + 64),
        (274, kind, count, packed),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, pixels.nbytes),
        (284, 3, 1, 1),
    ]
    directory, behind = struct.pack(order + "H", len(entries)), b""
    for tag, each, number, data in entries:
        if isinstance(data, int):
            place = struct.pack(order + ("Hxx" if each == 3 else "I"), data)
        elif len(data) <= 4:
            place = data.ljust(4, b"\0")
        else:
            place = struct.pack(order + "I", start + len(behind))
            behind += data + bytes(len(data) % 2)
        directory += struct.pack(order + "HHI", tag, each, number) + place
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8) + directory + bytes(4) + behind.ljust(64, b"\0") + bytes(pixels.tobytes())


PLACES: dict[str, Any] = {
    "JPEG, EXIF": lambda turn: saved(RGB, "JPEG", exif=b"Exif\0\0" + short(turn), quality=95),
    "JPEG, XMP": lambda turn: saved(RGB, "JPEG", xmp=packet(f"tiff:Orientation='{turn}'")),
    "JPEG, EXIF against XMP": lambda turn: saved(
        RGB, "JPEG", exif=b"Exif\0\0" + short(turn, ">"), xmp=packet(f"tiff:Orientation='{9 - turn}'")
    ),
    "JPEG, CMYK": lambda turn: saved(
        PIL.Image.fromarray(RGB).convert("CMYK"), "JPEG", exif=b"Exif\0\0" + short(turn), quality=95
    ),
    "JPEG, gray": lambda turn: saved(RGB[..., 0], "JPEG", exif=b"Exif\0\0" + short(turn)),
    "WebP, EXIF": lambda turn: saved(RGB, "WEBP", exif=short(turn), lossless=True),
    "WebP, XMP": lambda turn: saved(RGB, "WEBP", xmp=packet(f"tiff:Orientation='{turn}'"), lossless=True),
    "PNG, XMP": lambda turn: png(
        RGB, [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet(f"tiff:Orientation='{turn}'"))]
    ),
    "PNG, XMP behind": lambda turn: png(
        RGB, [], [(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet(f"tiff:Orientation='{turn}'")))]
    ),
    "PNG, text": lambda turn: png(RGB, [raw_profile(b"tEXt", "exif", b"Exif\0\0" + short(turn))]),
    "PNG, packed text behind": lambda turn: png(RGB, [], [raw_profile(b"zTXt", "APP1", b"Exif\0\0" + short(turn))]),
    "PNG, XMP as text": lambda turn: png(RGB, [raw_profile(b"zTXt", "xmp", packet(f"tiff:Orientation='{turn}'"))]),
    "PNG, palette": lambda turn: saved(PIL.Image.fromarray(RGB).quantize(16), "PNG", exif=short(turn)),
    "TIFF, EXIF": lambda turn: saved(RGB, "TIFF", exif=tiff_tag(turn)),
    "TIFF, XMP": lambda turn: saved(RGB, "TIFF", tiffinfo={700: packet(f"tiff:Orientation='{turn}'")}),
    "TIFF, gray": lambda turn: saved(SIXTEEN_BIT[..., 0], "TIFF", exif=tiff_tag(turn)),
    "JPEG 2000, EXIF": lambda turn: jp2(b"JpgTiffExif->JP2" + short(turn)),
    "JPEG 2000, EXIF with a prefix": lambda turn: jp2(b"JpgTiffExif->JP2Exif\0\0" + short(turn)),
    "JPEG 2000, EXIF of Photoshop": lambda turn: jp2(
        bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e") + short(turn, ">")
    ),
    "JPEG 2000, XMP": lambda turn: jp2(
        bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + packet(f"tiff:Orientation='{turn}'")
    ),
    "AVIF, boxes": lambda turn: saved(RGB, "AVIF", exif=b"Exif\0\0" + short(turn), quality=90),
}


def raw_profile(kind: bytes, name: str, data: bytes) -> tuple[bytes, bytes]:
    """As ImageMagick writes it."""
    lines = "\n".join(data.hex()[at : at + 72] for at in range(0, 2 * len(data), 72))
    text = f"\n{name}\n{len(data):8}\n{lines}\n".encode()
    keyword = f"Raw profile type {name}".encode()
    return kind, keyword + b"\0" + (b"\0" + zlib.compress(text) if kind == b"zTXt" else text)


def tiff_tag(orientation: int) -> PIL.Image.Exif:
    exif = PIL.Image.Exif()
    exif[0x112] = orientation
    return exif


def jp2(uuid: bytes) -> bytes:
    data = saved(RGB, "JPEG2000")
    return data + struct.pack(">I4s", len(uuid) + 8, b"uuid") + uuid


TIFFS: dict[str, dict[str, Any]] = {
    "RGB": {"photometric": "rgb"},
    "alpha": {"photometric": "rgb", "extrasamples": ["unassalpha"]},
    "premultiplied": {"photometric": "rgb", "extrasamples": ["assocalpha"]},
    "planes": {"photometric": "rgb", "planarconfig": "separate"},
    "gray": {"photometric": "minisblack"},
}


@pytest.mark.parametrize("orientation", [2, 3, 5, 6, 7, 8])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", TIFFS)
@pytest.mark.parametrize("reader", [*READERS, "tifffile"], indirect=True)
def test_tiff_of_16_bits(kind: str, order: str, orientation: int, reader: str, tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = {"RGB": SIXTEEN_BIT[..., :3], "planes": SIXTEEN_BIT[..., :3], "gray": SIXTEEN_BIT[..., :1]}.get(
        kind, SIXTEEN_BIT
    ).copy()
    if kind == "premultiplied":
        pixels[..., 3] = 65535
    stored = np.moveaxis(pixels, -1, 0) if kind == "planes" else pixels[..., 0] if kind == "gray" else pixels
    tags = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "a.tif", stored, byteorder=order, extratags=tags, **TIFFS[kind])
    expected = pixels[..., :3] if kind == "premultiplied" else pixels
    check((tmp_path / "a.tif").read_bytes(), orientation, tmp_path, expected)


@pytest.mark.parametrize("orientation", OTHERS)
@pytest.mark.parametrize("place", [name for name in PLACES if not name.startswith("TIFF")])
def test_every_place(place: str, orientation: int, reader: str, tmp_path: Path) -> None:
    _check_place(place, orientation, tmp_path)


@pytest.mark.parametrize("orientation", OTHERS)
@pytest.mark.parametrize("place", [name for name in PLACES if name.startswith("TIFF")])
@pytest.mark.parametrize("reader", [*READERS, "tifffile"], indirect=True)
def test_every_place_in_tiff(place: str, orientation: int, reader: str, tmp_path: Path) -> None:
    _check_place(place, orientation, tmp_path)


def _check_place(place: str, orientation: int, folder: Path) -> None:
    made = PLACES[place]
    plain: PIL.Image.Image = PIL.Image.open(io.BytesIO(made(1)))
    if place != "TIFF, gray":
        plain = plain.convert("L" if "gray" in place else "RGB")
    check(made(orientation), orientation, folder, np.asarray(plain))


def test_avif_is_turned_by_its_boxes_alone(tmp_path: Path) -> None:
    turned_by_boxes = PLACES["AVIF, boxes"](6)
    plain = PLACES["AVIF, boxes"](1)
    expected = np.asarray(PIL.Image.open(io.BytesIO(plain)))
    check(turned_by_boxes, 6, tmp_path, expected)
    in_xmp = saved(RGB, "AVIF", xmp=packet("tiff:Orientation='6'"), quality=90)
    check(in_xmp, 1, tmp_path, expected)


@pytest.mark.parametrize("name", ["png16_exif_orientation_6.png", "png_orientation_as_long.png"])
def test_from_the_field(name: str, reader: str) -> None:
    loaded = load(str(FIELD / name))
    assert (loaded.width, loaded.height) == (48, 64)
    assert exif_block.orientation(loaded.metadata.exif) == 1
    corners = loaded.pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    stored = np.array(PIL.Image.open(FIELD / name))[[-1, 0, -1, 0], [0, 0, -1, -1]]
    assert (corners >> 8 * (corners.itemsize - 1) == stored).all()


def test_xmp_from_the_field(reader: str) -> None:
    loaded = load(str(FIELD / "jpeg_xmp_orientation_single_quotes.jpg"))
    assert (loaded.width, loaded.height) == (48, 64)
    assert xmp_packet.orientation(loaded.metadata.xmp) == 1


def test_a_turned_picture_has_no_thumbnail_any_more(tmp_path: Path) -> None:
    for turn in (1, 6):
        exif, small = jpeg_with_thumbnail(turn)
        (tmp_path / "in.png").write_bytes(png(RGB, [(b"eXIf", exif)]))
        assert (small in load(str(tmp_path / "in.png")).metadata.exif) is (turn == 1)


def test_turned_is_a_view() -> None:
    for orientation in OTHERS:
        view = turned(RGB, orientation)
        assert np.shares_memory(view, RGB)
        assert (view == shown(RGB, orientation)).all()


def test_a_file_that_has_changed_is_read_anew(reader: str, tmp_path: Path) -> None:
    for pixels in (RGB, RGB[::-1].copy(), RGB[:, ::-1].copy()):
        check(png(pixels, [(b"eXIf", short(6))]), 6, tmp_path, pixels)
