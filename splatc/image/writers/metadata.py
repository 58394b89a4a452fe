"""Colour profile, EXIF and XMP as the options of Pillow's ``save``."""

from __future__ import annotations

from typing import Any

from splatc.bitstream import Metadata
from splatc.image.readers.xmp import XMP_PREFIX
from splatc.runtime.arguments import EXIF_PREFIX

_SEGMENT = 65533  # bytes that one segment of JPEG holds
JPEG_EXIF, JPEG_XMP = _SEGMENT - len(EXIF_PREFIX), _SEGMENT - len(XMP_PREFIX)
"""Bytes of EXIF and of XMP that a JPEG file holds."""


def pillow_options(metadata: Metadata, name: str) -> dict[str, Any]:
    """The arguments of Pillow's ``save`` that write metadata into a file of the type `name`: JPEG or WEBP, others hold none.

    What a type cannot hold is left out: EXIF and XMP beyond 64 kB in JPEG, the profile of gray in WebP, which is always RGB.
    """
    if name not in ("JPEG", "WEBP"):
        return {}
    options: dict[str, Any] = {}
    if metadata.icc and not (name == "WEBP" and metadata.icc[16:20] == b"GRAY"):
        options["icc_profile"] = metadata.icc
    if metadata.exif and not (name == "JPEG" and len(metadata.exif) > JPEG_EXIF):
        options["exif"] = EXIF_PREFIX + metadata.exif
    if metadata.xmp and not (name == "JPEG" and len(metadata.xmp) > JPEG_XMP):
        options["xmp"] = metadata.xmp
    return options
