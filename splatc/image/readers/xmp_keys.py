"""Keys of XMP that describe what is not coded: HDR gain maps, videos of motion photos, a second part of the packet.

They are cut out of the packet, which otherwise stays as it is, byte for byte: viewers look for what such keys refer to.
"""

from __future__ import annotations

import re

GAIN_MAP_NOTE = "the HDR gain map is left out"
_VIDEO_NOTE = "the keys of a motion photo are left out of XMP"
_CAMERA, _CONTAINER, _ITEM = (
    b"http://ns.google.com/photos/1.0/camera/",
    b"http://ns.google.com/photos/1.0/container/",
    b"http://ns.google.com/photos/1.0/container/item/",
)
_HDR = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"http://ns.apple.com/pixeldatainfo/1.0/",
)
_ALL = rb"[\w.-]+"
_FAMILIES: tuple[tuple[bytes, bytes], ...] = (
    *((space, _ALL) for space in (*_HDR, _CONTAINER, _ITEM)),
    (_CAMERA, rb"(?:MicroVideo|MotionPhoto)[\w.-]*"),
    (b"http://ns.oplus.com/photos/1.0/camera/", rb"(?:MotionPhoto|OLivePhoto|VideoLength)[\w.-]*"),
    (b"http://ns.xiaomi.com/photos/1.0/camera/", rb"(?:MicroVideo|MotionPhoto)[\w.-]*"),
    (b"http://ns.adobe.com/xmp/note/", rb"HasExtendedXMP"),
)
"""Namespace, and the names in it that go."""
_MOST_KEYS = 2000  # of a family: the search for the ends of elements takes the square of them
_USUAL = {b"GCamera": _CAMERA, b"Container": _CONTAINER, b"Item": _ITEM, b"hdrgm": _HDR[0], b"HDRGainMap": _HDR[1]}
_DECLARED = re.compile(rb"xmlns:([\w.-]+)\s*=\s*([\"'])(.*?)\2", re.DOTALL)
_VALUE = rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')"


def without_absent_parts(xmp: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A packet without such keys, empty if it says nothing else, and sentences about them."""
    spaces = _USUAL | {name: uri for name, _, uri in _DECLARED.findall(xmp)}
    gain_map = video = False
    kept = xmp
    for prefix, uri in spaces.items():
        for space, names in _FAMILIES:
            if uri != space:
                continue
            if kept.count(prefix + b":") > _MOST_KEYS:
                return b"", ("XMP with thousands of keys of one kind is left out",)
            before, kept = kept, _cut(kept, re.escape(prefix), names)
            if kept != before:
                gain_map = gain_map or space in _HDR or (space in (_CONTAINER, _ITEM) and b"GainMap" in before)
                video = (
                    video or names.startswith(rb"(?:M") or (space in (_CONTAINER, _ITEM) and b"MotionPhoto" in before)
                )
    if kept == xmp:
        return xmp, ()
    notes = (*([GAIN_MAP_NOTE] if gain_map else []), *([_VIDEO_NOTE] if video else []))
    return (kept if _says_anything(kept) else b""), notes


def _cut(xmp: bytes, prefix: bytes, names: bytes) -> bytes:
    """Without the attributes and the elements ``prefix:names``, and without the prefix where nothing else has it."""
    name = prefix + rb":" + names
    xmp = re.sub(rb"<(" + name + rb")(?=[\s>/])(?:[^<>]*/>|[^<>]*(?<!/)>.*?</\1\s*>)", b"", xmp, flags=re.DOTALL)
    xmp = re.sub(rb"\s" + name + _VALUE, b"", xmp)
    if not re.search(rb"[\s</]" + prefix + rb":", xmp):
        xmp = re.sub(rb"\sxmlns:" + prefix + _VALUE, b"", xmp)
    return xmp


def _says_anything(xmp: bytes) -> bool:
    """Whether there is text, or an attribute that is neither a declaration nor about the packet itself."""
    bare = re.sub(rb"<\?.*?\?>|<!--.*?-->", b"", xmp, flags=re.DOTALL)
    if re.sub(rb"<[^>]*>", b"", bare).strip():
        return True
    attributes: list[bytes] = re.findall(rb"\s([\w.:-]+)" + _VALUE, bare)
    return any(not name.startswith((b"xmlns", b"rdf:", b"xml:", b"x:xmptk")) for name in attributes)
