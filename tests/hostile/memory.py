"""Peak memory of hostile and of sparse files by each door: ``python -m tests.hostile.memory`` writes the table into tests/README.md.

Sparse files have a chunk of zeros that takes no room on the disk. Each is read in a process of its own, forked from one that has read a
sound file before; what counts is by how much its resident memory rises (Linux).
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import PIL.Image

import splatc
import splatc.pillow_plugin
from splatc.bitstream.container import write
from splatc.cli import main
from tests.hostile.case import plain
from tests.hostile.doors import FOLDER, README
from tests.surgery import chunks_of, varint

START, END = "<!-- memory: python -m tests.hostile.memory -->\n", "<!-- end of memory -->\n"
MIB = 1 << 20


def sparse(path: Path, kind: bytes, length: int) -> None:
    """Write `plain` with a chunk of so many zeros, with its right CRC, behind HEAD or in the place of the chunk of its type."""
    chunks = [(each, payload) for each, payload in chunks_of(plain()) if each != kind]
    at = next((number for number, (each, _) in enumerate(chunks_of(plain())) if each == kind), 1)
    before, after = write(chunks[:at]), write(chunks[at:])[len(write([])) :]
    crc = zlib.crc32(kind)
    for start in range(0, length, MIB):
        crc = zlib.crc32(bytes(min(MIB, length - start)), crc)
    with path.open("wb") as file:
        file.write(before + kind + varint(length))
        file.seek(length, io.SEEK_CUR)
        file.write(crc.to_bytes(4, "little") + after)


SPARSE = {
    f"{kind.decode()} of {size}": (kind, length)
    for kind in (b"noTE", b"iccp", b"HEAD", b"INDX", b"GAUS")
    for size, length in (("900 MiB", 900 * MIB), ("3 GiB", 3 << 30))
}


Door = Callable[[Path], Callable[[], object]]
"""Makes ready what is not counted, and returns what is."""


def _command(*words: str) -> Door:
    return lambda path: lambda: main([word.replace("FILE", str(path)) for word in words])


def _pillow(path: Path) -> Callable[[], object]:
    def load() -> None:
        with PIL.Image.open(path) as image:
            image.load()

    return load


def _bytes(path: Path) -> Callable[[], object]:
    data = path.read_bytes()
    return lambda: splatc.decode(data)


def _bytearray(path: Path) -> Callable[[], object]:
    data = bytearray(path.read_bytes())
    return lambda: splatc.decode(data)  # what lies in memory in whatever way


def _piped(path: Path) -> Callable[[], object]:
    def decode() -> None:
        with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cat:
            assert cat.stdout is not None
            os.dup2(cat.stdout.fileno(), 0)
            cat.stdout.close()
            try:
                main(["decode", "-", "-", "--max-memory", "256MiB"])
            finally:
                os.close(0)

    return decode


DOORS: dict[str, Door] = {
    "decode": _command("decode", "FILE", "-", "--max-memory", "256MiB"),
    "piped": _piped,
    "info": _command("info", "FILE"),
    "verify": _command("verify", "FILE"),
    "Pillow": _pillow,
    "bytes": _bytes,
    "bytearray": _bytearray,
}


def peak(door: Door, path: Path) -> float:
    """MiB by which the resident memory of a process rises."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        call = door(path)
        before = _resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        with contextlib.suppress(BaseException):
            call()
        os.write(writing, str(_resident("VmHWM") - before).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return int(text) / 1024


def _resident(name: str) -> int:
    """KiB, from /proc."""
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(name))
    return int(line.split()[1])


def peaks(path: Path) -> list[float]:
    """By door, in their order."""
    return [peak(door, path) for door in DOORS.values()]


def warm_up(folder: Path) -> None:
    """Load what every reading loads, so that it is not counted."""
    path = folder / "sound.splat2d"
    path.write_bytes(plain())
    splatc.decode(path)
    splatc.verify(path)
    splatc.info(path)
    _pillow(path)()


def table(hostile: dict[str, list[float]], others: dict[str, list[float]]) -> str:
    """Markdown; the hostile files share a row."""
    most = [max(row[number] for row in hostile.values()) for number in range(len(DOORS))]
    rows = {f"each of {len(hostile)} hostile files, at most": most, **others}
    lines = ["| MiB | " + " | ".join(DOORS) + " |", "|---" * (len(DOORS) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(f"{value:.0f}" for value in row) + " |" for name, row in rows.items()]
    return "\n".join([*lines, ""])


def write_table() -> None:
    """Measure all, and write the table."""
    warnings.simplefilter("ignore", splatc.SplatWarning)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warm_up(folder)
        hostile = {path.stem: peaks(path) for path in sorted(FOLDER.glob("*.splat2d"))}
        others = {}
        for title, (kind, length) in SPARSE.items():
            path = folder / "sparse.splat2d"
            sparse(path, kind, length)
            others[title] = peaks(path)
    before, _, rest = README.read_text().partition(START)
    README.write_text(before + START + table(hostile, others) + END + rest.partition(END)[2])


if __name__ == "__main__":
    write_table()
