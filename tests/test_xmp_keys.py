"""Keys of XMP that refer to what is left out go with it; everything else stays, byte for byte."""

from __future__ import annotations

import pytest

from splatc.image.readers.xmp_keys import GAIN_MAP_NOTE, without_absent_parts

VIDEO = "the keys of a motion photo are left out of XMP"
HEAD = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
TAIL = b"</rdf:RDF></x:xmpmeta>"
CAMERA = b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
CONTAINER = (
    b'xmlns:C="http://ns.google.com/photos/1.0/container/" xmlns:I="http://ns.google.com/photos/1.0/container/item/"'
)
HDR = b"http://ns.adobe.com/hdr-gain-map/1.0/"


def packet(attributes: bytes, content: bytes = b"") -> bytes:
    return HEAD + b'<rdf:Description rdf:about=""' + attributes + b">" + content + b"</rdf:Description>" + TAIL


@pytest.mark.parametrize("quote", [b'"', b"'"])
def test_attributes(quote: bytes) -> None:
    keys = b' GCamera:MicroVideo="1" GCamera:MotionPhotoVersion="1" GCamera:MicroVideoOffset="4000"'.replace(
        b'"', quote
    )
    kept = b' dc:title="Berg"'
    xmp, notes = without_absent_parts(packet(b" " + CAMERA + keys + kept))
    assert (xmp, notes) == (packet(kept), (VIDEO,))


def test_elements() -> None:
    title = b"<dc:title>Berg</dc:title>"
    keys = b"<GCamera:MotionPhoto>1</GCamera:MotionPhoto><GCamera:MotionPhotoVersion/>"
    xmp, notes = without_absent_parts(packet(b" " + CAMERA, keys + title))
    assert (xmp, notes) == (packet(b"", title), (VIDEO,))


def test_other_keys_of_the_camera_stay() -> None:
    other = packet(b" " + CAMERA + b' GCamera:SpecialTypeID="x"')
    assert without_absent_parts(other) == (other, ())


def test_a_directory_of_parts() -> None:
    for item, note in ((b"GainMap", GAIN_MAP_NOTE), (b"MotionPhoto", VIDEO)):
        inner = b'<rdf:li rdf:parseType="Resource"><C:Item I:Semantic="%s" I:Length="99"/></rdf:li>' % item
        directory = b"<C:Directory><rdf:Seq>" + inner + b"</rdf:Seq></C:Directory>"
        title = b"<dc:title>Berg</dc:title>"
        xmp, notes = without_absent_parts(packet(b" " + CONTAINER, directory + title))
        assert (xmp, notes) == (packet(b"", title), (note,))


@pytest.mark.parametrize("prefix", [b"hdrgm", b"other"])
def test_gain_maps_by_any_prefix(prefix: bytes) -> None:
    keys = b" xmlns:" + prefix + b"='" + HDR + b"' " + prefix + b":Version='1.0'"
    assert without_absent_parts(packet(keys)) == (b"", (GAIN_MAP_NOTE,))
    xmp, _ = without_absent_parts(packet(keys, b"<dc:title>Berg</dc:title>"))
    assert xmp == packet(b"", b"<dc:title>Berg</dc:title>")


def test_the_pointer_to_a_second_part() -> None:
    keys = b' xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="0123456789ABCDEF"'
    assert without_absent_parts(packet(keys + b' dc:title="Berg"')) == (packet(b' dc:title="Berg"'), ())


def test_anything_else_stays_as_it_is() -> None:
    for xmp in (b"", b"plain", packet(b' dc:title="Motion GCamera MicroVideo"'), b"\xff\xfe<\0x\0"):
        assert without_absent_parts(xmp) == (xmp, ())


def test_thousands_of_keys_take_no_time() -> None:
    xmp, notes = without_absent_parts(packet(b"", b"<GCamera:MotionPhoto>" * 100_000))
    assert xmp == b""
    assert "thousands" in notes[0]
