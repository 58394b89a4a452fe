"""The chunk DRFT: another draft, and one that is missing, misplaced or no number."""

from __future__ import annotations

from splatc.bitstream.container import write
from tests.hostile.case import Case, draft, modelled, plain
from tests.surgery import chunks_of, wrong_crc


def cases() -> list[Case]:
    """Each a file of five Gaussians."""
    head, number, body = chunks_of(draft())
    kind = number[0]
    modelled_head, _, modelled_body = chunks_of(modelled())
    stream = modelled_body[1]

    def with_head(payload: bytes) -> bytes:
        return write([(head[0], payload), number, body])

    def with_stream(payload: bytes) -> bytes:
        return write([modelled_head, number, (body[0], payload)])

    def stating(payload: bytes) -> bytes:
        return write([head, (kind, payload), body])

    return [
        Case("draft-another", stating(b"\2"), "unsupported", "draft 2 of format 1.1; this decoder reads draft 1"),
        Case("draft-0", stating(b"\0"), "unsupported", "draft 0 of format 1.1"),
        Case(
            "draft-another-with-longer-head",
            write([(head[0], head[1] + b"?"), (kind, b"\2"), body]),
            "unsupported",
            "draft 2 of format 1.1",
        ),
        Case(
            "draft-another-with-unknown-chunk",
            write([head, (kind, b"\2"), (b"ZOOM", b""), body]),
            "unsupported",
            "draft 2 of format 1.1",
        ),
        Case("draft-missing", write([head, body]), "corrupt", "GAUS follows HEAD in a file of a draft, expected DRFT"),
        Case("draft-behind-gaus", write([head, body, number]), "corrupt", "GAUS follows HEAD in a file of a draft"),
        Case("draft-twice", write([head, number, number, body]), "corrupt", "a second DRFT"),
        Case("draft-in-1-0", write([chunks_of(plain())[0], number, body]), "unsupported", "needs chunk DRFT"),
        Case("draft-empty", stating(b""), "corrupt", "DRFT chunk ends too early"),
        Case("draft-byte-at-end", stating(b"\1\0"), "corrupt", "DRFT chunk has 2 bytes, expected 1"),
        Case("draft-number-in-long-form", stating(b"\x81\0"), "corrupt", "not in its shortest form"),
        Case("draft-longer-than-its-number-can-be", stating(bytes(6)), "corrupt", "its number takes 5 at most"),
        Case(
            "draft-wrong-crc",
            wrong_crc(draft(), draft().index(kind) + 5, 1),
            "corrupt",
            "DRFT at byte",
        ),
        Case("draft-alone", write([head, number]), "corrupt", "GAUS chunk is missing"),
        Case("models-reserved", with_head(head[1][:-1] + b"\10"), "corrupt", "models in the HEAD chunk is 8"),
        Case("models-255", with_head(head[1][:-1] + b"\xff"), "corrupt", "models in the HEAD chunk is 255"),
        Case("models-missing", with_head(head[1][:-1]), "corrupt", "the HEAD chunk ends too early"),
        Case(
            "models-in-1-0", write([(head[0], b"\1\0" + head[1][2:]), body]), "corrupt", "the HEAD chunk has 22 bytes"
        ),
        Case(
            "models-of-another-stream",
            write([(head[0], head[1][:-1] + b"\3"), number, (body[0], stream)]),
            "corrupt",
            "",
        ),
        Case(
            "models-stream-longer", with_stream(stream + b"\1"), "corrupt", "does not end where its last Gaussian does"
        ),
    ]
