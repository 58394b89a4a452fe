"""The orientation in XMP is found in every spelling of it, and nowhere else."""

from __future__ import annotations

import pytest

from splatc.image.readers.xmp import in_utf8, orientation, with_orientation_1, without_thumbnails

TIFF = "http://ns.adobe.com/tiff/1.0/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def packet(attributes: str = "", elements: str = "", outer: str = "x:xmpmeta") -> bytes:
    description = f"<rdf:Description rdf:about='' xmlns:tiff='{TIFF}' {attributes}>{elements}</rdf:Description>"
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<{outer} xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">{description}</rdf:RDF></{outer}>\n'
        '   <?xpacket end="w"?>'
    ).encode()


SPELLINGS = {
    "double quotes": packet('tiff:Orientation="6"'),
    "single quotes": packet("tiff:Orientation='6'"),
    "blanks around": packet('tiff:Orientation \n=\t " 6 "'),
    "behind another of its name": packet(f'xmlns:exif="x" exif:Orientation="3" tiff:Orientation="6" xmlns:t="{TIFF}x"'),
    "in the text of another": packet("""xmlns:dc="dc" dc:a=" tiff:Orientation='3'" tiff:Orientation="6" """),
    "another prefix": packet(f'xmlns:t-2="{TIFF}" t-2:Orientation="6"'),
    "element": packet("", "<tiff:Orientation>6</tiff:Orientation>"),
    "element with blanks": packet("", "<tiff:Orientation >\n 6 \n</tiff:Orientation\n>"),
    "element with an attribute": packet("", "<tiff:Orientation xml:lang='x'>6</tiff:Orientation>"),
    "element without prefix": packet("", f'<Orientation xmlns="{TIFF}">6</Orientation>'),
    "as a value": packet("", "<tiff:Orientation rdf:parseType='Resource'><rdf:value>6</rdf:value></tiff:Orientation>"),
    "as the value of a description": packet(
        "", "<tiff:Orientation><rdf:Description><rdf:value>6</rdf:value></rdf:Description></tiff:Orientation>"
    ),
    "as an attribute value": packet("", "<tiff:Orientation rdf:value='6'/>"),
    "reference to a character": packet("", "<tiff:Orientation>&#54;</tiff:Orientation>"),
    "behind a comment": packet("", "<!-- tiff:Orientation='3' --><tiff:Orientation>6</tiff:Orientation>"),
    "older name of the root": packet("tiff:Orientation='6'", outer="x:xapmeta"),
    "zeros at the end": packet("tiff:Orientation='6'") + bytes(9),
    "no XML: prefix unbound": b"<rdf:Description tiff:Orientation='6'/>",
    "no XML: another prefix": f"<a><b xmlns:t='{TIFF}' t:Orientation='6'>".encode(),
    "no XML: element": b"<a> <tiff:Orientation>\n6</tiff:Orientation>",
    "no XML: comment": b"<a> <!-- tiff:Orientation='3' --> <tiff:Orientation>6</tiff:Orientation>",
    "with a document type": b"<!DOCTYPE a>" + packet("tiff:Orientation='6'")[60:],
    "UTF-16": packet("tiff:Orientation='6'").decode().replace("\ufeff", "").encode("utf-16"),
    "UTF-16 without a mark": packet("tiff:Orientation='6'").decode().replace("\ufeff", "").encode("utf-16-be"),
    "UTF-32": packet("tiff:Orientation='6'").decode().replace("\ufeff", "").encode("utf-32"),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + packet("tiff:Orientation='6'"),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_read_and_changed(name: str) -> None:
    xmp = in_utf8(SPELLINGS[name])
    assert orientation(xmp) == 6
    changed = with_orientation_1(xmp)
    assert orientation(changed) == 1
    if name != "reference to a character":
        kept = changed.decode().replace("1", "6").split()
        assert "".join(kept) == "".join(xmp.decode().replace("1", "6").split())


@pytest.mark.parametrize("value", ["0", "9", "-1", "six", "", "6.0", "66666666666666666666"])
def test_what_is_no_orientation_means_1(value: str) -> None:
    xmp = packet(f"tiff:Orientation='{value}'")
    assert orientation(xmp) == 1
    assert with_orientation_1(xmp) == packet("tiff:Orientation='1'")


@pytest.mark.parametrize(
    "xmp",
    [
        b"",
        b"\xff\xfe",
        packet("tiff:Make='Orientation'"),
        packet("xmlns:exif='exif' exif:Orientation='6'"),
        packet("", "<!-- tiff:Orientation='6' -->"),
        packet("", "<a:Pantry xmlns:a='a'><rdf:Description tiff:Orientation='6'/></a:Pantry>"),
        packet("", "<a:b xmlns:a='a'><tiff:Orientation>6</tiff:Orientation></a:b>"),
    ],
    ids=["nothing", "a mark", "other property", "other namespace", "comment", "of an ingredient", "nested"],
)
def test_what_is_not_the_picture_s_is_left_alone(xmp: bytes) -> None:
    assert orientation(in_utf8(xmp)) is None
    assert with_orientation_1(xmp) == xmp


def test_small_pictures_go() -> None:
    small = "<xmp:Thumbnails xmlns:xmp='http://ns.adobe.com/xap/1.0/'><rdf:Alt><rdf:li>/9j4</rdf:li></rdf:Alt></xmp:Thumbnails >"
    assert without_thumbnails(packet("", f"<a/>{small}<b/>")) == packet("", "<a/><b/>")
    empty = "<xmp:Thumbnails xmlns:xmp='http://ns.adobe.com/xap/1.0/' />"
    assert without_thumbnails(packet("", f"<a/>{empty}<b/>")) == packet("", "<a/><b/>")


@pytest.mark.parametrize(
    "xmp",
    [
        b"<!--" * 100_000 + b"tiff:Orientation",
        b"<tiff:Orientation" + b" " * 400_000,
        b"tiff:Orientation" * 30_000,
        packet("a" * 400_000 + "='" + "b" * 400_000 + "' tiff:Orientation='6'"),
        packet("", "<a>" * 20_000 + "Orientation" + "</a>" * 20_000),
        b"tiff:Orientation='6' " * 30_000,
    ],
)
def test_time_grows_with_the_length(xmp: bytes) -> None:
    with_orientation_1(xmp)  # a quadratic search of any of these takes minutes
