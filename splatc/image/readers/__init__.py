"""Picture files -> samples; with splatc.image.writers the only part that knows types of picture files.

``source._open`` is the way of a file. TIFF (``tiff/``) and PAM (``netpbm``) are read by their own headers. For the other types:

1. ``opening`` asks the module of the type (``survey``: png, jpeg, gif, bmp, webp, avif, pnm, tga). It walks through the parts of the file
   without decoding a pixel, and returns a ``found.Found``: what is left out, what is damaged, and the ``splice`` that the decoder gets.
2. The size (``extent``) is checked against the limits; ``sniffing`` refuses types that are not supported.
3. ``file_metadata`` collects EXIF, XMP, orientation and colours (``*_metadata``, ``exif``, ``xmp``). ``calibration`` and ``cicp`` make an
   ``icc`` profile of numbers; ``colour`` keeps a profile that differs from sRGB.
4. Pixels come in strips: from libvips (``large_source``) where the picture is large and sound, else from Pillow (``pillow_source``;
   ``sixteen_bit`` for 16-bit colour), turned by ``orientation``. ``collect`` joins the strips to one array.

``header`` takes the first steps only, for estimates; ``splatc.image.given`` takes arrays and images of Pillow's instead of files.
"""

from splatc.image.readers.source import PixelSource, collect, load, open_source

__all__ = ["PixelSource", "collect", "load", "open_source"]
