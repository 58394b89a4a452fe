"""Pictures come in as they are shown, whatever the file."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest

from splatc.errors import InputError, InputImageError, LimitError
from splatc.image.image import Image, Samples
from splatc.image.readers import large_source, load, open_source, opening, source

RNG = np.random.default_rng(1)
RGBA = RNG.integers(0, 256, (5, 7, 4)).astype(np.uint8)
IMAGES = Path(__file__).parent / "images"
PNGSUITE = sorted((IMAGES / "pngsuite").glob("*.png"))


def load_saved(picture: PIL.Image.Image, path: Path, **options: Any) -> Image:
    picture.save(path, **options)
    return load(str(path))


def strips_of(path: Path) -> Samples:
    """All rows of a file, an opaque alpha channel among them."""
    with open_source(str(path)) as opened:
        pixels = np.concatenate(list(opened.strips()))
    assert pixels.shape == (opened.height, opened.width, opened.channels)
    assert pixels.itemsize * 8 == opened.bit_depth
    return pixels


def test_pngsuite_is_complete() -> None:
    assert len(PNGSUITE) == 60


@pytest.mark.parametrize("path", PNGSUITE, ids=lambda path: path.stem)
def test_every_kind_of_png(path: Path) -> None:
    """By its name: colour type (0 gray, 2 RGB, 3 palette, 4 and 6 with alpha) and bits per sample."""
    name = path.stem.removeprefix("i")
    clear = name.startswith("ft") and name not in ("ftp0n0g08", "ftp0n2c08", "ftp0n3p08")
    channels = {"0": 1, "2": 3, "3": 3, "4": 2, "6": 4}[name[-4]] + clear
    pixels = strips_of(path)
    assert pixels.shape == (32, 32, channels)
    assert pixels.dtype == (np.uint16 if name.endswith("16") else np.uint8)
    if clear:
        assert set(np.unique(pixels[..., -1])) > {0} or name.endswith("p08")
    if path.stem.startswith("i"):
        assert (pixels == strips_of(path.with_name(f"{name}.png"))).all()


@pytest.mark.parametrize("path", PNGSUITE, ids=lambda path: path.stem)
def test_libvips_reads_the_same(path: Path) -> None:
    pyvips = pytest.importorskip("pyvips")
    reference = pyvips.Image.new_from_file(str(path)).numpy()
    pixels = strips_of(path)
    assert pixels.dtype == reference.dtype
    assert (pixels == reference.reshape(pixels.shape)).all()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_8_bit_samples_come_in_unchanged(tmp_path: Path, mode: str) -> None:
    picture = PIL.Image.fromarray(RGBA).convert(mode)
    loaded = load_saved(picture, tmp_path / "in.png")
    assert loaded.pixels.dtype == np.uint8
    assert loaded.pixels.shape == (5, 7, len(mode))
    assert (loaded.pixels == np.asarray(picture).reshape(5, 7, -1)).all()
    assert (loaded.width, loaded.height, loaded.channels, loaded.bit_depth) == (7, 5, len(mode), 8)


def test_bilevel_palette_and_cmyk_become_what_they_show(tmp_path: Path) -> None:
    bilevel = load(str(IMAGES / "bilevel_1bit.png"))
    assert bilevel.pixels.shape == (500, 500, 1)
    assert set(np.unique(bilevel.pixels)) == {0, 255}

    palette = PIL.Image.fromarray(RGBA[..., :3]).quantize(8)
    assert (load_saved(palette, tmp_path / "palette.png").pixels == np.asarray(palette.convert("RGB"))).all()
    clear = load_saved(palette, tmp_path / "clear.png", transparency=0)
    assert (clear.pixels[..., 3] == np.where(np.asarray(palette) == 0, 0, 255)).all()

    cmyk = load(str(IMAGES / "cmyk_adobe.jpg"))
    assert cmyk.pixels.shape == (100, 100, 3)
    assert tuple(cmyk.pixels[0, 0]) == (
        255,
        13,
        25,
    )  # red on black; cyan on white if Adobe's inverted values were not turned
    assert tuple(cmyk.pixels[-1, -1]) == (1, 4, 5)
    assert "approximate" in cmyk.notes[0]


def test_cmyk_goes_through_its_profile(tmp_path: Path) -> None:
    pyvips = pytest.importorskip("pyvips")
    colours = RNG.integers(60, 200, (8, 8, 3)).astype(np.uint8)
    path = tmp_path / "in.tif"
    pyvips.Image.new_from_array(colours, interpretation="srgb").icc_export(output_profile="cmyk").write_to_file(
        str(path)
    )
    loaded = load(str(path))
    assert loaded.notes == ()
    assert not loaded.metadata.icc  # the pixels are sRGB now
    assert np.abs(loaded.pixels - colours.astype(int)).mean() < 8


def test_16_bit_gray(tmp_path: Path) -> None:
    gray = RNG.integers(0, 65536, (5, 7)).astype(np.uint16)
    for name in ("in.png", "in.tif", "in.pgm"):
        loaded = load_saved(PIL.Image.fromarray(gray), tmp_path / name)
        assert loaded.bit_depth == 16
        assert (loaded.pixels[..., 0] == gray).all()
    clear = load_saved(PIL.Image.fromarray(gray), tmp_path / "clear.png", transparency=int(gray[2, 3]))
    assert (clear.pixels[..., 1] == np.where(gray == gray[2, 3], 0, 65535)).all()


def test_16_bit_tiff_with_premultiplied_alpha() -> None:
    loaded = load(str(IMAGES / "tiff_16bit_rgba.tiff"))
    assert loaded.pixels.shape == (40, 100, 4)
    assert loaded.bit_depth == 16
    pyvips = pytest.importorskip("pyvips")
    assert (
        np.abs(
            loaded.pixels - pyvips.Image.new_from_file(str(IMAGES / "tiff_16bit_rgba.tiff")).numpy().astype(int)
        ).max()
        <= 1
    )


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (16, 16)}], ids=str)
def test_16_bit_colour_tiff(tmp_path: Path, byteorder: Any, channels: int, options: dict[str, Any]) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = RNG.integers(0, 65536, (20, 37, channels)).astype(np.uint16)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    photometric = "minisblack" if channels == 1 else "rgb"
    stored = pixels[..., 0] if channels == 1 else pixels
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric=photometric, byteorder=byteorder, **extra, **options)
    assert (load(str(tmp_path / "in.tif")).pixels == pixels).all()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_planes_need_another_reader(
    tmp_path: Path, compression: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile = pytest.importorskip("tifffile")
    planes = RNG.integers(0, 65536, (3, 20, 37)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", planes, photometric="rgb", planarconfig="separate", compression=compression)
    for reader in ("pyvips", "tifffile"):
        pytest.importorskip(reader)
        monkeypatch.setattr(large_source, "installed", lambda name, only=reader: name == only)
        assert (load(str(tmp_path / "in.tif")).pixels == planes.transpose(1, 2, 0)).all()
    monkeypatch.setattr(large_source, "installed", lambda name: False)
    with pytest.raises(InputImageError, match="interleaved"):
        load(str(tmp_path / "in.tif"))


@pytest.mark.parametrize("maximum", [65535, 1023])
def test_16_bit_ppm(tmp_path: Path, maximum: int) -> None:
    values = RNG.integers(0, maximum + 1, (5, 7, 3))
    path = tmp_path / "in.ppm"
    path.write_bytes(f"P6\n# by hand\n7 5\n{maximum}\n".encode() + values.astype(">u2").tobytes())
    loaded = load(str(path))
    assert loaded.bit_depth == 16
    assert (loaded.pixels == np.rint(values * (65535 / maximum))).all()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputImageError, match="truncated"):
        load(str(path))


def test_opaque_alpha_is_left_out(tmp_path: Path) -> None:
    opaque = RGBA.copy()
    opaque[..., 3] = 255
    loaded = load_saved(PIL.Image.fromarray(opaque), tmp_path / "in.png")
    assert (loaded.pixels == opaque[..., :3]).all()


def test_a_large_picture_lies_in_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = RNG.integers(0, 256, (1200, 30, 4)).astype(np.uint8)  # three strips
    pixels[..., 3] = 255
    monkeypatch.setattr(source, "IN_MEMORY", 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    PIL.Image.fromarray(pixels).save(tmp_path / "in.png")
    loaded = load(str(tmp_path / "in.png"))
    assert isinstance(loaded.pixels, np.memmap)
    assert (loaded.pixels == pixels[..., :3]).all()
    del loaded
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    frames = [PIL.Image.fromarray(frame) for frame in RNG.integers(0, 256, (3, 5, 7)).astype(np.uint8)]
    for extension in ("gif", "webp", "png"):
        path = tmp_path / f"in.{extension}"
        animation = load_saved(frames[0], path, save_all=True, append_images=frames[1:], lossless=True)
        assert animation.notes == ("only the first of 3 frames is coded",)
    xmp = b"<x hdrgm:Version='1.0' xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>"
    ultra = load_saved(frames[0], tmp_path / "ultra.jpg", xmp=xmp)
    assert ultra.notes == ("the HDR gain map is left out",)
    assert not ultra.metadata.xmp


def test_10_bits_of_avif_are_read_as_8(tmp_path: Path) -> None:
    pyvips = pytest.importorskip("pyvips")
    path = tmp_path / "in.avif"
    sixteen_bit = pyvips.Image.new_from_array(
        RNG.integers(0, 65536, (32, 32, 3)).astype(np.uint16), interpretation="rgb16"
    )
    sixteen_bit.write_to_file(str(path), bitdepth=10)
    assert load(str(path)).notes == ("10 bits per sample are read as 8",)


def test_jpeg_2000(tmp_path: Path) -> None:
    picture = PIL.Image.fromarray(RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8))
    loaded = load_saved(picture, tmp_path / "in.jp2", irreversible=False)
    assert (loaded.pixels == np.asarray(picture)).all()
    assert loaded.notes == ()
    with pytest.raises(InputImageError, match="12 bits"):
        load(str(IMAGES / "jpeg2000_12bit.jp2"))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"\x76\x2f\x31\x01\x02\0\0\0channels\0chlist\0", "OpenEXR"),
        (b"#?RADIANCE\n", "Radiance"),
        (b"PF\n2 2\n-1.0\n", "PFM"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"II*\0\x10\0\0\0CR\2\0", "raw"),
    ],
)
def test_other_pictures_are_refused_by_name(tmp_path: Path, head: bytes, message: str) -> None:
    (tmp_path / "in").write_bytes(head + bytes(100))
    with pytest.raises(InputImageError, match=message):
        load(str(tmp_path / "in"))


def test_hdr_of_integers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    for transfer, name in ((16, "PQ"), (18, "HLG"), (13, "")):
        info = PIL.PngImagePlugin.PngInfo()
        info.add(b"cICP", bytes([9, transfer, 0, 1]))
        PIL.Image.fromarray(RGBA).save(path, pnginfo=info)
        with pytest.raises(InputImageError, match=name) if name else contextlib.nullcontext():
            load(str(path))


def test_floating_point_and_raw_tiff_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputImageError, match=r"floating-point samples \(TIFF\)"):
        load_saved(PIL.Image.fromarray(np.zeros((5, 7), np.float32)), tmp_path / "float.tif")
    with pytest.raises(InputImageError, match="preview"):  # DNG
        load_saved(
            PIL.Image.fromarray(RGBA[..., :3]), tmp_path / "in.dng", format="TIFF", tiffinfo={50706: b"\1\4\0\0"}
        )


def test_bad_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = tmp_path / "good.png"
    PIL.Image.fromarray(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(good)
    data = good.read_bytes()
    bad = tmp_path / "bad.png"
    for content, message in [
        (b"", "not a picture"),
        (b"plain text", "not a picture"),
        (data[: len(data) // 2], "damaged"),
        (data[:100] + bytes(1000) + data[1100:], "damaged"),
    ]:
        bad.write_bytes(content)
        with pytest.raises(InputImageError, match=message) as caught:
            load(str(bad))
        assert str(caught.value).startswith(str(bad))
        assert str(caught.value).count(str(bad)) == 1
    with pytest.raises(InputError, match="No such file"):
        load(str(tmp_path / "missing.png"))
    monkeypatch.setattr(opening, "MAX_PIXELS", 64 * 64 - 1)
    with pytest.raises(LimitError, match="64 x 64"):
        load(str(good))


def test_a_bomb_is_refused_before_it_is_decompressed(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 1 << 20, 1 << 20, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(LimitError):
        load(str(tmp_path / "bomb.png"))


def test_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = (IMAGES / "pngsuite" / "basn2c16.png").read_bytes()
    standard_input = type("", (), {"buffer": Pipe(data)})()
    monkeypatch.setattr("sys.stdin", standard_input)
    assert load("-").bit_depth == 16
    standard_input.buffer.seek(0)
    monkeypatch.setattr(source, "MAX_PIPED", 100)
    with pytest.raises(LimitError, match="100 bytes"):
        load("-")
