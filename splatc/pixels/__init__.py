"""Picture files -> samples; with splatc.image_io, which writes them, the only part that knows a type of picture file."""

from splatc.bitstream import Metadata
from splatc.pixels.image import MAX_PIXELS, Image, Samples
from splatc.pixels.source import PixelSource, collect, load, open_source

__all__ = ["MAX_PIXELS", "Image", "Metadata", "PixelSource", "Samples", "collect", "load", "open_source"]
