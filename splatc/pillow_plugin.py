"""``.splat2d`` files in Pillow: ``import splatc.pillow_plugin`` is all that it needs.

    import PIL.Image, splatc.pillow_plugin

    picture = PIL.Image.open("in.splat2d")              # reads the header; pixels are drawn when they are needed
    picture.thumbnail((256, 256))                       # draws a small picture at once, not a large one to be made small
    PIL.Image.open("in.png").save("out.splat2d", cr=200, effort=7)

``save`` takes the options of ``splatc.encode``: one of cr, bpp, size, psnr and count, then effort, tune, blend and seed; and
``icc_profile`` (by default that of the picture), ``exif`` and ``xmp``. Pictures are stored upright: where these two state an
orientation, the picture is turned by it, once, and they state 1; what is shown is what would be shown of a JPEG file saved with them.
``info`` has the three again; what of them is damaged is missing there, with a ``splatc.SplatWarning``. ``verify`` checks what
``splatc verify`` does. A file that ends too early is drawn as far as it is there if ``PIL.ImageFile.LOAD_TRUNCATED_IMAGES`` is set.
16-bit gray opens in mode I;16; 16-bit colour, which Pillow does not have, in 8 bits.
"""

from __future__ import annotations

from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

import PIL.Image
import PIL.ImageFile

from splatc.errors import CorruptFileError, LimitError, SplatError, UnsupportedFileError, UsageError
from splatc.runtime.arguments import EXIF_PREFIX

if TYPE_CHECKING:
    from splatc.decoder.picture import Picture

FORMAT = "SPLAT2D"
_OPTIONS = ("cr", "bpp", "size", "psnr", "count", "effort", "tune", "blend", "seed")
_SMALLEST = 64
"""A draft is at most this many times smaller than the picture."""


class SplatImageFile(PIL.ImageFile.ImageFile):
    """A ``.splat2d`` file in Pillow, whose pixels are drawn when they are first needed.

    >>> import io, numpy as np, PIL.Image, splatc.pillow_plugin
    >>> stream = io.BytesIO()
    >>> PIL.Image.new("RGB", (32, 24), "teal").save(stream, "SPLAT2D", size=200)
    >>> PIL.Image.open(stream).size
    (32, 24)
    """

    format = FORMAT
    format_description = "Picture made of 2D Gaussians"

    _picture: Picture | None = None
    _reduction = 1

    def _open(self) -> None:
        from splatc.decoder import picture
        from splatc.image.image import MODES

        try:
            self._picture = picture.open(cast(BinaryIO, self.fp))
            metadata = self._picture.metadata()
        except (CorruptFileError, UnsupportedFileError, LimitError) as error:
            raise PIL.UnidentifiedImageError(f"cannot open this .splat2d file: {error}") from error
        except SplatError as error:  # it cannot be read
            raise OSError(f"cannot open this .splat2d file: {error}") from error
        self._size = self._picture.size
        gray_16_bit = self._picture.channels == 1 and self._picture.bit_depth == 16
        self._mode = "I;16" if gray_16_bit else MODES[self._picture.channels]
        self.tile = []
        if metadata.icc:
            self.info["icc_profile"] = metadata.icc
        if metadata.exif:
            self.info["exif"] = EXIF_PREFIX + metadata.exif  # as other plug-ins of Pillow have it
        if metadata.xmp:
            self.info["xmp"] = metadata.xmp

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """Let the pixels be drawn at 1/n of the size, n whole; the mode does not change.

        Args:
            mode: ignored.
            size: width and height, px, that the drawn picture has at least; None changes nothing.

        Returns:
            The mode, and the box of the picture in the drawn pixels; None if nothing changes.
        """
        if self._picture is None or size is None or self._reduction > 1:
            return None
        width, height = self._picture.size
        self._reduction = max(1, min(width // max(1, size[0]), height // max(1, size[1]), _SMALLEST))
        self._size = (-(-width // self._reduction), -(-height // self._reduction))
        return self.mode, (0, 0, width / self._reduction, height / self._reduction)

    def verify(self) -> None:
        """Check every byte, as ``splatc verify`` does; to load the pixels after it, open the picture anew.

        Raises:
            OSError: the file is damaged, or cannot be read.
            RuntimeError: the pixels were loaded before.
        """
        from splatc.decoder.verifier import find_problems

        if self._picture is None or self.fp is None:
            raise RuntimeError("verify must be called directly after open")
        try:
            problems = find_problems(cast(BinaryIO, self.fp))
        except SplatError as error:
            raise OSError(f"cannot read this .splat2d file: {error}") from error
        if problems:
            raise OSError(f"this .splat2d file is damaged: {problems[0].part}: {problems[0].message}")
        if self._exclusive_fp and self.fp is not None:
            self.fp.close()
        self.fp = None

    def load(self) -> Any:
        """Draw the pixels.

        Returns:
            Pillow's access to them.

        Raises:
            OSError: the file is damaged, exceeds a limit, or cannot be read.
        """
        picture = self._picture
        if picture is not None:
            try:
                pixels = picture.read(
                    scale=Fraction(1, self._reduction),
                    bit_depth=16 if self.mode == "I;16" else 8,
                    allow_truncated=PIL.ImageFile.LOAD_TRUNCATED_IMAGES,
                )
            except SplatError as error:
                raise OSError(f"cannot decode this .splat2d file: {error}") from error
            self.im = PIL.Image.fromarray(pixels).im
            self._size = self.im.size
            self._picture = None
            if self.fp is not None and self._exclusive_fp and self._close_exclusive_fp_after_loading:
                self.fp.close()
            self.fp = None
        return super().load()


def _accept(prefix: bytes) -> bool:
    from splatc.bitstream.container import SIGNATURE

    return prefix.startswith(SIGNATURE)


def _save(picture: PIL.Image.Image, stream: IO[bytes], filename: str | bytes) -> None:
    """Pillow's hook. Raises OSError for a picture that cannot be coded, ValueError for options that make no sense."""
    from splatc.api import encode

    given = picture.encoderinfo
    options = {name: given[name] for name in _OPTIONS if given.get(name) is not None}
    if "icc_profile" in given:
        options["icc_profile"] = given["icc_profile"] or b""  # None is none; without a word it is that of the picture
    exif = given.get("exif")
    try:
        data = encode(
            picture,
            exif=exif.tobytes() if isinstance(exif, PIL.Image.Exif) else exif,
            xmp=given.get("xmp"),
            **options,
        )
    except UsageError as error:
        raise ValueError(str(error)) from error
    except SplatError as error:
        raise OSError(f"cannot write this picture as {FORMAT}: {error}") from error
    stream.write(data)


PIL.Image.register_open(FORMAT, SplatImageFile, _accept)
PIL.Image.register_save(FORMAT, _save)
PIL.Image.register_extension(FORMAT, ".splat2d")
PIL.Image.register_mime(FORMAT, "image/x-splat2d")
