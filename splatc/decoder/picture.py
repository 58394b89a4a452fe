"""``splatc.open``: a ``.splat2d`` file of which only what is asked for is read and drawn."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from splatc.attributes import MAX_LEVELS
from splatc.bitstream import Metadata, Reader
from splatc.decoder.budget import Budget, budget_of
from splatc.decoder.opened import open_file
from splatc.errors import SplatWarning, UsageError
from splatc.render.choice import Log, check_device
from splatc.runtime import arguments
from splatc.runtime.files import display_input, named

if TYPE_CHECKING:
    from splatc.bitstream.reader import Region as Box
    from splatc.gaussians import Scene
    from splatc.image.image import Image, Samples
    from splatc.image.writers import Shape
    from splatc.render.draw import Drawable, Plan
    from splatc.render.grids import GridPlan
    from splatc.render.view import Scale, View
    from splatc.runtime.arguments import Number

Note = Callable[[str], None]
"""Called with a sentence on what of a file is left out."""

_STRIP = 256
"""Rows of a strip, or about so many."""
_METADATA = {"icc": "colour profile", "exif": "EXIF", "xmp": "XMP"}


def open(
    file: str | os.PathLike[str] | BinaryIO,
    *,
    max_pixels: Number | None = None,
    max_memory: Number | None = None,
    max_work: Number | None = None,
    device: str = "auto",
) -> Picture:
    """Open a ``.splat2d`` file, of which only what is asked for is read and drawn.

    Header and index are read at once; `Picture.read` says what it reads and checks.

    Any number of threads may use the picture, and processes that have forked since, if the file was given by its
    path, opened by Python itself (``open(path, "rb")``), or lies in memory; of any other stream one thread at a
    time reads. A picture that was opened by its path can be pickled and copied: it opens the file again.

    Args:
        file: a path, or a binary file that can seek, which the caller closes.
        max_pixels: pixels that one call may draw, 1 or more; None is 2^29.
        max_memory: bytes that reading may take, 1 or more, by estimate; None is 4 GiB.
        max_work: evaluations of Gaussians that decoding may take, 1 or more (spec/limits.md, "Work"); None is 2^37.
        device: "cpu"; "cuda", an NVIDIA GPU (``pip install "splatc[cuda]"``), whose samples lie within the
            tolerance of the format; or "auto", one that works if the picture is large.

    Returns:
        The open picture, a context manager that closes the file.

    Raises:
        InputError: the file cannot be read.
        CorruptFileError: it is no ``.splat2d`` file, or a damaged one.
        UnsupportedFileError: it is of another version of the format, or has a critical part that is not known.
        LimitError: it takes more than the bounds allow.
        UsageError: an argument is out of its range.
        DeviceError: the GPU that was asked for does not work.
        CoreError: the compiled core is missing or cannot run here.

    >>> import io
    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> with splatc.open(io.BytesIO(splatc.encode_gaussians(one, 16, 12))) as picture:
    ...     picture.size, picture.read(region=(4, 4, 8, 8)).shape, picture.read(scale="1/4").shape
    ((16, 12), (8, 8, 3), (3, 4, 3))
    """
    given = arguments.path("file", file) if isinstance(file, str | os.PathLike) else file
    return Picture(given, budget=budget_of(max_pixels, max_memory, max_work), device=device)


def _open_again(
    path: str, max_pixels: int | None, max_memory: int | None, max_work: int | None, device: str
) -> Picture:
    """What `open` returned in another process."""
    return open(path, max_pixels=max_pixels, max_memory=max_memory, max_work=max_work, device=device)


def _absolute(path: str) -> str:
    """The path as it is found after the working folder has changed; as it is where that folder is gone."""
    try:
        return str(Path(path).absolute())
    except OSError:
        return path


def _ignore(_sentence: str, _warning: bool) -> None:
    """The default log: which device draws is not logged."""


def warn(sentence: str) -> None:
    """A SplatWarning in the name of the code that called splatc."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "splatc":
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, SplatWarning, stacklevel=level)


class Picture:
    """An open ``.splat2d`` file, which `open` returns: a context manager that closes it.

    Errors begin with its path. This is how every command, function and plug-in of splatc reads a file.

    Args:
        file: a path, or a binary file that can seek.
        name: what errors begin with; by default the path.
        budget: bounds of what reading and drawing may cost.
        device: "cpu", "cuda" or "auto".
        log: called with (sentence, whether it is a warning) on which device draws.
        note: called once with a sentence on each damaged part of the metadata, in place of a `SplatWarning`.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | BinaryIO,
        *,
        name: str | None = None,
        budget: Budget = Budget(),  # noqa: B008 - frozen
        device: str = "cpu",
        log: Log = _ignore,
        note: Note = warn,
    ) -> None:
        check_device(device)
        self._device, self._log, self._note = device, log, note
        self._closing = contextlib.ExitStack()
        self.budget = budget
        self._name = name
        self._metadata: Metadata | None = None
        self._path: str | None = None
        if isinstance(file, str | os.PathLike):
            self._name = os.fsdecode(file)
            self._path = _absolute(self._name)
            stream = self._closing.enter_context(open_file(file))
        else:
            stream = arguments.stream("file", file)
        try:
            with self._named():
                self._reader = Reader(stream, self.budget.check_memory)
        except BaseException:
            self.close()
            raise
        header = self._reader.header
        self.width: int = header.width
        """px."""
        self.height: int = header.height
        """px."""
        self.channels: int = header.channels
        """1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
        self.bit_depth: int = header.depth
        """8 or 16: that of the source."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.width, self.height

    @property
    def bytes_read(self) -> int:
        """Bytes of the file that were read so far."""
        return self._reader.bytes_read

    @property
    def reader(self) -> Reader:
        """Header, chunks, sections and Gaussians as integers: what lies below the pixels."""
        return self._reader

    def metadata(self) -> Metadata:
        """Read colour profile, EXIF and XMP, with their checksums.

        Returns:
            The bytes of each; empty where there is none, and where it is damaged, for which there is
            one `SplatWarning`.

        Raises:
            InputError: the file cannot be read.
        """
        if self._metadata is None:
            with self._named():
                self._metadata, damaged = self._reader.sound_metadata()
            prefix = "" if self._name is None else f"{display_input(self._name)}: "
            for name, error in damaged.items():
                self._note(f"{prefix}{error}; the picture comes without its {_METADATA[name]}")
        return self._metadata

    def read(
        self,
        region: Iterable[Number] | None = None,
        scale: Scale = 1,
        max_level: Number | None = None,
        bit_depth: int | None = None,
        *,
        allow_truncated: bool = False,
    ) -> Samples:
        """Draw the picture, or a part of it.

        Of the whole picture, at any scale, the CRC of every chunk is checked before it is drawn, that each stream
        ends where it must, and the metadata, of which those that are damaged cost no pixel (`SplatWarning`). Of a
        region, of coarser levels and with `allow_truncated` the structure of the file is checked, and the CRCs of
        the sections that are taken; in a file without sections, of all Gaussians. `verify` checks every byte.

        Args:
            region: (x, y, width, height), px, whole numbers inside of the picture; None is all of it. It costs what
                lies in it, and is the crop of the whole picture, to the last bit, wherever x scale and y scale are
                whole numbers.
            scale: output pixels per px, a number above 0 and up to 1024, or text such as "1/8". Smaller pictures
                are averages, not samples.
            max_level: 0 to 15, or None; levels below it are left out (level l: Gaussians of some 2^(l-1) to 2^l
                px): a coarse picture from fewer bytes.
            bit_depth: 8 or 16 bits of the samples; None is that of the source.
            allow_truncated: show what is whole of a file that ends too early.

        Returns:
            (H, W) pixels for gray, else (H, W, C), uint8 or uint16, with H = ceil(height scale) and W = ceil(width
            scale).

        Raises:
            InputError: the file cannot be read.
            CorruptFileError: it is no ``.splat2d`` file, or a damaged one.
            UnsupportedFileError: it is of another version of the format, or has a critical part that is not known.
            LimitError: it takes more than the bounds allow.
            UsageError: an argument is out of its range.
            DeviceError: the GPU that was asked for does not work.
            CoreError: the compiled core is missing or cannot run here.

        Source:
            spec/picture.md, "Scaled drawing"; spec/sections.md.
        """
        seen, depth = self.view(region, scale), self._depth(bit_depth)
        scene, plan = self._scene(seen, seen.rows, depth, max_level, allow_truncated)
        (samples,) = self._draw(scene, plan, depth, None)
        return samples[..., 0] if self.channels == 1 else samples

    def strips(
        self,
        region: Iterable[Number] | None = None,
        scale: Scale = 1,
        max_level: Number | None = None,
        bit_depth: int | None = None,
        *,
        allow_truncated: bool = False,
    ) -> tuple[Shape, Iterator[Samples]]:
        """Draw the same as `read` from top to bottom in strips of some 256 rows, for what does not fit into memory.

        Args:
            region: (x, y, width, height), px, whole numbers inside of the picture; None is all of it. It costs what
                lies in it, and is the crop of the whole picture, to the last bit, wherever x scale and y scale are
                whole numbers.
            scale: output pixels per px, a number above 0 and up to 1024, or text such as "1/8". Smaller pictures
                are averages, not samples.
            max_level: 0 to 15, or None; levels below it are left out (level l: Gaussians of some 2^(l-1) to 2^l
                px): a coarse picture from fewer bytes.
            bit_depth: 8 or 16 bits of the samples; None is that of the source.
            allow_truncated: show what is whole of a file that ends too early.

        Returns:
            The shape of the whole output, and its strips: (R, W, C) pixels each, also for gray.

        Raises:
            InputError: the file cannot be read.
            CorruptFileError: it is no ``.splat2d`` file, or a damaged one.
            UnsupportedFileError: it is of another version of the format, or has a critical part that is not known.
            LimitError: it takes more than the bounds allow.
            UsageError: an argument is out of its range.
            DeviceError: the GPU that was asked for does not work.
            CoreError: the compiled core is missing or cannot run here.
        """
        from splatc.image.writers import Shape

        seen, depth = self.view(region, scale), self._depth(bit_depth)
        scene, plan = self._scene(seen, min(_STRIP, seen.rows), depth, max_level, allow_truncated)
        return Shape(seen.columns, seen.rows, self.channels, depth), self._draw(scene, plan, depth, _STRIP)

    def load(self, bit_depth: int | None = None) -> Image:
        """Draw the whole picture and read its metadata.

        Args:
            bit_depth: 8 or 16 bits of the samples; None is that of the source.

        Returns:
            (H, W, C) pixels with the metadata.

        Raises:
            InputError: the file cannot be read.
            CorruptFileError: it is no ``.splat2d`` file, or a damaged one.
            UnsupportedFileError: it is of another version of the format, or has a critical part that is not known.
            LimitError: it takes more than the bounds allow.
            UsageError: an argument is out of its range.
            DeviceError: the GPU that was asked for does not work.
            CoreError: the compiled core is missing or cannot run here.
        """
        from splatc.image.image import Image

        pixels = self.read(bit_depth=bit_depth)
        return Image(pixels.reshape(self.height, self.width, self.channels), metadata=self.metadata())

    def view(self, region: Iterable[Number] | None = None, scale: Scale = 1) -> View:
        """Return what `read` would draw, without drawing it.

        Args:
            region: (x, y, width, height), px; None is all of the picture.
            scale: output pixels per px.

        Returns:
            The region at its scale; its ``columns`` and ``rows`` are the size of the output.

        Raises:
            UsageError: the region lies outside of the picture, or the scale is out of its range.
        """
        from splatc.render.view import view

        with self._named():
            return view(self.width, self.height, region, scale)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled and copied, a picture is its path and its bounds: the other one is opened anew. Raises UsageError."""
        if self._path is None:
            raise UsageError(
                "only a picture that was opened by its path can be copied or sent to another process: open it by its path"
            )
        budget = self.budget
        return _open_again, (self._path, budget.max_pixels, budget.max_memory, budget.max_work, self._device)

    def close(self) -> None:
        """Close the file if it was opened by its path."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _scene(
        self, seen: View, rows: int, depth: int, max_level: Number | None, allow_truncated: bool
    ) -> tuple[Scene | None, Drawable]:
        """What is drawn; the scene where a GPU may draw it. ``rows`` of it lie in memory at once.

        Raises LimitError before anything large is allocated.
        """
        level = None
        if max_level is not None:
            level = arguments.whole("max_level", max_level, 0, MAX_LEVELS - 1, otherwise="None")
        allow_truncated = arguments.flag("allow_truncated", allow_truncated)
        whole = seen.region == (0, 0, self.width, self.height)
        region = None if whole else seen.box
        with self._named():
            self.budget.check_pixels(seen.columns, seen.rows)
            cost = self._reader.needed(region, max_level=level)
            self.budget.check_reading(*cost)

        make = self._grids if self._reader.latents is not None and self._draws_grids(seen) else self._gaussians
        with self._named():
            scene, plan = make(seen, region, level, allow_truncated, cost.work)
            self.budget.check_drawing(plan, seen.columns * rows * self.channels * depth // 8)
        if whole and not level and not allow_truncated:
            self.metadata()
        return scene, plan

    def _gaussians(
        self, seen: View, region: Box | None, level: int | None, allow_truncated: bool, reading: int
    ) -> tuple[Scene, Plan]:
        """The Gaussians of a view; ``reading`` is the work that they have taken."""
        from splatc.decoder.scene import make_scene
        from splatc.render import work
        from splatc.render.draw import make_plan

        header = self._reader.header
        quantized = self._reader.read(region, max_level=level, allow_truncated=allow_truncated)
        drawing = functools.partial(work.drawing, header.quantizer, quantized)
        self.budget.check_evaluations(drawing, len(quantized), seen, reading)
        scene = make_scene(header, quantized)
        return scene, make_plan(scene, seen)

    def _draws_grids(self, seen: View) -> bool:
        """Whether a view of latents goes the short way, which a GPU does not."""
        from splatc.render import grids
        from splatc.render.choice import is_for_cpu

        return grids.suits(seen) and is_for_cpu(self._device, seen)

    def _grids(
        self, seen: View, region: Box | None, level: int | None, allow_truncated: bool, reading: int
    ) -> tuple[None, GridPlan]:
        """The same Gaussians of a file with latents as grids."""
        from splatc.render import work
        from splatc.render.grids import make_grid_plan

        header = self._reader.header
        found = self._reader.read_latents(region, max_level=level, allow_truncated=allow_truncated).grids()
        plan = make_grid_plan(header, found, seen)
        drawing = functools.partial(work.drawing_of_grids, header.quantizer, found)
        self.budget.check_evaluations(drawing, plan.count, seen, reading)
        return None, plan

    def _draw(self, scene: Scene | None, plan: Drawable, depth: int, rows: int | None) -> Iterator[Samples]:
        import numpy as np

        from splatc.render.choice import strips

        return strips(self._device, scene, plan, np.uint8 if depth == 8 else np.uint16, rows, self._log)

    def _depth(self, bit_depth: int | None) -> int:
        if bit_depth is None:
            return self.bit_depth
        return arguments.whole_choice("bit_depth", bit_depth, (8, 16), otherwise="None")

    def _named(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._name is None else named(self._name)
