"""imageio reads and writes ``.splat2d`` files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

iio = pytest.importorskip("imageio.v3")

import splatc.imageio_plugin  # noqa: E402 - it imports imageio
from splatc import bitstream  # noqa: E402
from splatc.bitstream import Metadata  # noqa: E402
from splatc.decoder.scene import decode_bytes  # noqa: E402

# Of bytes without an extension imageio tries all plug-ins in turn, and imports this one on its way, once in a process.
pytestmark = pytest.mark.filterwarnings("ignore:The legacy `DICOM` plugin is deprecated:DeprecationWarning")


def test_read(tiny_splat: Path) -> None:
    whole = decode_bytes(tiny_splat.read_bytes()).pixels
    assert (iio.imread(tiny_splat) == whole).all()
    assert (iio.imread(tiny_splat.read_bytes()) == whole).all()
    assert (iio.imread(tiny_splat, index=...) == whole[np.newaxis]).all()
    assert [frame.shape for frame in iio.imiter(tiny_splat)] == [whole.shape]
    assert (iio.imread(tiny_splat, region=(8, 4, 16, 12)) == whole[4:16, 8:24]).all()
    assert iio.imread(tiny_splat, scale=0.5).shape == (24, 32, 3)


def test_properties_and_metadata(tiny_splat: Path) -> None:
    properties = iio.improps(tiny_splat)
    assert (properties.shape, properties.dtype) == ((48, 64, 3), np.uint8)
    assert iio.improps(tiny_splat, index=...).shape == (1, 48, 64, 3)
    assert iio.immeta(tiny_splat)["gaussians"] == 100
    header, gaussians = bitstream.decode(tiny_splat.read_bytes())
    tiny_splat.write_bytes(bitstream.encode(header, gaussians, Metadata(exif=b"II*\0", xmp=b"<x/>")))
    metadata = iio.immeta(tiny_splat)
    assert (metadata["exif"], metadata["xmp"]) == (b"II*\0", b"<x/>")
    assert "icc_profile" not in metadata


def test_write(tmp_path: Path) -> None:
    gray = np.add.outer(np.arange(32), np.arange(32)).astype(np.uint8) * 4
    path = tmp_path / "out.splat2d"
    iio.imwrite(path, gray, size=120, effort=1)
    assert path.stat().st_size <= 120
    assert iio.imread(path).shape == (32, 32)
    data = iio.imwrite("<bytes>", gray, extension=".splat2d", size=120, effort=1)
    assert data == path.read_bytes()
    assert iio.improps(data).shape == (32, 32)


def test_errors(tmp_path: Path, tiny_file: bytes) -> None:
    with pytest.raises(OSError, match="can not handle"):
        iio.imread(b"plain text", plugin="splat2d")
    with pytest.raises(OSError, match="splat2d"):
        iio.imwrite(tmp_path / "out.png", np.zeros((8, 8), np.uint8), plugin="splat2d")
    path = tmp_path / "bad.splat2d"
    path.write_bytes(tiny_file[:-12] + b"\0" + tiny_file[-11:])
    with pytest.raises(OSError, match=r"bad\.splat2d"):
        iio.imread(path)
    with pytest.raises(ValueError, match="holds one picture"):
        iio.imread(tiny_file, plugin="splat2d", index=1)
    with pytest.raises(ValueError, match="not 2"):
        iio.imwrite(tmp_path / "out.splat2d", [np.zeros((8, 8), np.uint8)] * 2)
    with pytest.raises(OSError, match="exclude each other"):
        iio.imwrite(tmp_path / "out.splat2d", np.zeros((8, 8), np.uint8), cr=1, bpp=1)


def test_the_plug_in_is_registered_under_its_name(tiny_splat: Path) -> None:
    with iio.imopen(tiny_splat, "r") as file:
        assert isinstance(file, splatc.imageio_plugin.SplatPlugin)
    with iio.imopen(tiny_splat, "r", plugin=splatc.imageio_plugin.NAME) as file:
        assert isinstance(file, splatc.imageio_plugin.SplatPlugin)
