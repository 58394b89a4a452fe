"""Pixels turned once: as the file says that they are shown.

One rule for all files. A container that turns by itself (AVIF's irot and imir) alone decides; else the EXIF, or the tags of a TIFF file,
if they have an orientation at all; else XMP. What is none of 1 to 8 means 1, as in Pillow, exiftool and browsers. Afterwards EXIF and
XMP say 1, and the small pictures in them are gone if the pixels were turned.
"""

from __future__ import annotations

import PIL.Image

from splatc.image.image import MAX_PIXELS, Samples
from splatc.image.readers import exif as exif_block
from splatc.image.readers import xmp as xmp_packet

_METHODS = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}


def orientation_of(exif: bytes, xmp: bytes) -> int:
    """How the stored pixels are to be turned, 1..8 as EXIF counts; 1 (as they are) where neither says."""
    for stated in (exif_block.orientation(exif), xmp_packet.orientation(xmp)):
        if stated is not None:
            return stated
    return 1


def upright(exif: bytes, xmp: bytes, orientation: int) -> tuple[bytes, bytes]:
    """Both, with the orientation 1 (the pixels lie as they are shown); `orientation`: how they were turned."""
    exif, xmp = exif_block.with_orientation_1(exif), xmp_packet.with_orientation_1(xmp)
    if orientation > 1:
        exif, xmp = exif_block.without_thumbnail(exif), xmp_packet.without_thumbnails(xmp)
    return exif, xmp


def turned(pixels: Samples, orientation: int) -> Samples:
    """A view of (H, W, ...) samples as they are shown."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)  # then 5: as it is, 6: mirrored, 7: both, 8: upside down
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def load_turned(picture: PIL.Image.Image, orientation: int) -> PIL.Image.Image:
    """The pixels of an opened picture, decoded and turned; the same picture where nothing is to be turned.

    Pillow turns TIFF files by itself; they come without their orientation (splatc/image/readers/tiff/overlay.py).
    """
    # The reader of TIFF would ask Pillow's limit before it takes memory, so that is done here.
    width, height = getattr(picture, "_tile_size", (0, 0))
    if 0 < width * height <= MAX_PIXELS and picture._im is None:
        picture.im = PIL.Image.new(picture.mode, (width, height), None).im
    picture.load()
    if orientation == 1:
        return picture
    shown = picture.transpose(_METHODS[orientation])
    shown.info = picture.info
    return shown
