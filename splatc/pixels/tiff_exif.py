"""The EXIF of a TIFF file, which is its own: the tags that describe the picture, as a structure that holds nothing else.

Values of a type that the tag does not have (a negative number in a field of positive ones) cannot be written again; they are left out.
"""

from __future__ import annotations

from typing import Any

import PIL.ExifTags
import PIL.Image

from splatc.pixels.found import DAMAGED_EXIF, listed

DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 33432, 34665, 34853)
"""The other tags describe the file."""
_DIRECTORIES = {34665: PIL.ExifTags.TAGS, 34853: PIL.ExifTags.GPSTAGS}
"""Tags that hold a directory, and the names in it."""


def exif_of_tiff(picture: PIL.Image.Image) -> tuple[bytes, tuple[str, ...]]:
    """What of an opened TIFF file is EXIF, empty if nothing, and a sentence about what of it cannot be kept."""
    kept, lost = PIL.Image.Exif(), []
    try:
        own = picture.getexif()
    except Exception:  # Pillow raises almost anything on odd directories
        return b"", (DAMAGED_EXIF,)
    for tag in DESCRIPTIVE:
        if tag not in own:
            continue
        name = PIL.ExifTags.TAGS.get(tag, str(tag))
        try:
            value = own.get_ifd(tag) if tag in _DIRECTORIES else own[tag]
        except Exception:
            lost.append(name)
            continue
        if tag in _DIRECTORIES:
            names = _DIRECTORIES[tag]
            unfit = [inner for inner in value if not _fits(tag, {inner: value[inner]})]
            lost += [names.get(inner, str(inner)) for inner in unfit]
            value = {inner: value[inner] for inner in value if inner not in unfit}
        elif not _fits(tag, value):
            lost.append(name)
            continue
        kept[tag] = value
    notes = (f"EXIF that cannot be kept is left out: {listed(lost)}",) if lost else ()
    return (kept.tobytes() if len(kept) else b""), notes


def _fits(tag: int, value: Any) -> bool:
    """Whether this value can be written."""
    probe = PIL.Image.Exif()
    probe[tag] = value
    try:
        probe.tobytes()
    except Exception:
        return False
    return True
