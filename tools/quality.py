"""The README's table: encode and decode real pictures with the command, and measure what lies on the disk.

    python tools/quality.py tests/images/kodim03.png:100 tests/images/kodim03.png:300 tests/images/kodim01.png:100

Each argument is PICTURE:CR. Bytes are those of the file, quality is that of the pixels that ``splatc decode`` wrote, times are of
whole processes, after one run that warms the cache of compiled kernels. Prints Markdown.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from splatc.image.metrics import ms_ssim, psnr
from splatc.image.readers import load

HEADING = """| picture | target | bytes | bpp | real CR | PSNR | MS-SSIM | encode | decode |
|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="PICTURE:CR")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--blend", choices=["sum", "normalized"], default="normalized")
    parser.add_argument("--tune", choices=["psnr", "ssim"], default="psnr")
    options = parser.parse_args()
    how = ["-e", str(options.effort), "--blend", options.blend, "--tune", options.tune]
    print(HEADING, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        warm_up(options.runs[0].rpartition(":")[0], Path(folder))
        for run in options.runs:
            picture, _, ratio = run.rpartition(":")
            print(row(Path(picture), ratio, how, Path(folder)), flush=True)


def warm_up(picture: str, folder: Path) -> None:
    """Let the system read what runs from the disk before anything is measured."""
    splatc("encode", picture, folder / "warm.splat2d", "--cr", "1000", "-e", "1")
    splatc("decode", folder / "warm.splat2d", folder / "warm.png")


def row(picture: Path, ratio: str, how: list[str], folder: Path) -> str:
    """One line of the table."""
    coded, decoded = folder / "out.splat2d", folder / "out.png"
    encode_time = splatc("encode", "-f", picture, coded, "--cr", ratio, *how)
    decode_time = splatc("decode", "-f", coded, decoded)
    source, result = load(str(picture)).pixels, load(str(decoded)).pixels
    size = coded.stat().st_size
    pixels = source.shape[0] * source.shape[1]
    return (
        f"| {picture.stem} | `--cr {ratio}` | {size} | {8 * size / pixels:.3f} | {source.nbytes / size:.1f} "
        f"| {psnr(source, result):.2f} dB | {ms_ssim(source, result):.4f} | {encode_time:.1f} s | {decode_time:.2f} s |"
    )


def splatc(*arguments: str | Path) -> float:
    """Run the command; returns its time in seconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "splatc", *map(str, arguments)], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
