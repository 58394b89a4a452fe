"""What the tags of a TIFF picture say of its samples, and which of these arrangements are pictures that splatc codes."""

from __future__ import annotations

from dataclasses import dataclass

from splatc.errors import InputImageError, LimitError
from splatc.image.image import MAX_PIXELS
from splatc.image.readers.tiff.directory import Directory

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 4, 5, 6, 8
_BASE = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, MASK: 1, CMYK: 4, YCBCR: 3, CIELAB: 3}
"""Samples of a pixel that are colour, by the photometric interpretation."""
_OTHER = {9: "ICC Lab", 10: "ITU Lab", 32844: "HDR, LogL", 32845: "HDR, LogLuv"}
NONE, OLD_JPEG, JPEG = 1, 6, 7
_COMPRESSIONS = {
    1: "no", 2: "CCITT", 3: "CCITT T.4", 4: "CCITT T.6", 5: "LZW", 6: "old-style JPEG", 7: "JPEG", 8: "deflate", 9: "JBIG T.85",
    10: "JBIG T.43", 32766: "NeXT", 32771: "CCITT", 32773: "PackBits", 32809: "ThunderScan", 32946: "deflate", 33003: "JPEG 2000",
    33004: "JPEG 2000", 33005: "JPEG 2000", 34661: "JBIG", 34676: "SGI Log", 34677: "SGI Log", 34712: "JPEG 2000",
    34887: "LERC", 34892: "lossy JPEG", 34925: "LZMA", 34926: "zstd", 34927: "WebP", 34933: "PNG", 34934: "JPEG XR",
    48124: "JPEG XR", 50000: "zstd", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_MOST_FROM_A_BYTE = {1: 1, 5: 2000, 8: 1100, 32946: 1100, 32773: 128}
"""Bytes that come of a compressed one at most: a header that claims more is refused before room is made for it."""
_MAX_BYTES = 8 * MAX_PIXELS
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _SAMPLES = (
    256,
    257,
    258,
    259,
    262,
    266,
    273,
    277,
)
_STRIP_BYTES, _PLANAR, _PREDICTOR, _COLOUR_MAP, _TILES, _TILE_BYTES, _EXTRA, _FORMAT, _SUBSAMPLING = (
    279, 284, 317, 320, 324, 325, 338, 339, 530,
)  # fmt: skip
_ROWS, _TILE_WIDTH, _TILE_HEIGHT = 278, 322, 323
_ASSOCIATED, _UNASSOCIATED = 1, 2
_COREL_ALPHA = 999  # what Corel Draw 10 wrote


@dataclass(frozen=True)
class Layout:
    """An arrangement of samples that splatc codes."""

    width: int
    height: int
    photometric: int
    bits: int
    """Per sample."""
    samples: int
    """Per pixel."""
    colour: tuple[int, ...]
    """Which samples are the colour."""
    alpha: int | None
    """Which sample is the alpha channel."""
    associated: bool
    """Whether colours are multiplied by alpha."""
    extra: tuple[int, ...]
    """What the tags say of the samples that are no colour."""
    planar: int
    predictor: int
    compression: int
    fill_order: int
    tiled: bool
    subsampled: bool
    """YCbCr whose chroma is coarser than its luma."""
    notes: tuple[str, ...]

    @property
    def channels(self) -> int:
        """Of the picture that comes of it."""
        gray = self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, MASK) and len(self.colour) == 1
        return (1 if gray else 3) + (self.alpha is not None)

    @property
    def bit_depth(self) -> int:
        """Of the picture that comes of it."""
        return 16 if self.bits > 8 and self.photometric not in (PALETTE, CMYK, CIELAB) else 8

    @property
    def compression_name(self) -> str:
        return compression_name(self.compression)

    @property
    def description(self) -> str:
        """For people."""
        names = {PALETTE: "palette", CMYK: "CMYK", YCBCR: "YCbCr", CIELAB: "CIELab", MASK: "mask"}
        if self.channels < 3:
            kind = {1: "bilevel", 8: "gray"}.get(self.bits, f"{self.bits}-bit gray")
            return f"TIFF, {kind}{' and alpha' if self.alpha is not None else ''}"
        kind = names.get(self.photometric, "RGBA" if self.alpha is not None else "RGB")
        return f"TIFF, {kind}" if self.bits <= 8 else f"TIFF, {kind}, {self.bits} bits"


def compression_name(number: int) -> str:
    return _COMPRESSIONS.get(number, f"number {number}")


def layout_of(page: Directory) -> Layout:
    """Raises InputImageError for what splatc does not code, in a sentence that names it, and LimitError for too many pixels."""
    width, height = page.number(_WIDTH, 0), page.number(_HEIGHT, 0)
    if width <= 0 or height <= 0:
        raise InputImageError("damaged picture: its TIFF tags have no width or no height")
    if width * height > MAX_PIXELS:
        raise LimitError(f"{width} x {height} is more than the {MAX_PIXELS} pixels that splatc accepts")
    compression = page.number(_COMPRESSION, NONE)
    photometric = _photometric(page, compression)
    samples = _sample_count(page, photometric, compression)
    bits = _bits(page, samples, _format(page))
    extra = page.numbers(_EXTRA)
    base = _BASE[photometric]
    if samples < base:
        raise InputImageError(f"damaged picture: {samples} samples a pixel, where its TIFF tags declare {base}")
    roles = (extra + (0,) * samples)[: samples - base]
    colour, alpha, notes = _roles(photometric, base, roles, described=bool(extra))
    if photometric == CMYK and bits > 8:
        notes = (*notes, f"CMYK of {bits} bits per sample is read as 8")
    if photometric == PALETTE and bits > 8:
        raise InputImageError(f"TIFF palettes of {bits} bits are not supported: convert the picture to RGB")
    if photometric == PALETTE and len(page.numbers(_COLOUR_MAP)) < 3 << bits:
        raise InputImageError(f"damaged picture: no colour map for a TIFF palette of {bits} bits")
    layout = Layout(
        width, height, photometric, bits, samples, colour, alpha,
        associated=alpha is not None and roles[alpha - base] == _ASSOCIATED,
        extra=extra, planar=page.number(_PLANAR, 1) if samples > 1 else 1, predictor=page.number(_PREDICTOR, 1),
        compression=compression, fill_order=page.number(_FILL_ORDER, 1), tiled=_TILES in page.entries,
        subsampled=photometric == YCBCR and (page.numbers(_SUBSAMPLING) or (2, 2)) != (1, 1), notes=notes,
    )  # fmt: skip
    _check_segments(page, layout)
    return layout


def _photometric(page: Directory, compression: int) -> int:
    """What the tag says; where there is none, what libtiff takes."""
    count = page.number(_SAMPLES, 1)
    guess = RGB if count >= 3 else WHITE_IS_ZERO if compression in (2, 3, 4, 32771) else BLACK_IS_ZERO
    number = YCBCR if compression == OLD_JPEG and count != 1 else page.number(_PHOTOMETRIC, guess)
    if number not in _BASE:
        name = _OTHER.get(number, f"photometric interpretation {number}")
        raise InputImageError(f"TIFF of this kind ({name}) is not supported: convert it to RGB of 8 or 16 bits")
    return number


def _sample_count(page: Directory, photometric: int, compression: int) -> int:
    default = _BASE[photometric] if compression == OLD_JPEG else 1
    count = page.number(_SAMPLES, default)
    if not 0 < count <= 1 << 12:
        raise InputImageError(f"damaged picture: {count} samples a pixel")
    return count


def _format(page: Directory) -> int:
    """The sample format: 1 unsigned. Raises InputImageError for the others."""
    formats = set(page.numbers(_FORMAT)) or {1}
    bits = page.number(_BITS, 1)
    if 2 in formats:
        raise InputImageError(
            f"TIFF of signed samples ({bits} bits) is not supported: convert the picture to unsigned samples of 8 or 16 bits"
        )
    if 3 in formats:
        raise InputImageError(
            "HDR pictures of floating-point samples (TIFF) are not supported: "
            "tone-map the picture to 8 or 16 bits per sample first"
        )
    if not formats <= {1, 4}:
        raise InputImageError(
            "TIFF of complex samples is not supported: convert the picture to 8 or 16 bits per sample"
        )
    return 1


def _bits(page: Directory, samples: int, _unsigned: int) -> int:
    depths = page.numbers(_BITS) or (1,)
    bits = set(depths[:samples])
    if len(bits) > 1:
        raise InputImageError(
            f"TIFF with samples of different depths ({', '.join(map(str, depths[:samples]))} bits) is not supported: "
            "convert it to 8 or 16 bits per sample"
        )
    (each,) = bits
    if each > 16:
        raise InputImageError(
            f"TIFF of {each}-bit integers is not supported: convert the picture to 8 or 16 bits per sample"
        )
    if each < 1:
        raise InputImageError(f"damaged picture: {each} bits per sample")
    return each


def _roles(
    photometric: int, base: int, extra: tuple[int, ...], *, described: bool
) -> tuple[tuple[int, ...], int | None, tuple[str, ...]]:
    """Which samples are the colour, which one is alpha, and what is to be said. `extra`: what each sample beyond the base is."""
    alphas = [base + place for place, role in enumerate(extra) if role in (_ASSOCIATED, _UNASSOCIATED, _COREL_ALPHA)]
    notes: list[str] = []
    if not alphas and not described and photometric == RGB and len(extra) == 1:
        alphas = [base]
        notes.append("no tag says what the fourth channel is: it is taken as alpha")
    alpha = alphas[0] if alphas else None
    colour = tuple(range(base))
    bands = [sample for sample in range(base + len(extra)) if sample != alpha]
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) and len(bands) >= 3:
        colour = tuple(bands[:3])
        notes.append(f"of {len(bands)} bands without a meaning the first three are coded as red, green and blue")
    elif len(bands) > base:
        left = len(bands) - base
        notes.append(
            "a channel without a meaning is left out" if left == 1 else f"{left} further channels are left out"
        )
    if photometric in (CMYK, YCBCR, CIELAB) and alpha is not None:
        alpha = None
        notes.append("the alpha channel is left out")
    if photometric == CIELAB:
        notes.append("CIELab is converted to sRGB")
    return colour, alpha, tuple(notes)


def _check_segments(page: Directory, layout: Layout) -> None:
    """Raises InputImageError where strips or tiles are missing or cut off, or cannot hold the pixels that the tags declare."""
    raw = layout.width * layout.height * layout.samples * layout.bits // 8
    if raw > _MAX_BYTES:
        raise LimitError(f"{layout.samples} channels of {layout.width} x {layout.height} are more than the {_MAX_BYTES} bytes "
                         "that splatc decompresses")  # fmt: skip
    if layout.compression == OLD_JPEG:
        return  # may lie elsewhere
    offsets = page.numbers(_TILES if layout.tiled else _STRIPS)
    counted = _TILE_BYTES if layout.tiled else _STRIP_BYTES
    lengths = page.numbers(counted)
    if not offsets:
        raise InputImageError("damaged picture: its TIFF tags do not say where the pixels are")
    kind, expected = "tile" if layout.tiled else "strip", _segment_count(page, layout)
    if len(offsets) < expected:
        raise InputImageError(f"damaged picture: {len(offsets)} {kind}s, where its TIFF tags declare {expected}")
    if counted in page.entries and len(lengths) < expected:  # a file without this tag may be read
        raise InputImageError(
            f"damaged picture: the lengths of {len(lengths)} {kind}s, where its TIFF tags declare {expected}"
        )
    for place, offset in enumerate(offsets):
        length = lengths[place] if place < len(lengths) else 0
        if offset < 0 or offset + length > page.file.size:
            raise InputImageError(
                f"damaged or truncated picture: {kind} {place + 1} of {len(offsets)} ends behind the file"
            )
    most = _MOST_FROM_A_BYTE.get(layout.compression)
    held = sum(lengths) if sum(lengths) else page.file.size
    if layout.subsampled:
        raw //= 3
    if most and raw > most * min(held, page.file.size * len(offsets)):
        raise InputImageError(
            f"damaged or truncated picture: {held} bytes cannot hold {layout.width} x {layout.height} pixels of {layout.samples} samples"
        )


def _segment_count(page: Directory, layout: Layout) -> int:
    """How many strips or tiles the picture has. Raises InputImageError where their size makes no sense."""
    if layout.tiled:
        across, down = page.number(_TILE_WIDTH, 0), page.number(_TILE_HEIGHT, 0)
    else:
        across, down = layout.width, page.number(_ROWS, layout.height)
    if across <= 0 or down <= 0:
        raise InputImageError("damaged picture: its TIFF tags have no size of strips or tiles")
    planes = layout.samples if layout.planar == 2 else 1
    return planes * -(-layout.width // across) * -(-layout.height // down)
