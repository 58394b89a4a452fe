"""The functions for Python programs: arrays in, bytes out, and back. What they raise are subclasses of SplatError.

But for what a caller's own `progress` raises, which comes out as it is.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, cast

from splatc.errors import InputImageError, UsageError
from splatc.files import named
from splatc.request import ARGUMENTS, Request

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from splatc.gaussians import Gaussians
    from splatc.pixels import Image, Samples
    from splatc.verifier import Problem


def encode(
    array: ArrayLike,
    *,
    cr: float | None = None,
    bpp: float | None = None,
    size: int | None = None,
    psnr: float | None = None,
    count: int | None = None,
    effort: int = 5,
    tune: Literal["psnr", "ssim"] = "psnr",
    blend: Literal["normalized", "sum"] | None = None,
    seed: int = 0,
    engine: Literal["auto", "core", "cuda", "torch", "gsplat"] = "auto",
    device: Literal["auto", "cpu", "cuda", "mps"] | None = None,
    icc_profile: bytes = b"",
    exif: bytes = b"",
    xmp: bytes = b"",
    max_memory: int | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> bytes:
    """The ``.splat2d`` file of a picture.

    `array` is (H, W) or (H, W, C), uint8 or uint16 over its full range; C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
    At most one target: `cr` raw bytes over file bytes (100 where nothing is given), `bpp` bits of the file per pixel, `size`
    bytes, `count` Gaussians; it is never exceeded. Or `psnr`: the smallest file found that decodes to at least so many dB; that takes up to
    three quick trials and mostly one fit, up to three, and more where they all fall short.
    `effort` 1 (fastest) to 9 (best), `tune` the quality to aim for, `blend`
    how Gaussians make a pixel (None: what measures best), `seed` of the random numbers. `engine` "core" is the compiled fit on the CPU,
    "cuda" that on an NVIDIA GPU, "torch" the method in PyTorch (``pip install "splatc[train]"``), "gsplat" the same with gsplat
    (``"splatc[gsplat]"``); "auto" is "core", or with `device` "cuda" that on the GPU, with "auto" the same where one works;
    `tune` "ssim" is fitted by the CPU. "torch" runs on any `device` that PyTorch drives. A colour profile, EXIF (a TIFF structure) and XMP
    are stored as they are given.
    What would take more than some `max_memory` bytes, the picture included, is refused before it begins; None: nothing is.

    `progress` is called with (steps done, steps in all, what is being done), in the calling thread, at each step, and every 50 ms of a step
    that takes longer. To stop, raise in it: its exception leaves ``encode`` within half a second, as it is, the only one that need not be a
    SplatError, and nothing stays behind. Ctrl-C ends ``encode`` in the same way. A picture of one colour takes no steps.

    Raises InputImageError (no such array), UsageError (a target that no file can meet, an option out of range), LimitError, DeviceError.

    >>> import numpy as np, splatc
    >>> pixels = np.linspace(0, 255, 32 * 24 * 3).astype(np.uint8).reshape(24, 32, 3)
    >>> data = splatc.encode(pixels, size=200, effort=1)
    >>> len(data) <= 200
    True
    """
    request = Request(cr, bpp, size, count, psnr)
    request.check(ARGUMENTS)
    _check_options(request, effort, tune, blend, seed)
    _check_bound("max_memory", max_memory)

    from splatc.fit.engines.choice import Wanted

    wanted = Wanted(engine, device or ("cpu" if engine == "auto" else "auto"))
    wanted.check(tune)
    image = _image(array, icc_profile, exif, xmp)
    kind, limit = request.resolve(image, ARGUMENTS)

    from splatc.blend import Blend
    from splatc.encoder import EncodeOptions, encode_on
    from splatc.rate_control import Target

    chosen = None if blend is None else Blend[blend.upper()]
    options = EncodeOptions(
        Target(kind, limit), blend=chosen, tune=tune, effort=effort, seed=seed, max_memory=max_memory
    )
    if psnr is not None:
        from splatc.quality_search import encode_to_psnr

        return encode_to_psnr(wanted, image, options, psnr, lambda *_: None, progress)
    return encode_on(wanted, image, options, lambda *_: None, progress)


def decode(
    data: bytes | str | os.PathLike[str],
    *,
    region: tuple[int, int, int, int] | None = None,
    scale: float | str | Fraction = 1,
    max_level: int | None = None,
    bit_depth: Literal[8, 16] | None = None,
    max_pixels: int | None = None,
    max_memory: int | None = None,
    max_work: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "cpu",
) -> Samples:
    """The picture of a ``.splat2d`` file, given by its bytes or its path, or a part of it.

    (H, W) for gray, else (H, W, C); uint8, or uint16 for `bit_depth` 16; None takes that of the source. `region` is (x, y, width,
    height) in px, `scale` a number or text such as "1/8", `max_level` leaves out the Gaussians of the levels below it. Not more than
    `max_pixels` (2^29) are drawn, nor may it take more than some `max_memory` bytes (4 GiB) or `max_work` points of work (2^37;
    spec/limits.md, "Work"). `device` "cuda" draws on an NVIDIA GPU, "auto" on one that works if the picture is large. To read several
    parts of one file see ``splatc.open``.

    The CRC of every byte of the file is checked before the whole picture is drawn; what is checked of a part, ``Picture.read`` says.
    Damaged metadata cost no pixel: a ``splatc.SplatWarning`` tells of them.

    Raises InputError, CorruptFileError, UnsupportedFileError, LimitError, UsageError and DeviceError.

    >>> import numpy as np, splatc
    >>> gaussians = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32), scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0], np.float32), colour=np.array([[1, 0.5, 0]], np.float32))
    >>> data = splatc.encode_gaussians(gaussians, 16, 12)
    >>> splatc.decode(data).shape, splatc.decode(data, scale="1/2").shape
    ((12, 16, 3), (6, 8, 3))
    """
    from splatc.budget import Budget
    from splatc.opened import open_file
    from splatc.picture import Picture

    with open_file(data) as file:
        picture = Picture(file, name=_path(data), budget=Budget(max_pixels, max_memory, max_work), device=device)
        return picture.read(region, scale, max_level, bit_depth)


def info(
    data: bytes | str | os.PathLike[str],
    *,
    bits: bool = False,
    max_memory: int | None = None,
    max_work: int | None = None,
) -> dict[str, Any]:
    """What a ``.splat2d`` file holds: what ``splatc info --json`` prints.

    Structure, checksums and metadata are looked at; the streams of Gaussians are decoded only with `bits`, to say what they are spent on,
    within the bounds of ``decode``. ``splatc info --help`` says what its keys mean.
    Raises InputError, CorruptFileError, UnsupportedFileError and LimitError.

    >>> import numpy as np, splatc
    >>> nothing = splatc.Gaussians(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0, 2), (0,), (0, 3))))
    >>> report = splatc.info(splatc.encode_gaussians(nothing, 640, 480))
    >>> report["width"], report["height"], report["gaussians"]
    (640, 480, 0)
    """
    from splatc.budget import Budget
    from splatc.describe import describe
    from splatc.opened import open_file

    budget = Budget(max_memory=max_memory, max_work=max_work)
    with open_file(data) as file, _named(data):
        return describe(file, bits=bits, budget=budget)


def verify(
    data: bytes | str | os.PathLike[str], *, max_memory: int | None = None, max_work: int | None = None
) -> list[Problem]:
    """All that is wrong with a ``.splat2d`` file, given by its bytes or its path: what ``splatc verify`` prints. Empty for a sound file.

    Each problem has a `kind` ("corrupt", "unsupported", "limit"), a `part` and a `message`; streams are decoded within the bounds of
    ``decode``. Raises InputError.

    >>> import numpy as np, splatc
    >>> nothing = splatc.Gaussians(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0, 2), (0,), (0, 3))))
    >>> data = splatc.encode_gaussians(nothing, 640, 480)
    >>> splatc.verify(data), [problem.part for problem in splatc.verify(data[:-1] + b"x")]
    ([], ['checksum'])
    """
    from splatc.budget import Budget
    from splatc.opened import open_file
    from splatc.verifier import verify

    budget = Budget(max_memory=max_memory, max_work=max_work)
    with open_file(data) as file, _named(data):
        return verify(file, budget)


def encode_gaussians(
    gaussians: Gaussians,
    width: int,
    height: int,
    *,
    blend: Literal["normalized", "sum"] = "normalized",
    background: tuple[int, ...] | None = None,
    bit_depth: Literal[8, 16] = 8,
    precision: Literal[0, 1, 2] = 1,
) -> bytes:
    """The ``.splat2d`` file of Gaussians that something else has fitted, on a canvas of `width` x `height` px.

    `background` is the colour where none of them reaches, 0..255 per channel, black by default. Values are rounded to the steps
    of the format, those out of its range (means outside of the canvas) clamped: `precision` 0 takes the steps that ``encode``
    fits for, each 1 more halves them, which rounds less and costs some 7 bits per Gaussian.

    Raises UsageError (shapes that do not fit, values that are not finite, s1 < s2 or s2 <= 0) and LimitError.

    >>> import numpy as np, splatc
    >>> gaussians = splatc.Gaussians(
    ...     mean=np.array([[8, 6], [3, 4]], np.float32), scale=np.array([[4, 2], [1, 1]], np.float32),
    ...     angle=np.array([0, 0], np.float32), colour=np.array([[1.0], [0.5]], np.float32))
    >>> splatc.info(splatc.encode_gaussians(gaussians, 16, 12, blend="sum"))["blend"]
    'sum'
    """
    from splatc.checkpoints import check_gaussians

    check_gaussians(gaussians)
    channels = gaussians.colour.shape[1]
    background = (0,) * channels if background is None else tuple(background)
    _check_choice("blend", blend, ("normalized", "sum"))
    _check_choice("bit_depth", bit_depth, (8, 16))
    _check_choice("precision", precision, (0, 1, 2))
    if len(background) != channels or not all(0 <= value <= 255 for value in background):
        raise UsageError(f"background={background}: expected {channels} numbers from 0 to 255")
    if width < 1 or height < 1:
        raise UsageError(f"a canvas of {width} x {height} px: expected at least 1 x 1")

    from splatc import bitstream
    from splatc.blend import Blend
    from splatc.quantize import quantize
    from splatc.steps import Quantizer

    usual = Quantizer()
    finer = 8 * precision
    quantizer = Quantizer(
        position=usual.position - finer,
        sizes=usual.sizes << precision,
        anisotropy=usual.anisotropy - finer,
        angle=usual.angle - finer,
        luma=usual.luma - finer,
        chroma=usual.chroma - finer,
    )
    header = bitstream.Header(int(width), int(height), channels, background, Blend[blend.upper()], bit_depth, quantizer)
    quantized = quantize(quantizer, gaussians, int(width), int(height))
    return bitstream.encode(header, quantized)


def _path(data: object) -> str | None:
    """The path that a file is given by, if it is."""
    return None if isinstance(data, bytes | bytearray | memoryview) else os.fsdecode(cast("str", data))


def _named(data: object) -> contextlib.AbstractContextManager[None]:
    """Errors begin with the path that a file is given by."""
    path = _path(data)
    return contextlib.nullcontext() if path is None else named(path)


def _image(array: ArrayLike, icc: bytes = b"", exif: bytes = b"", xmp: bytes = b"") -> Image:
    """The array as a picture. Raises InputImageError if it is none."""
    import numpy as np

    from splatc.pixels import Image, Metadata

    pixels = np.asarray(array)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise InputImageError(f"an array of {pixels.dtype} is no picture: expected uint8 or uint16 over the full range")
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4) or 0 in pixels.shape:
        raise InputImageError(f"an array of shape {np.shape(array)} is no picture: expected (H, W) or (H, W, 1 to 4)")
    return Image(np.ascontiguousarray(pixels), metadata=Metadata(icc, exif, xmp))


def _check_options(request: Request, effort: int, tune: str, blend: str | None, seed: int) -> None:
    for name in ("cr", "bpp", "size", "psnr", "count"):
        value = getattr(request, name)
        if value is not None and (isinstance(value, str) or not 0 < value < math.inf):
            raise UsageError(f"{name}={value!r}: expected a number above 0")
        if name in ("size", "count") and value is not None and value != int(value):
            raise UsageError(f"{name}={value!r}: expected a whole number")
    _check_choice("effort", effort, tuple(range(1, 10)))
    _check_choice("tune", tune, ("psnr", "ssim"))
    _check_choice("blend", blend, ("normalized", "sum", None))
    if not 0 <= seed < 2**32:
        raise UsageError(f"seed={seed!r}: expected a whole number from 0 to {2**32 - 1}")


def _check_bound(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, int) and value > 0):
        raise UsageError(f"{name}={value!r}: expected a whole number above 0, or None")


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name}={value!r}: expected {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}")
