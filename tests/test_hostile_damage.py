"""Damage to a real file: cut at every byte, every bit of its header flipped and 2000 others, bytes changed behind its CRCs."""

from __future__ import annotations

import ast
import io
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import splatc
from splatc import bitstream
from splatc.bitstream import Layer, Metadata, Reader
from splatc.bitstream.header import check
from splatc.decoder.verifier import find_problems
from splatc.errors import CorruptFileError, SplatError
from splatc.gaussians import Gaussians
from splatc.quantize import quantize
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, random_quantized
from tests.fuzz import mutate, seeds, target


@pytest.fixture(scope="module")
def real() -> bytes:
    """A file as the encoder makes them for large pictures: index, sections, profile, EXIF and XMP; 700 smooth Gaussians."""
    rng = np.random.default_rng(3)
    scale = np.sort(rng.gamma(2.0, 3.0, (700, 2)) + 0.5)[:, ::-1]
    mean = rng.uniform((0, 0), (320, 200), (700, 2))
    colour = 0.5 + 0.4 * np.sin(mean[:, :1] / 40 + np.array([0.0, 1.0, 2.0]))
    fitted = Gaussians(*(a.astype(np.float32) for a in (mean, scale, rng.uniform(0, np.pi, 700), colour)))
    header = header_for(320, 200)
    metadata = Metadata(icc=bytes(range(200)), exif=b"II*\0" + bytes(30), xmp=b"<x:xmpmeta/>")
    quantized = quantize(Quantizer(), fitted, 320, 200)
    return bitstream.encode(header, quantized, metadata, layout=(Layer(2, 9), Layer(4, 7)))


def read_everything(data: bytes) -> None:
    """As ``splatc decode`` of the whole picture does, without drawing it."""
    reader = Reader(io.BytesIO(data))
    reader.check()
    reader.read()
    reader.metadata()


def test_it_is_sound(real: bytes) -> None:
    read_everything(real)
    assert find_problems(real) == []
    assert [chunk.type for chunk in bitstream.inspect(real).chunks] == ["HEAD", "iccp", "INDX", "GAUS", "exif", "xmpd"]


def test_a_cut_at_every_byte_is_found(real: bytes) -> None:
    chunk_ends = {chunk.offset + chunk.length + 4 for chunk in bitstream.inspect(real).chunks}
    body = next(chunk for chunk in bitstream.inspect(real).chunks if chunk.type == "GAUS")
    for length in range(len(real)):
        cut = real[:length]
        if length in chunk_ends and length > body.offset:
            read_everything(cut)  # whole chunks of metadata are missing: nothing of the picture is
            continue
        with pytest.raises(CorruptFileError):
            read_everything(cut)
        if length % 50 == 0:
            assert find_problems(cut)


def test_every_flipped_bit_is_found(real: bytes) -> None:
    head = bitstream.inspect(real).chunks[0]
    first = 8 * (head.offset + head.length + 4)
    chance = random.Random(6)
    for number, bit in enumerate([*range(first), *(chance.randrange(first, 8 * len(real)) for _ in range(2000))]):
        damaged = bytearray(real)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            read_everything(bytes(damaged))
        except SplatError:
            assert number % 40 or find_problems(bytes(damaged))
        else:
            raise AssertionError(f"bit {bit % 8} of byte {bit // 8} means nothing")


SEEDS = seeds.seeds()


@settings(max_examples=120)
@given(st.integers(0, 2**32 - 1), st.integers(0, len(SEEDS) - 1), st.integers(1, 4))
def test_whatever_is_changed_all_readers_agree(seed: int, chosen: int, times: int) -> None:
    """The fuzz target, without the fuzzer: a file is read by everyone or by no one, and its bytes are the only ones that mean it."""
    chance = random.Random(seed)
    data = SEEDS[chosen]
    for _ in range(times):
        data = mutate.mutated(data, mutate.random_bytes_changed(chance), chance)
    target.check(data)


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_the_seeds_are_sound(number: int) -> None:
    assert target.check(SEEDS[number])


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from([b"", bitstream.container.SIGNATURE]))
def test_noise_is_no_file(data: bytes, start: bytes) -> None:
    assert not target.check(start + data)


@settings(max_examples=40)
@given(st.integers(1, 2**20), st.integers(1, 2**20), st.integers(1, 4), st.integers(0, 191), st.integers(0, 2**32 - 1))
def test_any_header_that_is_allowed_is_read_and_drawn_small(
    width: int, height: int, channels: int, position: int, seed: int
) -> None:
    header = header_for(width, height, channels, Quantizer(position=position))
    try:
        check(replace(header, level_counts=(1,) * 6))
    except SplatError:  # beyond the limits of the format
        return
    assert target.check(bitstream.encode(header, random_quantized(np.random.default_rng(seed), header, 5)))


def test_truncated_metadata_does_not_stop_verify(real: bytes) -> None:
    """Found by the fuzzer."""
    assert [problem.part for problem in find_problems(real[:-6])] == ["chunks"]


def test_no_code_comes_from_data() -> None:
    """No pickle, eval, exec or marshal; checkpoints of others are loaded as plain tensors."""
    package = Path(splatc.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                assert not {"pickle", "marshal", "shelve", "dill", "joblib"} & {name.split(".")[0] for name in names}, (
                    path
                )
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if isinstance(
                    node.func, ast.Name
                ):  # a method of that name (of a regular expression, of CUDA's compiler) is another thing
                    assert called not in ("eval", "exec", "compile", "__import__"), (path, node.lineno)
                if called == "load" and getattr(getattr(node.func, "value", None), "id", "") in ("torch", "np"):
                    options = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
                    assert options.get("weights_only") is True or options.get("allow_pickle") in (None, False), path
