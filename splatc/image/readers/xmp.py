"""What an XMP packet says of the picture's orientation, found and changed in place (ISO 16684-1).

A property is an attribute or an element, in either kind of quotes, under any prefix that is bound to the TIFF namespace. It counts only
where it is the picture's own: packets also hold those of the pictures that this one was made of. A packet that is no well-formed XML
is searched for the usual spellings instead.
"""

from __future__ import annotations

import html
import re
from typing import Any
from xml.parsers import expat

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_BASIC = "http://ns.adobe.com/xap/1.0/"
XMP_PREFIX = _BASIC.encode() + b"\0"
"""Before a packet in a JPEG file."""
_ORIENTATION, _THUMBNAILS, _VALUE = f"{_TIFF} Orientation", f"{_BASIC} Thumbnails", f"{_RDF} value"
_BOUND = re.compile(rb"xmlns:([\w.-]+)\s*=\s*([\"'])" + _TIFF.encode() + rb"\2")
_TAG = re.compile(rb"<(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*>")
_ATTRIBUTE = re.compile(rb"(?<=\s)([^\s=\"'/<>]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_VALID = [str(value) for value in range(1, 9)]
_ENCODINGS = (  # by how a packet begins; the longer ones first
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
Span = tuple[int, int]


def orientation(xmp: bytes) -> int | None:
    """The orientation that the packet states; None if it states none. What is no whole number of 1 to 8 means 1: as the pixels lie."""
    values, _ = _found(xmp)
    if not values:
        return None
    value = html.unescape(xmp[slice(*values[0])].decode("latin-1")).strip()
    return int(value) if value in _VALID else 1


def with_orientation_1(xmp: bytes) -> bytes:
    """The same packet with the orientation 1 wherever it states one."""
    return _replaced(xmp, _found(xmp)[0], b"1")


def without_thumbnails(xmp: bytes) -> bytes:
    """The same packet without the small pictures in it."""
    return _replaced(xmp, _found(xmp)[1], b"")


def in_utf8(xmp: bytes) -> bytes:
    """The same packet in UTF-8, without a mark of its byte order; files of some types may have it in UTF-16 or UTF-32."""
    encoding = next((name for start, name in _ENCODINGS if xmp.startswith(start)), "")
    if not encoding:
        return xmp.removeprefix(b"\xef\xbb\xbf")
    text = xmp.decode(encoding, "replace")
    return re.sub(r"(<\?xml[^>]*)encoding\s*=\s*([\"'])[\w-]+\2", r"\1encoding=\2UTF-8\2", text, count=1).encode()


def _replaced(xmp: bytes, spans: list[Span], by: bytes) -> bytes:
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [xmp[at:start], by]
            at = end
    return b"".join([*parts, xmp[at:]])


def _found(xmp: bytes) -> tuple[list[Span], list[Span]]:
    """Where the values of orientations and where whole thumbnails stand."""
    # Without either word, in whatever quotes and prefix, there is nothing to find; packets may be megabytes of history.
    if b"Orientation" not in xmp and b"Thumbnails" not in xmp:
        return [], []
    try:
        search = _Search(xmp)
        return search.values, search.thumbnails
    except (expat.ExpatError, _NoPlainXmlError):
        return _spelt(xmp), []


def _spelt(xmp: bytes) -> list[Span]:
    """The values of what looks like an orientation of the TIFF namespace, outside of comments."""
    visible = _without_comments(xmp)
    prefixes = b"|".join({b"tiff", *(re.escape(bound[1]) for bound in _BOUND.finditer(visible))})
    name = rb"(?:" + prefixes + rb"):Orientation"
    attribute = rb"(?<![\w:.-])" + name + rb"\s*=\s*(?P<quote>[\"'])(?P<value>[^\"'<]{0,40})(?P=quote)"
    element = rb"<(?P<name>" + name + rb")(?:\s[^<>]*)?>(?P<value>[^<]{0,40})</(?P=name)\s*>"
    found = (match for pattern in (attribute, element) for match in re.finditer(pattern, visible))
    return sorted(match.span("value") for match in found)


def _without_comments(xmp: bytes) -> bytes:
    """Blanks in place of comments."""
    parts, at = [], 0
    while (start := xmp.find(b"<!--", at)) >= 0 and (end := xmp.find(b"-->", start)) >= 0:
        parts += [xmp[at:start], b" " * (end + 3 - start)]
        at = end + 3
    return b"".join([*parts, xmp[at:]])


class _NoPlainXmlError(Exception):
    """XMP has no document type; entities of one may be a bomb."""


class _Search:
    """One pass over the elements of a packet, which remembers where things stand, in bytes."""

    def __init__(self, xmp: bytes) -> None:
        self.xmp = xmp.rstrip(b"\0")
        self.values: list[Span] = []
        self.thumbnails: list[Span] = []
        self.path: list[str] = []
        self.prefixes: set[str] = set()
        self.text: int | None = None
        """Where a value begins whose end is the next event."""
        self.element = 0
        """Where thumbnails begin."""
        self.parser = parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.StartNamespaceDeclHandler = self.bind
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.refuse
        parser.CommentHandler = parser.DefaultHandler = lambda _: self.close()
        parser.Parse(self.xmp, True)

    def refuse(self, *_: Any) -> None:
        raise _NoPlainXmlError

    def bind(self, prefix: str | None, uri: str) -> None:
        if uri == _TIFF and prefix:
            self.prefixes.add(prefix)

    def own(self) -> bool:
        """Whether what is in the current element is a property of the picture itself."""
        return 2 <= len(self.path) <= 3 and self.path[-2] == f"{_RDF} RDF"

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.close()
        if name == _THUMBNAILS and self.own():
            self.element = self.parser.CurrentByteIndex
        self.path.append(name)
        if _ORIENTATION in attributes and self.own():
            self.find("Orientation", self.prefixes)
        if f"{_RDF} value" in attributes and name == _ORIENTATION and self.in_orientation():
            self.find("value", None)

    def find(self, name: str, prefixes: set[str] | None) -> None:
        """The value of an attribute of the tag that begins here."""
        at = self.parser.CurrentByteIndex
        tag = _TAG.match(self.xmp, at)
        for match in _ATTRIBUTE.finditer(self.xmp, at, tag.end()) if tag else ():
            prefix, _, local = match[1].decode().rpartition(":")
            if local == name and (prefixes is None or prefix in prefixes):
                self.values.append((match.start(2) + 1, match.end(2) - 1))

    def in_orientation(self) -> bool:
        """Whether the current element is the picture's orientation, or a value in it."""
        places = range(2, min(4, len(self.path)))  # RDF is the root, or in it
        return any(self.path[at] == _ORIENTATION and self.path[at - 2] == f"{_RDF} RDF" for at in places)

    def characters(self, text: str) -> None:
        self.close()
        if text.strip() and self.in_orientation():
            self.text = self.parser.CurrentByteIndex

    def end(self, name: str) -> None:
        self.close()
        self.path.pop()
        if name == _THUMBNAILS and self.own():
            begun = _TAG.match(self.xmp, max(self.element, self.parser.CurrentByteIndex))  # the end tag, or nothing
            empty = _TAG.match(self.xmp, self.element)
            last = begun if begun and self.xmp[begun.start() + 1 : begun.start() + 2] == b"/" else empty
            if last:
                self.thumbnails.append((self.element, last.end()))

    def close(self) -> None:
        """End a value at the current event."""
        if self.text is not None:
            self.values.append((self.text, self.parser.CurrentByteIndex))
            self.text = None
