"""Pictures -> files with latents (spec/latent.md): one pass, and the step of the latents that just fits the target."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from itertools import product

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import container, draft, latent_network, latents, metadata
from splatc.bitstream import header as header_format
from splatc.bitstream.coder import Encoder
from splatc.bitstream.header import DRAFT_VERSION, Header
from splatc.bitstream.latent_layout import CELL, CHROMA, LUMA, MARGIN
from splatc.blend import Blend
from splatc.core import latent as core
from splatc.core.packing import Symbols
from splatc.core.pool import threads
from splatc.encoder.rate_control import Target
from splatc.errors import UsageError
from splatc.gaussians import FloatArray
from splatc.image.image import Image
from splatc.neural import safetensors
from splatc.quantize import CODED_MATRIX

NETWORK = 1
BEHIND = 0.12
"""Latents are rounded towards 0 by so much more, before it is known what they take."""
THRIFT, MOST_BEHIND = 0.45, 0.45
"""By this part of what a squared difference is worth in bits they are rounded towards 0 then, but not by more: six
pictures of Kodak at 0.24 bits per pixel 26.23 dB without, 26.28 with 0.3, 26.29 with 0.45 and 0.6."""
TRADE = 12.0
"""Twice that of tools/train_codecsplat.py: bits that a latent is worth for each step by which it is nearer to one number
than to the next."""
LEAST_THRIFT, MOST_THRIFT = 0.2, 0.9
"""What makes a file just fit."""
ENOUGH = 0.99
"""Of the target; then no closer one is looked for."""
SLOPE = 25.0
"""Steps of q for half of the bits, about."""
FEW_TILES, PIECE, SAMPLES = 8, 16, 3
"""In a picture of more tiles the search looks at so many cells a side of each, and so often at all of them."""
AIMED = 0.996
"""Of the target, where it does."""
RADIUS, ESCAPE = 48, 97
STRIP = 8
"""Rows of cells that are analysed at a time."""
KINDS = ("luma", 0), ("u", LUMA), ("v", LUMA + CHROMA)
"""Of the latents of a plane: the weights, and the first of them."""
LEAST_STEP = 16.0
"""Of q = 0; q + 32 is twice as much."""


@dataclass(frozen=True)
class Coded:
    """Latents of the tiles of a picture as they go into a file."""

    q: int
    tiles: list[latents.LatentArray]
    bits: float
    """What their symbols take."""
    thrift: float = THRIFT


def encode_latent(image: Image, target: Target) -> bytes:
    """A file of at most so many bytes.

    Raises UsageError for a picture with alpha, for a target that is a count, and for one that no file of the picture can meet.
    """
    if image.channels not in (1, 3):
        raise UsageError("latents hold no alpha: convert the picture, or encode it as Gaussians")
    if target.kind == "count":
        raise UsageError("latents are not counted as Gaussians are: give a size")
    header = header_of(image)
    chunks, after = _chunks(header, image)
    spare = target.value - len(container.write([*chunks, (b"LATN", bytes(_table_bytes(header))), *after]))
    exact = analysed(image)
    boxes = [tile.cells for tile in latents.tiles_of(image.width, image.height)]
    tiles = [exact[:, y0:y1, x0:x1] for x0, y0, x1, y1 in boxes]
    while True:
        data = container.write([*chunks, (b"LATN", payload(_fitting(tiles, spare))), *after])
        if len(data) <= target.value:
            return data
        spare -= len(data) - target.value


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


def analysed(image: Image, weights: dict[str, FloatArray] | None = None) -> FloatArray:
    """(C, rows, columns) the latents of a picture for a step of 1 level, not rounded; with the network's weights, or others."""
    weights = weights or _analysis()
    columns, rows = latents.cells_of(image.width, image.height)
    found = np.empty((latents.latents_of(image.channels), rows, columns), np.float32)
    split = {name: _by_cell(weights[name]) for name in ("luma", "u", "v")[: image.channels]}

    def each(top: int) -> None:
        bottom = min(top + STRIP, rows)
        strip = found[:, top:bottom]
        for plane, (name, first) in zip(_planes(image, top, bottom), KINDS, strict=False):
            _add_windows(plane, split[name], strip[first:])

    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(each, range(0, rows, STRIP)))
    found[0] -= weights["middle"]
    return found


def _planes(image: Image, top: int, bottom: int) -> Iterator[FloatArray]:
    """Each plane of some rows of cells and those around them, in the coded space times the root of three.

    Beyond the picture its outermost pixels go on.
    """
    columns, _ = latents.cells_of(image.width, image.height)
    first, last = top * CELL - MARGIN, bottom * CELL + MARGIN
    pixels = image.pixels[max(first, 0) : last]
    after = last - max(first, 0) - len(pixels), (columns + 1) * CELL - image.width
    edges = ((max(-first, 0), after[0]), (MARGIN, after[1]))
    unit = 255.0 / np.iinfo(pixels.dtype).max * 3.0**0.5
    for row in CODED_MATRIX if image.channels == 3 else np.ones((1, 1)):
        plane = np.zeros(pixels.shape[:2], np.float32)
        for k, part in enumerate(row):
            if part:
                plane += pixels[..., k] * np.float32(unit * part)
        yield np.pad(plane, edges, mode="edge")


def _by_cell(weights: FloatArray) -> FloatArray:
    """(9, K, CELL^2) of weights (K, WINDOW, WINDOW): of each of the 3 x 3 cells around."""
    split = weights.reshape(len(weights), 3, CELL, 3, CELL).transpose(1, 3, 0, 2, 4)
    return np.ascontiguousarray(split.reshape(9, len(weights), CELL * CELL))


def _add_windows(plane: FloatArray, split: FloatArray, found: FloatArray) -> None:
    """Sets the first (K, rows, columns) of ``found`` to what the window around each cell says: that is the 3 x 3 cells around it."""
    count, (rows, columns) = split.shape[1], (extent // CELL for extent in plane.shape)
    blocks = plane.reshape(rows, CELL, columns, CELL).transpose(1, 3, 0, 2).reshape(CELL * CELL, rows * columns)
    parts = (split.reshape(-1, CELL * CELL) @ blocks).reshape(3, 3, count, rows, columns)
    found[:count] = parts[0, 0, :, : rows - 2, : columns - 2]
    for a, b in list(product(range(3), range(3)))[1:]:
        found[:count] += parts[a, b, :, a : a + rows - 2, b : b + columns - 2]


def rounded(exact: FloatArray, q: int, behind: float | FloatArray) -> latents.LatentArray:
    """Whole latents of a step, rounded towards 0 by ``behind`` more than to the nearest, but for the lowest ones."""
    scaled = exact / np.float32(LEAST_STEP * 2.0 ** (q / 32.0))
    whole = np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5) - np.asarray(behind, np.float32))
    for lowest in (0, LUMA, LUMA + CHROMA)[: 1 if len(exact) == LUMA else 3]:
        whole[lowest] = np.rint(scaled[lowest])
    found: latents.LatentArray = np.clip(whole, -32000, 32000).astype(np.int16)
    return found


def thrifty(exact: FloatArray, q: int, thrift: float, network: NDArray[np.uint8] | None = None) -> latents.LatentArray:
    """Whole latents of a tile, of which those are smaller that cost more than they are worth; NETWORK says, or another."""
    _, tables = core.expect_latents(_bytes() if network is None else network, rounded(exact, q, BEHIND), q)
    costs = _costs() if network is None else costs_of(network)
    dearer = costs[:, RADIUS + 1] - costs[:, RADIUS]  # bits of a step away from the mean
    return rounded(exact, q, np.minimum(thrift / TRADE * dearer, MOST_BEHIND)[tables])


@dataclass(frozen=True)
class _Search:
    """Looks for the finest step whose streams take at most ``spare`` bits."""

    tiles: list[FloatArray]
    """Of latents that are not rounded."""
    spare: float

    def coded(self, q: int, thrift: float = THRIFT) -> Coded:
        def each(tile: FloatArray) -> tuple[latents.LatentArray, float]:
            whole = thrifty(tile, q, thrift)
            return whole, bits_of(whole, q)

        with ThreadPoolExecutor(threads()) as pool:
            found = list(pool.map(each, self.tiles))
        return Coded(q, [whole for whole, _ in found], sum(bits for _, bits in found), thrift)

    def finest(self, q: int) -> Coded | None:
        """From a first guess on; none if not even the coarsest is coarse enough."""
        best: Coded | None = None
        low, high = -1, latents.MOST_Q + 1  # too fine, coarse enough
        while high - low > 1:
            each = self.coded(q)
            if each.bits <= self.spare:
                high, best = q, each
            else:
                low = q
            guess = q + round(SLOPE * math.log2(max(each.bits, 1.0) / max(self.spare, 1.0)))
            q = max(min(guess, high - 1), low + 1)
        return best

    def filled(self, best: Coded, enough: float = ENOUGH, tries: int = 3) -> Coded:
        """With as little thrift as still fits."""
        least, most = LEAST_THRIFT, best.thrift
        for _ in range(tries):
            if best.bits >= enough * self.spare:
                break
            middle = (least + most) / 2
            each = self.coded(best.q, middle)
            if each.bits <= self.spare:
                most, best = middle, each
            else:
                least = middle
        return best


def bits_of(whole: latents.LatentArray, q: int) -> float:
    """What the symbols of a tile take."""
    symbols, tables, _ = _symbols(whole, q)
    return float(_costs()[tables, symbols].sum(dtype=np.float64))


def _fitting(tiles: list[FloatArray], spare: float) -> Coded:
    """The best file whose streams take at most ``spare`` bytes. Raises UsageError."""
    search = _Search(tiles, 8.0 * spare)
    first = _sampled(search) if len(tiles) > FEW_TILES else None
    if first and first.bits >= ENOUGH * search.spare:
        return first
    found = search.finest(first.q if first else latents.MOST_Q // 2)
    if found is None:
        found = search.coded(latents.MOST_Q, MOST_THRIFT)
        if found.bits > search.spare:
            raise UsageError(f"latents of this picture take {math.ceil(found.bits / 8)} bytes or more: give it more")
        return found
    return search.filled(found)


def _sampled(search: _Search) -> Coded | None:
    """The best that a search on a piece of each tile comes to, of which all tiles say by how much it is wrong; none if none fits."""
    pieces = [_middle(tile) for tile in search.tiles]
    share = sum(each[0].size for each in pieces) / sum(each[0].size for each in search.tiles)
    best: Coded | None = None
    q = latents.MOST_Q // 2
    for _ in range(SAMPLES):
        sample = _Search(pieces, AIMED * search.spare * share)
        guess = sample.finest(q)
        if guess is None:
            break
        guess = sample.filled(guess, AIMED, 6)
        found = search.coded(guess.q, guess.thrift)
        if found.bits <= search.spare and (best is None or found.bits > best.bits):
            best = found
            if best.bits >= ENOUGH * search.spare:
                break
        q, share = guess.q, guess.bits / found.bits
    return best


def _middle(tile: FloatArray) -> FloatArray:
    """The cells in the middle of a tile."""
    y, x = (max(0, (extent - PIECE) // 2) for extent in tile.shape[1:])
    return tile[:, y : y + PIECE, x : x + PIECE]


def _symbols(whole: latents.LatentArray, q: int) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]:
    """Of each latent of a tile its symbol, its table, and the number behind an escape."""
    means, tables = core.expect_latents(_bytes(), whole, q)
    residual = (whole - means).ravel()
    number = np.where(residual < 0, -2 * residual - 1, 2 * residual)
    symbols = np.where(np.abs(residual) <= RADIUS, residual + RADIUS, ESCAPE)
    return symbols, tables.ravel(), number


def payload(coded: Coded) -> bytes:
    """The LATN payload."""
    with ThreadPoolExecutor(threads()) as pool:
        return latents.write(NETWORK, coded.q, list(pool.map(lambda tile: _stream(tile, coded.q), coded.tiles)))


def _stream(whole: latents.LatentArray, q: int) -> bytes:
    symbols, tables, numbers = _symbols(whole, q)
    frequencies = _network()["frequencies"].astype(np.int64)
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


def _bytes() -> NDArray[np.uint8]:
    return latent_network.load(NETWORK)


@functools.cache
def _network() -> np.void:
    return latent_network.fields(_bytes())


@functools.cache
def _costs() -> NDArray[np.float32]:
    return costs_of(_bytes())


def costs_of(network: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(TABLES, RESIDUALS) bits of each symbol."""
    costs = 16.0 - np.log2(latent_network.fields(network)["frequencies"].astype(np.float64))
    costs[:, ESCAPE] += 16.0
    found: NDArray[np.float32] = costs.astype(np.float32)
    return found


@functools.cache
def _analysis() -> dict[str, FloatArray]:
    name = f"latent_{NETWORK}_analysis.safetensors"
    return safetensors.read(resources.files("splatc.neural").joinpath(name).read_bytes())
