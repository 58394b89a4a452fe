"""Every argument of every public function, given what callers give by mistake: a right result, or one sentence that says what is wrong.

The functions and methods are found by their signatures, from ``splatc.__all__`` on; a new parameter without a case here fails.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import math
import mmap
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import splatc as package
from splatc.bitstream import Metadata
from splatc.decoder.comparison import Comparison
from splatc.decoder.picture import Picture
from splatc.decoder.picture_file import DecodeSummary
from splatc.decoder.verifier import Problem
from splatc.encoder.picture_file import EncodeSummary
from splatc.errors import SplatError

splatc: Any = package
"""Of no types: all of them are tried."""
PIXELS = np.random.default_rng(8).integers(0, 256, (6, 8, 3), np.uint8)


def one(**changed: Any) -> Any:
    values = {"mean": [[8, 6]], "scale": [[4, 2]], "angle": [0.3], "colour": [[1, 0.5, 0]]}
    return splatc.Gaussians(**{name: np.array(value, np.float32) for name, value in values.items()} | changed)


FILE = splatc.encode_gaussians(one(), 16, 12)


class Rude:
    """Raises wherever it is looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __float__(self) -> float:
        raise RuntimeError("no float")

    __index__ = __len__ = __iter__ = __float__


class Anything:
    """Can be called with anything."""

    def __init__(self, *_: object) -> None:
        pass


ODD: dict[str, Any] = {
    "None": None,
    "text": "x",
    "no text": "",
    "NUL": "a\0b",
    "digits": "3",
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "-1": -1,
    "0": 0,
    "3": 3,
    "2.5": 2.5,
    "3.0": 3.0,
    "400 digits": 10**400,
    "-400 digits": -(10**400),
    "5000 digits": 10**5000,
    "1e300": 1e300,
    "True": True,
    "bytes": b"x",
    "bytearray": bytearray(b"x"),
    "memoryview": memoryview(b"xyz")[::2],
    "object": object(),
    "rude": Rude(),
    "function": lambda *_: None,
    "list": [1, 2],
    "set": {0, 1, 4, 6},
    "nothing": [],
    "dict": {},
    "generator": (each for each in range(1 << 62)),
    "complex": 1j,
    "third": Fraction(1, 3),
    "Fraction 3": Fraction(3),
    "huge Fraction": Fraction(10**400, 3),
    "Decimal 3": Decimal(3),
    "Decimal NaN": Decimal("NaN"),
    "Decimal sNaN": Decimal("sNaN"),
    "Decimal inf": Decimal("-Infinity"),
    "huge Decimal": Decimal("1e999999999"),
    "tiny Decimal": Decimal("1e-999999999"),
    "np.int64 3": np.int64(3),
    "np.float32 3": np.float32(3),
    "np.float32 2.5": np.float32(2.5),
    "np.float64 nan": np.float64(np.nan),
    "np.bool": np.True_,
    "array": np.array([1.0, 2.0]),
    "array of no axes": np.array(3),
    "date": np.datetime64("2020-01-01"),
    "not a time": np.datetime64("NaT"),
    "class": Anything,
    "file of text": io.StringIO("text"),
}

THREE = {"3", "3.0", "Fraction 3", "Decimal 3", "np.int64 3", "np.float32 3", "array of no axes"}
POSITIVE = THREE | {"2.5", "third", "1e300", "np.float32 2.5"}
BYTES = {"bytes", "bytearray", "memoryview", "None"}
NONE = {"None"}
FLAG = {"True", "np.bool", "0"}

Call = Callable[[Path, Any], object]
"""With a folder, and the value for the argument."""


def encode(name: str) -> Call:
    target = {} if name in ("cr", "bpp", "size", "psnr", "count") else {"count": 2}
    return lambda _, value: splatc.encode(**{"array": PIXELS, "effort": 1} | target | {name: value})


def encode_file(name: str) -> Call:
    target = {} if name in ("cr", "bpp", "size", "psnr", "count") else {"count": 2}
    given: dict[str, Any] = {"source": "in.png", "target": "out.splat2d", "effort": 1}

    def call(folder: Path, value: Any) -> object:
        PIL.Image.fromarray(PIXELS).save(folder / "in.png")
        (folder / "out.splat2d").unlink(missing_ok=True)
        return splatc.encode_file(**given | target | {name: value})

    return call


def decode_file(name: str) -> Call:
    def call(folder: Path, value: Any) -> object:
        (folder / "in.splat2d").write_bytes(FILE)
        (folder / "out.png").unlink(missing_ok=True)
        return splatc.decode_file(**{"source": "in.splat2d", "target": "out.png"} | {name: value})

    return call


def compare(name: str) -> Call:
    def call(folder: Path, value: Any) -> object:
        (folder / "in.splat2d").write_bytes(FILE)
        return splatc.compare(**{"a": "in.splat2d", "b": "in.splat2d"} | {name: value})

    return call


def decode(name: str) -> Call:
    return lambda _, value: splatc.decode(**{"data": FILE} | {name: value})


def bound(function: Callable[..., object], name: str) -> Call:
    """Of info, which decodes nothing unasked, and of verify, which lists what is beyond its bounds."""
    return lambda _, value: function(FILE, **{name: value})


def opened(name: str) -> Call:
    return lambda _, value: splatc.open(io.BytesIO(FILE), **{name: value})


def read(method: str, name: str) -> Call:
    return lambda _, value: getattr(splatc.open(io.BytesIO(FILE)), method)(**{name: value})


def from_gaussians(name: str) -> Call:
    given: dict[str, Any] = {"gaussians": one(), "width": 16, "height": 12}
    return lambda _, value: splatc.encode_gaussians(**given | {name: value})


def load(name: str) -> Call:
    def call(folder: Path, value: Any) -> object:
        splatc.save_gaussians(folder / "one.npz", one(), force=True)
        return splatc.load_gaussians(**{"path": folder / "one.npz"} | {name: value})

    return call


def save(name: str) -> Call:
    return lambda folder, value: splatc.save_gaussians(
        **{"path": folder / "two.npz", "gaussians": one(), "force": name != "force"} | {name: value}
    )


def made(name: str) -> Call:
    """Gaussians are only looked at where they are used."""

    def call(_: Path, value: Any) -> object:
        return splatc.encode_gaussians(one(**{name: value}), 16, 12)

    return call


SCALES = {"digits"} | (THREE | {"2.5", "third", "np.float32 2.5"})
# (function or method, parameter): how it is called, and which of ODD are right.
CASES: dict[tuple[str, str], tuple[Call, set[str]]] = {
    ("encode", "array"): (encode("array"), set()),
    # Without a target (None) the picture is too small for the usual ratio; three bytes a pixel are fewer than any file of it has.
    **{("encode", name): (encode(name), POSITIVE - {"1e300"}) for name in ("cr", "psnr")},
    ("encode", "bpp"): (encode("bpp"), {"1e300"}),
    ("encode", "size"): (encode("size"), set()),
    ("encode", "count"): (encode("count"), THREE),
    ("encode", "effort"): (encode("effort"), THREE | {"0"}),
    ("encode", "tune"): (encode("tune"), set()),
    ("encode", "blend"): (encode("blend"), NONE),
    ("encode", "seed"): (encode("seed"), THREE | {"0"}),
    ("encode", "engine"): (encode("engine"), set()),
    ("encode", "device"): (encode("device"), set()),
    **{("encode", name): (encode(name), BYTES) for name in ("icc_profile", "exif", "xmp")},
    ("encode", "max_memory"): (encode("max_memory"), NONE),
    ("encode", "progress"): (encode("progress"), NONE | {"function", "class"}),
    ("encode_file", "source"): (encode_file("source"), set()),
    ("encode_file", "target"): (encode_file("target"), {"text", "digits"}),
    **{("encode_file", name): (encode_file(name), POSITIVE - {"1e300"}) for name in ("cr", "psnr")},
    ("encode_file", "bpp"): (encode_file("bpp"), {"1e300"}),
    ("encode_file", "size"): (encode_file("size"), set()),
    ("encode_file", "count"): (encode_file("count"), THREE),
    ("encode_file", "effort"): (encode_file("effort"), THREE | {"0"}),
    ("encode_file", "tune"): (encode_file("tune"), set()),
    ("encode_file", "blend"): (encode_file("blend"), NONE),
    ("encode_file", "seed"): (encode_file("seed"), THREE | {"0"}),
    ("encode_file", "engine"): (encode_file("engine"), set()),
    ("encode_file", "device"): (encode_file("device"), set()),
    ("encode_file", "strip"): (encode_file("strip"), FLAG),
    ("encode_file", "max_time"): (encode_file("max_time"), NONE | POSITIVE),
    ("encode_file", "max_memory"): (encode_file("max_memory"), NONE),
    ("encode_file", "threads"): (encode_file("threads"), NONE | THREE),
    ("encode_file", "force"): (encode_file("force"), FLAG),
    ("encode_file", "progress"): (encode_file("progress"), NONE | {"function", "class"}),
    ("decode_file", "source"): (decode_file("source"), set()),
    ("decode_file", "target"): (decode_file("target"), set()),
    ("decode_file", "region"): (decode_file("region"), NONE),
    ("decode_file", "scale"): (decode_file("scale"), SCALES),
    ("decode_file", "max_level"): (decode_file("max_level"), NONE | THREE | {"0"}),
    ("decode_file", "bit_depth"): (decode_file("bit_depth"), NONE),
    **{("decode_file", name): (decode_file(name), FLAG) for name in ("allow_truncated", "strip", "force")},
    ("decode_file", "max_pixels"): (decode_file("max_pixels"), NONE),
    ("decode_file", "max_memory"): (decode_file("max_memory"), NONE),
    ("decode_file", "max_work"): (decode_file("max_work"), NONE),
    ("decode_file", "device"): (decode_file("device"), set()),
    ("decode_file", "threads"): (decode_file("threads"), NONE | THREE),
    ("decode_file", "progress"): (decode_file("progress"), NONE | {"function", "class"}),
    **{("compare", name): (compare(name), set()) for name in ("a", "b")},
    **{("compare", name): (compare(name), NONE) for name in ("max_pixels", "max_memory", "max_work")},
    ("decode", "data"): (decode("data"), set()),
    ("decode", "max_pixels"): (decode("max_pixels"), NONE),
    ("decode", "max_memory"): (decode("max_memory"), NONE),
    ("decode", "max_work"): (decode("max_work"), NONE),
    ("decode", "device"): (decode("device"), set()),
    ("decode", "region"): (decode("region"), NONE),
    ("decode", "scale"): (decode("scale"), SCALES),
    ("decode", "max_level"): (decode("max_level"), NONE | THREE | {"0"}),
    ("decode", "bit_depth"): (decode("bit_depth"), NONE),
    ("info", "data"): (lambda _, value: splatc.info(value), set()),
    ("info", "bits"): (lambda _, value: splatc.info(FILE, bits=value), FLAG),
    ("verify", "data"): (lambda _, value: splatc.verify(value), BYTES - NONE),
    **{("info", name): (bound(splatc.info, name), NONE | THREE) for name in ("max_memory", "max_work")},
    **{("verify", name): (bound(splatc.verify, name), NONE | THREE) for name in ("max_memory", "max_work")},
    ("encode_gaussians", "gaussians"): (from_gaussians("gaussians"), set()),
    ("encode_gaussians", "width"): (from_gaussians("width"), THREE),
    ("encode_gaussians", "height"): (from_gaussians("height"), THREE),
    ("encode_gaussians", "blend"): (from_gaussians("blend"), set()),
    ("encode_gaussians", "background"): (from_gaussians("background"), NONE),
    ("encode_gaussians", "bit_depth"): (from_gaussians("bit_depth"), set()),
    ("encode_gaussians", "precision"): (from_gaussians("precision"), {"0"}),
    ("load_gaussians", "path"): (load("path"), set()),
    ("load_gaussians", "width"): (load("width"), NONE | THREE),
    ("load_gaussians", "height"): (load("height"), NONE | THREE),
    ("save_gaussians", "path"): (save("path"), set()),
    ("save_gaussians", "gaussians"): (save("gaussians"), set()),
    ("save_gaussians", "width"): (save("width"), NONE | THREE),
    ("save_gaussians", "height"): (save("height"), NONE | THREE),
    ("save_gaussians", "force"): (save("force"), FLAG),
    ("open", "file"): (lambda _, value: splatc.open(value), set()),
    **{("open", name): (opened(name), NONE | THREE) for name in ("max_pixels", "max_memory", "max_work")},
    ("open", "device"): (lambda _, value: splatc.open(io.BytesIO(FILE), device=value), set()),
    **{(f"Picture.{each}", "region"): (read(each, "region"), NONE) for each in ("read", "strips", "view")},
    **{(f"Picture.{each}", "scale"): (read(each, "scale"), SCALES) for each in ("read", "strips", "view")},
    **{
        (f"Picture.{each}", "max_level"): (read(each, "max_level"), NONE | THREE | {"0"}) for each in ("read", "strips")
    },
    **{(f"Picture.{each}", "bit_depth"): (read(each, "bit_depth"), NONE) for each in ("read", "strips", "load")},
    **{(f"Picture.{each}", "allow_truncated"): (read(each, "allow_truncated"), FLAG) for each in ("read", "strips")},
    **{("Gaussians", each): (made(each), set()) for each in ("mean", "scale", "angle", "colour")},
}
PLAIN = (Comparison, DecodeSummary, EncodeSummary, Metadata, Problem)
"""Returned, and made of what splatc has checked."""


def parameters() -> Iterator[tuple[str, str]]:
    """Of all public functions, of the constructors of public classes, and of the methods of these and of what is returned."""
    for name in splatc.__all__:
        thing = getattr(splatc, name)
        if isinstance(thing, type) and thing is not splatc.Gaussians:  # an error, or made by splatc alone
            continue
        if callable(thing):
            yield from ((name, each) for each in inspect.signature(thing).parameters)
    for kind in (splatc.Gaussians, Picture, *PLAIN):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if name.startswith("_"):
                continue
            yield from (
                (f"{kind.__name__}.{name}", each) for each in inspect.signature(method).parameters if each != "self"
            )


def test_every_parameter_has_a_case() -> None:
    assert set(parameters()) == set(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}({case[1]})")
def test_a_right_result_or_a_sentence(case: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call, right = CASES[case]
    wrong, accepted = {}, set()
    for name, value in ODD.items():
        try:
            call(tmp_path, value)
            accepted.add(name)
        except SplatError as error:
            text = str(error)
            if len(text) > 400 or not text.isprintable() or len(text.split()) < 4:
                wrong[name] = text
        except Exception as error:  # the very thing that must not leave
            wrong[name] = f"{type(error).__name__}: {error}"
    assert not wrong
    assert accepted == right


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: splatc.encode(PIXELS, seed="a"), "seed='a': expected a whole number from 0 to 4294967295"),
        (lambda: splatc.encode(PIXELS, icc_profile="x"), "icc_profile='x': expected bytes, or None"),
        (lambda: splatc.encode(PIXELS, size=10**400), r"size=10+\.\.\.0+: expected a whole number from 1 to 2\^63 - 1"),
        (lambda: splatc.encode(PIXELS, size=10**5000), "size=a number of some 5001 digits: expected a whole number"),
        (lambda: splatc.encode(PIXELS, cr=True), "cr=True: expected a number above 0"),
        (lambda: splatc.encode_gaussians(one(), 16.7, 12), r"width=16\.7: expected a whole number from 1"),
        (lambda: splatc.decode(FILE, max_level=1.5), r"max_level=1\.5: expected a whole number from 0 to 15, or None"),
        (lambda: splatc.decode(FILE, max_level="3"), "max_level='3': expected a whole number from 0 to 15, or None"),
        (lambda: splatc.decode(FILE, region=(0, 0, math.inf, 1)), "region: width=inf: expected a whole number"),
        (lambda: splatc.decode(FILE, region=(0, 0, 8)), r"region=\(0, 0, 8\): expected x, y, width and height"),
        (lambda: splatc.decode(None), "data=None: expected the bytes of a .splat2d file, its path or a binary file"),
        (lambda: splatc.open(FILE), "expected a path or a binary file, not bytes; bytes go into an io.BytesIO"),
        (lambda: splatc.encode("photo.png"), "array='photo.png' is a path, .*: splatc.encode_file"),
    ],
)
def test_the_sentences(call: Callable[[], object], message: str) -> None:
    with pytest.raises(SplatError, match=message):
        call()


def test_numbers_of_every_kind_are_the_same_number() -> None:
    expected = splatc.encode(PIXELS, count=3, effort=1, seed=3)
    assert splatc.encode(PIXELS, count=3.0, effort=np.int8(1), seed=np.int64(3)) == expected
    assert splatc.encode(PIXELS, count=Fraction(3), effort=Decimal(1), seed=np.uint64(3)) == expected
    torch = pytest.importorskip("torch")
    assert splatc.encode(PIXELS, count=torch.tensor(3), effort=1, seed=torch.tensor(3)) == expected
    half = splatc.decode(FILE, scale=0.5)
    for scale in (np.float32(0.5), np.float16(0.5), Fraction(1, 2), Decimal("0.5"), "1/2", ".5"):
        assert (splatc.decode(FILE, scale=scale) == half).all()
    part = splatc.decode(FILE, region=(1, 2, 3, 4))
    for region in ([1, 2, 3, 4], np.array([1, 2, 3, 4], ">i2"), (1.0, np.int64(2), Decimal(3), Fraction(4))):
        assert (splatc.decode(FILE, region=region) == part).all()
    assert splatc.decode(FILE, bit_depth=np.uint8(16)).dtype == np.uint16


def test_targets_that_are_as_good_as_none() -> None:
    data = splatc.encode(PIXELS, cr=5e-324, effort=1)
    assert data == splatc.encode(PIXELS, bpp=1.7e308, effort=1) == splatc.encode(PIXELS, size=2**63 - 1, effort=1)


def test_a_picture_too_small_for_a_ratio_gets_an_error_that_says_what_to_ask_for() -> None:
    with pytest.raises(SplatError, match=r"less than one byte: ask for bytes, as size=200 does, or for Gaussians"):
        splatc.encode(PIXELS, cr=1e6)


def test_files_by_every_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = splatc.decode(FILE)
    monkeypatch.chdir(tmp_path)
    Path("-").write_bytes(FILE)  # not standard input
    Path("a.splat2d").write_bytes(FILE)
    with Path("a.splat2d").open("rb") as opened:
        for data in ("-", "a.splat2d", Path("a.splat2d"), bytearray(FILE), memoryview(FILE), opened, io.BytesIO(FILE)):
            assert (splatc.decode(data) == whole).all()
            assert splatc.info(data)["width"] == 16
            assert splatc.verify(data) == []
    with Path("a.splat2d").open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert (splatc.decode(mapped) == whole).all()
        assert (splatc.open(mapped).read() == whole).all()
    splatc.save_gaussians(b"one.npz", one())
    assert len(splatc.load_gaussians(b"one.npz")) == 1
    with pytest.raises(SplatError, match="expected an open file"):
        splatc.decode(opened)


def test_gaussians_as_lists_doubles_and_other_byte_orders() -> None:
    for dtype in (">f4", np.float64, np.float16):
        arrays = {
            each.name: np.asfortranarray(getattr(one(), each.name).astype(dtype)) for each in dataclasses.fields(one())
        }
        assert splatc.info(splatc.encode_gaussians(splatc.Gaussians(**arrays), 16, 12))["gaussians"] == 1
    lists = splatc.Gaussians([[8, 6]], [[4, 2]], [0], [[1]])
    assert splatc.encode_gaussians(lists, 16, 12, background=[7]) == splatc.encode_gaussians(
        lists, 16, 12, background=np.array([7])
    )
    with pytest.raises(SplatError, match="a mean that is not finite"):
        splatc.encode_gaussians(one(mean=np.array([[1e300, 0.0]])), 16, 12)
