"""Fuzz the entries of the core: tests/fuzz/fuzz_*.c under libFuzzer, with AddressSanitizer and UBSan (what `make fuzz` runs).

python tools/core_fuzz.py --seconds 1800                    # each harness half an hour, two at a time
python tools/core_fuzz.py --only section --seconds 60
python tools/core_fuzz.py --sanitizer memory --seconds 60   # uninitialised reads instead

Corpora, logs and what went wrong lie in out/fuzz. Needs clang with its run-time libraries (Debian: clang, libclang-rt-dev).
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import core_build

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
HARNESSES = ("section", "draw", "gaussians", "residuals", "latents")
NETWORK = ROOT / "splatc" / "bitstream" / "latent_1.bin"
SANITIZERS = {"address": core_build.CHECKS, "memory": "memory"}
MOST_BYTES = 4096
"""Of an input."""


def build(folder: Path, sanitizer: str = "address") -> None:
    """Compile core and harnesses into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    fixed = ["-O1", "-g", "-fno-omit-frame-pointer", f"-fsanitize=fuzzer-no-link,{SANITIZERS[sanitizer]}"]
    # Without calls at every comparison, which take two thirds of the time.
    fixed += ["-fno-sanitize-coverage=trace-cmp", "-fno-sanitize-recover=all", "-pthread"]
    flags = [*core_build.FLAGS, *fixed]
    clang = core_build.Compiler(("clang",))
    objects = core_build.compile_all(clang, core_build.jobs(clang, core_build.host()), flags, folder)
    for name in HARNESSES:
        source = ROOT / "tests" / "fuzz" / f"fuzz_{name}.c"
        paths = [f"-I{core_build.CORE}", f"-I{source.parent}", f'-DNETWORK="{NETWORK}"']
        command = ["clang", *flags, "-fsanitize=fuzzer", *paths, source, *objects, "-o", folder / f"fuzz_{name}"]
        core_build.run([str(each) for each in command], ROOT, source.name)


def seeds(name: str) -> Iterator[bytes]:
    """Where mutation starts from: for sections those of real files, hostile ones among them, else noise."""
    if name == "section":
        yield from section_seeds()
    if name == "latents":
        yield from latent_seeds()
    for number in range(8):
        chance = random.Random(number)
        yield chance.randbytes(chance.choice((60, 300, 1000, 3000)))


def section_seeds() -> Iterator[bytes]:
    from splatc.errors import SplatError
    from tests.fuzz.seeds import seeds as files

    folders = [ROOT / "spec" / "conformance", ROOT / "tests" / "hostile"]
    paths = [path for folder in folders for path in sorted(folder.glob("*.splat2d"))]
    for data in [*(path.read_bytes() for path in paths), *files()]:
        try:
            seed = section_seed(data)
        except SplatError:
            continue
        if len(seed) <= MOST_BYTES:
            yield seed


def latent_seeds() -> Iterator[bytes]:
    """Small files with latents, hostile ones among them, as fuzz_latents.c reads them."""
    import io

    from splatc.bitstream import Reader
    from splatc.errors import SplatError

    for path in sorted((ROOT / "tests" / "hostile").glob("*latents-*.splat2d")):
        try:
            reader = Reader(io.BytesIO(path.read_bytes()))
            if reader.latents is None:
                continue
            tile = reader.latents.tiles[0]
            stream = reader._stream_of_tile(tile)
        except SplatError:
            continue
        rows, columns = tile.shape
        if rows > 5 or columns > 9 or len(stream) > MOST_BYTES - 40:
            continue
        yield (
            struct.pack("<BBBBH", reader.latents.q, reader.header.channels // 3, columns - 1, rows - 1, len(stream))
            + stream
            + struct.pack("<BBBHH", 0, 0, 0, reader.header.width - 1, reader.header.height - 1)
            + bytes(20)
        )


def section_seed(data: bytes) -> bytes:
    """A file as fuzz_section.c reads it; what is too large for it is cut off. Raises SplatError for a file without sections."""
    import io

    from splatc.bitstream import Reader, layout, limits

    reader = Reader(io.BytesIO(data))
    q, sections = reader.header.quantizer, reader.sections[:6]
    fields = (q.position, q.position_slope, q.log_scales, q.aspect, q.angle, q.angle_slope, q.luma, q.chroma)
    parts = [
        struct.pack("<B9h", reader.header.channels - 1, *fields, q.colour_slope),
        bytes([max(len(sections) - 1, 0)]),
    ]
    streams = []
    for section in sections:
        minimum = min(limits.minimum_payload(section.count), 255)
        parent = -1 if section.parent is None else section.parent
        stream = reader._stream(section)
        ranges = layout.ranges(reader.header, section)[:4]
        flags = 1 | 4 | 8 * (section.crc is not None) | 16
        parts.append(bytes([parent + 1, flags]))
        parts.append(struct.pack("<h", min(section.margin, 32767)) if section.crc is not None else b"")
        parts.append(struct.pack("<BBH4i", minimum, len(ranges), min(len(stream), 65535), *map(int, section.rectangle)))
        for each in ranges:
            count = min(each.stop - each.start, 512)
            parts.append(struct.pack("<hB4i", count - 1, each.level, each.x, each.y, each.columns, each.rows))
        streams.append(stream)
    return b"".join([*parts, bytes(4), *streams])


def fuzz(name: str, folder: Path, seconds: int) -> tuple[str, bool]:
    """Run one harness: its line for the table, and whether nothing was found."""
    corpus, log = folder / f"corpus_{name}", folder / f"{name}.log"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    command = [
        f"./fuzz_{name}",
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES}",
        "-timeout=20",
        "-print_final_stats=1",
    ]
    command += ["-rss_limit_mb=2048", f"-artifact_prefix={name}-", corpus.name]
    # Leaks are looked for: a harness frees whatever it makes, and the core makes nothing.
    with log.open("w") as stream:
        code = subprocess.run(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT).returncode
    text = log.read_text(errors="replace")
    runs = re.findall(r"stat::number_of_executed_units: (\d+)", text)
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", text)
    edges, features, inputs = coverage[-1] if coverage else ("?", "?", "?")
    found = "none" if code == 0 else f"see {log.relative_to(ROOT) if log.is_relative_to(ROOT) else log}"
    return (
        f"| {name} | {runs[-1] if runs else '?'} | {seconds} s | {inputs} | {edges} / {features} | {found} |",
        code == 0,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=1800, help="for each harness")
    parser.add_argument("--only", choices=HARNESSES, action="append", help="one harness; may be given again")
    parser.add_argument("--together", type=int, default=2, metavar="N", help="harnesses that run at a time")
    parser.add_argument("--sanitizer", choices=SANITIZERS, default="address")
    parser.add_argument("--folder", type=Path, default=ROOT / "out" / "fuzz")
    given = parser.parse_args()
    if shutil.which("clang") is None:
        print(
            "There is no clang here, whose libFuzzer `make fuzz` needs (Debian: apt-get install clang libclang-rt-dev)."
        )
        return 1
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1")
    folder = (given.folder / given.sanitizer).resolve()
    build(folder, given.sanitizer)
    print("| harness | executions | time | inputs | edges / features | findings |\n|---|---|---|---|---|---|")
    with ThreadPoolExecutor(given.together) as pool:
        results = list(pool.map(lambda name: fuzz(name, folder, given.seconds), given.only or HARNESSES))
    print("\n".join(line for line, _ in results))
    return 0 if all(sound for _, sound in results) else 1


if __name__ == "__main__":
    sys.exit(main())
