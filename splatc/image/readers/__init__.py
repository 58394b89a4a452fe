"""Picture files -> samples; with splatc.image.saving, which writes them, the only part that knows a type of picture file.

The way of a file, all of it in ``source._open``: TIFF (``tiff/``) and PAM (``netpbm``) are read by what their own headers say. For the
rest ``opening`` asks the module of its type (``survey``: png, jpeg, gif, bmp, webp, avif, pnm, tga), which walks through the parts of the
file, no pixel decoded, and says in a ``found.Found`` what is left out, what is damaged, and which ``splice`` of it the decoder gets. Its
size (``extent``) is held against the limits; ``kinds`` refuses what is none of ours; ``file_metadata`` collects EXIF, XMP, orientation and
colours (``*_metadata``, ``exif``, ``xmp``; ``calibration`` and ``cicp`` make an ``icc`` profile of numbers, ``colour`` keeps what differs
from sRGB). Then pixels come in strips: from libvips (``large_source``) where the picture is large and sound, else from Pillow
(``pillow_source``, ``deep`` for 16-bit colour), turned by ``orientation``. ``collect`` makes one array of the strips. ``header`` goes the
first steps only, for estimates; ``given`` takes arrays and images of Pillow's instead of files; ``hidden`` is for the encoder.
"""

from splatc.bitstream import Metadata
from splatc.image.image import MAX_PIXELS, Image, Samples
from splatc.image.readers.source import PixelSource, collect, load, open_source

__all__ = ["MAX_PIXELS", "Image", "Metadata", "PixelSource", "Samples", "collect", "load", "open_source"]
