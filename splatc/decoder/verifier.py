"""Everything that can be wrong with a ``.splat2d`` file, and where: what ``splatc.verify`` and ``splatc verify`` report.

A decoder stops at the first fault. Here each part is looked at by itself, as far as the parts before it allow: the signature and HEAD,
the chunk table, the CRC of every chunk, metadata, the index, and every stream, to its end.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from splatc.bitstream import Reader, container, layout
from splatc.bitstream import metadata as metadata_format
from splatc.bitstream.container import Chunk
from splatc.bitstream.source import Source
from splatc.bitstream.structure import metadata_of, read_header_of
from splatc.decoder.budget import Budget
from splatc.errors import CorruptFileError, LimitError, UnsupportedFileError

SCHEMA_VERSION = 1
_METADATA = tuple(kind.decode() for kind in metadata_format.CHUNKS.values())


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file."""

    kind: str
    """"corrupt", "unsupported" (another version, an unknown critical chunk) or "limit"."""
    part: str
    """What was looked at: "file" (its length), "signature", "chunks", "checksum", "header", "metadata exif", "index", "stream",
    "section 3"."""
    message: str
    """A sentence: what was found, and what was expected."""

    @property
    def exit_code(self) -> int:
        """The exit code of the error that a decoder raises for it: 3, or 4 for a limit."""
        return LimitError.exit_code if self.kind == "limit" else CorruptFileError.exit_code


def find_problems(file: bytes | BinaryIO, budget: Budget = Budget()) -> list[Problem]:  # noqa: B008 - frozen
    """All problems of a file, in the order of the checks; none for a file that every decoder must read.

    ``file`` is a seekable binary file, or its bytes. What a fault hides is not looked at: what follows a wrong length of a chunk, sections
    that go on from a damaged one. What would take more than the ``budget`` is not decoded: a problem of the kind "limit". Raises
    InputError where the file cannot be read.
    """
    stream = io.BytesIO(file) if isinstance(file, bytes) else file
    found = _Findings()
    with found.of("file"):
        source = Source(stream)
    if found.problems:
        return found.problems
    with found.of("signature"):
        container.check_signature(source)
    if found.problems:
        return found.problems
    chunks: list[Chunk] = []
    with found.of("chunks"):
        chunks, truncation = container.chunk_table(source)
        if truncation is not None:
            raise truncation
    damaged = _check_chunks(source, chunks, found)
    with found.of("header"):
        if "HEAD" not in damaged:
            read_header_of(source)
    if not found.seen("chunks", "header") and not damaged & {"HEAD", "INDX"}:
        _check_streams(stream, "GAUS" in damaged, found, budget)
    return found.problems


def report(size: int, problems: list[Problem]) -> dict[str, Any]:
    """What `find_problems` found in a file of `size` bytes, for programs; the names are a stable interface under SCHEMA_VERSION."""
    return {
        "schema_version": SCHEMA_VERSION,
        "valid": not problems,
        "bytes": size,
        "problems": [{"kind": each.kind, "part": each.part, "message": each.message} for each in problems],
    }


@dataclass(frozen=True)
class _Findings:
    problems: list[Problem] = field(default_factory=list)

    @contextlib.contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Note what the block raises."""
        try:
            yield
        except LimitError as error:
            self.problems.append(Problem("limit", part, str(error)))
        except UnsupportedFileError as error:
            self.problems.append(Problem("unsupported", part, str(error)))
        except CorruptFileError as error:  # what else goes wrong is no fault of the file
            self.problems.append(Problem("corrupt", part, str(error)))

    def seen(self, *parts: str) -> bool:
        return any(each.part in parts for each in self.problems)


def _check_chunks(source: Source, chunks: list[Chunk], found: _Findings) -> set[str]:
    """The CRC of every chunk that is there, piece by piece, and what metadata unpack to. Returns the types of the damaged ones."""
    damaged = set()
    for chunk in chunks:
        before = len(found.problems)
        if chunk.offset + chunk.length + 4 > source.length:
            break  # the chunk table has said so
        with found.of("checksum"):
            container.check_crc(source, chunk)
        if len(found.problems) > before:
            damaged.add(chunk.type)
        elif chunk.type in _METADATA:
            with found.of(f"metadata {chunk.type}"):
                metadata_of(source, chunk)
    return damaged


def _check_streams(stream: BinaryIO, damaged: bool, found: _Findings, budget: Budget) -> None:
    """The index, and every stream to its end. ``damaged``: the CRC of GAUS is wrong, and only those of sections are checked."""
    with found.of("index"):
        reader = Reader(stream, budget.check_memory)
        if reader.latents is not None:
            budget.check_groups([reader.needed()])
            reader.check_latents()
        elif any(section.crc is not None for section in reader.sections):
            groups = reader.groups()
            budget.check_groups([reader.cost(group) for group in groups])
            for group in groups:
                _check_sections(reader, group, found, budget)
        elif not damaged:
            with found.of("stream"):
                budget.check_groups([reader.needed()])
                reader.check_sections([0] if reader.sections else [])


def _check_sections(reader: Reader, group: list[int], found: _Findings, budget: Budget) -> None:
    """Decode the sections side by side; one after the other where one is damaged, to say which, unless that takes too much."""
    try:
        reader.check_sections(group)
        return
    except CorruptFileError as error:
        if sum(reader.cost([number]).work for number in group) > budget.work:
            found.problems.append(Problem("corrupt", "sections", str(error)))
            return
    unreadable: set[int] = set()
    for number in group:
        if not unreadable.isdisjoint(layout.ancestors(reader.sections, number)):
            continue
        before = len(found.problems)
        with found.of(f"section {number}"):
            reader.check_sections([number])
        if len(found.problems) > before:
            unreadable.add(number)
