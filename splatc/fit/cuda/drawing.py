"""Gaussians drawn on a polyphase subset of a picture that lies on the GPU, and what each of them gathers there.

A step of the fit is eight kernels: `prepare` (noise, coordinates of the subset, what reaches which bin), `scan`, `fill`, `sort` (the
lists of the bins), `raster` (draw, compare, gradient of each sample), `gather` (per Gaussian), `collect`, and `update` (engine.py).

Two runs give the same bits. Floats are never added by atomics: `raster` adds the Gaussians of a bin to a sample in the order of their
numbers, since `sort` orders the lists; in `gather` each lane adds its samples row by row, a warp adds its lanes by a butterfly, and
`collect` the parts of a Gaussian from the first to the last. How a Gaussian is divided depends on its ellipse alone. Integer atomics count
the lists and hand out places in them; counts do not depend on the order, and the sort removes that of the places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from splatc.blend import Blend
from splatc.cuda.device import Argument, Buffer, Device
from splatc.cuda.source import read_source
from splatc.fit.subset import Samples, Subset, subset
from splatc.gaussians import FloatArray

BIN = 64
"""Samples a side of the squares that have lists; of kernels/fit.cuh."""
SQUARE = 16
"""Samples a side that a block of `raster` draws with 4 warps."""
PART = 2048
"""Samples that a warp of `gather` looks at, or about so many."""
MOST_PARTS = 32
RECORD_BYTES = 64
BAND_BYTES = 1 << 32
"""The planes of a band of rows take no more; nearly every subset is a single band."""
SURE_MEMBERS, SURE_PARTS = 1 << 24, 1 << 21
"""Lists and parts that cannot be longer than this get all the memory that they might need, so that the CPU does not wait for
their length."""
BLOCKS = 4096
"""Of a `gather` at most; its warps go on to further parts."""


@dataclass(frozen=True)
class Grid(Subset):
    """A polyphase subset as the kernels divide it."""

    @property
    def bins_x(self) -> int:
        return -(-self.width // BIN)

    @property
    def bins(self) -> int:
        return self.bins_x * -(-self.height // BIN)

    @property
    def squares(self) -> tuple[int, int]:
        return -(-self.width // SQUARE), -(-self.height // SQUARE)

    def bands(self, bytes_of_sample: int) -> Iterator[Grid]:
        """Its rows from top to bottom, so many that their planes fit."""
        rows = max(1, BAND_BYTES // (bytes_of_sample * self.width) // BIN) * BIN
        for top in range(0, self.height, rows):
            yield replace(self, y0=self.y0 + top * self.reduction, height=min(rows, self.height - top))


@dataclass(frozen=True)
class Noise:
    """What is added to the Gaussians as they are drawn: uniform noise of one step where nothing is frozen."""

    steps: Buffer
    """The widths, in the order of kernels/bins.cu."""
    seed: int
    index: int
    """Of the step: with the seed and its number it decides the noise of a Gaussian."""


class Drawing:
    """A picture on the GPU, and room for Gaussians drawn on its subsets."""

    def __init__(self, device: Device, pixels: Samples, blend: Blend, background: FloatArray) -> None:
        """``pixels`` (H, W, C) of 8 or 16 bits; ``background`` (C,) in [0, 1]."""
        self.device = device
        self.height, self.width, self.channels = pixels.shape
        self.planes = self.channels + (blend is Blend.NORMALIZED)
        """Floats of a sample."""
        self.moments = 5 + self.planes
        self._source = read_source(
            Path(__file__).parent / "kernels" / "fit.cu",
            CHANNELS=self.channels,
            NORMALIZED=int(blend is Blend.NORMALIZED),
            SIXTEEN_BIT=int(pixels.dtype == np.uint16),
        )
        self._pixels = device.upload(pixels)
        self._unit = np.float32(1.0 / np.iinfo(pixels.dtype).max)
        self._background = [np.float32(value) for value in [*background.tolist(), 0.0, 0.0, 0.0][:4]]
        self._kernels: dict[str, Any] = {}
        self._room: dict[str, Buffer] = {}
        self.count = 0

    def launch(self, name: str, grid: int | tuple[int, int], block: int, *arguments: Argument | Buffer) -> None:
        """Start a kernel; int is 32 bits wide here."""
        if name not in self._kernels:
            self._kernels[name] = self.device.kernel(self._source, name)
        values = [a.pointer if isinstance(a, Buffer) else np.int32(a) if isinstance(a, int) else a for a in arguments]
        self.device.launch(self._kernels[name], grid, block, *values)

    def each(self, name: str, *arguments: Argument | Buffer) -> None:
        """Start a kernel that has a thread for each Gaussian; their number is its first argument."""
        self.launch(name, -(-self.count // 128), 128, self.count, *arguments)

    def room(self, name: str, size: int) -> Buffer:
        """A buffer of at least so many bytes; asked for again it is the same one, unless it must grow."""
        if name not in self._room or self._room[name].size < size:
            self._room.pop(name, None)  # before the new one is made
            self._room[name] = self.device.allocate(size)
        return self._room[name]

    def grid(self, reduction: int, step: int) -> Grid:
        """The subset of a step."""
        return Grid(**vars(subset(self.width, self.height, reduction, step)))

    def squared_error(self, values: Buffer, frozen: Buffer, where: Grid, noise: Noise | None) -> tuple[Buffer, int]:
        """The moments of all Gaussians, in ``room("moments")``; the squared differences by warp, and how many warps there are."""
        warps = [4 * x * y for x, y in (band.squares for band in where.bands(4 * self.planes))]
        sums = self.room("sums", 4 * sum(warps))
        moments = self.room("moments", 4 * self.moments * self.count)
        for k, band in enumerate(where.bands(4 * self.planes)):
            planes, parts = self._draw(values, frozen, band, noise, sums.pointer + 4 * sum(warps[:k]), images=False)
            partial = self.room("partial", 4 * self.moments * parts)
            arguments = (
                self.room("records", 0),
                self.room("offsets", 0),
                band.width,
                band.height,
                planes,
                partial,
                parts,
            )
            self.launch("gather", self._blocks(parts), 128, self.count, *arguments)
            self._collect(self.moments, partial, parts, k > 0, moments)
        return sums, sum(warps)

    def pruning_costs(self, values: Buffer, frozen: Buffer, where: list[Grid]) -> FloatArray:
        """(N,) rise of the squared error of some subsets if that Gaussian alone were removed."""
        costs = self.room("costs", 4 * self.count)
        for k, band in enumerate(band for each in where for band in each.bands(4 * self.planes)):
            across, down = band.squares
            sums = self.room("sums", 16 * across * down)
            planes, parts = self._draw(values, frozen, band, None, sums.pointer, images=True)
            partial = self.room("partial", 4 * parts)
            arguments = (
                self.room("records", 0),
                self.room("offsets", 0),
                *self._subset_arguments(band),
                planes,
                partial,
                parts,
            )
            self.launch("pruning_costs", self._blocks(parts), 128, self.count, *arguments)
            self._collect(1, partial, parts, k > 0, costs)
        result: FloatArray = self.device.download(costs, np.float32, (self.count,))
        return result

    def images(self, values: Buffer, frozen: Buffer, where: Grid) -> Iterator[tuple[Grid, FloatArray]]:
        """Band by band what the Gaussians draw: (height, width, C)."""
        for band in where.bands(4 * self.planes):
            across, down = band.squares
            sums = self.room("sums", 16 * across * down)
            planes, _ = self._draw(values, frozen, band, None, sums.pointer, images=True)
            drawn = self.device.download(planes, np.float32, (band.height, band.width, self.planes))
            yield band, drawn[:, :, : self.channels]

    def _draw(
        self, values: Buffer, frozen: Buffer, band: Grid, noise: Noise | None, sums: int, *, images: bool
    ) -> tuple[Buffer, int]:
        """The planes of a band, and room for how many parts its Gaussians have at most."""
        records = self.room("records", RECORD_BYTES * self.count)
        fresh = "counts" not in self._room or self._room["counts"].size < 4 * band.bins
        counts, starts = self.room("counts", 4 * band.bins), self.room("starts", 4 * (band.bins + 1))
        if fresh:
            self.device.clear(counts)  # from then on `scan` leaves zeros behind
        cursor = self.room("cursor", 4 * band.bins)
        parts, offsets = self.room("parts", 4 * self.count), self.room("offsets", 4 * (self.count + 1))
        self.each(
            "prepare",
            *(values, frozen, noise.steps if noise else frozen, int(noise is not None)),
            *(np.uint32(noise.seed if noise else 0), np.uint32(noise.index if noise else 0)),
            *map(np.float32, (*band.origin, band.reduction)),
            *(band.width, band.height, band.bins_x, PART, MOST_PARTS, records, counts, parts),
        )
        self.launch("scan", 2, 1024, band.bins, counts, starts, cursor, self.count, parts, offsets)
        most_members = self._most(self.count * band.bins, SURE_MEMBERS, starts, band.bins)
        most_parts = self._most(self.count * MOST_PARTS, SURE_PARTS, offsets, self.count)
        members = self.room("members", 4 * most_members)
        self.each("fill", records, band.width, band.height, band.bins_x, cursor, members, most_members)
        self.launch("sort", band.bins, 256, starts, members, most_members)
        planes = self.room("planes", 4 * self.planes * band.width * band.height)
        self.launch(
            "raster",
            band.squares,
            128,
            *(
                records,
                starts,
                members,
                band.bins_x,
                *self._subset_arguments(band),
                *self._background,
                int(images),
                planes,
            ),
            np.uint64(sums),
        )
        return planes, most_parts

    def _subset_arguments(self, band: Grid) -> tuple[Buffer | Argument, ...]:
        """The subset, as raster() and pruning_costs() take it."""
        return (self._pixels, self.width, band.x0, band.y0, band.reduction, band.width, band.height, self._unit)

    def _collect(self, wide: int, partial: Buffer, parts: int, more: bool, sums: Buffer) -> None:
        blocks = -(-wide * self.count // 128)
        self.launch("collect", blocks, 128, self.count, wide, self.room("offsets", 0), partial, parts, int(more), sums)

    def _most(self, bound: int, sure: int, sums: Buffer, last: int) -> int:
        """How long a list may be: ``bound``, or what it is and some to spare, for which the CPU waits for the GPU."""
        if bound <= sure:
            return max(1, bound)
        total = int(self.device.download(sums, np.int32, (1,), offset=4 * last)[0])
        step = 1 << 20
        return -(-(total + 1) // step) * step

    def _blocks(self, parts: int) -> int:
        return min(BLOCKS, -(-parts // 4))
