"""Pictures of one colour: no fit, but the file that shows them exactly, the same on every machine.

Without a Gaussian the normalized blend shows the background, 8 bits a channel. A finer colour takes one Gaussian that covers the picture;
so does the sum blend, which has no background. Its colour is searched for on the grids of all luma and chroma steps, together with the
background, which moves samples by up to EPSILON: the best one keeps farthest from the next sample for all weights in the picture, so that
a renderer in float32 rounds to the same samples.

Of other pictures, a colour that much of the picture has makes the best background: where it lies, no Gaussian is needed.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatc import bitstream
from splatc.attributes import MAX_LEVELS
from splatc.bitstream import Header
from splatc.blend import Blend
from splatc.encoder.rate_control import Target
from splatc.gaussians import CUTOFF, EPSILON, FloatArray, Gaussians
from splatc.image.image import Image, Samples
from splatc.quantize import (
    MAX_COLOUR,
    MAX_COLOUR_INDEX,
    IntArray,
    QuantizedGaussians,
    dequantize,
    empty_gaussians,
    from_coded_colour,
    quantize,
    to_coded_colour,
)
from splatc.steps import MAX_LOG_ASPECT, MAX_STEP_INDEX, Quantizer, step_q32

Array = NDArray[np.float64]

BAND = 256
"""Rows compared at a time."""
ENOUGH = 0.25
"""Of a step of the samples: where they keep so far from the next value, no larger Gaussian is tried, for each level takes a byte."""
TOLERATED = 1 / 255
"""Of full range: where no Gaussian is exact, one that misses by no more will do. A fit misses by more: by 22 / 255 for 1700 x 500 px of
40000 / 65535 in the sum blend (effort 3, CR 100), where this misses by 1 / 8000."""
ROUND_OFF = 1e-6
"""Of the weights, for how they are computed here."""

DOMINANT = 0.1
"""Of the pixels, the least share of a colour that becomes the background. That of the commonest colour of kodim01 and kodim03 is 0.009."""
SAMPLED = 1 << 20
"""Pixels that are looked at for it, about."""
HASH = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: the highest bits of its product spread colours that differ little (Knuth, volume 3, section 6.4)."""
HASH_BITS = 14


@dataclass(frozen=True)
class Covering:
    """One Gaussian over a whole picture."""

    header: Header
    gaussian: QuantizedGaussians
    miss: float
    """The largest distance of a sample before rounding from what it should be, in steps of the samples: exact below 0.5."""


@dataclass(frozen=True)
class Colour:
    """What a covering Gaussian shows."""

    luma: int
    chroma: int
    """Step indices."""
    index: IntArray
    """(C,) the coded colour, in steps."""
    background: tuple[int, ...]
    """(C,) 0..255."""
    miss: float
    """As in Covering."""


def flat_file(image: Image, target: Target, blend: Blend | None) -> bytes | None:
    """The ``.splat2d`` file of a picture of one colour.

    Args:
        image: any picture; colours that an alpha of zero hides do not count.
        target: what the file must not exceed.
        blend: None is the normalized one.

    Returns:
        The file with the fewest Gaussians that shows every sample exactly, or to TOLERATED if there is none. None for a picture of several
        colours, and where no such file is within the target.
    """
    colour = one_colour(image.pixels)
    if colour is None:
        return None
    blend = Blend.NORMALIZED if blend is None else blend
    peak = int(np.iinfo(image.pixels.dtype).max)
    wanted = colour.astype(np.float64) / peak
    background = np.rint(wanted * 255).astype(int) if blend is Blend.NORMALIZED else np.zeros(len(colour), int)
    header = Header(image.width, image.height, image.channels, tuple(background.tolist()), blend, depth=image.bit_depth)
    empty = bitstream.encode(header, empty_gaussians(image.channels), image.metadata)
    if (background * (peak // 255) == colour).all():
        return empty if _within(target, empty) else None
    covering = cover(header, wanted)
    if covering is not None and covering.miss <= TOLERATED * peak + 0.5:
        data = bitstream.encode(covering.header, covering.gaussian, image.metadata)
        if _within(target, data):
            return data
    # To 1 / 510 of full range, if that is all that the target allows.
    return empty if blend is Blend.NORMALIZED and _within(target, empty) else None


def one_colour(pixels: Samples) -> Samples | None:
    """(C,) the colour of all pixels (H, W, C), black where all are transparent; None if there are several."""
    colour: Samples = pixels[0, 0].copy()
    compared = slice(None)
    if len(colour) in (2, 4) and colour[-1] == 0:
        colour[:] = 0
        compared = slice(-1, None)
    for top in range(0, len(pixels), BAND):
        if (pixels[top : top + BAND, :, compared] != colour[compared]).any():
            return None
    return colour


def dominant_colour(pixels: Samples) -> FloatArray | None:
    """(C,) the colour in [0, 1] that at least DOMINANT of a picture (H, W, C) has exactly, None if there is none.

    Transparent pixels count as of one colour: their mean.
    """
    height, width, channels = pixels.shape
    stride = math.ceil(math.sqrt(height * width / SAMPLED))
    some = pixels[::stride, ::stride].reshape(-1, channels)
    key = np.zeros(len(some), np.uint64)
    for channel in range(channels):
        key = (key << np.uint64(16)) | some[:, channel]
    if channels in (2, 4):
        key[some[:, -1] == 0] = 0
    # To sort all keys takes 18 ms of 768 x 512, to count hashes of them 3, and few pictures have one of those so often.
    hashes = ((key * HASH) >> np.uint64(64 - HASH_BITS)).astype(np.int64)
    often = np.bincount(hashes, minlength=1 << HASH_BITS) >= DOMINANT * len(some)
    if not often.any():
        return None
    keys, counts = np.unique(key[often[hashes]], return_counts=True)
    if counts.max() < DOMINANT * len(some):
        return None
    colour: FloatArray = some[key == keys[counts.argmax()]].mean(axis=0) / np.float32(np.iinfo(pixels.dtype).max)
    return colour.astype(np.float32)


def cover(header: Header, wanted: Array) -> Covering | None:
    """The Gaussian that covers a picture and shows a colour (C,) in [0, 1]; None if none covers it.

    The smallest that shows it exactly with ENOUGH to spare, else the one that misses it least.
    """
    width, height = header.width, header.height
    best: Covering | None = None
    side = max(math.sqrt(width * height), max(width, height) * math.exp(-0.5 * MAX_LOG_ASPECT))
    for level in range(min(math.ceil(math.log2(side)), MAX_LEVELS - 1), MAX_LEVELS):
        quantizer = _geometry(width, height)
        gaussian = _gaussian(quantizer, width, height, level, header.channels)
        weights = least_weight(quantizer, gaussian, width, height) - ROUND_OFF, 1.0 - CUTOFF + ROUND_OFF
        if weights[0] <= 0.0:
            continue
        colour = _best_colour(wanted, weights, header.blend, (1 << header.depth) - 1)
        if best is None or colour.miss < best.miss:
            best = Covering(
                replace(
                    header,
                    background=colour.background,
                    quantizer=replace(quantizer, luma=colour.luma, chroma=colour.chroma),
                ),
                replace(gaussian, colour=colour.index[np.newaxis]),
                colour.miss,
            )
        if best.miss <= 0.5 - ENOUGH:
            break
    return best


def least_weight(quantizer: Quantizer, gaussian: QuantizedGaussians, width: int, height: int) -> float:
    """The weight of a Gaussian at the pixel of a picture where it is least: in a corner, as q is convex. Below 0 it is beyond its end."""
    g = dequantize(quantizer, gaussian)
    (mean_x, mean_y), (long, short) = g.mean[0].tolist(), g.scale[0].tolist()
    cos, sin = math.cos(float(g.angle[0])), math.sin(float(g.angle[0]))
    corners = [(x - mean_x, y - mean_y) for x in (0.5, width - 0.5) for y in (0.5, height - 0.5)]
    q = max(((cos * x + sin * y) / long) ** 2 + ((cos * y - sin * x) / short) ** 2 for x, y in corners)
    return math.exp(-0.5 * q) - CUTOFF


def _within(target: Target, data: bytes) -> bool:
    return target.kind == "count" or len(data) <= target.value


def _geometry(width: int, height: int) -> Quantizer:
    """Steps with which a mean comes near the middle of the picture, and an ellipse may lie along either side; the same at all levels."""
    octaves = math.floor(math.log2(min(width, height))) - 3  # an eighth of the shorter side, or less
    position = min(8 * (16 + max(octaves, -2)), MAX_STEP_INDEX)
    return Quantizer(position, position_slope=0, log_scales=4, aspect=112, angle=0, angle_slope=0, colour_slope=0)


def _gaussian(quantizer: Quantizer, width: int, height: int, level: int, channels: int) -> QuantizedGaussians:
    """The largest Gaussian of a level in the middle of the picture, in the shape of the picture, without a colour."""
    log_scale = (level - 0.5 / quantizer.log_scales) * math.log(2.0)
    half_aspect = 0.5 * min(abs(math.log(width / height)), MAX_LOG_ASPECT)
    gaussian = Gaussians(
        mean=np.array([[0.5 * width, 0.5 * height]], np.float32),
        scale=np.array([[math.exp(log_scale + half_aspect), math.exp(log_scale - half_aspect)]], np.float32),
        angle=np.array([0.0 if width >= height else 0.5 * math.pi], np.float32),
        colour=np.zeros((1, channels), np.float32),
    )
    return quantize(quantizer, gaussian, width, height)


def _best_colour(wanted: Array, weights: tuple[float, float], blend: Blend, peak: int) -> Colour:
    """What comes nearest to a colour (C,) for the least and the largest weight in a picture, and so for those between."""
    ideal = wanted
    if blend is Blend.SUM:
        # Right half way between the weights; but samples are clamped, so white may be more than white everywhere.
        ideal = np.where(wanted == 1.0, 1.0 / weights[0], wanted / (0.5 * (weights[0] + weights[1])))
    coded = to_coded_colour(ideal[np.newaxis])[0]
    channels = len(coded)
    kinds = {1: "l", 2: "ll", 3: "lcc", 4: "lccl"}[channels]
    lumas, chromas = (_steps([coded[i] for i in range(channels) if kinds[i] == kind]) for kind in "lc")
    neighbours = np.array(list(itertools.product((0, 1), repeat=channels)))  # (2^C, C)
    best = Colour(0, 0, np.zeros(channels, np.int32), (0,) * channels, math.inf)
    for luma, chroma in itertools.product(lumas, chromas):
        step = np.array([step_q32({"l": luma, "c": chroma}[kind]) / 2.0**32 for kind in kinds])  # (C,)
        index = np.clip(np.floor(coded / step) + neighbours, -MAX_COLOUR_INDEX, MAX_COLOUR_INDEX)  # (2^C, C)
        colour = from_coded_colour(np.clip(index * step, -MAX_COLOUR, MAX_COLOUR)).astype(np.float32)
        miss, background = _misses(colour.astype(np.float64), wanted, weights, blend)
        worst = peak * miss.max(axis=1)  # (2^C,)
        at = int(worst.argmin())
        if worst[at] < best.miss:
            best = Colour(luma, chroma, index[at].astype(np.int32), tuple(background[at].tolist()), float(worst[at]))
    return best


def _steps(coded: list[float]) -> list[int]:
    """The finest eight step indices whose grids differ and reach the coded values: those an octave higher are parts of them."""
    largest = max((abs(value) for value in coded), default=0.0)
    first = next(index for index in range(MAX_STEP_INDEX + 1) if MAX_COLOUR_INDEX * step_q32(index) >= largest * 2**32)
    return list(range(first, first + 8)) if largest > 0.0 else [first]


def _misses(
    colour: Array, wanted: Array, weights: tuple[float, float], blend: Blend
) -> tuple[Array, NDArray[np.int64]]:
    """(N, C) how far samples in [0, 1] come from those wanted (C,), with the best background, and that background, 0..255."""
    w = np.array(weights)
    if blend is Blend.SUM:
        samples = (colour[..., np.newaxis] * w)[..., np.newaxis, :]  # (N, C, 1, 2)
    else:
        background = (np.arange(256, dtype=np.float32) / np.float32(255)).astype(np.float64)[:, np.newaxis]
        samples = (colour[..., np.newaxis, np.newaxis] * w + EPSILON * background) / (w + EPSILON)  # (N, C, 256, 2)
    miss = np.abs(np.clip(samples, 0.0, 1.0) - wanted[:, np.newaxis, np.newaxis]).max(axis=-1)  # (N, C, 256 or 1)
    return miss.min(axis=-1), miss.argmin(axis=-1)
