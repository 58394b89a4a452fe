"""Limits of the format: each is checked before anything of its size is allocated (spec/limits.md)."""

from __future__ import annotations

from splatc.errors import CorruptFileError, LimitError

MAX_SIDE = 1 << 20
"""Width and height, px."""
MAX_PIXELS = 1 << 32
MAX_GAUSSIANS = 1 << 26
MAX_GRID_SIDE = 1 << 26
"""Cells of a position grid in x and in y. Doubled and times a step, a cell index stays far below 2^63."""
MAX_CHUNKS = 1024
FREE_GAUSSIANS = 64
GAUSSIANS_PER_BYTE = 2
"""A payload of b bytes holds at most FREE_GAUSSIANS + GAUSSIANS_PER_BYTE b Gaussians. A Gaussian of a real picture takes some 30 bits;
where identical ones take less than four, the encoder appends zero bytes, which the range coder reads for nothing."""

FREE_SECTIONS = 64
GAUSSIANS_PER_SECTION = 256
"""A file of N Gaussians has at most FREE_SECTIONS + N / GAUSSIANS_PER_SECTION sections."""
WORK = 64
"""The Gaussians of all sections, those of its ancestors counted again for each, are at most WORK N: a decoder looks at all of them
when it searches for neighbours."""
MAX_METADATA = 1 << 24
"""Bytes of a colour profile, of EXIF or of XMP after decompression."""

MAX_METADATA_PAYLOAD = 1 << 25
"""The same before decompression: twice as much as content that does not compress takes. A limit of splatc, not of the format."""
MAX_FILE_BYTES = 1 << 30
"""Longer files are refused by every reader. A limit of splatc: 2^26 Gaussians of the usual 30 bits take a quarter of it."""
MAX_GAUSSIAN_BYTES = 512
"""A stream takes at most so many bytes for a Gaussian: 52 halvings of the grid of 24 bits, and eight numbers of 24 to 40, are 200."""


def check_picture(width: int, height: int) -> None:
    """Raise LimitError if the picture is too large for the format."""
    for name, side in (("width", width), ("height", height)):
        if side > MAX_SIDE:
            raise LimitError(f"the picture's {name} is {side} px, the format allows at most {MAX_SIDE}")
    if width * height > MAX_PIXELS:
        raise LimitError(f"the picture has {width} x {height} px, the format allows at most {MAX_PIXELS} in all")


def check_count(count: int) -> None:
    """Raise LimitError if there are more Gaussians than the format allows."""
    if count > MAX_GAUSSIANS:
        raise LimitError(f"{count} Gaussians, the format allows at most {MAX_GAUSSIANS}")


def check_grid(level: int, columns: int, rows: int) -> None:
    """Raise LimitError if the position step of a level is too fine for the picture."""
    if max(columns, rows) > MAX_GRID_SIDE:
        raise LimitError(
            f"the position grid of level {level} has {columns} x {rows} cells, at most {MAX_GRID_SIDE} a side are allowed: "
            "the position step is too fine for this picture"
        )


def minimum_payload(count: int) -> int:
    """The fewest bytes that may hold so many Gaussians."""
    return max(0, -(-(count - FREE_GAUSSIANS) // GAUSSIANS_PER_BYTE))


def check_plausible(
    count: int, payload_bytes: int, declared_by: str = "the header", given: str = "the GAUS chunk"
) -> None:
    """Raise CorruptFileError if more Gaussians are declared than the bytes of a stream can hold."""
    if payload_bytes < minimum_payload(count):
        raise CorruptFileError(
            f"{declared_by} declares {count} Gaussians, but {given} has only {payload_bytes} bytes "
            f"(at least {minimum_payload(count)} expected): the file is damaged"
        )


def maximum_payload(count: int) -> int:
    """More bytes than a stream of so many Gaussians can have that ends where its last one does."""
    return FREE_GAUSSIANS + MAX_GAUSSIAN_BYTES * count


def sections_allowed(sections: int, count: int, work: int) -> bool:
    """Whether a file of so many Gaussians may be divided like this; ``work`` as in WORK."""
    return sections <= FREE_SECTIONS + count // GAUSSIANS_PER_SECTION and work <= WORK * count
