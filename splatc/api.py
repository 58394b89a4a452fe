"""The functions for Python programs: arrays in, bytes out, and back. What they raise are subclasses of SplatError.

But for what a caller's own `progress` raises, which comes out as it is. Arguments are checked by arguments.py; what these functions raise
beside that for which the call is to blame is in their docstrings, but for CoreError, which any of them raises where the compiled core of
splatc is missing, does not fit, or cannot run on this machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from splatc.runtime import arguments
from splatc.runtime.files import named

if TYPE_CHECKING:
    import PIL.Image
    from numpy.typing import ArrayLike

    from splatc.decoder.comparison import Comparison
    from splatc.decoder.picture_file import DecodeSummary
    from splatc.decoder.verifier import Problem
    from splatc.encoder.picture_file import EncodeSummary
    from splatc.encoder.request import Request
    from splatc.gaussians import Gaussians
    from splatc.image.image import Samples
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
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    icc_profile: Bytes | None = None,
    exif: Bytes | None = None,
    xmp: Bytes | None = None,
    max_memory: Number | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> bytes:
    """Encode pixels as the bytes of a ``.splat2d`` file.

    Pictures are stored upright. Where EXIF or XMP give another orientation, an image of Pillow's is turned by it
    and an array is taken as it is shown; the stored orientation is 1, without a thumbnail.

    Args:
        array: (H, W) or (H, W, C) pixels, uint8 or uint16 over the full range of the type; C is 1 (gray), 2 (gray,
            alpha), 3 (RGB) or 4 (RGB, alpha). Or an image of Pillow's, whose palette, CMYK and the like become what
            they show; floating point, 32-bit integers and Lab are refused.
        cr: target, bytes of the pixels over bytes of the file, above 0. A file never exceeds its target. At most
            one target is given; without any, `cr` is 100.
        bpp: target, bits of the file per pixel, above 0.
        size: target, bytes of the file, 1 or more.
        psnr: target, dB that the decoded file has at least, above 0: the smallest file found. It takes up to four
            quick trials, a fit and mostly one or two corrections of it, more where these fall short.
        count: target, number of Gaussians, 1 or more.
        effort: 0 (fastest) to 9 (best).
        tune: the quality to fit for, "psnr" or "ssim" (MS-SSIM, fitted by the CPU).
        blend: how Gaussians make a pixel, "normalized" or "sum"; None takes what measures best.
        seed: of the random numbers, 0 to 2^32 - 1. The same arguments and version give the same bytes on any CPU.
        engine: "core" fits on the CPU, "cuda" on an NVIDIA GPU (``pip install "splatc[cuda]"``), "torch" by
            PyTorch's autograd (``"splatc[train]"``), "gsplat" with gsplat (``"splatc[gsplat]"``); "auto" is "core"
            or "cuda", as `device` says.
        device: "cpu", "cuda", "mps" (PyTorch alone) or "auto": what the engine runs best on, an NVIDIA GPU where
            one works.
        icc_profile: colour profile, stored as it is. None is that of an image of Pillow's, and none for an array;
            b"" is none.
        exif: EXIF, a TIFF structure, with or without the prefix of JPEG; None and b"" are none.
        xmp: XMP packet in UTF-8; None and b"" are none.
        max_memory: bytes, 1 or more: what would take more by estimate, the picture included, is refused before it
            begins. What PyTorch or a GPU takes is not in the estimate.
        progress: called with (steps done, steps in all, what is being done) in the calling thread, at each step and
            every 50 ms of a longer one; never for a picture of one colour. What it raises leaves ``encode`` as it
            is, within half a second, and nothing stays behind.

    Returns:
        The file: at most as large as the target, and at least 97 % of it unless the picture needs less.

    Raises:
        InputImageError: `array` is no picture of these kinds.
        UsageError: an argument is out of its range, targets exclude each other, or no file is as small as the
            target.
        LimitError: the picture exceeds a limit of the format, or the fit takes more than `max_memory`.
        DeviceError: the GPU that was asked for does not work.
        CoreError: the compiled core is missing or cannot run here.

    Source:
        Li et al., "SmartSplat", AAAI 2026 (the seeds of the fit); spec/README.md (the file).

    >>> import numpy as np, splatc
    >>> pixels = np.linspace(0, 255, 32 * 24 * 3).astype(np.uint8).reshape(24, 32, 3)
    >>> data = splatc.encode(pixels, size=200, effort=1)
    >>> len(data) <= 200
    True
    """
    from splatc.encoder.request import ARGUMENTS

    request = _request(cr, bpp, size, psnr, count)
    fit = _fit_options(effort, tune, blend, seed, max_memory)
    icc = None if icc_profile is None else arguments.content("icc_profile", icc_profile)
    tiff, packet = arguments.exif("exif", exif), arguments.content("xmp", xmp)
    called = arguments.called("progress", progress)

    from splatc.fit.engines.choice import Wanted

    wanted = Wanted(engine, device)
    wanted.at(fit.effort).check(fit.tune)

    from splatc.image.given import image_of

    image = image_of(array, icc, tiff, packet)
    kind, limit = request.resolve(image, ARGUMENTS)

    from splatc.blend import Blend
    from splatc.encoder.pipeline import EncodeOptions, encode_on
    from splatc.encoder.rate_control import Target

    options = EncodeOptions(
        Target(kind, limit),
        blend=None if fit.blend is None else Blend[fit.blend.upper()],
        tune=fit.tune,
        effort=fit.effort,
        seed=fit.seed,
        max_memory=fit.max_memory,
    )
    if request.psnr is not None:
        from splatc.encoder.quality_search import encode_to_psnr

        return encode_to_psnr(wanted, image, options, request.psnr, lambda *_: None, called)
    return encode_on(wanted, image, options, lambda *_: None, called)


def encode_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
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
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    strip: bool = False,
    max_time: Number | None = None,
    max_memory: Number | None = None,
    threads: Number | None = None,
    force: bool = False,
    progress: Callable[[int, int, str], object] | None = None,
) -> EncodeSummary:
    """Encode a picture file as a ``.splat2d`` file: what ``splatc encode`` does.

    The file appears whole or not at all, whatever ends the call.

    Args:
        source: path of a picture: PNG, JPEG, WebP, AVIF, TIFF, JPEG 2000, GIF, BMP, TGA or PNM.
        target: path of the ``.splat2d`` file.
        cr: target, bytes of the pixels over bytes of the file, above 0. This and what follows until `device` mean what
            they mean in `encode`.
        bpp: target, bits of the file per pixel, above 0.
        size: target, bytes of the file, 1 or more.
        psnr: target, dB that the decoded file has at least, above 0.
        count: target, number of Gaussians, 1 or more.
        effort: 0 (fastest) to 9 (best).
        tune: the quality to fit for, "psnr" or "ssim".
        blend: how Gaussians make a pixel, "normalized" or "sum"; None takes what measures best.
        seed: of the random numbers, 0 to 2^32 - 1.
        engine: what fits, "auto", "core", "cuda", "torch" or "gsplat".
        device: what computes, "auto", "cpu", "cuda" or "mps".
        strip: leave out the colour profile, EXIF and XMP.
        max_time: seconds, above 0, after which the file should be there. The fit makes fewer steps if it must, and the
            bytes then depend on the machine.
        max_memory: bytes, 1 or more: what would take more by estimate is refused before it begins.
        threads: of the CPU, 1 or more, in all of this process while the call lasts; None is as many as are set, by
            default one per core.
        force: replace `target` if it exists.
        progress: called with (steps done, steps in all, what is being done) as by `encode`. What it raises leaves
            ``encode_file`` as it is, and no file is written.

    Returns:
        An `EncodeSummary`: size, PSNR and MS-SSIM of the file as it decodes, and what of the picture is left out.

    Raises:
        InputError: `source` cannot be read.
        InputImageError: it is no picture, a damaged one, or of a kind that is not coded.
        OutputError: `target` cannot be written.
        UsageError: an argument is out of its range, `target` exists, targets exclude each other, or no file is as small
            as the target.
        LimitError: the picture exceeds a limit of the format, or the fit takes more than `max_memory`.
        TimeUpError: nothing has reached `psnr` within `max_time`.
        DeviceError: the GPU that was asked for does not work.
        CoreError: the compiled core is missing or cannot run here.

    >>> import os, tempfile
    >>> import numpy as np, PIL.Image, splatc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     picture, file = os.path.join(folder, "a.png"), os.path.join(folder, "a.splat2d")
    ...     PIL.Image.linear_gradient("L").resize((32, 24)).save(picture)
    ...     summary = splatc.encode_file(picture, file, size=200, effort=1)
    ...     os.path.getsize(file) == summary.bytes <= 200, summary.psnr_db > 20
    (True, True)
    """
    from_path, to_path = arguments.path("source", source), arguments.path("target", target)
    request = _request(cr, bpp, size, psnr, count)
    fit = _fit_options(effort, tune, blend, seed, max_memory)
    called = arguments.called("progress", progress)

    from splatc.encoder.picture_file import encode_file
    from splatc.encoder.request import ARGUMENTS

    return encode_file(
        from_path,
        to_path,
        **vars(request),
        **vars(fit),
        engine=engine,
        device=device,
        strip=arguments.flag("strip", strip),
        max_time=None if max_time is None else arguments.positive("max_time", max_time),
        threads=None if threads is None else arguments.whole("threads", threads, otherwise="None"),
        force=arguments.flag("force", force),
        words=ARGUMENTS,
        progress=contextlib.nullcontext(called),
    )


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
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> Samples:
    """Decode a ``.splat2d`` file, or a part of it, to pixels.

    The CRC of every byte is checked before a whole picture is drawn; `Picture.read` says what is checked of a part.
    Damaged metadata cost no pixel: a `SplatWarning` names them. `open` reads several parts of one file.

    Args:
        data: the bytes of a ``.splat2d`` file, its path, or a binary file that can seek, read from its beginning.
        region: (x, y, width, height), px, whole numbers inside of the picture; None is all of it. It costs what
            lies in it, and is the crop of the whole picture, to the last bit, wherever x scale and y scale are
            whole numbers.
        scale: output pixels per px, a number above 0 and up to 1024, or text such as "1/8". Smaller pictures are
            averages, not samples.
        max_level: 0 to 15, or None; levels below it are left out (level l: Gaussians of some 2^(l-1) to 2^l px): a
            coarse picture from fewer bytes.
        bit_depth: 8 or 16 bits of the samples; None is that of the source.
        max_pixels: pixels that may be drawn, 1 or more; None is 2^29.
        max_memory: bytes that reading may take, 1 or more, by estimate; None is 4 GiB.
        max_work: evaluations of Gaussians that decoding may take, 1 or more (spec/limits.md, "Work"); None is 2^37.
        device: "cpu"; "cuda", an NVIDIA GPU (``pip install "splatc[cuda]"``), whose samples lie within the
            tolerance of the format; or "auto", one that works if the picture is large.

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
        spec/picture.md.

    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> data = splatc.encode_gaussians(one, 16, 12)
    >>> splatc.decode(data).shape, splatc.decode(data, scale="1/2").shape
    ((12, 16, 3), (6, 8, 3))
    """
    from splatc.decoder.budget import budget_of
    from splatc.decoder.picture import Picture

    budget = budget_of(max_pixels, max_memory, max_work)
    with _opened(data) as (file, path):
        picture = Picture(file, name=path, budget=budget, device=device)
        return picture.read(region, scale, max_level, bit_depth)


def decode_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    region: Iterable[Number] | None = None,
    scale: Scale = 1,
    max_level: Number | None = None,
    bit_depth: Literal[8, 16] | None = None,
    allow_truncated: bool = False,
    strip: bool = False,
    max_pixels: Number | None = None,
    max_memory: Number | None = None,
    max_work: Number | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    threads: Number | None = None,
    force: bool = False,
    progress: Callable[[int, int, str], object] | None = None,
) -> DecodeSummary:
    """Decode a ``.splat2d`` file to a picture file: what ``splatc decode`` does.

    The picture may be larger than memory where its type is written by strips (PNG, TIFF, PNM). The file appears whole
    or not at all, whatever ends the call.

    Args:
        source: path of the ``.splat2d`` file.
        target: path of the picture, whose extension chooses its type: .png, .jpg, .webp, .tif, .ppm, .pgm, .pam or .bmp.
        region: (x, y, width, height), px, whole numbers inside of the picture; None is all of it.
        scale: output pixels per px, a number above 0 and up to 1024, or text such as "1/8".
        max_level: 0 to 15, or None; levels below it are left out: a coarse picture from fewer bytes.
        bit_depth: 8 or 16 bits of the samples; None is that of the source.
        allow_truncated: show what is whole of a file that ends too early.
        strip: leave out the colour profile, EXIF and XMP.
        max_pixels: pixels that may be drawn, 1 or more; None is 2^29.
        max_memory: bytes that decoding may take, 1 or more, by estimate; None is 4 GiB.
        max_work: evaluations of Gaussians that decoding may take, 1 or more (spec/limits.md, "Work"); None is 2^37.
        device: "cpu"; "cuda", an NVIDIA GPU (``pip install "splatc[cuda]"``), whose samples lie within the
            tolerance of the format; or "auto", one that works if the picture is large.
        threads: of the CPU, 1 or more, in all of this process while the call lasts; None is as many as are set, by
            default one per core.
        force: replace `target` if it exists.
        progress: called with (rows done, rows in all, what is being done) in the calling thread, for each strip and
            every 50 ms of a longer one. What it raises leaves ``decode_file`` as it is, and no file is written.

    Returns:
        A `DecodeSummary`: what was written, and what the picture comes without.

    Raises:
        InputError: `source` cannot be read.
        CorruptFileError: it is no ``.splat2d`` file, or a damaged one.
        UnsupportedFileError: it is of another version of the format, or has a critical part that is not known.
        OutputError: `target` cannot be written.
        LimitError: it takes more than the bounds allow.
        UsageError: an argument is out of its range, `target` exists, or its type cannot hold the picture.
        DeviceError: the GPU that was asked for does not work.
        CoreError: the compiled core is missing or cannot run here.

    >>> import os, tempfile
    >>> import numpy as np, splatc
    >>> data = splatc.encode(np.full((12, 16, 3), 200, np.uint8), size=200)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file, picture = os.path.join(folder, "a.splat2d"), os.path.join(folder, "a.png")
    ...     with open(file, "wb") as stream:
    ...         size = stream.write(data)
    ...     summary = splatc.decode_file(file, picture, scale="1/2")
    ...     summary.width, summary.height, os.path.getsize(picture) == summary.bytes
    (8, 6, True)
    """
    from_path, to_path = arguments.path("source", source), arguments.path("target", target)
    part = None if region is None else arguments.region("region", region)
    depth = None if bit_depth is None else arguments.whole_choice("bit_depth", bit_depth, (8, 16), otherwise="None")
    workers = None if threads is None else arguments.whole("threads", threads, otherwise="None")
    replace, bare = arguments.flag("force", force), arguments.flag("strip", strip)
    called = arguments.called("progress", progress)

    from splatc.decoder.budget import budget_of
    from splatc.decoder.picture_file import decode_file

    return decode_file(
        from_path,
        to_path,
        region=part,
        scale=scale,
        max_level=max_level,
        allow_truncated=allow_truncated,
        bit_depth=depth,
        strip=bare,
        budget=budget_of(max_pixels, max_memory, max_work),
        device=device,
        threads=workers,
        force=replace,
        progress=called,
    )


def info(
    data: File,
    *,
    bits: bool = False,
    max_memory: Number | None = None,
    max_work: Number | None = None,
) -> dict[str, Any]:
    """Describe a ``.splat2d`` file: what ``splatc info --json`` prints.

    Structure, checksums and metadata are looked at. The streams of Gaussians are decoded only with `bits`.

    Args:
        data: the bytes of a ``.splat2d`` file, its path, or a binary file that can seek, read from its beginning.
        bits: also count what the bits of the file are spent on.
        max_memory: bytes that reading may take, 1 or more, by estimate; None is 4 GiB.
        max_work: evaluations of Gaussians that decoding may take, 1 or more (spec/limits.md, "Work"); None is 2^37.

    Returns:
        By name, what ``splatc info --help`` lists: "width" and "height" (px), "channels", "bit_depth", "bytes",
        "gaussians" (their number), and so on. "schema_version" changes when a name changes.

    Raises:
        InputError: the file cannot be read.
        CorruptFileError: it is no ``.splat2d`` file, or a damaged one.
        UnsupportedFileError: it is of another version of the format, or has a critical part that is not known.
        LimitError: it takes more than the bounds allow.
        UsageError: an argument is out of its range.
        CoreError: with `bits`, the compiled core is missing or cannot run here.

    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> report = splatc.info(splatc.encode_gaussians(one, 640, 480))
    >>> report["width"], report["height"], report["gaussians"]
    (640, 480, 1)
    """
    also_bits = arguments.flag("bits", bits)

    from splatc.decoder.budget import budget_of
    from splatc.decoder.describe import describe
    from splatc.runtime.renamed_keys import with_old_keys

    budget = budget_of(None, max_memory, max_work)
    with _opened(data) as (file, path), _named(path):
        return with_old_keys("info", describe(file, bits=also_bits, budget=budget))


def verify(data: File, *, max_memory: Number | None = None, max_work: Number | None = None) -> list[Problem]:
    """Find all that is wrong with a ``.splat2d`` file: what ``splatc verify`` prints.

    Args:
        data: the bytes of a ``.splat2d`` file, its path, or a binary file that can seek, read from its beginning.
        max_memory: bytes that reading may take, 1 or more, by estimate; None is 4 GiB.
        max_work: evaluations of Gaussians that decoding may take, 1 or more (spec/limits.md, "Work"); None is 2^37.

    Returns:
        A `Problem` for each fault, in the order of the file; none for a sound file. A stream that exceeds the
        bounds is a problem of the kind "limit".

    Raises:
        InputError: the file cannot be read.
        UsageError: an argument is out of its range.
        CoreError: the compiled core is missing or cannot run here.

    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> data = splatc.encode_gaussians(one, 640, 480)
    >>> splatc.verify(data), [problem.part for problem in splatc.verify(data[:-1] + b"x")]
    ([], ['checksum'])
    """
    from splatc.decoder.budget import budget_of
    from splatc.decoder.verifier import find_problems

    budget = budget_of(None, max_memory, max_work)
    with _opened(data) as (file, path), _named(path):
        return find_problems(file, budget)


def compare(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    *,
    max_pixels: Number | None = None,
    max_memory: Number | None = None,
    max_work: Number | None = None,
) -> Comparison:
    """Measure how near two pictures of one size are: what ``splatc compare`` prints.

    Gray counts as RGB of equal parts, a missing alpha channel as opaque, 8 bits as 16, and colours as far as alpha lets
    them be seen. A `SplatWarning` names what of a file is left out.

    Args:
        a: path of a picture of any kind that splatc reads, or of a ``.splat2d`` file.
        b: path of the other one.
        max_pixels: pixels that may be drawn of a ``.splat2d`` file, 1 or more; None is 2^29.
        max_memory: bytes that it may take, 1 or more, by estimate, both pictures included; None is 4 GiB.
        max_work: evaluations of Gaussians that decoding may take, 1 or more (spec/limits.md, "Work"); None is 2^37.

    Returns:
        A `Comparison`: PSNR (dB), MS-SSIM, the largest error, and the sizes of both files.

    Raises:
        InputError: a file cannot be read.
        InputImageError: one is no picture, a damaged one, or of a kind that is not read.
        CorruptFileError: a ``.splat2d`` file is damaged.
        UnsupportedFileError: it is of another version of the format, or has a critical part that is not known.
        LimitError: it takes more than the bounds allow.
        UsageError: an argument is out of its range, or the pictures differ in size.
        CoreError: the compiled core is missing or cannot run here.

    >>> import os, tempfile
    >>> import PIL.Image, splatc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     picture = os.path.join(folder, "a.png")
    ...     PIL.Image.linear_gradient("L").save(picture)
    ...     splatc.compare(picture, picture).psnr_db
    inf
    """
    first, second = arguments.path("a", a), arguments.path("b", b)

    from splatc.decoder.budget import budget_of
    from splatc.decoder.comparison import compare_files

    return compare_files(first, second, budget=budget_of(max_pixels, max_memory, max_work))


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
    """Encode Gaussians that something else has fitted as the bytes of a ``.splat2d`` file.

    Values are rounded to the steps of the format. Those out of its range, such as means outside of the canvas, are
    clamped.

    Args:
        gaussians: N Gaussians with C = 1 to 4 channels, finite, s1 >= s2 > 0.
        width: of the canvas, px, 1 or more.
        height: of the canvas, px, 1 or more.
        blend: how Gaussians make a pixel, "normalized" or "sum".
        background: C whole numbers, 0 to 255: the colour where no Gaussian reaches; None is black.
        bit_depth: 8 or 16 bits of the samples that it is decoded to.
        precision: 0 takes the quantization steps that ``encode`` fits for; 1 and 2 halve them once and twice, for
            some 7 bits more a Gaussian each time.

    Returns:
        The file.

    Raises:
        UsageError: shapes do not fit together, a value is not finite, s1 < s2 or s2 <= 0, or an argument is out of
            its range.
        LimitError: the canvas or the number of Gaussians exceeds a limit of the format.
        CoreError: the compiled core is missing or cannot run here.

    Source:
        spec/quantization.md.

    >>> import numpy as np, splatc
    >>> one = splatc.Gaussians(
    ...     mean=np.array([[8, 6]], np.float32),
    ...     scale=np.array([[4, 2]], np.float32),
    ...     angle=np.array([0.5], np.float32),
    ...     colour=np.array([[1, 0.5, 0]], np.float32),
    ... )
    >>> splatc.info(splatc.encode_gaussians(one, 16, 12, blend="sum"))["blend"]
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
        log_scales=usual.log_scales << finer // 8,
        aspect=usual.aspect - finer,
        angle=usual.angle - finer,
        luma=usual.luma - finer,
        chroma=usual.chroma - finer,
    )
    header = bitstream.Header(columns, rows, channels, colour, Blend[chosen_blend.upper()], depth, quantizer)
    return bitstream.encode(header, quantize(quantizer, gaussians, columns, rows))


@dataclass(frozen=True)
class _FitOptions:
    """What `encode` and `encode_file` have in common, checked; by the names of encoder/picture_file.py."""

    effort: int
    tune: Literal["psnr", "ssim"]
    blend: Literal["normalized", "sum"] | None
    seed: int
    max_memory: int | None


def _fit_options(effort: object, tune: object, blend: object, seed: object, max_memory: object) -> _FitOptions:
    chosen_blend = None if blend is None else arguments.choice("blend", blend, _BLENDS, otherwise="None")
    return _FitOptions(
        arguments.whole("effort", effort, 0, 9),
        cast(Literal["psnr", "ssim"], arguments.choice("tune", tune, ("psnr", "ssim"))),
        cast(Literal["normalized", "sum"] | None, chosen_blend),
        arguments.whole("seed", seed, 0, 2**32 - 1),
        None if max_memory is None else arguments.whole("max_memory", max_memory, otherwise="None"),
    )


def _request(cr: object, bpp: object, size: object, psnr: object, count: object) -> Request:
    from splatc.encoder.request import ARGUMENTS, Request

    request = Request(
        cr=None if cr is None else arguments.positive("cr", cr),
        bpp=None if bpp is None else arguments.positive("bpp", bpp),
        size=None if size is None else arguments.whole("size", size),
        count=None if count is None else arguments.whole("count", count),
        psnr=None if psnr is None else arguments.positive("psnr", psnr),
    )
    request.check(ARGUMENTS)
    return request


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
