"""``encode`` reads what ``decode`` writes, of every type, number of channels and depth, in a plain installation and from a pipe."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from splatc import bitstream
from splatc.bitstream import Header, Metadata
from splatc.cli import main
from splatc.errors import UsageError
from splatc.gaussians import Gaussians
from splatc.image import saving
from splatc.image.image import Image, Samples
from splatc.image.readers import large_source, load
from splatc.image.readers.tiff import metadata as tiff_metadata
from splatc.image.readers.tiff.directory import TiffBytes, directory_at
from splatc.image.saving import FORMATS
from splatc.quantize import quantize
from splatc.steps import Quantizer
from tests.test_tiff_tags import EXIF, GPS
from tests.tiff_files import Page, Tag, tiff

KINDS = [(extension, channels, depth) for extension in FORMATS for channels in (1, 2, 3, 4) for depth in (8, 16)]


@pytest.mark.parametrize(("extension", "channels", "depth"), KINDS)
def test_what_is_written_is_read(
    extension: str, channels: int, depth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dtype = np.uint8 if depth == 8 else np.uint16
    y, x = np.mgrid[:300, :40]
    smooth = np.stack([(x + y * 2) % 400 + 10 * c for c in range(channels)], axis=-1)
    pixels: Samples = (smooth * (np.iinfo(dtype).max // 450)).astype(dtype)
    kind = FORMATS[extension]
    path = tmp_path / f"out{extension}"
    try:
        kind.check(channels, depth)
    except UsageError as error:
        assert kind.name == {"jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}.get(extension[1:], extension[1:].upper())
        assert str(error).startswith(f"{kind.name} output cannot hold")
        return
    with path.open("wb") as stream:
        saving.save(Image(pixels), stream, kind)
    monkeypatch.setattr(large_source, "installed", lambda name: False)
    wide = pixels if extension not in (".webp", ".ppm") or channels > 2 else pixels[..., [0, 0, 0, 1][: channels + 2]]

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", type("", (), {"buffer": Pipe(path.read_bytes())})())
    for name in (str(path), "-"):
        found = load(name)
        assert found.pixels.dtype == dtype
        assert found.pixels.shape == wide.shape
        assert np.abs(found.pixels.astype(int) - wide).max() <= (12 if kind.name == "JPEG" else 0)
        assert set(found.notes) <= {"all pixels are transparent: their colours are left out"}


def splat_with(exif: bytes, path: Path) -> Path:
    """A small file with this EXIF."""
    gaussians = Gaussians(
        mean=np.array([[8, 6]], np.float32), scale=np.array([[4, 2]], np.float32),
        angle=np.array([0], np.float32), colour=np.array([[1, 0.5, 0]], np.float32),
    )  # fmt: skip
    quantized = quantize(Quantizer(), gaussians, 16, 12)
    header = Header(16, 12, channels=3, background=(128, 128, 128))
    path.write_bytes(bitstream.encode(header, quantized, metadata=Metadata(exif=exif, xmp=b"<x/>")))
    return path


def exif(order: str = "<", **directories: dict[int, Tag]) -> bytes:
    """EXIF with GPS of types that it does not have, as another program wrote it."""
    page = Page(np.zeros((1, 1, 1), int), tags={271: (2, b"Maker\0"), 272: (9, (-3,))},
                directories={34665: EXIF | directories.get("more", {}), 34853: GPS})  # fmt: skip
    found, notes = tiff_metadata.exif_of(
        directory_at(file := TiffBytes(io.BytesIO(tiff(page, order=order))), file.first)
    )
    assert not notes
    return found


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("extension", [".tif", ".png", ".webp", ".jpg", ".bmp", ".ppm"])
def test_exif_of_odd_types_is_no_reason_to_write_no_picture(extension: str, order: str, tmp_path: Path) -> None:
    source = splat_with(exif(order), tmp_path / "in.splat2d")
    out = tmp_path / f"out{extension}"
    result = CliRunner().invoke(main, ["decode", str(source), str(out)])
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output
    found = load(str(out))
    assert found.pixels.shape == (12, 16, 3)
    if extension == ".tif":
        file = TiffBytes(io.BytesIO(found.metadata.exif))
        own = directory_at(file, file.first)
        assert own.values(271) == b"Maker\0"
        assert own.numbers(272) == (-3,)
        gps = directory_at(file, own.number(34853, 0))
        assert struct.unpack("<6i", gps.values(2)) == (-33, 1, -51, 1, -35, 1)
        assert gps.numbers(5) == (-1,)
        assert found.metadata.xmp == b"<x/>"


def test_exif_that_is_damaged_is_named_and_left_out(tmp_path: Path) -> None:
    sound = exif()
    at = sound.rfind(struct.pack("<HHI", 2, 10, 3)) + 8
    cases = {
        sound[:at] + struct.pack("<I", 1 << 30) + sound[at + 4 :]: "EXIF that cannot be kept is left out: tag 2",
        sound[:4] + struct.pack("<I", 1 << 30) + sound[8:]: "EXIF is damaged and is left out",
        b"II*\0" + bytes(20): "EXIF is damaged and is left out",
    }
    for damaged, note in cases.items():
        source = splat_with(damaged, tmp_path / "in.splat2d")
        result = CliRunner().invoke(main, ["decode", str(source), str(tmp_path / "out.tif"), "-f"])
        assert result.exit_code == 0, result.output
        assert note in result.stderr
        assert load(str(tmp_path / "out.tif")).pixels.shape == (12, 16, 3)


def test_values_that_lie_upon_one_another_take_no_more_memory_than_the_file(tmp_path: Path) -> None:
    """60 000 tags of EXIF that all point to the same megabyte."""
    count = 60000
    entries = b"".join(struct.pack("<HHII", tag, 7, 1 << 20, 1000) for tag in range(count))
    pointer = struct.pack("<HHHII", 1, 34665, 4, 1, 26) + bytes(4)
    data = b"II*\0" + struct.pack("<I", 8) + pointer + struct.pack("<H", count) + entries + bytes(4 + (1 << 20))
    notes = saving.unwritable(Metadata(exif=data), FORMATS[".tif"])
    assert notes[0].endswith("more")
