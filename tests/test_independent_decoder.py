"""The spec is enough to write a decoder: one that was written from it alone agrees with the product, integer for integer."""

from __future__ import annotations

import ast
import re
import sys
import zlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatc import bitstream
from splatc.bitstream import Header, Layer, Layout, layout, positions, predict, priors, stream
from splatc.bitstream import header as header_format
from splatc.bitstream.attributes import ESCAPE
from splatc.bitstream.coder import Encoder, Frequencies, Symbols, code_bits
from splatc.bitstream.container import GAUSSIANS_CHUNK, HEADER_CHUNK, INDEX_CHUNK, SIGNATURE, write
from splatc.blend import Blend
from splatc.decoder.scene import make_scene
from splatc.errors import SplatError
from splatc.quantize import QuantizedGaussians
from splatc.render import reference, render
from splatc.steps import Quantizer
from tests import independent_decoder as independent
from tests.bitstream_cases import assert_equal, header_for, in_coding_order, random_quantized
from tests.independent_decoder.draft import Around
from tests.surgery import chunks_of

EXAMPLE = Path(__file__).parent.parent / "spec" / "example.md"
ARRAYS = ("level", "x", "y", "log_scale", "aspect", "angle", "offset", "colour")
QUANTIZERS = (
    Quantizer(),
    Quantizer(position=100, position_slope=8, log_scales=1, aspect=100, angle=90, angle_slope=9, colour_slope=5),
    Quantizer(position=130, position_slope=-3, log_scales=32, angle=191, luma=60, chroma=110, colour_slope=-20),
    Quantizer(position=191, position_slope=127, aspect=0, angle=0, angle_slope=-128, luma=0, chroma=0),
    Quantizer(position=110, position_slope=-1, log_scales=3, luma=191, chroma=191, colour_slope=127),
)
SIZES = ((1, 1), (1, 37), (97, 61), (2000, 300), (2**20, 3))


def assert_both_agree(data: bytes) -> tuple[Header, QuantizedGaussians, independent.Decoded]:
    """Both decoders read the same header and the same integers; returned is what they read."""
    header, expected = bitstream.decode(data)
    found = independent.decode(data)
    for name, value in asdict(found.header).items():
        assert value == getattr(header if hasattr(header, name) else header.quantizer, name), name
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    return header, expected, found


def test_it_needs_nothing_but_the_standard_library_and_numpy() -> None:
    """... so what it agrees on, it cannot have from the product."""
    files = Path(independent.__file__).parent.glob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    foreign = {name for name in modules if not name.startswith("tests.independent_decoder")}
    assert {name.split(".")[0] for name in foreign} <= sys.stdlib_module_names | {"numpy"}


def test_it_reads_the_example_of_the_spec_as_the_spec_says() -> None:
    text = EXAMPLE.read_text("utf-8")
    dump = re.findall(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ?)+)$", text, re.MULTILINE)
    found = independent.decode(bytes.fromhex("".join(dump)))
    table = text.partition("## What it holds")[2].partition("##")[0]
    rows = [[int(cell) for cell in row.split("|")] for row in re.findall(r"^\| (-?\d.*) \|$", table, re.MULTILINE)]
    assert np.column_stack([getattr(found, name) for name in ARRAYS]).tolist() == rows


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 40, 700])
def test_both_decoders_read_the_same_integers(count: int, channels: int) -> None:
    """Crowded Gaussians share cells, more than 255 of them a node, and their colours need escapes."""
    rng = np.random.default_rng([count, channels])
    for crowded, quantizer, (width, height) in zip((False, True) * 3, QUANTIZERS, rng.permutation(SIZES), strict=False):
        header = Header(
            int(width),
            int(height),
            channels,
            background=tuple(rng.integers(0, 256, channels).tolist()),
            blend=Blend(int(rng.integers(2))),
            depth=int(rng.choice([8, 16])),
            quantizer=quantizer,
        )
        gaussians = random_quantized(rng, header, count, levels=int(rng.integers(1, 17)), crowded=crowded)
        _, decoded, _ = assert_both_agree(bitstream.encode(header, gaussians))
        np.testing.assert_array_equal(decoded.colour, gaussians.colour)


DIVISIONS = (
    (Layer(6, 8),),
    (Layer(2, 9), Layer(1, 7), Layer(3, 6)),
    (Layer(1, 7), Layer(2, 7), Layer(2, 7), Layer(1, 6)),
    (Layer(3, 20), Layer(3, 6)),
)


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("crowded", [False, True])
def test_both_decoders_read_the_same_sections(division: Layout, channels: int, crowded: bool) -> None:
    header = header_for(300, 200, channels)
    rng = np.random.default_rng([channels, crowded])
    gaussians = random_quantized(rng, header, 900, crowded=crowded)
    data = bitstream.encode(header, gaussians, layout=division)
    _, decoded, _ = assert_both_agree(data)
    assert_equal(decoded, in_coding_order(header, gaussians, division))


def test_both_decoders_refuse_every_damage_of_an_index() -> None:
    """CRCs made to match: what is left is an index that says something else, and is refused, or says the same with more margin."""
    header = header_for(300, 200)
    gaussians = random_quantized(np.random.default_rng(1), header, 400)
    data = bitstream.encode(header, gaussians, layout=DIVISIONS[1])
    head, indx, gaus = (data[c.offset : c.offset + c.length] for c in bitstream.inspect(data).chunks)
    read_alike = 0
    for at in range(len(indx)):
        changed = indx[:at] + bytes([indx[at] ^ 1 << at % 8]) + indx[at + 1 :]
        damaged = write([(HEADER_CHUNK, head), (INDEX_CHUNK, changed), (GAUSSIANS_CHUNK, gaus)])
        try:
            bitstream.decode(damaged)
        except SplatError:
            with pytest.raises(ValueError):
                independent.decode(damaged)
        else:
            assert_both_agree(damaged)
            read_alike += 1
    assert read_alike < 0.15 * len(indx)


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.one_of(st.integers(1, 60), st.just(300)),
    st.sampled_from(QUANTIZERS),
    st.sampled_from([b"", bytes(40), b"\x7f" + b"\xff" * 100, b"\x80" + bytes(100)]),
    st.integers(0, header_format.MODELS),
)
def test_both_decoders_read_the_same_integers_from_noise(
    seed: int, count: int, quantizer: Quantizer, start: bytes, models: int
) -> None:
    """Nearly any stream means something; ended as the spec says, it is a file that no encoder would think of.

    Where it starts with 7F FF FF ... or 80 00 00 ..., the interval of the range coder waits for a carry over many words.
    """
    rng = np.random.default_rng(seed)
    header = header_for(768, 512, 1 + count % 4, quantizer)
    if models:
        header = replace(header, version=header_format.DRAFT_VERSION, models=models)
    encoded = bitstream.encode(header, random_quantized(rng, header, count))
    head, before = head_of(encoded), chunks_of(encoded)[:-1]
    noise = start + rng.integers(0, 256, 16 * count, np.uint8).tobytes()
    fields, decoder = independent.header.read_header(head), independent.coder.RangeDecoder(noise)
    (section,) = independent.sections.one_section(fields, noise)
    try:
        independent.gaussians.read_symbols(
            fields, section, decoder, independent.tables.Tables(fields.log_scales), Around(fields, [], [], [])
        )
    except ValueError:
        assert_both_refuse(write([*before, (GAUSSIANS_CHUNK, noise)]))
        return
    data = write([*before, (GAUSSIANS_CHUNK, independent.gaussians.whole_stream(section, decoder))])
    decoded_header, decoded, _ = assert_both_agree(data)
    assert bitstream.encode(decoded_header, decoded) == data


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 37), (97, 61)])
def test_both_decoders_make_the_same_picture(width: int, height: int, blend: Blend, channels: int) -> None:
    depth = 8 if channels % 2 else 16
    quantizer = Quantizer(aspect=114 if channels % 2 else 191)  # 191: needles as thin as a file may ask for
    header = header_for(width, height, channels, quantizer)
    header = replace(header, blend=blend, depth=depth, background=(10, 200, 30, 255)[:channels])
    rng = np.random.default_rng([width, channels])
    header, quantized, found = assert_both_agree(bitstream.encode(header, random_quantized(rng, header, 120, levels=5)))
    picture = reference.render(make_scene(header, quantized))
    np.testing.assert_allclose(independent.samples(found), picture, rtol=0, atol=1e-9)
    samples = independent.render(found)
    np.testing.assert_array_equal(samples, np.floor(np.clip(picture, 0, 1) * (2**depth - 1) + 0.5))
    assert samples.dtype == (np.uint8 if depth == 8 else np.uint16)


@pytest.mark.parametrize("blend", Blend)
def test_the_renderer_keeps_the_tolerance_however_large_the_colours(blend: Blend) -> None:
    """Needles whose colours are clamped to the largest that a file may hold; spec/picture.md says how far a sample may be off."""
    header = replace(header_for(97, 61, quantizer=Quantizer(aspect=191, luma=191, chroma=191)), blend=blend)
    rng = np.random.default_rng(3)
    header, quantized, found = assert_both_agree(bitstream.encode(header, random_quantized(rng, header, 120, levels=7)))
    scene = make_scene(header, quantized)
    colour = independent.quantization.gaussians(found)[3]
    assert 11 < np.abs(colour).max() < 12
    picture = independent.samples(found)
    largest = np.abs(colour).max()
    if blend is Blend.SUM:  # the same sum with |c| for c
        absolute = replace(scene, gaussians=replace(scene.gaussians, colour=np.abs(scene.gaussians.colour)))
        largest = np.maximum(largest, reference.render(absolute))
    assert np.max(np.abs(render(scene) - picture) / largest) < 1 / 1024


def test_both_decoders_partition_large_nodes_alike() -> None:
    """Of 2^18 points in a node ten bits of a binary partition count are uniform, in two pieces; too many for the rest of the decoder."""
    rng = np.random.default_rng(0)
    x, y = np.minimum(rng.geometric(0.3, (2, 2**18)) - 1, [[8], [5]]).astype(np.int32)
    order = np.argsort(positions.morton(x, y), kind="stable")
    encoder = Encoder()
    positions.encode(encoder, {}, 9, 6, x[order], y[order])
    cells = independent.positions.read_positions(
        independent.coder.RangeDecoder(encoder.finish()), independent.tables.Tables(1), 9, 6, len(x)
    )
    np.testing.assert_array_equal(cells, np.column_stack((x, y))[order])


def test_both_decoders_refuse_more_points_in_a_half_than_in_the_whole() -> None:
    header = replace(header_for(2, 2, quantizer=Quantizer(position=128)), level_counts=(256,))  # cells of 1 px
    encoder = Encoder()
    encoder.code(priors.partition_table(128, 8), np.array([128], np.int32))
    code_bits(encoder, np.array([1], np.int32), 1)  # 257 of 256
    data = write([(HEADER_CHUNK, header_format.write(header)), (GAUSSIANS_CHUNK, encoder.finish(96))])
    with pytest.raises(ValueError, match="more points in a half"):
        independent.decode(data)
    with pytest.raises(SplatError, match="more points in a half"):
        bitstream.decode(data)


@pytest.mark.parametrize("code", [0, 1, 95, 96, 97, 98, 2**16 - 1])
def test_both_decoders_refuse_an_escape_for_a_residual_that_has_a_symbol(code: int) -> None:
    """0, -1, ..., -48 and 48 have one; -49, 49, ... have none."""
    header = replace(header_for(8, 8, 1), level_counts=(1,))
    one = random_quantized(np.random.default_rng(0), header, 1, levels=1)
    encoder = EscapingEncoder(code)
    (section,) = layout.undivided(header, 0)
    (level,) = layout.ranges(header, section)
    symbols = predict.to_symbols(header.quantizer, one)
    stream.code_level(encoder, header, level, symbols, stream.Tables(), positions.encode)
    data = write([(HEADER_CHUNK, header_format.write(header)), (GAUSSIANS_CHUNK, encoder.finish())])
    if code > 96:
        assert_both_agree(data)
        return
    with pytest.raises(ValueError, match="an escape for a residual"):
        independent.decode(data)
    with pytest.raises(SplatError, match="an escape stands for a residual"):
        bitstream.decode(data)


class EscapingEncoder(Encoder):
    """Writes an escape for the first colour, whatever it is, and then the number `code`."""

    def __init__(self, escape: int) -> None:
        super().__init__()
        self.escape = escape

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        if self.part == "luma":
            self.part = "escape"
            super().code(frequencies, np.array([ESCAPE], np.int32))
            code_bits(self, np.array([self.escape], np.int32), 16)
        else:
            super().code(frequencies, symbols)


def head_of(data: bytes) -> bytes:
    """The HEAD payload."""
    return data[13 : 13 + data[12]]


def rebuilt(data: bytes, start: int = 0, stop: int = 0, replacement: bytes = b"", tail: bytes = b"") -> bytes:
    """The file with a slice of the HEAD payload replaced, and bytes appended to GAUS; with CRCs to match."""
    head = head_of(data)
    body = bitstream.inspect(data).chunks[1]
    payload = data[body.offset : body.offset + body.length]
    return write([(HEADER_CHUNK, head[:start] + replacement + head[stop:]), (GAUSSIANS_CHUNK, payload + tail)])


def chunk(kind: bytes, payload: bytes = b"") -> bytes:
    return write([(kind, payload)])[len(SIGNATURE) :]


def assert_both_refuse(data: bytes) -> None:
    with pytest.raises(ValueError):
        independent.decode(data)
    with pytest.raises(SplatError):
        bitstream.decode(data)


def test_both_decoders_refuse_every_damage(tiny_file: bytes) -> None:
    assert rebuilt(tiny_file) == tiny_file
    for at in range(len(tiny_file)):
        assert_both_refuse(tiny_file[:at])
        assert_both_refuse(tiny_file[:at] + bytes([tiny_file[at] ^ 1 << at % 8]) + tiny_file[at + 1 :])


@pytest.mark.parametrize(
    ("start", "stop", "replacement"),
    [
        (0, 1, b"\2"),  # version 2.0
        (1, 2, b"\1"),  # version 1.1
        (2, 3, b"\x15"),  # a reserved flag
        (2, 3, b"\x03"),  # two channels: the fields after them are others
        (3, 4, b"\0"),  # no width
        (3, 4, b"\xc0\0"),  # not the shortest form
        (3, 4, b"\xc0\x80\x80\x80\x80\0"),  # six bytes
        (3, 5, b"\x80\x80\x40\x80\x80\x40"),  # 2^40 pixels
        (8, 9, b"\xc0"),  # position 192
        (10, 11, b"\0"),  # no bins
        (10, 11, b"\x21"),  # 33 bins
        (17, 18, b"\x11" + b"\1" * 11),  # 17 levels
        (17, 18, b"\x06\0"),  # an empty top level
        (17, 18, b"\0"),  # numbers left over
        (17, 99, b""),  # numbers missing
    ],
)
def test_both_decoders_refuse_a_header_that_breaks_a_rule(
    tiny_file: bytes, start: int, stop: int, replacement: bytes
) -> None:
    assert_both_refuse(rebuilt(tiny_file, start, stop, replacement))


@pytest.mark.parametrize("tail", [b"\0", b"\1", bytes(4), b"12345678"])
def test_both_decoders_refuse_a_payload_with_an_appendix(tiny_file: bytes, tail: bytes) -> None:
    assert_both_refuse(rebuilt(tiny_file, tail=tail))


def test_both_decoders_refuse_more_gaussians_than_the_payload_may_hold(tiny_file: bytes) -> None:
    head = bytearray(head_of(tiny_file))
    head[17:] = b"\1\xff\xff\x7f"
    assert_both_refuse(write([(HEADER_CHUNK, bytes(head)), (GAUSSIANS_CHUNK, bytes(1000))]))
    head[17:] = b"\1\x88\2"  # 264 = 64 + 2 x 100
    assert_both_refuse(write([(HEADER_CHUNK, bytes(head)), (GAUSSIANS_CHUNK, bytes(99))]))
    assert_both_agree(write([(HEADER_CHUNK, bytes(head)), (GAUSSIANS_CHUNK, bytes(100))]))


def test_both_decoders_treat_other_chunks_alike(tiny_file: bytes) -> None:
    body = bitstream.inspect(tiny_file).chunks[1].start
    note = chunk(b"noTE", b"hello")
    for data in (tiny_file + note, tiny_file[:body] + note + note + tiny_file[body:]):
        assert_both_agree(data)
        assert_both_refuse(data.replace(b"hello", b"jello"))
    assert_both_agree(tiny_file + chunk(b"note") * 1022)
    for appendix in (chunk(b"note") * 1023, chunk(b"TiLE"), tiny_file[body:], tiny_file[8:body], chunk(b"n0te"), b"x"):
        assert_both_refuse(tiny_file + appendix)
    assert_both_refuse(tiny_file[:body])
    assert_both_refuse(SIGNATURE + tiny_file[body:] + tiny_file[8:body])
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the CRC that container.md describes
