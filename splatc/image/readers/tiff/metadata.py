"""Colour profile, EXIF and XMP of a TIFF file, copied byte for byte, whatever types another program gave them."""

from __future__ import annotations

import struct

from splatc.image.readers import calibration
from splatc.image.readers import exif as exif_block
from splatc.image.readers.icc import ColourSpace
from splatc.image.readers.tiff.directory import Directory
from splatc.image.readers.tiff.fields import Fields, TiffField, exif_fields, names, taken, with_directories
from splatc.image.readers.xmp import in_utf8

_XMP, _PROFILE, _ORIENTATION = 700, 34675, 274
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_LEFT_OUT = {
    "GeoTIFF tags (the place on Earth)": (33550, 33922, 34264, 34735, 34736, 34737),
    "GDAL's metadata": (42112, 42113),
    "IPTC data": (33723,),
    "Photoshop's data": (34377, 37724),
}
_UNKNOWN = (1, 100, 645.16)
"""x times y of what programs write that know none: one, and one px per mm."""
_SHORT = 3
_UNITS = {2: "dpi", 3: "px per cm"}


def profile_of(page: Directory) -> bytes:
    """The colour profile; empty if there is none."""
    return page.values(_PROFILE)


def colours_of(page: Directory, bits: int) -> tuple[tuple[ColourSpace | bytes, ...], tuple[str, ...]]:
    """The colour profile, else the colours that tags describe, else EXIF; and a sentence about what makes no sense."""
    profile = profile_of(page)
    if profile:
        return (profile,), ()
    tags = {tag: page.numbers(tag) or _fractions(page, tag) for tag in (301, 318, 319)}
    try:
        space = calibration.of_tags(tags, bits) or calibration.of_exif(exif_of(page)[0])
    except (ValueError, ZeroDivisionError):
        return (), ("the colours in its tags make no sense and are left out",)
    return ((space,) if space else ()), ()


def _fractions(page: Directory, tag: int) -> tuple[float, ...]:
    """Its values as numbers; none where it has no type of them."""
    structure = _structure(page.file.order, taken(page, (tag,), []), {})
    return exif_block.numbers(structure, exif_block.find(structure, tag))


def xmp_of(page: Directory) -> bytes:
    """The XMP packet; empty if there is none."""
    return in_utf8(page.values(_XMP)).rstrip(b"\0")


def orientation_tag(page: Directory) -> bytes:
    """The orientation as an EXIF structure of one tag, of the type that it has; empty if there is none."""
    fields = taken(page, (_ORIENTATION,), [])
    if not fields and (values := page.numbers(_ORIENTATION)):  # of a type that only BigTIFF has
        fields = {
            _ORIENTATION: TiffField(
                _SHORT, 1, struct.pack(page.file.order + "H", values[0] if values[0] in range(1, 9) else 1)
            )
        }
    return _structure(page.file.order, fields, {}) if fields else b""


def exif_of(page: Directory) -> tuple[bytes, tuple[str, ...]]:
    """What of a TIFF file is EXIF, as a structure of its own in the order of bytes of the file; sentences about what else is left out."""
    odd: list[int] = []
    own, sub = exif_fields(page, odd)
    notes = [f"{name} are left out" for name, tags in _LEFT_OUT.items() if any(tag in page.entries for tag in tags)]
    unit = _UNITS.get(page.number(_RESOLUTION_UNIT, 2), "")
    x, y = ((page.ratios(tag) or (0.0,))[0] for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    if unit and min(x, y) > 1 and round(x * y, 2) not in _UNKNOWN:
        notes.append(
            f"the resolution ({x:g} x {y:g} {unit}) is left out"
            if x != y
            else f"the resolution ({x:g} {unit}) is left out"
        )
    if odd:
        notes.append(f"EXIF that cannot be kept is left out: {names(odd)}")
    return (_structure(page.file.order, own, sub) if own or sub else b""), tuple(notes)


def _structure(order: str, own: Fields, sub: dict[int, Fields]) -> bytes:
    """A classic TIFF structure of these tags."""
    body, first = with_directories(own, sub, 8, order)
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, first) + body
