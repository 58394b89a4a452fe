"""The colours that a coded AV1 picture states in its sequence header (AV1 Bitstream & Decoding Process Specification, 5.3 and 5.5)."""

from __future__ import annotations

_SEQUENCE_HEADER = 1
_MOST_OBUS = 100


def colours(obus: bytes) -> tuple[int, int] | None:
    """Primaries and transfer by their numbers in ITU-T H.273; None where there is no sequence header, or it states none.

    `obus`: open bitstream units, of which the first may be all that is there.
    """
    try:
        header = _sequence_header(obus)
        return _colours(_Bits(header)) if header else None
    except IndexError:
        return None


class _Bits:
    """Raises IndexError beyond the end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self.data[self.at >> 3] >> (7 - (self.at & 7)) & 1
            self.at += 1
        return value

    def skip_unsigned(self) -> None:
        """A number of variable length (4.10.3)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        self.take(zeros if zeros < 32 else 0)


def _sequence_header(obus: bytes) -> bytes:
    """The first unit of this type; empty if there is none."""
    at = 0
    for _ in range(_MOST_OBUS):
        if at >= len(obus):
            break
        flags = obus[at]
        at += 2 if flags & 4 else 1
        size = len(obus) - at
        if flags & 2:
            size = shift = 0
            while True:
                byte = obus[at]
                size, shift, at = size | (byte & 127) << shift, shift + 7, at + 1
                if byte < 128 or shift > 56:
                    break
        if flags >> 3 & 15 == _SEQUENCE_HEADER:
            return obus[at : at + size]
        at += size
    return b""


def _colours(bits: _Bits) -> tuple[int, int] | None:
    profile, _still, reduced = bits.take(3), bits.take(1), bits.take(1)
    if reduced:
        bits.take(5)  # level
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width_bits + height_bits)
    if not reduced and bits.take(1):  # numbers of frames
        bits.take(7)
    bits.take(3)  # size of superblocks, two filters
    if not reduced:
        _skip_tools(bits)
    bits.take(3)  # superres, CDEF, restoration
    if bits.take(1) and profile == 2:  # more than 8 bits
        bits.take(1)
    if profile != 1:
        bits.take(1)  # monochrome
    return (bits.take(8), bits.take(8)) if bits.take(1) else None


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.skip_unsigned()
        if bits.take(1):  # model of a decoder
            delay_bits = bits.take(5) + 1
            bits.take(42)
    display_delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:  # level, of which the higher ones have tiers
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if display_delays and bits.take(1):
            bits.take(4)


def _skip_tools(bits: _Bits) -> None:
    bits.take(4)  # compounds, warps, filters
    order_hints = bits.take(1)
    if order_hints:
        bits.take(2)
    chosen_by_frame = bits.take(1)
    if (chosen_by_frame or bits.take(1)) and not bits.take(1):  # tools for screen contents: whole vectors, too
        bits.take(1)
    if order_hints:
        bits.take(3)
