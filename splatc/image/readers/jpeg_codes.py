"""The Huffman codes of JPEG (ITU-T T.81, F and G): how many bytes the coded samples of a scan take, and whether they make sense."""

from __future__ import annotations

import numpy as np

_SLACK = bytes(2560)  # more than the codes of one MCU: 10 blocks of 64 coefficients of 31 bits
_END_OF_BLOCK = 100  # beyond every index of a coefficient

Table = list[int]
"""By the next 16 bits: what a code takes, 0 for none."""


class DamageError(Exception):
    """The codes do not make sense."""


def table_of(kind: int, counts: bytes, symbols: bytes, *, raw: bool) -> Table:
    """A table of 2^16 entries for DC (kind 0) or AC (1): bits of the code and those behind it, times 256, and the step that it makes.

    `counts` and `symbols` as DHT has them; `raw` gives the bits of the code alone, and its symbol.
    """
    table = np.zeros(1 << 16, np.int64)
    code, at = 0, 0
    for length in range(1, 17):
        for symbol in symbols[at : at + counts[length - 1]]:
            first, room = code << (16 - length), 1 << (16 - length)
            table[first : first + room] = _entry(kind, length, symbol, raw)
            code += 1
        at += counts[length - 1]
        code <<= 1
    result: Table = table.tolist()
    return result


def _entry(kind: int, length: int, symbol: int, raw: bool) -> int:
    """See table_of."""
    if raw:
        return length << 8 | symbol
    if kind == 0:
        return (length + (symbol & 31)) << 8
    run, size = symbol >> 4, symbol & 15
    step = run + 1 if size or run == 15 else _END_OF_BLOCK
    return (length + size) << 8 | step


class Bits:
    """Coded bytes without the zeros behind 255, to be looked up 16 bits at a time."""

    def __init__(self, coded: bytes) -> None:
        self.data = coded.replace(b"\xff\x00", b"\xff")
        self.end = 8 * len(self.data)
        padded = np.frombuffer(self.data + _SLACK, np.uint8).astype(np.uint32)
        words = padded[:-2] << np.uint32(16) | padded[1:-1] << np.uint32(8) | padded[2:]
        self.words: list[int] = words.tolist()
        """The 24 bits from each byte on."""

    def used(self, bits: int) -> int:
        """How many coded bytes so many bits are. Raises DamageError where there are fewer."""
        if bits > self.end:
            raise DamageError("the coded samples end too early")
        whole = -(-bits // 8)
        return whole + self.data[:whole].count(255)


def sequential(coded: bytes, blocks: list[tuple[Table, Table]], count: int) -> int:
    """`count` MCUs of sequential JPEG, or of the first bits of progressive DC, whose tables of AC are empty."""
    bits = Bits(coded)
    words, end, at = bits.words, bits.end, 0
    for _ in range(count):
        for dc, ac in blocks:
            entry = dc[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
            if not entry:
                raise DamageError("a Huffman code that does not exist")
            at += entry >> 8
            if not ac:
                continue
            index = 1
            while index < 64:
                entry = ac[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
                if not entry:
                    raise DamageError("a Huffman code that does not exist")
                at += entry >> 8
                index += entry & 255
            if 64 < index < _END_OF_BLOCK:
                raise DamageError("a block of more than 64 coefficients")
        if at > end:
            break
    return bits.used(at)


def first_of_band(coded: bytes, table: Table, seen: list[int], blocks: range, band: tuple[int, int]) -> int:
    """The first bits of AC coefficients (figure G.3)."""
    bits = Bits(coded)
    words, at = bits.words, 0
    block, (first, last) = blocks.start, band
    while block < blocks.stop:
        index, here, current = first, 0, block
        block += 1
        while index <= last:
            entry = table[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
            if not entry:
                raise DamageError("a Huffman code that does not exist")
            at += entry >> 8
            run, size = entry >> 4 & 15, entry & 15
            if size == 0 and run < 15:  # this block ends, and so many others do
                more = (1 << run) + (words[at >> 3] >> (24 - (at & 7) - run) & ((1 << run) - 1)) - 1
                at += run
                block += more
                break
            index += run + 1
            if size:
                here |= 1 << (index - 1)
                at += size
        if index > last + 1:
            raise DamageError("a block of more than 64 coefficients")
        if here:
            seen[current] |= here
        if at > bits.end:
            break
    return bits.used(at)


def refined_band(coded: bytes, table: Table, seen: list[int], blocks: range, band: tuple[int, int]) -> int:
    """One more bit of AC coefficients: also of each that is not zero yet (figure G.7)."""
    bits = Bits(coded)
    words, at, ended = bits.words, 0, 0
    first, last = band
    for block in blocks:
        before, index = seen[block], first
        while not ended and index <= last:
            entry = table[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
            if not entry:
                raise DamageError("a Huffman code that does not exist")
            at += entry >> 8
            run, size = entry >> 4 & 15, entry & 15
            if size == 0 and run < 15:
                ended = (1 << run) + (words[at >> 3] >> (24 - (at & 7) - run) & ((1 << run) - 1))
                at += run
                break
            at += size
            while index <= last:
                if before >> index & 1:
                    at += 1
                elif run == 0:
                    break
                else:
                    run -= 1
                index += 1
            if size:
                if size > 1 or index > last:
                    raise DamageError("a block of more than 64 coefficients")
                seen[block] |= 1 << index
            index += 1
        if ended:
            at += (before >> index & ((1 << max(last + 1 - index, 0)) - 1)).bit_count()
            ended -= 1
        if at > bits.end:
            break
    return bits.used(at)
