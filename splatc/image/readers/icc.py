"""Small ICC profiles made of numbers: chromaticities and a transfer curve (ICC.1:2022; some 500 bytes).

Files say by a few numbers how their colours are meant; a profile is what every program understands, and what ``.splat2d`` files keep.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Xy = tuple[float, float]
"""Chromaticity: x and y of CIE 1931."""

_D50 = np.array([0xF6D6, 0x10000, 0xD32D]) / 65536  # as the profile connection space has it, in its numbers
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_VERSION = 0x04300000
_TABLE = 1024
"""Points of a table at most; between them it is linear."""


@dataclass(frozen=True)
class Curve:
    """Light of a sample, both 0..1: ``(a v + b) ** g + e`` from ``d`` on, ``c v + f`` below (ICC's parametric curve of type 4)."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def light(self, samples: ArrayLike) -> Floats:
        """What `samples` amount to; not less than 0."""
        v = np.asarray(samples, np.float64)
        above = np.maximum(self.a * v + self.b, 0) ** self.g + self.e
        result: Floats = np.where(v >= self.d, above, self.c * v + self.f).clip(0)
        return result

    def of_narrow_range(self) -> Curve:
        """The same for samples of which 16/255 is black and 235/255 white."""
        scale, black = 255 / 219, 16 / 219
        return Curve(
            self.g,
            self.a * scale,
            self.b - self.a * black,
            self.c * scale,
            (self.d + black) / scale,
            self.e,
            self.f - self.c * black,
        )

    def tag(self) -> bytes:
        """As an element of a profile."""
        if self == Curve(self.g):
            return b"para" + struct.pack(">IHHi", 0, 0, 0, _fixed(self.g))
        values = (self.g, self.a, self.b, self.c, self.d, self.e, self.f)
        return b"para" + struct.pack(">IHH7i", 0, 4, 0, *map(_fixed, values))


@dataclass(frozen=True)
class SampledCurve:
    """Light of samples at equal distances from the least to the largest, 0..65535."""

    values: tuple[int, ...]

    def light(self, samples: ArrayLike) -> Floats:
        """What `samples` (0..1) amount to, 0..1."""
        places = np.linspace(0, 1, len(self.values))
        result: Floats = np.interp(np.asarray(samples, np.float64), places, np.array(self.values) / 65535)
        return result

    def tag(self) -> bytes:
        """As an element of a profile."""
        values = self.values
        if len(values) > _TABLE:
            values = tuple(values[round(at)] for at in np.linspace(0, len(values) - 1, _TABLE).tolist())
        return b"curv" + struct.pack(f">II{len(values)}H", 0, len(values), *values)


Transfer = Curve | SampledCurve

SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
D65: Xy = (0.3127, 0.3290)
SRGB_PRIMARIES: tuple[Xy, Xy, Xy] = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))


@dataclass(frozen=True)
class ColourSpace:
    """How the samples of a picture are meant."""

    name: str
    """For the profile's description, ASCII."""
    primaries: tuple[Xy, Xy, Xy] = SRGB_PRIMARIES
    """Of red, green and blue."""
    white: Xy = D65
    curves: tuple[Transfer, ...] = (SRGB_CURVE,)
    """One for all channels, or one for each of red, green and blue."""

    def to_d50(self) -> Floats:
        """(3, 3) from linear RGB to XYZ under the white of profiles. Raises ValueError for chromaticities that span no colours."""
        to_xyz = self._to_xyz()
        return _bradford(self.white) @ to_xyz

    def _to_xyz(self) -> Floats:
        columns = np.array([(x, y, 1 - x - y) for x, y in self.primaries]).T
        if not np.isfinite([*columns.flat, *self.white]).all():
            raise ValueError("chromaticities that are no numbers")
        if abs(np.linalg.det(columns)) < 1e-6 or self.white[1] < 1e-3:
            raise ValueError("chromaticities that span no colours")
        result: Floats = columns * np.linalg.solve(columns, _xyz(self.white))
        return result

    def profile(self, channels: int) -> bytes:
        """As an ICC profile for gray (1, 2 channels) or RGB (3, 4). Raises ValueError for numbers that make no sense."""
        described = [(b"desc", _text(self.name)), (b"cprt", _text("CC0")), (b"wtpt", _xyz_tag(_D50))]
        if channels < 3:
            curve = self.curves[len(self.curves) // 2]  # of green, if there are three
            return _profile(b"GRAY", [*described, (b"kTRC", curve.tag())])
        columns = np.rint(self.to_d50() * 65536) / 65536
        columns[:, 1] += _D50 - columns.sum(axis=1)  # white is white to the last bit
        if np.abs(columns).max() > 100:
            raise ValueError("chromaticities that span no colours")
        adapted = b"sf32" + struct.pack(">I9i", 0, *(_fixed(value) for value in _bradford(self.white).flat))
        curves = self.curves if len(self.curves) == 3 else self.curves * 3
        elements = [*described, (b"chad", adapted)]
        elements += [
            (name + b"XYZ", _xyz_tag(column)) for name, column in zip((b"r", b"g", b"b"), columns.T, strict=True)
        ]
        elements += [(name + b"TRC", curve.tag()) for name, curve in zip((b"r", b"g", b"b"), curves, strict=True)]
        return _profile(b"RGB ", elements)


def gray_of(profile: bytes) -> bytes:
    """A profile for gray that shows what an RGB profile shows of equal samples; empty if its three curves are not the same.

    Gray pictures are found with an RGB profile, which is not theirs.
    """
    curves = {_element(profile, name) for name in (b"rTRC", b"gTRC", b"bTRC")}
    curve = curves.pop()
    if curves or curve[:4] not in (b"curv", b"para"):
        return b""
    elements = [
        (b"desc", _text("Gray of an RGB profile")),
        (b"cprt", _text("CC0")),
        (b"wtpt", _xyz_tag(_D50)),
        (b"kTRC", curve),
    ]
    return _profile(b"GRAY", elements)


def _element(profile: bytes, wanted: bytes) -> bytes:
    """The element of a profile with this signature, empty if there is none."""
    for at in range(132, min(132 + 12 * int.from_bytes(profile[128:132], "big"), len(profile) - 11), 12):
        name, start, size = struct.unpack_from(">4sII", profile, at)
        if name == wanted:
            return profile[start : start + size]
    return b""


def _bradford(white: Xy) -> Floats:
    """(3, 3) adaptation from a white to that of profiles."""
    gains = (_BRADFORD @ _D50) / (_BRADFORD @ _xyz(white))
    result: Floats = np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD
    return result


def _xyz(xy: Xy) -> Floats:
    x, y = xy
    return np.array([x / y, 1, (1 - x - y) / y])


def _fixed(value: float) -> int:
    """s15Fixed16Number. Raises ValueError beyond its range."""
    if not abs(value) < 32767:
        raise ValueError("a number that no profile can hold")
    return round(value * 65536)


def _xyz_tag(xyz: Floats) -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, *(_fixed(value) for value in xyz.tolist()))


def _text(text: str) -> bytes:
    """multiLocalizedUnicodeType of one record, American English."""
    data = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", len(data), 28) + data


def _profile(space: bytes, elements: list[tuple[bytes, bytes]]) -> bytes:
    """A display profile; equal elements are stored once."""
    table, body = b"", b""
    start = 128 + 4 + 12 * len(elements)
    places: dict[bytes, int] = {}
    for name, data in elements:
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    header = struct.pack(">I4xI4s4s4s", start + len(body), _VERSION, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(24)
    header += struct.pack(">I3i", 1, *(_fixed(value) for value in _D50.tolist()))  # relative colorimetric, D50
    return header.ljust(128, b"\0") + struct.pack(">I", len(elements)) + table + body
