"""``.splat2d`` files in imageio (v3): ``import splatc.imageio_plugin`` registers the plug-in, which imageio does not find by itself.

    import imageio.v3 as iio, splatc.imageio_plugin

    pixels = iio.imread("in.splat2d")
    corner = iio.imread("in.splat2d", region=(0, 0, 512, 512), scale=0.5)
    iio.imwrite("out.splat2d", pixels, cr=200, effort=7)

Reading takes the arguments of ``Picture.read`` (region, scale, max_level, bit_depth), writing those of ``splatc.encode``. A file holds one
picture. Errors are OSErrors; damaged metadata are left out with a ``splatc.SplatWarning``.
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
    """imageio's interface over splatc.open and splatc.encode."""

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
        """The picture, or the part of it that `options` ask for: (H, W) for gray, else (H, W, C); with index=... after an axis of 1."""
        _check(index)
        with _as_os_error(self.request):
            pixels: np.ndarray[Any, np.dtype[Any]] = self._picture.read(**options)
        return pixels[np.newaxis] if index is ... else pixels

    def iter(self, **options: Any) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
        yield self.read(**options)

    def write(self, ndimage: Any, *, is_batch: bool = False, **options: Any) -> bytes | None:
        """Encode one picture; the options are those of splatc.encode. Returns the file if the target is ``<bytes>``."""
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
        _check(index)
        channels = self._picture.channels
        shape = (self._picture.height, self._picture.width) + ((channels,) if channels > 1 else ())
        dtype = np.dtype(np.uint8 if self._picture.bit_depth == 8 else np.uint16)
        if index is ...:
            return ImageProperties(shape=(1, *shape), dtype=dtype, n_images=1, is_batch=True)
        return ImageProperties(shape=shape, dtype=dtype)

    def metadata(self, index: int | Any = 0, exclude_applied: bool = True) -> dict[str, Any]:
        """What ``splatc info --json`` prints, and ``icc_profile``, ``exif`` (a TIFF structure) and ``xmp`` where the file has them."""
        from splatc.decoder import describe

        _check(index)
        with _as_os_error(self.request):
            report = describe.report(self._picture.reader)
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
