"""Files with latents: encoder, decoder and the independent decoder agree; regions, levels and truncated files; what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import splatc
from splatc import bitstream
from splatc.attributes import COLUMNS
from splatc.bitstream import Reader, container, latent_layout, latent_network, latents
from splatc.cli import main
from splatc.core import latent as core
from splatc.decoder.scene import decode_bytes
from splatc.decoder.verifier import find_problems
from splatc.encoder import latent as encoder
from splatc.encoder.latent import encode_latent as encode_with_target
from splatc.encoder.pipeline import EncodeOptions, encode_image
from splatc.encoder.rate_control import Target
from splatc.errors import CorruptFileError, LimitError, UnsupportedFileError, UsageError
from splatc.image import metrics
from splatc.image.image import Image
from tests import independent_decoder, latent_oracle
from tests.surgery import chunks_of, with_payload

ROOT = Path(__file__).parent.parent
PHOTOGRAPH = ROOT / "tests" / "images" / "kodim03.png"


def picture(width: int, height: int, channels: int = 3, left: int = 200, top: int = 120) -> Image:
    """A part of a photograph."""
    with PIL.Image.open(PHOTOGRAPH) as file:
        pixels = np.asarray(file.convert("RGB"))[top : top + height, left : left + width]
    return Image(np.ascontiguousarray(pixels if channels == 3 else pixels[..., 1:2]))


def encode_latent(image: Image, size: int) -> bytes:
    """A file of at most so many bytes."""
    return encode_with_target(image, Target("bytes", size))


def noisy(width: int, height: int) -> Image:
    """As much contrast as there can be, so that latents need escapes."""
    rng = np.random.default_rng(5)
    return Image(np.where(rng.random((height, width, 3)) < 0.5, 0, 255).astype(np.uint8))


def with_latents(data: bytes, change: object) -> bytes:
    return with_payload(data, b"LATN", change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (37, 90), (97, 61)])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_decoders_read_the_same_integers(width: int, height: int, channels: int) -> None:
    data = encode_latent(picture(width, height, channels), 100 + width * height * channels // 40)
    header, gaussians = bitstream.decode(data)
    found = independent_decoder.decode(data)
    assert header.count == 0 < len(gaussians)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(gaussians, name), getattr(found, name), err_msg=name)
    assert gaussians.x.max() * 2 < width or gaussians.level.max() == 2
    assert find_problems(data) == []


def test_latents_with_escapes() -> None:
    exact = encoder.analysed(noisy(48, 32)) * 30
    tile = encoder.rounded(exact, 0, 0.12)
    coded = encoder.Coded(0, [tile], 0.0)
    assert np.abs(tile).max() > 200
    header = encoder.header_of(noisy(48, 32))
    table = latents.read(encoder.payload(coded), header, len(encoder.payload(coded)))
    stream = encoder.payload(coded)[table.tiles[0].offset :]
    np.testing.assert_array_equal(latents.decode_tile(table, 0, stream, 3), tile)
    head = [(container.HEADER_CHUNK, chunk[1]) for chunk in chunks_of(encode_latent(noisy(48, 32), 9000))[:1]]
    data = container.write([*head, (b"DRFT", b"\1"), (b"LATN", encoder.payload(coded))])
    found, (_, gaussians) = independent_decoder.decode(data), bitstream.decode(data)
    np.testing.assert_array_equal(gaussians.colour, found.colour)


def test_what_the_encoder_expects_is_what_the_decoder_reads_of_several_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode_latent(picture(560, 380, left=0, top=0), 3000)
    assert len(Reader(io.BytesIO(data)).latents.tiles) == 1  # type: ignore[union-attr]
    monkeypatch.setattr(latents, "TILE", 8)
    data = encode_latent(picture(300, 280), 3000)
    reader = Reader(io.BytesIO(data))
    assert reader.latents is not None and len(reader.latents.tiles) == 9
    assert metrics.psnr(picture(300, 280).pixels, splatc.decode(data)) > 25


def test_a_region_is_that_part_of_the_picture_and_reads_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "TILE", 4)
    data = encode_latent(picture(500, 380, left=0, top=0), 4000)
    whole = splatc.decode(data)
    for x, y, width, height in ((0, 0, 20, 30), (130, 65, 64, 64), (470, 350, 30, 30), (63, 127, 2, 2)):
        with splatc.open(io.BytesIO(data)) as file:
            part = file.read((x, y, width, height))
            np.testing.assert_array_equal(part, whole[y : y + height, x : x + width])
            assert file.bytes_read < 0.7 * len(data)
    half = splatc.decode(data, scale="1/2")
    assert half.shape == (190, 250, 3)


def test_a_coarse_version_has_the_coarse_grid_alone() -> None:
    image = picture(160, 120)
    data = encode_latent(image, 900)
    coarse = Reader(io.BytesIO(data)).read(max_level=2)
    assert len(coarse) == 40 * 30 and set(coarse.level.tolist()) == {2}
    assert len(Reader(io.BytesIO(data)).read(max_level=3)) == 0
    fine, rough = (metrics.psnr(image.pixels, splatc.decode(data, max_level=level)) for level in (0, 2))
    assert 20 < rough < fine


@pytest.mark.parametrize("target", [200, 700, 2500])
def test_a_target_is_used_and_never_exceeded(target: int) -> None:
    image = picture(320, 240)
    data = encode_latent(image, target)
    assert 0.97 * target <= len(data) <= target
    assert encode_latent(image, target) == data


@pytest.mark.parametrize("target", [2500, 6000])
def test_a_search_on_pieces_of_many_tiles(target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "TILE", 4)
    monkeypatch.setattr(encoder, "PIECE", 2)
    data = encode_latent(picture(320, 240), target)
    assert 0.97 * target <= len(data) <= target
    with pytest.raises(UsageError, match="bytes or more"):
        encode_latent(picture(320, 240), 220)


def test_more_bytes_make_a_better_picture() -> None:
    image = picture(320, 240)
    values = [metrics.psnr(image.pixels, decode_bytes(encode_latent(image, size)).pixels) for size in (300, 900, 2700)]
    assert all(before + 1 < after for before, after in pairwise(values))
    assert values[1] > 25


def test_metadata_and_16_bits() -> None:
    image = picture(64, 48)
    fine = dataclasses.replace(
        image, pixels=image.pixels.astype(np.uint16) * 257, metadata=bitstream.Metadata(icc=b"x" * 50)
    )
    data = encode_latent(fine, 500)
    assert [kind for kind, _ in chunks_of(data)] == [b"HEAD", b"DRFT", b"iccp", b"LATN"]
    found = splatc.decode(data)
    assert found.dtype == np.uint16 and metrics.psnr(fine.pixels, found) > 25


def test_what_cannot_be_encoded() -> None:
    rgba = Image(np.zeros((8, 8, 4), np.uint8))
    with pytest.raises(UsageError, match="no alpha"):
        encode_latent(rgba, 500)
    with pytest.raises(UsageError, match="bytes or more"):
        encode_latent(picture(320, 240), 110)


def test_it_is_a_model_of_the_encoder() -> None:
    image = picture(64, 48)
    options = EncodeOptions(Target("bytes", 500), model="latent")
    assert encode_image(image, options) == encode_latent(image, 500)
    with pytest.raises(UsageError, match="give a size"):
        encode_image(image, dataclasses.replace(options, target=Target("count", 50)))


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_threads_changes_nothing(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(300, 200)
    monkeypatch.setattr(latents, "TILE", 8)
    data = encode_latent(image, 2000)
    whole = bitstream.decode(data)[1]
    for module in (encoder, latents):
        monkeypatch.setattr(module, "threads", lambda: count)
    assert encode_latent(image, 2000) == data
    np.testing.assert_array_equal(bitstream.decode(data)[1].colour, whole.colour)


def test_other_files_with_latents_are_refused() -> None:
    data = encode_latent(picture(64, 48), 400)
    head, number, body = chunks_of(data)
    gaus = (b"GAUS", b"")

    def stream(change: object) -> bytes:
        return with_latents(data, change)

    for changed, error, words in (
        (stream(lambda each: each.__setitem__(0, 2)), UnsupportedFileError, "needs network 2"),
        (stream(lambda each: each.__setitem__(1, 192)), CorruptFileError, "q in the LATN chunk is 192"),
        (stream(lambda each: each.append(0)), CorruptFileError, "take"),
        (stream(lambda each: each.clear()), CorruptFileError, "ends too early"),
        (stream(lambda each: each.__delitem__(slice(5, None))), CorruptFileError, "ends too early"),
        (stream(lambda each: each.__setitem__(-1, each[-1] ^ 1)), CorruptFileError, "CRC-32 is another"),
        (container.write([head, number, body, body]), CorruptFileError, "a second LATN"),
        (container.write([head, number, body, gaus]), CorruptFileError, "latents and Gaussians"),
        (container.write([head, number, (b"INDX", b""), body]), CorruptFileError, "latents and Gaussians"),
        (
            with_payload(data, b"HEAD", lambda each: each.__setitem__(8, 127)),
            CorruptFileError,
            "not one of a file with latents",
        ),
        (with_payload(data, b"HEAD", lambda each: each.__setitem__(2, each[2] & 14)), CorruptFileError, "with latents"),
        (with_payload(data, b"HEAD", lambda each: each.__setitem__(-1, 1)), CorruptFileError, "with latents"),
        (container.write([(b"HEAD", bytes([1, 0]) + head[1][2:-1]), body]), UnsupportedFileError, "needs chunk LATN"),
    ):
        with pytest.raises(error, match=words):
            splatc.decode(changed)
        with pytest.raises(ValueError):
            independent_decoder.decode(changed)
        assert find_problems(changed)


def test_damage_gives_no_other_error() -> None:
    data = encode_latent(picture(64, 48), 400)
    payload = chunks_of(data)[2][1]
    reader = Reader(io.BytesIO(data))
    assert reader.latents is not None
    (tile,) = reader.latents.tiles
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        stream = bytearray(payload[tile.offset :])
        stream[int(rng.integers(len(stream)))] ^= 1 << int(rng.integers(8))
        changed = latents.write(1, reader.latents.q, [bytes(stream)])
        broken = container.write([*chunks_of(data)[:2], (b"LATN", changed)])
        try:
            splatc.decode(broken)
        except CorruptFileError:
            refused += 1
    assert refused > 0


def test_a_truncated_file_shows_the_tiles_that_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "TILE", 4)
    data = encode_latent(picture(200, 128), 1500)
    with pytest.raises(CorruptFileError, match="truncated"):
        splatc.decode(data[:-300])
    with splatc.open(io.BytesIO(data[:-300])) as file:
        shown = file.read(allow_truncated=True)
    whole = splatc.decode(data)
    np.testing.assert_array_equal(shown[:40, :40], whole[:40, :40])
    assert not np.array_equal(shown, whole)


def test_the_network_is_what_the_text_says() -> None:
    data = (ROOT / "spec" / "latent_1.bin").read_bytes()
    assert hashlib.sha256(data).hexdigest() == latent_network.KNOWN[1]
    network = latent_network.fields(latent_network.load(1))
    for name in ("coarse_luma", "fine_luma", "coarse_chroma", "fine_chroma"):
        assert np.abs(network[name].astype(np.int64)).sum(axis=(0, 1)).max() < 65536
    assert (network["frequencies"].sum(axis=1) == 65536).all() and network["frequencies"].min() > 0
    assert (np.diff(network["thresholds"]) > 0).all()
    known = latent_layout.causal_mask().reshape(latent_layout.LATENTS, latent_layout.LATENTS, 9).transpose(1, 2, 0)
    assert not network["scale"][~known].any() and not network["any"][~known].any()
    assert not network["mean"][~known[:, :, latent_layout.predicted()]].any()


@pytest.mark.parametrize("channels", [64, 96])
def test_what_the_encoder_expects_is_what_the_text_says(channels: int) -> None:
    data = latent_network.load(1)
    rng = np.random.default_rng(channels)
    for shape, q, spread in (((3, 5), 77, 40.0), ((1, 1), 0, 9.0), ((64, 64), 191, 0.3), ((7, 2), 16, 3000.0)):
        whole = np.rint(rng.laplace(0.0, spread, (channels, *shape))).astype(np.int16)
        means, tables = core.expect_latents(data, whole, q)
        wanted = latent_oracle.expected(latent_network.fields(data), whole.astype(np.int32), q)
        np.testing.assert_array_equal(means, wanted[0])
        np.testing.assert_array_equal(tables, wanted[1])


def test_what_the_gaussians_take_is_asked_before_they_are_made() -> None:
    data = encode_latent(picture(320, 240), 2500)
    count = len(bitstream.decode(data)[1])
    with pytest.raises(LimitError, match="memory"):
        splatc.decode(data, max_memory=500 * count)
    asked = list[int]()
    Reader(io.BytesIO(data), lambda needed, what: asked.append(needed)).read()
    assert asked == [512 * count]


def test_the_work_of_reading_is_that_of_the_cells() -> None:
    reader = Reader(io.BytesIO(encode_latent(picture(160, 96), 900)))
    assert reader.needed().work == 10 * 6 * (16384 + 16 * 4096)
    assert reader.needed((0.0, 0.0, 1.0, 1.0)).work == 10 * 6 * 16384 + 16 * 4096


def test_bits_are_those_of_the_streams_which_are_read_to_the_end() -> None:
    data = encode_latent(picture(64, 48), 500)
    report = splatc.info(data, bits=True)
    assert report["bits"]["latents"] + report["bits"]["overhead"] == 8 * len(data)
    damaged = ROOT / "tests" / "hostile" / "latents-stream-all-ones.splat2d"
    splatc.info(damaged)
    with pytest.raises(CorruptFileError, match="the file is damaged"):
        splatc.info(damaged, bits=True)


def test_the_commands_know_it_where_they_are_asked(tmp_path: Path) -> None:
    source, coded = tmp_path / "in.png", tmp_path / "out.splat2d"
    PIL.Image.fromarray(picture(64, 48).pixels).save(source)
    runner = CliRunner()
    arguments = ["encode", str(source), str(coded), "--size", "500", "--model", "latent"]
    result = runner.invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    count = len(bitstream.decode(coded.read_bytes())[1])
    assert json.loads(result.stdout)["gaussians"] == count > 0
    found = runner.invoke(main, ["info", str(coded)])
    assert "latents       network 1, q " in found.stdout and "per Gaussian" not in found.stdout
    assert "\n  latents     " in runner.invoke(main, ["info", "--bits", str(coded)]).stdout
    assert "--model" not in runner.invoke(main, ["encode", "--help"]).output
