"""Symbols <-> bytes: constriction's range coder fed with integer frequency tables, and tables that adapt (spec/coder.md).

Encoder and Decoder have the one method ``code(frequencies, symbols)``: the encoder reads the array, the decoder fills it. So each
model of the format is written once and serves both directions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Protocol

import constriction
import numpy as np
from numpy.typing import NDArray

from splatc.core import packing
from splatc.errors import CorruptFileError

Symbols = NDArray[np.int32]
Frequencies = NDArray[np.int64]
"""(A,) each >= 1, sum TOTAL: symbol s takes the share frequencies[s] / TOTAL of the code space."""
Counts = NDArray[np.int64]
"""(A,) what was seen of each symbol, in units of 1 / INCREMENT symbol; a table is made in proportion to it."""

TOTAL = 1 << 16
INCREMENT = 256
"""By how much the counts of a table grow with each symbol; priors are in the same unit."""
FIRST_BATCH = 4
"""Symbols that are coded before a table is first made anew; later batches are a quarter of the symbols seen."""
INHERITED = 32
"""What a table takes over from another weighs as much as so many symbols."""
SHARP = (INCREMENT,)
"""How a symbol makes counts grow: its own alone, ..."""
SMOOTH = (32, 32, 128, 32, 32)
"""... or also those of the symbols beside it, for wide alphabets in which neighbours are alike."""
WRONG_END = "a stream of the GAUS chunk does not end where its last Gaussian does: the file is damaged"


class Coder(Protocol):
    """Either direction."""

    part: str
    """The part of the stream that follows, for the tally of its cost."""

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        """Code all of ``symbols``, each 0 <= s < A, with one table; a table of one symbol costs nothing."""


def frequencies_of(weights: NDArray[np.int64]) -> Frequencies:
    """The table in proportion to weights >= 0 (their sum > 0 and below 2^46): 1 + floor share, the rest to the first largest."""
    table: Frequencies = 1 + weights * (TOTAL - len(weights)) // weights.sum()
    table[np.argmax(weights)] += TOTAL - table.sum()
    return table


def _model(frequencies: Frequencies) -> constriction.stream.model.Categorical:
    # constriction computes floor(p * (2^24 - A) / sum p) + 1 per symbol; p = 256 f - 1 sums to 2^24 - A, so 256 f comes out exactly.
    return constriction.stream.model.Categorical(((frequencies << 8) - 1).astype(np.float64), perfect=False)


_SHARES = constriction.stream.model.Categorical(perfect=False)
"""Of three symbols, each with shares of its own, less 1 as above."""


class Encoder:
    """Writes symbols."""

    def __init__(self) -> None:
        self.part = ""
        self._encoder = constriction.stream.queue.RangeEncoder()

    @property
    def words(self) -> int:
        """32-bit words that are settled but for a carry."""
        position: int = self._encoder.pos()[0]
        return position

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        if len(symbols) and len(frequencies) > 1:
            self._encoder.encode(np.ascontiguousarray(symbols, np.int32), _model(frequencies))

    def code_shares(self, symbols: packing.Symbols) -> None:
        """Code symbols of which the core says where they lie in the code space."""
        if len(symbols.chosen):
            self._encoder.encode(symbols.chosen, _SHARES, symbols.shares)

    def finish(self, minimum: int = 0) -> bytes:
        """The shortest stream that decodes to what was coded, zero bytes appended up to ``minimum``.

        constriction itself would spend up to four bytes more.
        """
        position, (lower, extent) = self._encoder.pos()
        sealed = np.append(self._encoder.get_compressed(), np.zeros(2, np.uint32)).astype(">u4").tobytes()
        head, window = sealed[: 4 * position], int.from_bytes(sealed[4 * position : 4 * position + 8], "big")
        stream = shortest(head, window - (window - lower) % (1 << 64), extent)
        return stream + bytes(max(0, minimum - len(stream)))


def shortest(head: bytes, start: int, extent: int) -> bytes:
    """The shortest stream that stands for a number of the final interval, which begins at ``head`` and then ``start`` as 64 bits.

    Any number of [start, start + extent) will do, followed by endless zeros; we take the one with the most trailing zero bytes.
    """
    for zeros in range(64, -1, -8):  # pragma: no branch - with no zeros, start itself will do
        tail = -(-start >> zeros) << zeros
        if tail - start < extent:
            break
    if carry := tail >> 64:
        head = (int.from_bytes(head, "big") + carry).to_bytes(len(head), "big")
    stream: bytes = (head + (tail % (1 << 64)).to_bytes(8, "big")).rstrip(b"\0")
    return stream


class Decoder:
    """Reads symbols, and tallies their ideal cost."""

    def __init__(self, data: bytes) -> None:
        padded = data + bytes(8 + -len(data) % 4)
        self.part = ""
        self._decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(padded, ">u4").astype(np.uint32))
        self._data = data
        self._mirror = Encoder()
        self.bits: defaultdict[str, float] = defaultdict(float)
        """Bits by part of the stream, -log2(frequency / TOTAL) summed over its symbols."""

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        if not len(symbols):
            return
        if len(frequencies) == 1:
            symbols[:] = 0
            return
        try:
            symbols[:] = self._decoder.decode(_model(frequencies), len(symbols))
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # Rust panics derive from BaseException alone
            raise CorruptFileError(
                "a stream of the GAUS chunk holds an impossible code: the file is damaged"
            ) from error
        self._mirror.code(frequencies, symbols)
        self.bits[self.part] += float(np.bincount(symbols, minlength=len(frequencies)) @ (16 - np.log2(frequencies)))

    @property
    def bytes_read(self) -> int:
        """Bytes that the symbols so far were decoded from, zeros behind the end of the stream included."""
        return 8 + 4 * self._mirror.words

    def finish(self, minimum: int = 0) -> None:
        """Raise CorruptFileError unless the stream is the one that an encoder makes of these symbols."""
        if self._mirror.finish(minimum) != self._data:
            raise CorruptFileError(WRONG_END)


class AdaptiveTable:
    """The frequencies of one context, which adapt to the symbols coded with it so far."""

    def __init__(self, prior: Counts, growth: tuple[int, ...] = SHARP) -> None:
        self.counts = prior.copy()
        self._growth = growth
        self._seen = 0

    def inherited(self) -> AdaptiveTable:
        """A fresh table that starts from what this one has learned, with less weight."""
        return AdaptiveTable(1 + scaled(self.counts, INHERITED), self._growth)

    def copy(self) -> AdaptiveTable:
        """The same table, to go on with in another place."""
        table = AdaptiveTable(self.counts, self._growth)
        table._seen = self._seen
        return table

    def code(self, coder: Coder, symbols: Symbols) -> None:
        """Code symbols in order, in batches: each uses the counts after the batch before it."""
        for batch in batches(symbols, self._seen):
            coder.code(frequencies_of(self.counts), batch)
            histogram = np.bincount(batch, minlength=len(self.counts))
            self.counts += np.convolve(histogram, self._growth, mode="same")
            self._seen += len(batch)


def scaled(counts: Counts, symbols: int) -> Counts:
    """Counts (not all 0) in the same proportions that weigh as much as so many symbols seen, rounded down."""
    result: Counts = counts * (symbols * INCREMENT) // counts.sum()
    return result


def batches(symbols: Symbols, seen: int) -> Iterator[Symbols]:
    """Consecutive views of the symbols: FIRST_BATCH of them, and more once a quarter of those seen before is more."""
    start = 0
    while start < len(symbols):
        stop = start + max(FIRST_BATCH, (seen + start) // 4)
        yield symbols[start:stop]
        start = stop


def code_bits(coder: Coder, values: Symbols, bits: int) -> None:
    """Code 0 <= values < 2^bits as uniform bits: the low ``bits % 8`` of a first piece on top, then whole bytes downwards."""
    decoded = np.zeros_like(values)
    while bits > 0:
        width = bits % 8 or 8
        bits -= width
        piece = (values >> bits) & ((1 << width) - 1)
        coder.code(np.full(1 << width, TOTAL >> width, np.int64), piece)
        decoded |= piece << bits
    values[:] = decoded
