"""One way to read: the same checks by every door, what is damaged beside the pixels costs none of them, and gives a warning."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest
from click.testing import CliRunner

import splatc
import splatc.pillow_plugin
from splatc import bitstream
from splatc.bitstream import Layer, Metadata, Structure, header, limits
from splatc.bitstream.container import write
from splatc.cli import main
from splatc.errors import CorruptFileError, SplatWarning, UnsupportedFileError
from splatc.runtime.renamed_keys import RENAMED
from tests.bitstream_cases import header_for, random_quantized
from tests.hostile.case import divided, draft, plain
from tests.surgery import chunks_of, payload_of, with_payload

ICC, EXIF, XMP = b"profile " * 9, b"II*\0" + bytes(4), b"<x/>"


@pytest.fixture(scope="module")
def sound() -> bytes:
    """300 x 200 in sections, with all metadata."""
    fields = header_for(300, 200)
    gaussians = random_quantized(np.random.default_rng(8), fields, 800, levels=3)
    return bitstream.encode(fields, gaussians, Metadata(ICC, EXIF, XMP), layout=(Layer(1, 9), Layer(2, 6)))


def flipped(data: bytes, place: int) -> bytes:
    """The file with another byte at a place, counted from its end if it is negative."""
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


def test_a_flipped_byte_anywhere_is_found_by_everyone_who_reads_all(sound: bytes) -> None:
    places = [-1, *(chunk.offset - 6 + chunk.length for chunk in Structure(io.BytesIO(sound)).chunks)]
    places += [chunk.offset + chunk.length for chunk in Structure(io.BytesIO(sound)).chunks]  # of the CRC
    for place in places:
        data = flipped(sound, place)
        for scale in (1, "1/4"):
            with pytest.raises(CorruptFileError):
                splatc.decode(data, scale=scale)
        assert splatc.verify(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SplatWarning)
            for door in ("load", "verify"):
                with pytest.raises(OSError, match="splat2d"):
                    getattr(PIL.Image.open(io.BytesIO(data)), door)()


def test_a_region_reads_past_damage_that_it_does_not_meet(sound: bytes) -> None:
    reader = bitstream.Reader(io.BytesIO(sound))
    body = next(chunk for chunk in reader.chunks if chunk.type == "GAUS")
    data = flipped(sound, body.offset + reader.sections[-1].offset)
    x0, y0, *_ = reader.sections[-1].rectangle
    whole = splatc.decode(sound)
    with splatc.open(io.BytesIO(data)) as picture:
        assert np.array_equal(picture.read((0, 0, 20, 20)), whole[:20, :20])
        for arguments in ({"region": (x0, y0, 8, 8)}, {"region": (0, 0, 300, 200)}, {}, {"max_level": 0}):
            with pytest.raises(CorruptFileError):
                picture.read(**arguments)


@pytest.mark.parametrize(("name", "words"), [("iccp", "colour profile"), ("exif", "EXIF"), ("xmpd", "XMP")])
def test_damaged_metadata_are_left_out_with_a_warning(name: str, words: str, sound: bytes) -> None:
    data = with_payload(sound, name.encode(), lambda content: content.__delitem__(-1))
    with pytest.warns(SplatWarning, match=f"the {name} chunk .* the picture comes without its {words}") as caught:
        pixels = splatc.decode(data)
    assert [each.filename for each in caught] == [__file__]
    assert np.array_equal(pixels, splatc.decode(sound))
    with splatc.open(io.BytesIO(data)) as picture, pytest.warns(SplatWarning) as caught:
        found = picture.metadata()
        picture.read()
        picture.metadata()
    assert len(caught) == 1
    expected = {"iccp": Metadata(b"", EXIF, XMP), "exif": Metadata(ICC, b"", XMP), "xmpd": Metadata(ICC, EXIF)}
    assert found == expected[name]
    with pytest.warns(SplatWarning):
        image = PIL.Image.open(io.BytesIO(data))
    assert set(image.info) == {"icc_profile", "exif", "xmp"} - {{"iccp": "icc_profile", "xmpd": "xmp"}.get(name, name)}
    image.load()
    assert [problem.part for problem in splatc.verify(data)] == [f"metadata {name}"]
    assert [each[: len(name) + 4] for each in splatc.info(data)["notes"]] == [f"the {name}"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", SplatWarning)
        with pytest.raises(SplatWarning):
            splatc.decode(data)
        splatc.decode(data, region=(0, 0, 9, 9))


def test_commands_say_it_in_a_note(sound: bytes, tmp_path: Path) -> None:
    path, out = tmp_path / "in.splat2d", tmp_path / "out.png"
    path.write_bytes(with_payload(sound, b"exif", lambda content: content.clear()))
    result = CliRunner().invoke(main, ["decode", str(path), str(out)])
    assert (result.exit_code, result.stderr.count("note:"), result.stderr.count("\n")) == (0, 1, 1)
    assert "in.splat2d: the exif chunk is no zstd frame" in result.stderr
    with PIL.Image.open(out) as image:
        assert image.info["icc_profile"] == ICC


def test_pillow_s_verify_passes_sound_files_and_closes_them(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "in.splat2d"
    path.write_bytes(sound)
    image = PIL.Image.open(path)
    image.verify()
    with pytest.raises(OSError, match="closed"):
        image.load()
    stream = io.BytesIO(sound)
    PIL.Image.open(stream).verify()
    assert not stream.closed
    with PIL.Image.open(path) as image:
        image.load()
        with pytest.raises(RuntimeError, match="directly after open"):
            image.verify()


def test_pillow_shows_truncated_files_where_it_is_asked_to(sound: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = sound[: sound.index(b"GAUS") + 1200]
    with pytest.raises(OSError, match="truncated"):
        PIL.Image.open(io.BytesIO(cut)).load()
    monkeypatch.setattr(PIL.ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert np.asarray(PIL.Image.open(io.BytesIO(cut))).std() > 0


def test_a_picture_that_cannot_be_read_is_an_os_error_of_pillow(sound: bytes) -> None:
    class Broken(io.BytesIO):
        broken = False

        def read(self, size: int | None = -1, /) -> bytes:
            if self.broken:
                raise OSError(5, "Input/output error")
            return super().read(size)

    stream = Broken(sound)
    image = PIL.Image.open(stream)
    stream.broken = True
    for door in ("verify", "load"):
        with pytest.raises(OSError, match="Input/output error"):
            getattr(image, door)()


def test_imageio_s_errors_are_os_errors(sound: bytes, tmp_path: Path) -> None:
    iio = pytest.importorskip("imageio.v3")
    import splatc.imageio_plugin

    assert splatc.imageio_plugin.NAME == "splat2d"
    path = tmp_path / "bad.splat2d"
    path.write_bytes(flipped(sound, -1))
    for door in (iio.immeta, iio.imread):
        with pytest.raises(OSError, match=r"bad\.splat2d: .*damaged"):
            door(path)
    path.write_bytes(with_payload(sound, b"exif", lambda content: content.clear()))
    with pytest.warns(SplatWarning):
        metadata = iio.immeta(path)
    assert ("exif" in metadata, metadata["xmp"], len(metadata["notes"])) == (False, XMP, 1)


def test_info_has_the_version_of_the_file(tiny_splat: Path) -> None:
    for data, version in ((tiny_splat.read_bytes(), "1.0"), (draft(), "1.1")):
        assert splatc.info(data)["format_version"] == version
        result = CliRunner().invoke(main, ["info", "--json", "-"], input=data)
        assert json.loads(result.stdout)["format_version"] == version
    newer = with_payload(tiny_splat.read_bytes(), b"HEAD", lambda head: head.__setitem__(1, 2))
    with pytest.raises(UnsupportedFileError, match=r"1\.2, this splatc reads 1\.1"):
        splatc.info(newer)


def test_the_page_of_the_header_names_the_version_that_is_written() -> None:
    text = (Path(__file__).parent.parent / "spec" / "header.md").read_text()
    (major, minor), (_, draft) = header.VERSION, header.DRAFT_VERSION
    assert f"| major version, {major} |" in text
    assert f"| minor version, {minor}, or {draft} in a draft" in text
    assert payload_of(plain(), b"HEAD")[:2] == bytes(header.VERSION)


def test_info_with_bits_looks_at_the_structure_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    begin = Structure.__init__

    def counted(self: Structure, *arguments: Any) -> None:
        opened.append(self)
        begin(self, *arguments)

    monkeypatch.setattr(Structure, "__init__", counted)
    report = splatc.info(divided(), bits=True)
    assert len(opened) == 1
    once = {name: bits for name, bits in report["bits"].items() if name not in RENAMED["info"].values()}
    assert sum(once.values()) == pytest.approx(8 * len(divided()))


def test_a_chunk_that_is_longer_than_its_type_can_be_is_refused_by_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    head, body = chunks_of(plain())
    for chunks, words in (
        ([(b"HEAD", head[1] + bytes(4096)), body], "the HEAD chunk has 4117 bytes"),
        ([head, (b"INDX", bytes(9000)), body], "the INDX chunk has 9000 bytes"),
        ([head, (b"GAUS", bytes(9000))], "does not end where its last Gaussian does"),
    ):
        with pytest.raises(CorruptFileError, match=words):
            splatc.decode(write(chunks))
    monkeypatch.setattr(limits, "MAX_METADATA_PAYLOAD", 22)
    with pytest.warns(
        SplatWarning, match="the iccp chunk has 24 bytes, splatc reads at most 22; the picture comes"
    ) as caught:
        splatc.decode(divided())
    assert len(caught) == 1
    assert {(each.kind, each.part.split()[0]) for each in splatc.verify(divided())} == {("limit", "metadata")}
