"""Pictures -> files with latents (spec/latent.md): one pass, and the step of the latents that just fits the target."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import container, draft, latents, metadata
from splatc.bitstream import header as header_format
from splatc.bitstream.coder import Encoder
from splatc.bitstream.header import DRAFT_VERSION, Header
from splatc.blend import Blend
from splatc.core.packing import Symbols
from splatc.errors import UsageError
from splatc.gaussians import FloatArray
from splatc.image.image import Image
from splatc.neural import latent_model, latent_network, safetensors
from splatc.neural.latent import CELL, CHROMA, LUMA, WINDOW
from splatc.quantize import CODED_MATRIX

NETWORK = 1
BEHIND = 0.12
"""Latents are rounded towards 0 by so much more: the rate of a one is more than a zero's."""
LEAST, MOST = 0.0, 0.34
"""Of what replaces BEHIND where it makes a file just fit."""
ENOUGH = 0.995
"""Of the target; then no closer step is looked for."""
RADIUS, ESCAPE = 48, 97
LEAST_STEP = 16.0
"""Of q = 0; q + 32 is twice as much."""


@dataclass(frozen=True)
class Coded:
    """Latents of the tiles of a picture as they go into a file."""

    q: int
    tiles: list[latent_model.Latents]
    bits: float
    """What their symbols take."""


def encode_latent(image: Image, target: int) -> bytes:
    """A file of at most ``target`` bytes. Raises UsageError for a picture with alpha, or a target that no file of it can meet."""
    if image.channels not in (1, 3):
        raise UsageError("latents hold no alpha: convert the picture, or encode it as Gaussians")
    header = header_of(image)
    chunks, after = _chunks(header, image)
    spare = target - len(container.write([*chunks, (b"LATN", bytes(_table_bytes(header))), *after]))
    exact = analysed(image)
    coded = _fitting(header, exact, spare)
    while True:
        data = container.write([*chunks, (b"LATN", payload(coded)), *after])
        if len(data) <= target:
            return data
        spare -= len(data) - target
        coded = _fitting(header, exact, spare)


def header_of(image: Image) -> Header:
    return Header(
        image.width,
        image.height,
        image.channels,
        (0,) * image.channels,
        Blend.NORMALIZED,
        image.bit_depth,
        latents.QUANTIZER,
        version=DRAFT_VERSION,
    )


def _chunks(header: Header, image: Image) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """Those before and after LATN."""
    others = list(metadata.write(image.metadata))
    profile = metadata.CHUNKS["icc"]
    before = [(container.HEADER_CHUNK, header_format.write(header)), (container.DRAFT_CHUNK, draft.write())]
    return [*before, *(each for each in others if each[0] == profile)], [each for each in others if each[0] != profile]


def _table_bytes(header: Header) -> int:
    return 2 + 7 * len(latents.tiles_of(header.width, header.height))


def analysed(image: Image) -> FloatArray:
    """(C, rows, columns) the latents of a picture for a step of 1 level, not rounded."""
    weights = _analysis()
    columns, rows = latents.cells_of(image.width, image.height)
    most = float(np.iinfo(image.pixels.dtype).max)
    levels = image.pixels.astype(np.float32) * np.float32(255.0 / most)
    planes = levels[..., 0][None] * np.float32(3.0**0.5)
    if image.channels == 3:
        planes = np.einsum("ij,hwj->ihw", (CODED_MATRIX * 3.0**0.5).astype(np.float32), levels)
    margin = (WINDOW - CELL) // 2
    beyond = ((0, 0), (margin, margin + rows * CELL - image.height), (margin, margin + columns * CELL - image.width))
    padded = np.pad(planes, beyond, mode="edge")
    found = [_windows(padded[0], weights["luma"])]
    if image.channels == 3:
        found += [_windows(padded[1], weights["u"]), _windows(padded[2], weights["v"])]
    found[0][0] -= weights["middle"]
    return np.concatenate(found)


def _windows(plane: FloatArray, weights: FloatArray) -> FloatArray:
    """(K, rows, columns) weights (K, WINDOW, WINDOW) on the window around each cell; a window is four half cells a side."""
    half = CELL // 2
    rows, columns = (extent // half for extent in plane.shape)
    blocks = plane.reshape(rows, half, columns, half).transpose(0, 2, 1, 3).reshape(rows, columns, half * half)
    total = np.zeros((rows // 2 - 1, columns // 2 - 1, len(weights)), np.float32)
    for a in range(4):
        for b in range(4):
            part = weights[:, a * half : (a + 1) * half, b * half : (b + 1) * half].reshape(len(weights), -1)
            total += blocks[a : a + rows - 2 : 2, b : b + columns - 2 : 2] @ part.T
    return np.ascontiguousarray(total.transpose(2, 0, 1))


def rounded(exact: FloatArray, q: int, behind: float) -> latent_model.Latents:
    """Whole latents of a step."""
    scaled = exact / np.float32(LEAST_STEP * 2.0 ** (q / 32.0))
    whole = np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5 - behind))
    for lowest in (0, LUMA, LUMA + CHROMA)[: 1 if len(exact) == LUMA else 3]:
        whole[lowest] = np.rint(scaled[lowest])
    found: latent_model.Latents = np.clip(whole, -32000, 32000).astype(np.int32)
    return found


def _coded(header: Header, exact: FloatArray, q: int, behind: float) -> Coded:
    whole = rounded(exact, q, behind)
    network = _network()
    tiles, bits = [], 0.0
    for tile in latents.tiles_of(header.width, header.height):
        x0, y0, x1, y1 = tile.cells
        tiles.append(np.ascontiguousarray(whole[:, y0:y1, x0:x1]))
        symbols, tables, _ = _symbols(network, tiles[-1], q)
        bits += float(_costs()[tables, symbols].sum())
    return Coded(q, tiles, bits)


def _fitting(header: Header, exact: FloatArray, spare: float) -> Coded:
    """With the finest step whose streams take at most ``spare`` bytes, and what rounding then fills them best."""
    low, high = 0, latents.MOST_Q
    best = _coded(header, exact, high, BEHIND)
    if best.bits > 8 * spare:
        best = _coded(header, exact, high, MOST)
        if best.bits > 8 * spare:
            raise UsageError(
                f"no file with latents of this picture has so few bytes: it takes {int(best.bits / 8)} or more"
            )
        return best
    while low < high:
        middle = (low + high) // 2
        each = _coded(header, exact, middle, BEHIND)
        if each.bits <= 8 * spare:
            high, best = middle, each
        else:
            low = middle + 1
    least, most = LEAST, BEHIND
    for _ in range(4):
        if best.bits >= 8 * spare * ENOUGH:
            break
        middle_behind = (least + most) / 2
        each = _coded(header, exact, best.q, middle_behind)
        if each.bits <= 8 * spare:
            most, best = middle_behind, each
        else:
            least = middle_behind
    return best


def _symbols(
    network: np.void, whole: latent_model.Latents, q: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]:
    """Of each latent of a tile its symbol, its table, and the number behind an escape."""
    means, tables = latent_model.expected(network, whole, q)
    residual = (whole - means).ravel()
    number = np.where(residual < 0, -2 * residual - 1, 2 * residual)
    symbols = np.where(np.abs(residual) <= RADIUS, residual + RADIUS, ESCAPE)
    return symbols, tables.ravel(), number


def payload(coded: Coded) -> bytes:
    """The LATN payload."""
    return latents.write(NETWORK, coded.q, [_stream(tile, coded.q) for tile in coded.tiles])


def _stream(whole: latent_model.Latents, q: int) -> bytes:
    network = _network()
    symbols, tables, numbers = _symbols(network, whole, q)
    frequencies = network["frequencies"].astype(np.int64)
    before = np.cumsum(frequencies, axis=1) - frequencies
    lows, sizes = before[tables, symbols], frequencies[tables, symbols]
    escaped = symbols == ESCAPE
    pieces = np.where(escaped, 3, 1)  # behind an escape its number's upper byte, then its lower one
    places = np.cumsum(pieces) - pieces
    all_lows, all_sizes = np.empty(pieces.sum(), np.int64), np.full(pieces.sum(), 256, np.int64)
    all_lows[places], all_sizes[places] = lows, sizes
    for after, shift in ((1, 8), (2, 0)):
        all_lows[places[escaped] + after] = (numbers[escaped] >> shift & 255) << 8
    encoder = Encoder()
    encoder.code_shares(shares(all_lows, all_sizes))
    return encoder.finish()


def shares(lows: NDArray[np.int64], sizes: NDArray[np.int64]) -> Symbols:
    """Symbols that lie at ``lows`` .. ``lows + sizes`` of the 2^16 parts of the code space, as constriction takes them (core/range.h)."""
    own = 256.0 * sizes - 1.0
    highs = 65536 - lows - sizes
    chosen = np.where(lows == 0, 0, np.where(highs == 0, 2, 1))
    rest = 256.0 * (lows + highs) - 2.0
    parts = np.stack(
        [
            np.where(chosen == 0, own, np.where(chosen == 1, 256.0 * lows - 1.0, 0.0)),
            np.where(chosen == 1, own, rest),
            np.where(chosen == 2, own, np.where(chosen == 1, 256.0 * highs - 1.0, 0.0)),
        ],
        axis=1,
    )
    return Symbols(parts, chosen.astype(np.int32))


@functools.cache
def _network() -> np.void:
    return latent_network.fields(latent_network.load(NETWORK))


@functools.cache
def _costs() -> NDArray[np.float32]:
    """(TABLES, RESIDUALS) bits of each symbol."""
    costs = 16.0 - np.log2(_network()["frequencies"].astype(np.float64))
    costs[:, ESCAPE] += 16.0
    found: NDArray[np.float32] = costs.astype(np.float32)
    return found


@functools.cache
def _analysis() -> dict[str, FloatArray]:
    name = f"latent_{NETWORK}_analysis.safetensors"
    return safetensors.read(resources.files("splatc.neural").joinpath(name).read_bytes())
