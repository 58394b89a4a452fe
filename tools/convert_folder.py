"""A folder of pictures to .splat2d files and back, with a report of what that came to.

.venv/bin/python tools/convert_folder.py pictures out --jobs 2 -- --cr 200 --effort 3

Runs ``splatc batch`` (what follows -- goes to it; started again it goes on where it was stopped), decodes each file to a PNG beside it, and
writes out/report.md from the bytes on disk and the pixels in those PNG files.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import splatc

HEAD = "| picture | pixels | bytes | bpp | CR | PSNR | MS-SSIM | encode |\n|---|---|---|---|---|---|---|---|\n"


def convert(folder: Path, out: Path, jobs: int, options: list[str]) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and rows of ``splatc batch --report``."""
    out.mkdir(parents=True, exist_ok=True)
    report = out / "report.json"
    command = ["batch", str(folder), "--output", str(out), "--jobs", str(jobs), "--report", str(report), *options]
    code = subprocess.run([sys.executable, "-m", "splatc", *command], check=False).returncode
    if code not in (0, 5):
        raise SystemExit(code)
    files: list[dict[str, Any]] = json.loads(report.read_text())["files"]
    return code, sorted(files, key=lambda each: str(each["source"]))


def row(entry: dict[str, Any]) -> str:
    """A line of the table, from the decoded PNG file."""
    name = Path(entry["source"]).name
    if entry["status"] == "failed":
        return f"| {name} | failed: {entry['error']} | | | | | | |"
    output = Path(entry["output"])
    decoded = output.with_name(f"{output.stem}.decoded.png")
    splatc.decode_file(output, decoded, force=True)
    result = splatc.compare(entry["source"], decoded)
    size = output.stat().st_size
    seconds = f"{entry['seconds']:.1f} s" if entry["seconds"] is not None else ""
    bpp = 8 * size / (result.width * result.height)
    return (
        f"| {name} | {result.width} x {result.height} | {size} | {bpp:.4f} | {entry['compression_ratio']:.1f} "
        f"| {result.psnr_db:.2f} dB | {result.ms_ssim:.4f} | {seconds} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    arguments = parser.parse_args(words[:end])
    code, files = convert(arguments.folder, arguments.out, arguments.jobs, words[end + 1 :])
    (arguments.out / "report.md").write_text(HEAD + "".join(f"{row(each)}\n" for each in files))
    print(f"{arguments.out / 'report.md'}: {len(files)} pictures")
    return code


if __name__ == "__main__":
    sys.exit(main())
