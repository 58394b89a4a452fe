"""What a file carries beside its picture: colour profile, EXIF, XMP; never interpreted here (spec/metadata.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splatc.bitstream import limits
from splatc.errors import CorruptFileError, LimitError

CHUNKS = {"icc": b"iccp", "exif": b"exif", "xmp": b"xmpd"}
"""The chunk of each field of Metadata."""
LEVEL = 19
"""zstd's effort; the bytes are few."""


@dataclass(frozen=True)
class Metadata:
    """Colour profile, EXIF and XMP as the source had them: bytes that are kept, and never interpreted.

    Source:
        spec/metadata.md.
    """

    icc: bytes = b""
    """A colour profile."""
    exif: bytes = b""
    """The TIFF structure of an EXIF block, without a prefix."""
    xmp: bytes = b""
    """An XMP packet, UTF-8."""


def write(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """(type, payload) of each chunk; nothing for an empty field. Raises LimitError if a field is too long."""
    for name, kind in CHUNKS.items():
        content: bytes = getattr(metadata, name)
        if len(content) > limits.MAX_METADATA:
            raise LimitError(
                f"the picture has {len(content)} bytes of {name.upper()}, the format allows at most {limits.MAX_METADATA}: "
                "encode it without metadata"
            )
        if content:
            import zstandard

            # Plain parameters: the frame states its size, and has neither checksum (the chunk has one) nor dictionary.
            yield kind, zstandard.ZstdCompressor(level=LEVEL).compress(content)


def read(kind: str, payload: bytes) -> bytes:
    """The content of a chunk. Raises CorruptFileError, or LimitError if it is longer than the format allows."""
    import zstandard

    if not payload.startswith(zstandard.FRAME_HEADER):  # nor a skippable frame, which zstd takes for an empty one
        raise CorruptFileError(f"the {kind} chunk is no zstd frame: it is damaged")
    try:
        size = zstandard.frame_content_size(payload)
        if size > limits.MAX_METADATA:
            raise LimitError(f"the {kind} chunk holds {size} bytes, the format allows at most {limits.MAX_METADATA}")
        if size < 0:
            raise CorruptFileError(f"the {kind} chunk does not state how many bytes it holds: it is damaged")
        # The stated size may be wrong, too: no more than that is read.
        decompressor = zstandard.ZstdDecompressor(max_window_size=limits.MAX_METADATA)
        content: bytes = decompressor.stream_reader(payload).read(size + 1)
        # If the frame is as long as it says, it may be decoded in one piece, to see where it ends.
        if len(content) == size:
            whole = decompressor.decompressobj()
            whole.decompress(payload)
    except zstandard.ZstdError as error:
        raise CorruptFileError(f"the {kind} chunk is no zstd frame ({error}): it is damaged") from error
    if len(content) != size:
        raise CorruptFileError(f"the {kind} chunk holds other than the {size} bytes that it states: it is damaged")
    if not whole.eof or whole.unused_data:
        raise CorruptFileError(f"the {kind} chunk does not end where its zstd frame does: it is damaged")
    return content
