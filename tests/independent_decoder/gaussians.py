"""gaussians.md: the order in which everything of a section is coded."""

from __future__ import annotations

import zlib
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from tests.independent_decoder.attributes import read_angle_residuals, read_colour_residuals, read_offsets
from tests.independent_decoder.coder import RangeDecoder
from tests.independent_decoder.container import read_chunks, read_container
from tests.independent_decoder.draft import (
    AREAS,
    CHROMA,
    ORIENTATION,
    Around,
    add_predictions,
    read_angles,
    read_chroma,
    slices,
)
from tests.independent_decoder.latent import decode_latents
from tests.independent_decoder.model import Decoded, Header, Section, Symbols
from tests.independent_decoder.positions import read_positions
from tests.independent_decoder.prediction import predict
from tests.independent_decoder.quantization import CODED, directions, offsets
from tests.independent_decoder.sections import check_margin, shortest_stream, tile_cells
from tests.independent_decoder.tables import Tables


@dataclass(frozen=True)
class Known:
    """What is left of a section when it is decoded: its Gaussians, their angles and colours, and what its tables have learned."""

    symbols: list[Symbols]
    angles: list[int]
    colours: list[list[int]]
    tables: Tables


def decode(data: bytes) -> Decoded:
    """The integers of a file. Raises ValueError for a file that the spec has a decoder refuse."""
    header, payloads = read_chunks(data)
    if "LATN" in payloads:
        return decode_latents(header, payloads["LATN"])
    header, sections, gaus = read_container(data)
    known: dict[int, Known] = {}
    if not sections and gaus:
        raise ValueError("a payload without Gaussians")
    at = 0
    for section in sections:
        stream = gaus[at : at + section.length]
        at += section.length
        if section.crc not in (None, zlib.crc32(stream)):
            raise ValueError("a damaged section")
        ancestors = [known[id(each)] for each in section.ancestors()]
        known[id(section)] = here = decode_section(header, section, stream, ancestors)
        check_margin(as_arrays(header, [here]), section)
    return as_arrays(header, list(known.values()))


def decode_section(header: Header, section: Section, stream: bytes, ancestors: list[Known]) -> Known:
    decoder = RangeDecoder(stream)
    tables = deepcopy(ancestors[-1].tables) if ancestors else Tables(header.log_scales)
    earlier = [s for each in ancestors for s in each.symbols]
    angles = [angle for each in ancestors for angle in each.angles]
    colours = [colour for each in ancestors for colour in each.colours]
    symbols = read_symbols(header, section, decoder, tables, Around(header, earlier, list(angles), list(colours)))
    if stream != whole_stream(section, decoder):
        raise ValueError("the stream is not the one of its Gaussians")
    angles, colours = predict(header, earlier + symbols, angles, colours)
    return Known(symbols, angles[len(earlier) :], colours[len(earlier) :], tables)


def as_arrays(header: Header, known: list[Known]) -> Decoded:
    symbols = [s for each in known for s in each.symbols]
    return Decoded(
        header,
        level=np.array([s.level for s in symbols], np.int64),
        x=np.array([s.x for s in symbols], np.int64),
        y=np.array([s.y for s in symbols], np.int64),
        log_scale=np.array([s.log_scale for s in symbols], np.int64),
        aspect=np.array([s.aspect for s in symbols], np.int64),
        angle=np.array([angle for each in known for angle in each.angles], np.int64),
        offset=np.array([s.offset for s in symbols], np.int64),
        colour=np.array([colour for each in known for colour in each.colours], np.int64).reshape(-1, header.channels),
    )


def read_symbols(
    header: Header, section: Section, decoder: RangeDecoder, tables: Tables, around: Around
) -> list[Symbols]:
    """All Gaussians of a section in coding order; what is around them matters to models of a draft alone."""
    symbols: list[Symbols] = []
    for i, n in enumerate(section.counts):
        level = section.top - i
        if n == 0:
            continue
        tables.next_level()
        left, above, columns, rows = tile_cells(header, section, level)
        cells = read_positions(decoder, tables, columns, rows, n)
        log_scale = tables["log_scale",].array(decoder, n)
        aspect = tables["aspect",].array(decoder, n)
        m = [directions(header, level, a) for a in aspect]
        places = [(left + x, above + y) for x, y in cells]
        if header.models:
            around.add_level(level, places, m)
        if header.models & ORIENTATION:
            angle_residual = read_angles(decoder, tables, around)
        else:
            angle_residual = read_angle_residuals(decoder, tables, m)
            if header.models:
                add_predictions(around, angle_residual)
        f = [offsets(header, a) for a in aspect]
        if header.models & AREAS:
            angles = around.angles[-n:]
            offset = [decoder.symbol(slices(*each)) if each[2] > 1 else 0 for each in zip(angles, m, f, strict=True)]
        else:
            offset = read_offsets(decoder, f)
        chroma_follows = bool(header.models & CHROMA) and header.channels > 2
        colour_residual = [
            [0] * n if chroma_follows and channel in "UV" else read_colour_residuals(decoder, tables, channel, n)
            for channel in CODED[header.channels]
        ]
        new = []
        for j, place in enumerate(places):
            shape = log_scale[j], aspect[j], m[j], angle_residual[j], offset[j]
            new.append(Symbols(level, *place, *shape, [r[j] for r in colour_residual]))
        if chroma_follows:
            read_chroma(decoder, tables, around, new)
        symbols += new
        around.symbols = around.symbols + new
    return symbols


def whole_stream(section: Section, decoder: RangeDecoder) -> bytes:
    """The one stream of the symbols that were decoded; each refusal of <Length and end> means that the file has another."""
    return decoder.stream().ljust(shortest_stream(section), b"\0")
