"""The functions for Python programs: arrays in, bytes out, and back. What they raise are subclasses of SplatError.

But for what a caller's own `progress` raises, which comes out as it is. Arguments are checked by arguments.py; what these functions raise
beside that for which the call is to blame is in their docstrings, but for CoreError, which any of them raises where the compiled core of
splatc is missing, does not fit, or cannot run on this machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from splatc.runtime import arguments
from splatc.runtime.files import named

if TYPE_CHECKING:
    import PIL.Image
    from numpy.typing import ArrayLike

    from splatc.decoder.verifier import Problem
    from splatc.gaussians import Gaussians
    from splatc.image.readers import Samples
    from splatc.render.view import Scale
    from splatc.runtime.arguments import Number

Bytes = bytes | bytearray | memoryview
"""And whatever else exports its bytes, such as a memory map."""
File = Bytes | str | os.PathLike[str] | BinaryIO
"""The bytes of a file, its path, or the open file, which is read from its beginning."""
_BLENDS = ("normalized", "sum")


def encode(
    array: ArrayLike | PIL.Image.Image,
    *,
    cr: Number | None = None,
    bpp: Number | None = None,
    size: Number | None = None,
    psnr: Number | None = None,
    count: Number | None = None,
    effort: Number = 5,
    tune: Literal["psnr", "ssim"] = "psnr",
    blend: Literal["normalized", "sum"] | None = None,
    seed: Number = 0,
    engine: Literal["auto", "core", "cuda", "torch", "gsplat"] = "auto",
    device: Literal["auto", "cpu", "cuda", "mps"] | None = None,
    icc_profile: Bytes | None = None,
    exif: Bytes | None = None,
    xmp: Bytes | None = None,
    max_memory: Number | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> bytes:
    """The ``.splat2d`` file of a picture.

    `array` is (H, W) or (H, W, C), uint8 or uint16 over its full range; C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. An image of
    Pillow's becomes such an array, as when the plug-in of splatc saves it: palettes, inks (CMYK) and the like are converted to what they
    show; floating point, 32-bit integers and Lab are refused.
    At most one target: `cr` raw bytes over file bytes (100 where nothing is given), `bpp` bits of the file per pixel, `size`
    bytes, `count` Gaussians; it is never exceeded. Or `psnr`: the smallest file found that decodes to at least so many dB; that takes up to
    three quick trials and mostly one fit, up to three, and more where they all fall short.
    `effort` 1 (fastest) to 9 (best), `tune` the quality to aim for, `blend`
    how Gaussians make a pixel (None: what measures best), `seed` of the random numbers. `engine` "core" is the compiled fit on the CPU,
    "cuda" that on an NVIDIA GPU, "torch" the method in PyTorch (``pip install "splatc[train]"``), "gsplat" the same with gsplat
    (``"splatc[gsplat]"``); "auto" is "core", or with `device` "cuda" that on the GPU, with "auto" the same where one works;
    `tune` "ssim" is fitted by the CPU. "torch" runs on any `device` that PyTorch drives. A colour profile, EXIF (a TIFF structure) and XMP
    are stored as they are given; None and no bytes are none, but that the profile None of an image of Pillow's is its own. Pictures are
    stored upright: where EXIF or XMP tell another orientation, they tell 1 afterwards, and have no thumbnail. An image of Pillow's is
    turned as they told; an array is not, as its pixels are taken as they are shown.
    What would take more than some `max_memory` bytes, the picture included, is refused before it begins; None: nothing is.

    `progress` is called with (steps done, steps in all, what is being done), in the calling thread, at each step, and every 50 ms of a step
    that takes longer. To stop, raise in it: its exception leaves ``encode`` within half a second, as it is, the only one that need not be a
    SplatError, and nothing stays behind. Ctrl-C ends ``encode`` in the same way. A picture of one colour takes no steps.

    Raises InputImageError (no such picture), UsageError (a target that no file can meet, an option out of range), LimitError, DeviceError
    and CoreError.

    >>> import numpy as np, splatc
    >>> pixels = np.linspace(0, 255, 32 * 24 * 3).astype(np.uint8).reshape(24, 32, 3)
    >>> data = splatc.encode(pixels, size=200, effort=1)
    >>> len(data) <= 200
    True
    """
    from splatc.encoder.request import ARGUMENTS, Request

    request = Request(
        cr=None if cr is None else arguments.positive("cr", cr),
        bpp=None if bpp is None else arguments.positive("bpp", bpp),
        size=None if size is None else arguments.whole("size", size),
        count=None if count is None else arguments.whole("count", count),
        psnr=None if psnr is None else arguments.positive("psnr", psnr),
    )
    request.check(ARGUMENTS)
    level, start = arguments.whole("effort", effort, 1, 9), arguments.whole("seed", seed, 0, 2**32 - 1)
    chosen_tune = cast(Literal["psnr", "ssim"], arguments.choice("tune", tune, ("psnr", "ssim")))
    chosen_blend = None if blend is None else arguments.choice("blend", blend, _BLENDS, otherwise="None")
    max_bytes = None if max_memory is None else arguments.whole("max_memory", max_memory, otherwise="None")
    icc = None if icc_profile is None else arguments.content("icc_profile", icc_profile)
    tiff, packet = arguments.exif("exif", exif), arguments.content("xmp", xmp)
    told = arguments.called("progress", progress)

    from splatc.fit.engines.choice import Wanted, check_names

    wanted = Wanted(engine, check_names(engine, device))
    wanted.check(chosen_tune)

    from splatc.image.given import image_of

    image = image_of(array, icc, tiff, packet)
    kind, limit = request.resolve(image, ARGUMENTS)

    from splatc.blend import Blend
    from splatc.encoder.pipeline import EncodeOptions, encode_on
    from splatc.encoder.rate_control import Target

    options = EncodeOptions(
        Target(kind, limit),
        blend=None if chosen_blend is None else Blend[chosen_blend.upper()],
        tune=chosen_tune,
        effort=level,
        seed=start,
        max_memory=max_bytes,
    )
    if request.psnr is not None:
        from splatc.encoder.quality_search import encode_to_psnr

        return encode_to_psnr(wanted, image, options, request.psnr, lambda *_: None, told)
    return encode_on(wanted, image, options, lambda *_: None, told)


def decode(
    data: File,
    *,
    region: Iterable[Number] | None = None,
    scale: Scale = 1,
    max_level: Number | None = None,
    bit_depth: Literal[8, 16] | None = None,
    max_pixels: Number | None = None,
    max_memory: Number | None = None,
    max_work: Number | None = None,
    device: Literal["auto", "cpu", "cuda"] = "cpu",
) -> Samples:
    """The picture of a ``.splat2d`` file, given by its bytes, its path or as a binary file that can seek, or a part of it.

    (H, W) for gray, else (H, W, C); uint8, or uint16 for `bit_depth` 16; None takes that of the source. `region` is (x, y, width,
    height) in px, `scale` a number or text such as "1/8", `max_level` leaves out the Gaussians of the levels below it. Not more than
    `max_pixels` (2^29) are drawn, nor may it take more than some `max_memory` bytes (4 GiB) or `max_work` points of work (2^37;
    spec/limits.md, "Work"). `device` "cuda" draws on an NVIDIA GPU, "auto" on one that works if the picture is large. To read several
    parts of one file see ``splatc.open``.

    The CRC of every byte of the file is checked before the whole picture is drawn; what is checked of a part, ``Picture.read`` says.
    Damaged metadata cost no pixel: a ``splatc.SplatWarning`` tells of them.

    Raises InputError, CorruptFileError, UnsupportedFileError, LimitError, UsageError, DeviceError and CoreError.

    >>> import numpy as np, splatc
    >>> gaussians = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32), scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0], np.float32), colour=np.array([[1, 0.5, 0]], np.float32))
    >>> data = splatc.encode_gaussians(gaussians, 16, 12)
    >>> splatc.decode(data).shape, splatc.decode(data, scale="1/2").shape
    ((12, 16, 3), (6, 8, 3))
    """
    from splatc.decoder.budget import budget_of
    from splatc.decoder.picture import Picture

    budget = budget_of(max_pixels, max_memory, max_work)
    with _opened(data) as (file, path):
        picture = Picture(file, name=path, budget=budget, device=device)
        return picture.read(region, scale, max_level, bit_depth)


def info(
    data: File,
    *,
    bits: bool = False,
    max_memory: Number | None = None,
    max_work: Number | None = None,
) -> dict[str, Any]:
    """What a ``.splat2d`` file holds, given by its bytes, its path or as a binary file that can seek: what ``splatc info --json`` prints.

    Structure, checksums and metadata are looked at; the streams of Gaussians are decoded only with `bits`, to say what they are spent on,
    within the bounds of ``decode``. ``splatc info --help`` says what its keys mean.
    Raises InputError, CorruptFileError, UnsupportedFileError, LimitError, UsageError and, with `bits`, CoreError.

    >>> import numpy as np, splatc
    >>> nothing = splatc.Gaussians(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0, 2), (0,), (0, 3))))
    >>> report = splatc.info(splatc.encode_gaussians(nothing, 640, 480))
    >>> report["width"], report["height"], report["gaussians"]
    (640, 480, 0)
    """
    also_bits = arguments.flag("bits", bits)

    from splatc.decoder.budget import budget_of
    from splatc.decoder.describe import describe

    budget = budget_of(None, max_memory, max_work)
    with _opened(data) as (file, path), _named(path):
        return describe(file, bits=also_bits, budget=budget)


def verify(data: File, *, max_memory: Number | None = None, max_work: Number | None = None) -> list[Problem]:
    """All that is wrong with a ``.splat2d`` file, given by its bytes, its path or as a binary file that can seek: what ``splatc verify``
    prints. Empty for a sound file.

    Each problem has a `kind` ("corrupt", "unsupported", "limit"), a `part` and a `message`; streams are decoded within the bounds of
    ``decode``. Raises InputError, UsageError and CoreError.

    >>> import numpy as np, splatc
    >>> nothing = splatc.Gaussians(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0, 2), (0,), (0, 3))))
    >>> data = splatc.encode_gaussians(nothing, 640, 480)
    >>> splatc.verify(data), [problem.part for problem in splatc.verify(data[:-1] + b"x")]
    ([], ['checksum'])
    """
    from splatc.decoder.budget import budget_of
    from splatc.decoder.verifier import verify

    budget = budget_of(None, max_memory, max_work)
    with _opened(data) as (file, path), _named(path):
        return verify(file, budget)


def encode_gaussians(
    gaussians: Gaussians,
    width: Number,
    height: Number,
    *,
    blend: Literal["normalized", "sum"] = "normalized",
    background: Iterable[Number] | None = None,
    bit_depth: Literal[8, 16] = 8,
    precision: Literal[0, 1, 2] = 1,
) -> bytes:
    """The ``.splat2d`` file of Gaussians that something else has fitted, on a canvas of `width` x `height` px.

    `background` is the colour where none of them reaches, 0..255 per channel, black by default. Values are rounded to the steps
    of the format, those out of its range (means outside of the canvas) clamped: `precision` 0 takes the steps that ``encode``
    fits for, each 1 more halves them, which rounds less and costs some 7 bits per Gaussian.

    Raises UsageError (shapes that do not fit, values that are not finite, s1 < s2 or s2 <= 0), LimitError and CoreError.

    >>> import numpy as np, splatc
    >>> gaussians = splatc.Gaussians(
    ...     mean=np.array([[8, 6], [3, 4]], np.float32), scale=np.array([[4, 2], [1, 1]], np.float32),
    ...     angle=np.array([0, 0], np.float32), colour=np.array([[1.0], [0.5]], np.float32))
    >>> splatc.info(splatc.encode_gaussians(gaussians, 16, 12, blend="sum"))["blend"]
    'sum'
    """
    from splatc.gaussians import checked

    gaussians = checked("gaussians", gaussians)
    channels = gaussians.colour.shape[1]
    columns, rows = arguments.whole("width", width), arguments.whole("height", height)
    chosen_blend = arguments.choice("blend", blend, _BLENDS)
    colour = (0,) * channels if background is None else arguments.colour("background", background, channels)
    depth = arguments.whole_choice("bit_depth", bit_depth, (8, 16))
    finer = 8 * arguments.whole_choice("precision", precision, (0, 1, 2))

    from splatc import bitstream
    from splatc.bitstream import limits
    from splatc.blend import Blend
    from splatc.quantize import quantize
    from splatc.steps import Quantizer

    limits.check_picture(columns, rows)
    usual = Quantizer()
    quantizer = Quantizer(
        position=usual.position - finer,
        sizes=usual.sizes << finer // 8,
        anisotropy=usual.anisotropy - finer,
        angle=usual.angle - finer,
        luma=usual.luma - finer,
        chroma=usual.chroma - finer,
    )
    header = bitstream.Header(columns, rows, channels, colour, Blend[chosen_blend.upper()], depth, quantizer)
    return bitstream.encode(header, quantize(quantizer, gaussians, columns, rows))


@contextlib.contextmanager
def _opened(data: File) -> Iterator[tuple[BinaryIO, str | None]]:
    """The file, and its path if it is given by that. Raises UsageError and InputError."""
    from splatc.decoder.opened import open_file

    given = arguments.file("data", data)
    if not isinstance(given, str | memoryview):
        yield given, None
        return
    if isinstance(given, str):
        with open_file(given) as file:
            yield file, given
        return
    with (
        given,
        open_file(given) as file,
    ):  # released: a bytearray can be resized afterwards, also where an error is being handled
        yield file, None


def _named(path: str | None) -> contextlib.AbstractContextManager[None]:
    """Errors begin with the path that a file is given by."""
    return contextlib.nullcontext() if path is None else named(path)
