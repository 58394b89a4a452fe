"""A file opened for reading in parts: a region, the coarser levels, or what is left of a truncated one."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from splatc.attributes import PARTS
from splatc.bitstream import container, decoding, layout, limits
from splatc.bitstream.cost import Cost, cost_of
from splatc.bitstream.decoding import Decoded
from splatc.bitstream.layout import Section
from splatc.bitstream.structure import CheckMemory, Structure
from splatc.core import loading
from splatc.errors import CorruptFileError
from splatc.quantize import QuantizedGaussians, empty_gaussians, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splatc.bitstream import latents
    from splatc.bitstream.latents import Tile

CACHED = 1 << 17
"""Gaussians that a reader remembers, of sections that others need: the coarse ones, which are of use to every region."""
GROUP = 1 << 18
"""Gaussians that lie in memory at once where a file is gone through."""
KEPT = 1 << 24
"""Bytes of Gaussians that are read in one piece where all are wanted: once, though there are CRCs to check before, and in one request."""
TABLES = 256
"""Gaussians that take as much memory as the tables of a section that others go on from."""
SLACK = 1.0
"""px that a region is widened by: more than a bounding margin may be off."""

Region = tuple[float, float, float, float]
"""x0, y0, x1, y1 in px of the picture."""


class Reader(Structure):
    """A ``.splat2d`` file of which only what is asked for is read, by any number of threads.

    One that ends too early can be read in part.
    """

    def __init__(self, file: BinaryIO, check_memory: CheckMemory | None = None) -> None:
        super().__init__(file, check_memory)
        self._parents = {section.parent for section in self.sections if section.parent is not None}
        self._cache: dict[int, Decoded] = {}
        self._checked = False

    def read(
        self, region: Region | None = None, *, max_level: int | None = None, allow_truncated: bool = False
    ) -> QuantizedGaussians:
        """The Gaussians in coding order: all, or at least those whose ellipse can touch a region.

        With ``max_level`` those of this level and coarser ones only. With ``allow_truncated`` what is whole of a file that ends too
        early: of a stream that was cut off, the levels before the cut.

        Before all are read, the CRC of every chunk is checked, also of unknown ones; otherwise those of the sections that are
        read, or of GAUS where it is not divided. Raises CorruptFileError.
        """
        if self.latents is not None:
            return self.read_latents(region, max_level=max_level, allow_truncated=allow_truncated).gaussians()
        body = self._body(region, max_level, allow_truncated)
        wanted = self._wanted(region, max_level or 0)
        return self._join(list(self._decode(wanted, max_level or 0, body)))

    def _body(self, region: Region | None, max_level: int | None, allow_truncated: bool) -> bytes | None:
        """Check what is to be checked before a part is read; where that is all, the payload of GAUS or LATN if it is small."""
        if allow_truncated:
            return None
        self.check_whole()
        return self.check(KEPT) if region is None and not max_level else None

    def check(self, kept: int = 0) -> bytes | None:
        """The same as of a Structure, once: later calls return nothing."""
        if self._checked:
            return None
        body = super().check(kept)
        self._checked = True
        return body

    def needed(self, region: Region | None = None, *, max_level: int | None = None) -> Cost:
        """What ``read`` would decode at most."""
        if self.latents is not None:
            from splatc.bitstream import latents

            return latents.cost_in(self.header, self.latents, latents.cells_in(self.header, region))
        return self.cost(self._wanted(region, max_level or 0))

    def cost(self, wanted: list[int]) -> Cost:
        """What it takes to decode some sections, and their ancestors."""
        needed = set(wanted).union(*(layout.ancestors(self.sections, number) for number in wanted))
        return cost_of(self.sections, needed, self._parents)

    def bits(self) -> dict[str, float]:
        """Bits of each part of all streams, after the CRC of every chunk was checked. Raises CorruptFileError."""
        self.check()
        if self.latents is not None:
            self.check_latents()
            return {"latents": 8.0 * sum(tile.length for tile in self.latents.tiles)}
        total = dict.fromkeys(PARTS, 0.0)
        for group in self.groups():
            found = self._run(group, 0, tally=True).bits
            for number, part in itertools.product(group, PARTS):
                total[part] += found[number][part]
        return {part: bits for part, bits in total.items() if bits}

    def groups(self) -> list[list[int]]:
        """All sections in file order, in groups of GROUP Gaussians or a section: who goes through them needs the memory of one."""
        groups: list[list[int]] = []
        held = GROUP
        for number in range(len(self.sections)):
            weight = self._weight(number)
            if held + weight > GROUP:
                groups.append([])
                held = 0
            groups[-1].append(number)
            held += weight
        return groups

    def _weight(self, number: int) -> int:
        """What a section takes in memory, in Gaussians."""
        return self.sections[number].count + (TABLES if number in self._parents else 0)

    def check_sections(self, group: list[int]) -> None:
        """Decode sections of a whole file and forget them. Raises CorruptFileError."""
        self._run(group, 0)

    def read_latents(
        self, region: Region | None = None, *, max_level: int | None = None, allow_truncated: bool = False
    ) -> latents.Decoded:
        """What `read` makes the Gaussians of in a file with latents: of the cells that can touch a region."""
        from splatc.bitstream import latents

        assert self.latents is not None, "the caller knows"
        body = self._body(region, max_level, allow_truncated)
        cells = latents.cells_in(self.header, region)
        streams = {}
        for number in latents.needed(self.latents, cells, self.header):
            stream = self._stream_of_tile(self.latents.tiles[number], body)
            if len(stream) < self.latents.tiles[number].length:
                break
            streams[number] = stream
        known = latents.decode_tiles(self.latents, streams, self.header.channels)
        if self._check_memory is not None:
            self._check_memory(latents.memory_of(known), f"the Gaussians of {len(known)} tiles of latents")
        return latents.Decoded(self.header, self.latents, cells, known, max_level or 0)

    def _stream_of_tile(self, tile: Tile, body: bytes | None = None) -> bytes:
        """The bytes of a tile of latents, checked; of a truncated file fewer. ``body`` is the payload of LATN if it was read."""
        chunk = self._chunk(container.LATENTS_CHUNK)
        assert chunk is not None, "there is a table only where LATN is"
        start = chunk.offset + tile.offset
        content = (
            self._source.read(start, tile.length) if body is None else body[tile.offset : tile.offset + tile.length]
        )
        if len(content) == tile.length and zlib.crc32(content) != tile.crc:
            raise CorruptFileError(f"the tile at byte {start} of the file is damaged: its CRC-32 is another")
        return content

    def check_latents(self) -> None:
        """Decode all tiles of latents of a whole file that has them, one after the other. Raises CorruptFileError."""
        from splatc.bitstream import latents

        assert self.latents is not None, "the caller knows"
        for number, tile in enumerate(self.latents.tiles):
            latents.decode_tile(self.latents, number, self._stream_of_tile(tile), self.header.channels)

    def _wanted(self, region: Region | None, stop_level: int) -> list[int]:
        """The sections of levels >= stop_level that can touch a region."""
        return [
            number
            for number, section in enumerate(self.sections)
            if section.top >= stop_level and (region is None or _touches(section, region))
        ]

    def _decode(self, wanted: list[int], stop_level: int, body: bytes | None) -> Iterator[QuantizedGaussians]:
        """The Gaussians of the sections that are wanted, in file order; ``body`` is the payload of GAUS if it was read."""
        found = self._run(wanted, stop_level, body).gaussians
        for number in wanted:
            if number in found:  # else of a truncated file
                gaussians = found[number]
                kept = int(np.count_nonzero(gaussians.level >= stop_level))  # levels descend
                yield gaussians.take(np.arange(kept)) if kept < len(gaussians) else gaussians

    def _run(
        self, wanted: list[int], stop_level: int, body: bytes | None = None, *, tally: bool = False
    ) -> decoding.Result:
        """Decode sections and their ancestors, and remember those that others go on from, unless the whole file was read."""
        needed = set(wanted).union(*(layout.ancestors(self.sections, number) for number in wanted))
        cache = {} if tally else self._cache
        known = {number: cache[number] for number in sorted(needed) if number in cache}
        streams: dict[int, bytes] = {}
        for number in sorted(needed - known.keys()):
            parent = self.sections[number].parent
            if parent is None or parent in known or self._is_whole(parent, streams):
                streams[number] = self._stream(self.sections[number], body)
        result = decoding.decode(
            self.header, self.sections, streams, known, self._parents & needed, stop_level, tally=tally
        )
        if len(needed) < len(self.sections):
            self._remember(result.decoded)
        return result

    def _is_whole(self, number: int, streams: dict[int, bytes]) -> bool:
        """Whether all of a section was read, so that others can go on from it; of a truncated file some were not."""
        return number in streams and len(streams[number]) == self.sections[number].length

    def _remember(self, decoded: dict[int, Decoded]) -> None:
        """Keep coarse sections, up to CACHED Gaussians."""
        known, kept, total = {**self._cache, **decoded}, dict[int, Decoded](), 0
        for number in sorted(known):
            total += self._weight(number)
            if total <= CACHED:
                kept[number] = known[number].copy() if number in decoded else known[number]
        self._cache = kept

    def _stream(self, section: Section, body: bytes | None = None) -> bytes:
        """The bytes of a section, checked; of a truncated file fewer."""
        chunk = self._chunk(container.GAUSSIANS_CHUNK)
        assert chunk is not None, "sections are known only where GAUS is"
        if section.length > limits.maximum_payload(section.count):
            raise CorruptFileError(decoding.MESSAGES[loading.WRONG_END])
        start = chunk.offset + section.offset
        if body is not None:
            content = body[section.offset : section.offset + section.length]
        elif section.crc is None and self._is_complete(chunk):
            return container.payload(self._source, chunk)
        else:
            content = self._source.read(start, section.length)
        if section.crc is not None and len(content) == section.length and zlib.crc32(content) != section.crc:
            raise CorruptFileError(f"the section at byte {start} of the file is damaged: its CRC-32 is another")
        return content

    def _join(self, parts: list[QuantizedGaussians]) -> QuantizedGaussians:
        if len(parts) == 1:
            return parts[0]
        return joined([empty_gaussians(self.header.channels), *parts])


def _touches(section: Section, region: Region) -> bool:
    """Whether an ellipse of a section can touch a region."""
    x0, y0, x1, y1 = section.rectangle
    margin = section.margin + SLACK
    return (
        region[0] <= x1 + margin and region[2] >= x0 - margin and region[1] <= y1 + margin and region[3] >= y0 - margin
    )
