"""coder.md: the range coder, and the tables that learn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from tests.independent_decoder.priors import residual_prior

Cumulative = list[int]  # of a table f: 0, f[0], f[0] + f[1], ..., 65536


def table(weights: Sequence[int]) -> Cumulative:
    total, symbols = sum(weights), len(weights)
    f = [1 + w * (65536 - symbols) // total for w in weights]
    f[weights.index(max(weights))] += 65536 - sum(f)
    return [0, *accumulate(f)]


class RangeDecoder:
    """The state of <Range decoder>."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.words = 0  # read so far
        self.range = 2**64 - 1
        self.offset = self.word() << 32
        self.offset += self.word()

    def word(self) -> int:
        word = self.payload[4 * self.words : 4 * self.words + 4]
        self.words += 1
        return int.from_bytes(word.ljust(4, b"\0"), "big")

    def symbol(self, cumulative: Cumulative) -> int:
        scale = self.range >> 24
        quantile = self.offset // scale
        if quantile >= 2**24:
            raise ValueError("invalid stream")
        s = bisect_right(cumulative, quantile >> 8) - 1
        self.offset -= scale * 256 * cumulative[s]
        self.range = scale * 256 * (cumulative[s + 1] - cumulative[s])
        if self.range < 2**32:
            self.range <<= 32
            self.offset = (self.offset << 32) + self.word()
        return s

    def array(self, cumulative: Cumulative, n: int) -> list[int]:
        return [self.symbol(cumulative) for _ in range(n)]

    def uniform(self, bits: int, n: int) -> list[int]:
        """<Uniform bits>: n numbers of so many bits."""
        numbers = [0] * n
        pieces = [bits % 8] * (bits % 8 > 0) + [8] * (bits // 8)
        for b in pieces:
            piece = self.array([i << (16 - b) for i in range(2**b + 1)], n)
            numbers = [(number << b) + low for number, low in zip(numbers, piece, strict=True)]
        return numbers

    def stream(self) -> bytes:
        """What an encoder would have written, <End>. Its L is what the decoder has subtracted from V: V - offset."""
        length = 4 * self.words  # 8 + 4e
        low = int.from_bytes(self.payload[:length].ljust(length, b"\0"), "big") - self.offset
        leading, left_off = low, 0  # V is leading and then so many zero bytes: leave off as many as can be
        while left_off < length:
            shorter = -(-low >> (8 * left_off + 8))  # rounded up: the smallest V of this length
            if shorter << (8 * left_off + 8) >= low + self.range:
                break
            leading, left_off = shorter, left_off + 1
        return leading.to_bytes(length - left_off, "big")


class AdaptiveTable:
    """<Adaptive tables>, with the counts C."""

    def __init__(self, counts: list[int], smooth: bool = False) -> None:
        self.counts = counts
        self.seen = 0
        self.smooth = smooth

    def array(self, decoder: RangeDecoder, n: int) -> list[int]:
        if len(self.counts) == 1:
            return [0] * n
        symbols: list[int] = []
        while len(symbols) < n:
            batch = decoder.array(table(self.counts), min(max(4, self.seen // 4), n - len(symbols)))
            for s in batch:
                self.grow(s)
            self.seen += len(batch)
            symbols += batch
        return symbols

    def grow(self, s: int) -> None:
        if not self.smooth:
            self.counts[s] += 256
            return
        self.counts[s] += 128
        for near in (s - 2, s - 1, s + 1, s + 2):
            if 0 <= near < len(self.counts):
                self.counts[near] += 32

    def inherited(self) -> AdaptiveTable:
        total = sum(self.counts)
        return AdaptiveTable([1 + c * 8192 // total for c in self.counts], self.smooth)


class ParametricModel:
    """<Parametric models>."""

    def __init__(self, counts: list[int], distances: int) -> None:
        self.counts = counts
        self.seen = 0
        self.sum = distances
        self.number = 4

    def array(self, decoder: RangeDecoder, n: int) -> list[int]:
        symbols: list[int] = []
        while len(symbols) < n:
            p = residual_prior(256 * self.sum // (self.sum + self.number), 96)
            weights = [a + b for a, b in zip(self.counts, p, strict=True)]
            batch = decoder.array(table(weights), min(max(4, self.seen // 4), n - len(symbols)))
            for s in batch:
                self.counts[s] += 256
                self.sum += abs(s - 48)
            self.number += len(batch)
            self.seen += len(batch)
            symbols += batch
        return symbols

    def inherited(self) -> ParametricModel:
        total = sum(self.counts)
        return ParametricModel([c * 2048 // total for c in self.counts], 4 * self.sum // self.number)
