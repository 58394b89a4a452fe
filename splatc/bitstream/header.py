"""The HEAD payload (spec/header.md): its fields are declared once, in FIELDS; writer, reader and the table of the spec follow them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from splatc.attributes import MAX_LEVELS, QUANTIZER_FIELDS, QuantizerFields
from splatc.bitstream import limits, varint
from splatc.blend import Blend
from splatc.errors import CorruptFileError, LimitError, UnsupportedFileError
from splatc.steps import MAX_BINS, MAX_STEP_INDEX, Quantizer, grid_shape

VERSION = (1, 0)
"""Major and minor version of the format that is written unless another is asked for."""
DRAFT_VERSION = (1, 1)
"""The newest that is read: a draft (spec/draft.md)."""
MODELS = 7
"""All bits of the models of a draft: 1 sub-cell offsets by area, 2 directions, 4 chroma."""


@dataclass(frozen=True)
class Header:
    """What a decoder must know before it reads the first Gaussian."""

    width: int
    height: int
    """px."""
    channels: int
    """1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
    background: tuple[int, ...]
    """(channels,) the colour where no Gaussian reaches (normalized blend), 0..255."""
    blend: Blend = Blend.NORMALIZED
    depth: int = 8
    """Bits per sample of the picture that the decoder makes, 8 or 16."""
    quantizer: Quantizer = field(default_factory=Quantizer)
    level_counts: tuple[int, ...] = ()
    """The number of Gaussians in each level, coarse to fine: the first is of level len(level_counts) - 1, the last of level 0."""
    version: tuple[int, int] = VERSION
    """Major and minor version of the file: VERSION or DRAFT_VERSION."""
    models: int = 0
    """Bits of MODELS, of a draft alone."""

    @property
    def is_draft(self) -> bool:
        """Whether the file is one of a draft of the format (spec/draft.md)."""
        return self.version > VERSION

    @property
    def count(self) -> int:
        """The number of Gaussians."""
        return sum(self.level_counts)

    @property
    def cr_denominator(self) -> int:
        """Bytes of the source picture; CR is these over the bytes of the file."""
        return self.width * self.height * self.channels * self.depth // 8


@dataclass(frozen=True)
class Encoding:
    """How one number is written; ``read`` takes the payload and a position, and returns the number and the next position."""

    name: str
    write: Callable[[int], bytes]
    read: Callable[[bytes, int], tuple[int, int]]


def _read_byte(payload: bytes, position: int) -> tuple[int, int]:
    if position >= len(payload):
        raise CorruptFileError(f"the HEAD chunk ends too early, after {len(payload)} bytes")
    return payload[position], position + 1


def _read_signed_byte(payload: bytes, position: int) -> tuple[int, int]:
    value, position = _read_byte(payload, position)
    return value - 256 * (value >= 128), position


U8 = Encoding("u8", lambda value: value.to_bytes(1, "little"), _read_byte)
I8 = Encoding("i8", lambda value: value.to_bytes(1, "little", signed=True), _read_signed_byte)
VARINT = Encoding("varint", varint.write, lambda payload, at: varint.read(payload, at, "the HEAD chunk"))


@dataclass(frozen=True)
class Field:
    """One field of the payload."""

    name: str
    encoding: Encoding
    low: int
    high: int
    """Smallest and largest allowed value."""
    meaning: str
    times: str = "1"
    """How often it stands there: "1", or the name of an earlier value."""


_RANGES: dict[str, tuple[Encoding, int, int]] = {
    "step": (U8, 0, MAX_STEP_INDEX),
    "slope": (I8, -128, 127),
    "bins": (U8, 1, MAX_BINS),
}
"""By kind, of the fields that say how finely an attribute is quantized."""


def _of_quantizer(declared: dataclasses.Field[Any]) -> Field:
    return Field(declared.name, *_RANGES[declared.metadata["kind"]], declared.metadata["meaning"])


FIELDS = (
    Field("major", U8, 0, 255, f"major version, {VERSION[0]}"),
    Field("minor", U8, 0, 255, f"minor version, {VERSION[1]}, or {DRAFT_VERSION[1]} in a draft ([draft.md](draft.md))"),
    Field(
        "flags",
        U8,
        0,
        15,
        "bit 0 blend (0 sum, 1 normalized); bits 1-2 channels - 1; bit 3 depth (0: 8 bits, 1: 16 bits)",
    ),
    Field("width", VARINT, 1, limits.MAX_SIDE, "width, px"),
    Field("height", VARINT, 1, limits.MAX_SIDE, "height, px"),
    Field("background", U8, 0, 255, "background colour, over 255", "channels"),
    *(_of_quantizer(each) for each in fields(QuantizerFields)),
    Field("levels", U8, 0, MAX_LEVELS, "number of levels, L"),
    Field("level_counts", VARINT, 0, limits.MAX_GAUSSIANS, "Gaussians of level L - 1, ..., of level 0", "levels"),
)
DRAFT_FIELDS = (
    Field(
        "models",
        U8,
        0,
        MODELS,
        "bit 0 sub-cell offsets by area, bit 1 orientation by the directions around, bit 2 chroma by what is around",
    ),
)
"""What a draft has behind them."""


def write(header: Header) -> bytes:
    """The HEAD payload. Raises ValueError for a header that makes no sense, LimitError for one beyond the limits."""
    if not 1 <= header.channels <= 4 or header.depth not in (8, 16) or len(header.background) != header.channels:
        raise ValueError(
            f"no such kind of picture: {header.channels} channels, {header.depth} bits, background {header.background}"
        )
    if header.version not in (VERSION, DRAFT_VERSION):
        raise ValueError(f"no such version: {header.version}")
    if header.models and not header.is_draft:
        raise ValueError(f"models {header.models} in a file of version {header.version}")
    quantizer = header.quantizer
    values: dict[str, int | tuple[int, ...]] = {
        "major": header.version[0],
        "minor": header.version[1],
        "flags": header.blend | (header.channels - 1) << 1 | (header.depth == 16) << 3,
        "width": header.width,
        "height": header.height,
        "background": header.background,
        **{name: getattr(quantizer, name) for name in QUANTIZER_FIELDS},
        "levels": len(header.level_counts),
        "level_counts": header.level_counts,
        "models": header.models,
    }
    check(header)
    payload = bytearray()
    for item in (*FIELDS, *DRAFT_FIELDS) if header.is_draft else FIELDS:
        value = values[item.name]
        for number in value if isinstance(value, tuple) else (value,):
            if not item.low <= number <= item.high:
                raise ValueError(f"{item.name} is {number}, it must be {item.low}..{item.high}")
            payload += item.encoding.write(number)
    return bytes(payload)


def read(payload: bytes) -> Header:
    """The header from a HEAD payload.

    Raises CorruptFileError where it breaks the rules, UnsupportedFileError for another version, LimitError beyond the limits.
    """
    values: dict[str, tuple[int, ...]] = {}
    repeats = {"1": 1}
    position = 0
    for item in (*FIELDS, *DRAFT_FIELDS) if version_of(payload) > VERSION else FIELDS:
        numbers = []
        for _ in range(repeats[item.times]):
            number, position = item.encoding.read(payload, position)
            if not item.low <= number <= item.high:
                error = LimitError if item.encoding is VARINT and number > item.high else CorruptFileError
                raise error(f"{item.name} in the HEAD chunk is {number}, it must be {item.low}..{item.high}")
            numbers.append(number)
        values[item.name] = tuple(numbers)
        if item.name == "flags":
            repeats["channels"] = (numbers[0] >> 1 & 3) + 1
        elif item.name == "levels":
            repeats["levels"] = numbers[0]
    if position != len(payload):
        raise CorruptFileError(f"the HEAD chunk has {len(payload)} bytes, expected {position}")
    flags = values["flags"][0]
    header = Header(
        width=values["width"][0],
        height=values["height"][0],
        channels=repeats["channels"],
        background=values["background"],
        blend=Blend(flags & 1),
        depth=16 if flags & 8 else 8,
        quantizer=Quantizer(**{name: values[name][0] for name in QUANTIZER_FIELDS}),
        level_counts=values["level_counts"],
        version=(values["major"][0], values["minor"][0]),
        models=values.get("models", (0,))[0],
    )
    if header.level_counts[:1] == (0,):
        raise CorruptFileError("the top level of the HEAD chunk has no Gaussian")
    check(header)
    return header


def check(header: Header) -> None:
    """Raise LimitError if the picture, the count or a position grid exceeds the limits of the format."""
    limits.check_picture(header.width, header.height)
    limits.check_count(header.count)
    for level in range(len(header.level_counts)):
        limits.check_grid(level, *grid_shape(header.width, header.height, header.quantizer.position_step(level)))


def version_of(payload: bytes) -> tuple[int, int]:
    """Major and minor version of a HEAD payload, which say how the rest of it is read.

    Raises CorruptFileError if it ends before them, UnsupportedFileError for a version that this splatc does not read.
    """
    (major, _), (minor, _) = _read_byte(payload, 0), _read_byte(payload, 1)
    _check_version(major, minor)
    return major, minor


def _check_version(major: int, minor: int) -> None:
    if major == DRAFT_VERSION[0] and minor <= DRAFT_VERSION[1]:
        return
    newest = ".".join(map(str, DRAFT_VERSION))
    advice = "a newer splatc" if (major, minor) > DRAFT_VERSION else "the splatc that wrote it"
    raise UnsupportedFileError(
        f"the file has format version {major}.{minor}, this splatc reads {newest}: decode it with {advice}"
    )
