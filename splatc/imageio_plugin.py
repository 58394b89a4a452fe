"""``.splat2d`` files in imageio (v3): ``import splatc.imageio_plugin`` registers the plug-in, which imageio does not find by itself.

    import imageio.v3 as iio, splatc.imageio_plugin

    pixels = iio.imread("in.splat2d")
    corner = iio.imread("in.splat2d", region=(0, 0, 512, 512), scale=0.5)
    iio.imwrite("out.splat2d", pixels, cr=200, effort=7)

Reading takes the arguments of ``splatc.Picture.read`` (region, scale, max_level, bit_depth), writing those of ``splatc.encode``. A file
holds one picture. Errors are OSErrors; damaged metadata are left out with a ``splatc.SplatWarning``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import imageio.config
import numpy as np
from imageio.config.extensions import FileExtension
from imageio.config.plugins import PluginConfig
from imageio.core.request import RETURN_BYTES, InitializationError, IOMode, Request
from imageio.core.v3_plugin_api import ImageProperties, PluginV3

from splatc.bitstream.container import SIGNATURE
from splatc.errors import SplatError

if TYPE_CHECKING:
    from splatc.decoder.picture import Picture

NAME = "splat2d"


class SplatPlugin(PluginV3):
    """A ``.splat2d`` file in imageio (v3): its interface over `splatc.open` and `splatc.encode`.

    Args:
        request: what imageio was asked to read or write.

    Raises:
        InitializationError: the file is no ``.splat2d`` file, or is to get another extension.
        OSError: the file is damaged, or cannot be read.

    >>> import imageio.v3 as iio, numpy as np, splatc.imageio_plugin
    >>> data = iio.imwrite("<bytes>", np.full((24, 32, 3), 99, np.uint8), extension=".splat2d", size=200)
    >>> iio.imread(data, extension=".splat2d", scale="1/2").shape
    (12, 16, 3)
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._picture: Picture
        if request.mode.io_mode == IOMode.read:
            if request.firstbytes[: len(SIGNATURE)] != SIGNATURE:
                raise InitializationError("not a .splat2d file")
            from splatc.decoder import picture

            with _as_os_error(request):
                self._picture = picture.open(request.get_file())
        elif (request.extension or request.format_hint) != ".splat2d":
            raise InitializationError("splatc writes .splat2d files only")

    def read(self, *, index: int | Any = 0, **options: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Draw the picture, or a part of it.

        Args:
            index: 0, or ... for a batch of one picture.
            options: region, scale, max_level and bit_depth of `splatc.Picture.read`.

        Returns:
            (H, W) pixels for gray, else (H, W, C), uint8 or uint16; with `index` ... after an axis of 1.

        Raises:
            OSError: the file is damaged, exceeds a limit, or cannot be read.
            ValueError: there is no picture of that index.
        """
        _check(index)
        with _as_os_error(self.request):
            pixels: np.ndarray[Any, np.dtype[Any]] = self._picture.read(**options)
        return pixels[np.newaxis] if index is ... else pixels

    def iter(self, **options: Any) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
        """Draw the pictures of the file: one.

        Args:
            options: those of `read`.

        Yields:
            What `read` returns.
        """
        yield self.read(**options)

    def write(self, ndimage: Any, *, is_batch: bool = False, **options: Any) -> bytes | None:
        """Encode one picture.

        Args:
            ndimage: (H, W) or (H, W, C) pixels, uint8 or uint16, or a batch of one.
            is_batch: whether `ndimage` has an axis of 1 before these.
            options: those of ``splatc.encode``.

        Returns:
            The file if the target is ``<bytes>``, else None.

        Raises:
            OSError: the picture cannot be encoded, or the file not be written.
            ValueError: there is more than one picture.
        """
        if is_batch or isinstance(ndimage, list):
            if len(ndimage) != 1:
                raise ValueError(f"a .splat2d file holds one picture, not {len(ndimage)}")
            ndimage = ndimage[0]
        from splatc.api import encode

        with _as_os_error(self.request):
            data = encode(ndimage, **options)
        file = self.request.get_file()
        file.write(data)
        return data if str(self.request.raw_uri).startswith(RETURN_BYTES) else None

    def properties(self, index: int | Any = 0) -> ImageProperties:
        """Return the shape of the pixels without drawing them.

        Args:
            index: 0, or ... for a batch of one picture.

        Returns:
            Shape and dtype of what `read` returns.

        Raises:
            ValueError: there is no picture of that index.
        """
        _check(index)
        channels = self._picture.channels
        shape = (self._picture.height, self._picture.width) + ((channels,) if channels > 1 else ())
        dtype = np.dtype(np.uint8 if self._picture.bit_depth == 8 else np.uint16)
        if index is ...:
            return ImageProperties(shape=(1, *shape), dtype=dtype, n_images=1, is_batch=True)
        return ImageProperties(shape=shape, dtype=dtype)

    def metadata(self, index: int | Any = 0, exclude_applied: bool = True) -> dict[str, Any]:
        """Return what ``splatc info --json`` prints, with the metadata of the picture.

        Args:
            index: 0.
            exclude_applied: ignored: pictures are stored upright.

        Returns:
            By name; ``icc_profile``, ``exif`` (a TIFF structure) and ``xmp`` are bytes, where the file has them.

        Raises:
            OSError: the file is damaged, or cannot be read.
            ValueError: there is no picture of that index.
        """
        from splatc.decoder import describe
        from splatc.runtime.renamed_keys import with_old_keys

        _check(index)
        with _as_os_error(self.request):
            report = with_old_keys("info", describe.report(self._picture.reader))
            stored = self._picture.metadata()
        fields = {"icc_profile": stored.icc, "exif": stored.exif, "xmp": stored.xmp}
        return report | {name: value for name, value in fields.items() if value}


@contextlib.contextmanager
def _as_os_error(request: Request) -> Iterator[None]:
    """What imageio's callers expect to be raised, with the name of the file."""
    try:
        yield
    except SplatError as error:
        raise OSError(f"{_name(request)}: {error}") from error


def _check(index: object) -> None:
    if index not in (0, None) and index is not ...:
        raise ValueError(f"index {index}: a .splat2d file holds one picture")


def _name(request: Request) -> str:
    return "<bytes>" if isinstance(request.raw_uri, bytes) else str(request.raw_uri)


def _register() -> None:
    imageio.config.known_plugins[NAME] = PluginConfig(NAME, "SplatPlugin", __name__, install_name="splatc")
    extension = FileExtension(name="Picture made of 2D Gaussians", extension=".splat2d", priority=[NAME])
    imageio.config.known_extensions[".splat2d"] = [extension]
    imageio.config.extension_list.append(extension)


_register()
