"""Every arrangement of TIFF samples shows what its tags say, by every reader that claims to know it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.image.readers.tiff import readers, wide
from splatc.image.readers.tiff.directory import TiffBytes
from splatc.image.readers.tiff.layout import layout_of
from splatc.image.readers.tiff.pages import choose
from tests.tiff_files import Page, tiff

READERS: dict[str, tuple[Callable[..., bool], Callable[..., readers.Rows]]] = {
    "pillow": (readers.pillow_knows, readers.open_pillow),
    "pillow, wide": (wide.knows, readers.open_wide),
    "tifffile": (readers.tifffile_knows, readers.open_tifffile),
    "pyvips": (readers.vips_knows, lambda page, layout, turn: readers.open_vips(page, layout, turn, None)),
}
FILES = list(itertools.product("<>", (False, True)))
PLAIN, LZW, DEFLATE, PACKBITS, ZSTD = 1, 5, 8, 32773, 50000
# Photometric interpretation, samples a pixel, extra samples
COLOURS: list[tuple[int, int, tuple[int, ...]]] = [
    (1, 2, (0,)), (1, 2, (1,)), (1, 2, (2,)), (0, 2, (2,)), (1, 3, (0, 0)), (1, 4, (0, 0, 0)), (1, 4, (0, 0, 2)), (1, 8, (0,) * 7),
    (2, 3, ()), (2, 4, ()), (2, 4, (0,)), (2, 4, (1,)), (2, 4, (2,)), (2, 5, (2, 0)), (2, 5, (0, 2)), (2, 5, (0, 0)),
]  # fmt: skip


def samples(count: int, bits: int) -> NDArray[np.int64]:
    return np.random.default_rng(bits).integers(0, 1 << bits, (18, 21, count))


def read(reader: str, data: bytes, turn: int = 1) -> NDArray[Any] | None:
    """The picture by this reader; None if it does not claim to know it."""
    knows, open_with = READERS[reader]
    page = choose(TiffBytes(io.BytesIO(data))).directory
    layout = layout_of(page)
    if not knows(page, layout):
        return None
    rows = open_with(page, layout, turn)
    pixels = np.concatenate(list(rows.strips()))
    assert pixels.shape == (rows.height, rows.width, layout.channels)
    assert 8 * pixels.itemsize == layout.bit_depth
    return pixels


def spread(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    full = 255 if bits <= 8 else 65535
    levels: NDArray[np.int64] = np.rint(values * (full / ((1 << bits) - 1))).astype(np.int64)
    return levels


def shown(page: Page) -> NDArray[np.int64]:
    """What gray and RGB samples mean."""
    assert isinstance(page.bits, int)
    values, full = spread(page.samples, page.bits), 255 if page.bits <= 8 else 65535
    base = 3 if page.photometric == 2 else 1
    count = page.samples.shape[2]
    roles = {base + place: role for place, role in enumerate(page.extra or (2,) * (count - base))}
    alpha = [sample for sample, role in roles.items() if role in (1, 2)][:1]
    bands = [sample for sample in range(count) if sample not in alpha]
    colours = values[..., bands[: 3 if len(bands) >= 3 else base]]
    if page.photometric == 0:
        colours = full - colours
    if not alpha:
        return colours
    opacity = values[..., alpha]
    if roles[alpha[0]] == 1:
        half = opacity // 2 if full > 255 else 0
        divided = np.minimum((colours * full + half) // np.maximum(opacity, 1), full)
        colours = np.where((opacity == 0) & (full == 255), colours, divided)
    return np.concatenate([colours, opacity], axis=-1)


def gray_pages() -> Iterator[Page]:
    for bits, photometric, tile, compression in itertools.product(
        (1, 2, 4, 6, 8, 10, 12, 14, 16), (0, 1), (None, (16, 16)), (PLAIN, LZW, PACKBITS, ZSTD)
    ):
        for fill_order in (1, 2) if bits <= 8 and not tile else (1,):
            yield Page(
                samples(1, bits), photometric, bits, tile=tile, compression=compression, fill_order=fill_order, rows=8
            )


def colour_pages() -> Iterator[Page]:
    for (photometric, count, extra), bits, planar, tile in itertools.product(
        COLOURS, (8, 12, 16), (1, 2), (None, (16, 16))
    ):
        for compression, predictor in ((PLAIN, 1), (LZW, 1), (DEFLATE, 2)):
            if bits != 12 or predictor == 1:
                yield Page(
                    samples(count, bits), photometric, bits, extra, planar=planar, tile=tile, compression=compression,
                    predictor=predictor, rows=8,
                )  # fmt: skip


@pytest.mark.parametrize("pages", [gray_pages, colour_pages])
@pytest.mark.parametrize(("order", "big"), FILES)
@pytest.mark.parametrize("reader", READERS)
def test_gray_and_colour(reader: str, order: str, big: bool, pages: Callable[[], Iterator[Page]]) -> None:
    pytest.importorskip("PIL" if reader.startswith("pillow") else reader)
    known = 0
    if reader == "pillow, wide" and pages is gray_pages:
        return
    for page in pages():
        pixels = read(reader, tiff(page, order=order, big=big))
        if pixels is not None:
            known += 1
            assert (pixels == shown(page)).all(), page
    assert known > 20 or (reader.startswith("pillow") and big and order == ">")


@pytest.mark.parametrize(("order", "big"), FILES)
@pytest.mark.parametrize("highest", [255, 65535])
def test_palettes_of_8_and_16_bits(order: str, big: bool, highest: int) -> None:
    for bits, reader in itertools.product((1, 2, 4, 8), READERS):
        pytest.importorskip("PIL" if reader.startswith("pillow") else reader)
        entries = np.random.default_rng(bits).integers(0, highest + 1, 3 << bits)
        entries[0] = highest
        page = Page(samples(1, bits), 3, bits, tags={320: (3, entries.tolist())})
        pixels = read(reader, tiff(page, order=order, big=big))
        if pixels is not None:
            table = (entries if highest == 255 else entries >> 8).reshape(3, -1).T
            assert (pixels == table[page.samples[..., 0]]).all()


OTHERS = {
    "LZMA": Page(samples(3, 16), 2, 16, compression=34925, rows=8),
    "CMYK": Page(samples(4, 8), 5),
    "CMYK of 16 bits": Page(samples(4, 16), 5, 16, compression=LZW),
    "CIELab": Page(samples(3, 8), 8),
    "JPEG, YCbCr": Page(samples(3, 8), 6, compression=7, tags={530: (3, (1, 1))}),
    "JPEG, RGB": Page(samples(3, 8), 2, compression=7, tile=(16, 16)),
    "JPEG, WhiteIsZero": Page(samples(1, 8), 0, compression=7),
    "mask": Page(samples(1, 1), 4, 1),
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", OTHERS)
def test_readers_agree(name: str, order: str) -> None:
    found = [read(reader, tiff(OTHERS[name], order=order)) for reader in ("pillow", "tifffile")]
    both = [pixels for pixels in found if pixels is not None]
    assert both
    assert all((pixels == both[0]).all() for pixels in both)
    if name == "mask":
        assert (both[0] == 255 * OTHERS[name].samples).all()


def test_unknown_compressions_give_one_sentence_that_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from splatc.errors import InputImageError
    from splatc.image.readers import large_source
    from splatc.image.readers.tiff import open_tiff

    for only in ((), ("tifffile", "pyvips", "imagecodecs")):
        monkeypatch.setattr(large_source, "installed", lambda name, only=only: name in only)
        for number, word in (
            (9, "JBIG"),
            (34887, "LERC"),
            (33003, "JPEG 2000"),
            (50002, "JPEG XL"),
            (6, "old-style JPEG"),
            (777, "777"),
        ):
            page = Page(samples(3, 8), 2, compression=number, segments=[bytes(100)])
            with pytest.raises(InputImageError, match=word):
                open_tiff(io.BytesIO(tiff(page)), None, 1 << 26)
