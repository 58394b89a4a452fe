"""Views of a scene -> samples, on a GPU: what draw.py does on the CPU, with the same contract.

Tiles of up to 16 x 16 points have fixed places on the supersampling grid; Gaussians are placed relative to their tile and added in the
order of the file. So a sample is the same to the last bit whatever region or strip it is drawn with, and in every run; other GPUs and
the CPU differ within the tolerance of spec/picture.md. The kernels: splatc/cuda/kernels/, place -> bin -> raster.

What drawing a view costs. The Gaussians of the file lie on the GPU, as float32; counted is everything after that, for any region and scale:
placing, tile lists, rasterizing, samples of 8 bits in the GPU's memory. For 16320 x 10848 and 610 000 Gaussians (about 20 tiles each, so
12 million entries, 18 for each of 177 million pixels) on an H200 (132 multiprocessors at 1.75 GHz, 4 warp instructions each a clock;
4.3 TB/s), counted, not measured:

| part | what | floor |
|---|---|---|
| place | 20 MB read, 59 MB written | 0.02 ms |
| count, fill | 0.6 M warps of 0.1 k instructions, 12 M atomics, each; 49 MB written | 0.3 ms |
| sort | 0.7 M lists of some 18, 15 exchanges in registers, 98 MB | 0.06 ms |
| raster, arithmetic | 3.2 G weights of 12.4 / 32 warp instructions | 1.3 ms |
| raster, ex2 | 3.2 G at 16 a clock and multiprocessor | 0.9 ms, beside the former |
| raster, reading | 12 M x 48 bytes, mostly from the L2 cache | 0.1 ms |
| raster, writing | 531 MB | 0.12 ms |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from splatc.blend import Blend
from splatc.cuda.device import Argument, Buffer, Device
from splatc.cuda.source import read_source
from splatc.errors import DeviceError
from splatc.gaussians import FloatArray, Scene
from splatc.render.renderer import Renderer
from splatc.render.view import Region, Scale, View, view

SIDE = 16
"""Grid points of a tile, a side, of which whole output pixels are used (raster.cu)."""
_SCANNED, _SORTERS, _THREADS, _BLOCK = 1024, 4, 64, 256
"""What blocks of the kernels take: counts of a scan, tiles of a sort; threads of a raster block and of all others."""
_MOST_ENTRIES = 2**31 - 1
_FAR = 1 << 30

SampleType = type[np.uint8 | np.uint16 | np.float32]


class Canvas:
    """A scene on a GPU, of which any number of views may be drawn: `place` one, then `raster` it or bands of it.

    Memory is kept from view to view. Every method raises DeviceError.
    """

    def __init__(self, device: Device, scene: Scene) -> None:
        g = scene.gaussians
        angle = g.angle.astype(np.float64)
        axis = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # in float64: a needle's end moves far with its angle
        self._device = device
        self._count = len(g)
        self._channels = scene.channels
        self._gaussians = [device.upload(each.astype(np.float32)) for each in (g.mean, g.scale, axis, g.colour)]
        background = np.zeros(4, np.float32)
        background[: scene.channels] = scene.background
        self._background = device.upload(background)
        blend = {"CHANNELS": scene.channels, "NORMALIZED": int(scene.blend is Blend.NORMALIZED)}
        planes = 4 if blend["CHANNELS"] + blend["NORMALIZED"] <= 4 else 8
        # Of each Gaussian in a view: where it is, what it weighs and adds; its outline and the tiles around it (kernels/*.cuh).
        self._placed = [device.allocate(self._count * size) for size in (16, 16, 4 * planes)]
        self._shapes = [device.allocate(self._count * size) for size in (32, 16)]
        self._kernels = {
            name: device.kernel(source, name)
            for source, names in (
                (read_source("place.cu", **blend), ("place_gaussians",)),
                (read_source("bin.cu"), _BINNING),
                (read_source("raster.cu", **blend), ("raster_tiles",)),
            )
            for name in names
        }
        self._kept: dict[str, Buffer] = {}
        self._view: View | None = None
        self.entries = 0
        """Of all tile lists of the view that was placed last."""

    def place(self, view: View) -> None:
        """Make ready to draw a view: place its Gaussians on its grid and list those of each tile."""
        self._view = view
        self._pixels = SIDE // view.samples
        self._first_x, tiles_x = _tiles(view.left, view.columns, self._pixels)
        self._first_y, tiles_y = _tiles(view.top, view.rows, self._pixels)
        self._tiles_x, tiles = tiles_x, tiles_x * tiles_y
        side = self._pixels * view.samples
        self._origin = self._first_x * side, self._first_y * side
        shift = [np.float64(part) for part in (*view.shift, *self._origin)]
        self._launch(
            "place_gaussians", -(-self._count // _BLOCK), np.int32(self._count), *_pointers(self._gaussians),
            np.float64(view.grid_scale), *shift, np.float64(view.added_variance),
            *map(np.int32, (tiles_x, tiles_y, side, side)), *_pointers(self._placed), *_pointers(self._shapes),
        )  # fmt: skip
        runs = -(-tiles // _SCANNED)
        counts, starts = self._memory("counts", 4 * tiles, zero=True), self._memory("starts", 4 * (tiles + 1))
        totals = self._memory("totals", 8 * (runs + 1))
        del self._kept["counts"]  # until they are zero again: what follows may fail
        warps = -(-self._count * 32 // _BLOCK)
        shapes = [self._placed[0].pointer, *_pointers(self._shapes)]
        grid = [np.int32(each) for each in (tiles_x, side, side)]
        reached: list[Argument] = [np.int32(self._count), *shapes, *grid, counts.pointer]
        self._launch("count_tiles", warps, *reached)
        self._launch("scan_runs", runs, counts.pointer, np.int32(tiles), totals.pointer)
        self._launch("scan_totals", 1, totals.pointer, np.int32(runs))
        self.entries = int(self._device.download(totals, np.int64, (1,), 8 * runs)[0])
        if self.entries > _MOST_ENTRIES:
            raise DeviceError(
                f"the tile lists of this view would have {self.entries} entries, more than {_MOST_ENTRIES}: use --device cpu"
            )
        members = self._memory("members", 4 * self.entries)
        self._launch("scan_starts", runs, counts.pointer, np.int32(tiles), totals.pointer, starts.pointer)
        self._launch("fill_tiles", warps, *reached, starts.pointer, members.pointer)
        self._kept["counts"] = counts
        self._launch(
            "sort_tiles", -(-tiles // _SORTERS), np.int32(tiles), starts.pointer, members.pointer, block=32 * _SORTERS
        )

    def raster(self, dtype: SampleType, first: int = 0, last: int | None = None, out: Buffer | None = None) -> Buffer:
        """Rows [first, last) of the view, (R, W, C) samples one behind the other, on the GPU; `out` is a buffer to reuse.

        Integers are clamped and rounded (spec/picture.md, "Samples"), floats are neither.
        """
        view = self._view
        assert view is not None, "place comes before raster"
        last = view.rows if last is None else last
        size = np.dtype(dtype).itemsize
        if out is None:
            out = self._device.allocate((last - first) * view.columns * self._channels * size)
        low = (view.top + first) // self._pixels - self._first_y
        high = -(-(view.top + last) // self._pixels) - self._first_y
        lead = view.left - self._first_x * self._pixels, view.top + first - self._first_y * self._pixels
        ends = [min(end - origin, _FAR) for end, origin in zip(view.ends, self._origin, strict=True)]
        numbers = low * self._tiles_x, self._tiles_x, view.samples, view.columns, last - first, *lead, *ends, size
        self._launch(
            "raster_tiles", (high - low) * self._tiles_x, *_pointers(self._placed), self._kept["starts"].pointer,
            self._kept["members"].pointer, self._background.pointer, *map(np.int32, numbers), out.pointer,
            block=_THREADS,
        )  # fmt: skip
        return out

    def draw(self, dtype: SampleType, first: int = 0, last: int | None = None) -> Any:
        """The same as an array."""
        assert self._view is not None
        last = self._view.rows if last is None else last
        buffer = self.raster(dtype, first, last)
        return self._device.download(buffer, dtype, (last - first, self._view.columns, self._channels))

    def _launch(self, name: str, grid: int, *arguments: Argument, block: int = _BLOCK) -> None:
        if grid:
            self._device.launch(self._kernels[name], grid, block, *arguments)

    def _memory(self, name: str, size: int, *, zero: bool = False) -> Buffer:
        """The buffer of this name, a larger one if it is too small; of one that is to be zero, all kernels leave it so."""
        kept = self._kept.get(name)
        if kept is None or kept.size < size:
            self._kept.pop(name, None)
            kept = self._kept[name] = self._device.allocate(size)
            if zero:
                self._device.clear(kept)
        return kept


def draw(device: Device, scene: Scene, view: View, dtype: SampleType) -> Any:
    """(H, W, C) samples of a view. Raises DeviceError."""
    canvas = Canvas(device, scene)
    canvas.place(view)
    return canvas.draw(dtype)


def strips(device: Device, scene: Scene, view: View, dtype: SampleType, rows: int = 256) -> Iterator[Any]:
    """The samples of `draw` from top to bottom, ``rows`` rows at a time. Raises DeviceError."""
    canvas = Canvas(device, scene)
    canvas.place(view)
    for first in range(0, view.rows, rows):
        yield canvas.draw(dtype, first, min(first + rows, view.rows))


def renderer(device: Device) -> Renderer:
    """What draws on a device as the others draw elsewhere. It raises DeviceError, too."""

    def drawn(scene: Scene, region: Region | None = None, scale: Scale = 1) -> FloatArray:
        samples: FloatArray = draw(device, scene, view(scene.width, scene.height, region, scale), np.float32)
        return samples

    return drawn


_BINNING = ("count_tiles", "scan_runs", "scan_totals", "scan_starts", "fill_tiles", "sort_tiles")


def _tiles(first: int, count: int, pixels: int) -> tuple[int, int]:
    """The first tile and the number of tiles, of ``pixels`` output pixels a side, that hold ``count`` of them from ``first`` on."""
    low = first // pixels
    return low, -(-(first + count) // pixels) - low


def _pointers(buffers: list[Buffer]) -> list[int]:
    return [buffer.pointer for buffer in buffers]
