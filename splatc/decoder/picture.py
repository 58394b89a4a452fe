"""``splatc.open``: a ``.splat2d`` file of which only what is asked for is read and drawn."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from splatc.bitstream import Metadata, Reader
from splatc.decoder.budget import Budget, budget_of
from splatc.decoder.opened import open_file
from splatc.errors import SplatWarning, UsageError
from splatc.render.choice import Tell, check_device
from splatc.runtime import arguments
from splatc.runtime.files import display, named
from splatc.steps import MAX_LEVELS

if TYPE_CHECKING:
    from splatc.gaussians import Scene
    from splatc.image.readers import Image
    from splatc.image.saving import Samples, Shape
    from splatc.render.draw import Plan
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
    device: str = "cpu",
) -> Picture:
    """Open a ``.splat2d`` file, given by its path or as a seekable binary file, which the caller then closes.

    Nothing larger than `max_pixels` is drawn from it, by default 2^29, nothing that may take more than `max_memory` bytes, by default 4
    GiB, and nothing of more than `max_work` points of work, by default 2^37 (spec/limits.md, "Work"). `device` "cuda" draws on an NVIDIA
    GPU (``pip install splatc[cuda]``), "auto" on one that works if the picture is large; samples then differ from those of the CPU within
    the tolerance of the format. Reads only header and index; `read` says what it checks.

    Any number of threads may use what it returns, and processes that have forked since, if the file was given by its path, opened by Python
    itself (``open(path, "rb")``), or lies in memory; of any other stream the bytes are read by one thread at a time. To start other
    processes with it (spawn, forkserver), and to copy it, it must have been opened by its path, by which they open it again.

    Raises InputError, UsageError (a file that cannot seek), CorruptFileError, UnsupportedFileError, LimitError, DeviceError and
    CoreError.

    >>> import io, numpy as np, splatc
    >>> gaussians = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32), scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0], np.float32), colour=np.array([[1, 0.5, 0]], np.float32))
    >>> with splatc.open(io.BytesIO(splatc.encode_gaussians(gaussians, 16, 12))) as picture:
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


def _ignore(_sentence: str, _urgent: bool) -> None:
    """Nobody wants to hear which device draws."""


def warn(sentence: str) -> None:
    """A SplatWarning in the name of the code that called splatc."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "splatc":
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, SplatWarning, stacklevel=level)


class Picture:
    """An open file; a context manager that closes it. What it reads is checked. Errors begin with its path, or with `name`.

    This is how every command, function and plug-in of splatc reads a file. `tell` hears which device draws (render/choice.py), `note` a
    sentence on each part of the metadata that is damaged, once; without it that is a SplatWarning.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | BinaryIO,
        *,
        name: str | None = None,
        budget: Budget = Budget(),  # noqa: B008 - frozen
        device: str = "cpu",
        tell: Tell = _ignore,
        note: Note = warn,
    ) -> None:
        check_device(device)
        self._device, self._tell, self._note = device, tell, note
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
        self.height: int = header.height
        self.channels: int = header.channels
        """1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
        self.bit_depth: int = header.depth
        """8 or 16: that of the source."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), px."""
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
        """Colour profile, EXIF and XMP, as bytes; empty where there is none, or where it is damaged, of which a SplatWarning tells once.

        Checks their CRCs and what they unpack to. Raises InputError where the file cannot be read.
        """
        if self._metadata is None:
            with self._named():
                self._metadata, damaged = self._reader.sound_metadata()
            prefix = "" if self._name is None else f"{display(self._name)}: "
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
        """The picture, or a part of it, as Pillow and imageio have it: (H, W) for gray, else (H, W, C); uint8 or uint16.

        `region` is (x, y, width, height) in px; None is all. `scale`, a number or text such as "1/8", is in output pixels per px: the
        output has ceil(width scale) x ceil(height scale) of them; smaller pictures are averages, not samples. `max_level` leaves out the
        Gaussians of the levels below it (level l: sizes of 2^(l-1) to 2^l px): a coarse picture from fewer bytes. `bit_depth` is by
        default that of the source. With `allow_truncated` a file that ends too early shows what is whole of it.

        A region costs what lies in it, and is the crop of the whole picture, to the last bit, wherever x scale and y scale are whole
        numbers.

        What is checked: of the whole picture, at any scale, the CRC of every chunk, also of those that draw nothing, before it is drawn;
        that each stream ends where it must; and the metadata, of which those that are damaged cost no pixel (SplatWarning). Of a region,
        of coarser levels, and with `allow_truncated`: the structure of the file, and the CRCs of the sections that it takes (of all
        Gaussians, where the file is not divided), whatever else is damaged. ``splatc.verify`` checks every byte.

        Raises UsageError, InputError, CorruptFileError, UnsupportedFileError and LimitError (more pixels, memory or work than splatc
        takes unasked), DeviceError and CoreError.
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
        """The same from top to bottom in strips of some 256 rows, each (R, W, C) for gray as well, for what does not fit into memory."""
        from splatc.image.saving import Shape

        seen, depth = self.view(region, scale), self._depth(bit_depth)
        scene, plan = self._scene(seen, min(_STRIP, seen.rows), depth, max_level, allow_truncated)
        return Shape(seen.columns, seen.rows, self.channels, depth), self._draw(scene, plan, depth, _STRIP)

    def load(self, bit_depth: int | None = None) -> Image:
        """The whole picture and its metadata. Raises as `read` does."""
        from splatc.image.readers import Image

        pixels = self.read(bit_depth=bit_depth)
        return Image(pixels.reshape(self.height, self.width, self.channels), metadata=self.metadata())

    def view(self, region: Iterable[Number] | None = None, scale: Scale = 1) -> View:
        """What `read` would draw: its ``columns`` and ``rows`` are the size of the output. Raises UsageError."""
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
    ) -> tuple[Scene, Plan]:
        """What is drawn. ``rows`` of it lie in memory at once. Raises LimitError before anything large is allocated."""
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

        from splatc.decoder.scene import make_scene
        from splatc.render.draw import make_plan

        with self._named():
            quantized = self._reader.read(region, max_level=level, allow_truncated=allow_truncated)
            self.budget.check_points(self._reader.header.quantizer, quantized, seen, cost.work)
            scene = make_scene(self._reader.header, quantized)
            plan = make_plan(scene, seen)
            self.budget.check_drawing(plan, seen.columns * rows * self.channels * depth // 8)
        if whole and not level and not allow_truncated:
            self.metadata()
        return scene, plan

    def _draw(self, scene: Scene, plan: Plan, depth: int, rows: int | None) -> Iterator[Samples]:
        import numpy as np

        from splatc.render.choice import strips

        return strips(self._device, scene, plan, np.uint8 if depth == 8 else np.uint16, rows, self._tell)

    def _depth(self, bit_depth: int | None) -> int:
        if bit_depth is None:
            return self.bit_depth
        return arguments.whole_choice("bit_depth", bit_depth, (8, 16), otherwise="None")

    def _named(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._name is None else named(self._name)
