"""LATN: its table, its streams, and the latents that they must not hold. Files of 64 x 48 px, RGB: HEAD, DRFT, LATN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splatc.bitstream import header as header_format
from splatc.bitstream import latent_network, latents
from splatc.bitstream.coder import Encoder
from splatc.bitstream.container import write
from splatc.bitstream.header import Header
from splatc.core import latent as core
from splatc.encoder.latent import Coded, header_of, payload, shares
from splatc.image.image import Image
from tests.hostile.case import Case, noise
from tests.surgery import varint

HEADER = header_of(Image(np.zeros((48, 64, 3), np.uint8)))
Q = 100


def content() -> bytes:
    """A payload with latents of -5..5."""
    columns, rows = latents.cells_of(HEADER.width, HEADER.height)
    numbers = np.arange(latents.latents_of(3) * rows * columns)
    whole = np.where(numbers % 5, 0, numbers * 7 % 11 - 5).reshape(-1, rows, columns).astype(np.int16)
    return payload(Coded(Q, [whole], 0.0))


def escaped(*numbers: int) -> bytes:
    """The beginning of a stream: the first latents have escapes, with these numbers behind them."""
    network = latent_network.load(1)
    frequencies = latent_network.fields(network)["frequencies"].astype(np.int64)
    columns, rows = latents.cells_of(HEADER.width, HEADER.height)
    whole = np.zeros((latents.latents_of(3), rows, columns), np.int16)
    lows, sizes = list[int](), list[int]()
    for place, number in enumerate(numbers):
        means, tables = core.expect_latents(network, whole, Q)
        table = frequencies[tables[0, 0, place]]
        lows += [int(table[:97].sum()), number >> 8 << 8, (number & 255) << 8]
        sizes += [int(table[97]), 256, 256]
        residual = -(number + 1) // 2 if number % 2 else number // 2
        whole[0, 0, place] = np.clip(residual + means[0, 0, place], -32768, 32767)
    encoder = Encoder()
    encoder.code_shares(shares(np.array(lows), np.array(sizes)))
    return encoder.finish()


def with_header(header: Header, *chunks: tuple[bytes, bytes]) -> bytes:
    """A file of the draft."""
    return write([(b"HEAD", header_format.write(header)), (b"DRFT", b"\1"), *chunks])


def cases() -> list[Case]:
    """In the order of the checks."""
    sound = content()
    body = (b"LATN", sound)
    (tile,) = latents.read(sound, HEADER, len(sound)).tiles
    stream = sound[tile.offset :]
    after_length = sound[2 + len(varint(tile.length)) :]
    both, another = "with latents and Gaussians", "not one of a file with latents"
    ends = "does not end where its last latent does"
    found = [
        Case("latents-twice", with_header(HEADER, body, body), "corrupt", "a second LATN"),
        Case("latents-and-gaussians", with_header(HEADER, body, (b"GAUS", b"")), "corrupt", both),
        Case("latents-with-index", with_header(HEADER, (b"INDX", b"\0"), body), "corrupt", both),
        Case(
            "latents-in-1-0",
            write([(b"HEAD", header_format.write(replace(HEADER, version=(1, 0)))), body]),
            "unsupported",
            "needs chunk LATN",
        ),
    ]
    for name, header in (
        ("with-level-counts", replace(HEADER, level_counts=(1,))),
        ("with-alpha", replace(HEADER, channels=4, background=(0, 0, 0, 0))),
        ("with-sum-blend", replace(HEADER, blend=type(HEADER.blend)(0))),
        ("with-models", replace(HEADER, models=1)),
        ("with-other-steps", replace(HEADER, quantizer=replace(HEADER.quantizer, position=127))),
    ):
        found.append(Case(f"latents-{name}", with_header(header, body), "corrupt", another))
    wide = replace(HEADER, width=2**16, height=2**14)
    found.append(Case("latents-of-a-larger-picture", with_header(wide, body), "corrupt", ""))
    huge = replace(HEADER, width=2**16, height=2**15)
    found.append(Case("limit-latents-cells", with_header(huge, body), "limit", "cells of latents, the format allows"))
    for name, changed, says in (
        ("empty", b"", "ends too early"),
        ("q-192", sound[:1] + b"\xc0" + sound[2:], "q in the LATN chunk is 192"),
        ("table-cut", sound[: tile.offset - 1], "ends too early"),
        ("length-in-long-form", sound[:2] + b"\x81\0" + after_length, "shortest form"),
        ("length-none", sound[:2] + b"\0" + after_length, "but it has"),
        ("length-largest", sound[:2] + varint(2**35 - 1) + after_length, "has a stream of"),
        ("cut", sound[:-1], "but it has"),
        ("byte-at-end", sound + b"\0", "but it has"),
        ("wrong-crc", sound[:-1] + bytes([sound[-1] ^ 1]), "CRC-32 is another"),
        ("stream-zero-appended", latents.write(1, Q, [stream + b"\0"]), ends),
        ("stream-cut", latents.write(1, Q, [stream[:-2]]), ""),
        ("stream-all-ones", latents.write(1, Q, [b"\xff" * len(stream)]), ""),
        ("stream-noise", latents.write(1, Q, [noise(3, 400)]), ""),
        ("stream-needless-escape", latents.write(1, Q, [escaped(3)]), "a symbol of its own"),
        ("stream-latent-beyond-range", latents.write(1, Q, [escaped(65535, 65535)]), "impossible code"),
    ):
        found.append(Case(f"latents-{name}", with_header(HEADER, (b"LATN", changed)), "corrupt", says))
    for network in (0, 2, 255):
        changed = bytes([network]) + sound[1:]
        says = f"needs network {network}"
        found.append(
            Case(f"latents-of-network-{network}", with_header(HEADER, (b"LATN", changed)), "unsupported", says)
        )
    return found
