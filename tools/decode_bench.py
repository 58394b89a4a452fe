"""What decoding costs: a whole file, regions and scales; seconds, peak memory and bytes read. Or a commit against the work tree.

    python tools/decode_bench.py large.splat2d
    python tools/decode_bench.py --canvas 7287x4220 small.splat2d    # the Gaussians of a file repeated over a canvas
    python tools/decode_bench.py --against 18186d1 --runs 7          # a commit and the work tree in turn, medians

Of a file, each line is measured in a process of its own: once to load the kernels, then the best of three runs, each of which opens
the file anew. Peak memory is that of the process, most of it Python, NumPy and Numba where little is drawn. --against installs both
into environments of their own below --out, once, and keeps there the files that they decode. Prints Markdown.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.decode_against import ROWS, compare
from splatc import bitstream
from splatc.errors import SplatError
from splatc.gaussians import Gaussians
from splatc.quantize import dequantize, quantize

ROOT = Path(__file__).resolve().parent.parent
SCALES = ("1/2", "1/4", "1/8", "1/16", "1/64")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument(
        "--canvas", metavar="WxH", help="repeat the Gaussians over a canvas of this size, at their own size"
    )
    parser.add_argument("--stretch", type=float, default=1.0, help="with --canvas: enlarge the Gaussians")
    parser.add_argument("--region", default="512", type=int, help="side of the square region, px")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    against = parser.add_argument_group("a commit and the work tree")
    against.add_argument("--against", metavar="COMMIT", help="instead of a file")
    against.add_argument("--runs", type=int, default=7, help="of each; default: %(default)s")
    against.add_argument("--rows", nargs="+", choices=ROWS, default=[*ROWS], metavar="ROW", help=", ".join(ROWS))
    against.add_argument("--out", type=Path, default=ROOT / "out" / "bench", metavar="DIR", help="default: out/bench")
    against.add_argument(
        "--build-command",
        action="append",
        default=[],
        metavar="COMMAND",
        help="builds the core: a row with its seconds",
    )
    options = parser.parse_args()
    if (options.file is None) == (options.against is None):
        parser.error("give a file, or --against COMMIT")
    if options.against:
        if options.runs < 1:
            parser.error("--runs must be above 0")
        print(compare(ROOT, options.against, options.out.resolve(), options.runs, options.rows, options.build_command))
        return
    if options.one:
        print(json.dumps(measure(options.file, json.loads(options.one))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.file
        if options.canvas:
            width, height = map(int, options.canvas.split("x"))
            path = Path(folder) / "canvas.splat2d"
            path.write_bytes(repeated(options.file.read_bytes(), width, height, options.stretch))
        table(path, options.region)


def repeated(data: bytes, width: int, height: int, stretch: float) -> bytes:
    """The file of a canvas over which the Gaussians of another file, enlarged, lie as often as they fit, the last ones cut off."""
    header, quantized = bitstream.decode(data)
    g = dequantize(header.quantizer, quantized)
    parts = []
    for x in np.arange(0, width, header.width * stretch):
        for y in np.arange(0, height, header.height * stretch):
            mean = g.mean * np.float32(stretch) + np.array([x, y], np.float32)
            inside = (mean < [width, height]).all(axis=1)
            parts.append(
                Gaussians(mean[inside], g.scale[inside] * np.float32(stretch), g.angle[inside], g.colour[inside])
            )
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("mean", "scale", "angle", "colour"))
    canvas = bitstream.Header(width, height, header.channels, header.background, header.blend, 8, header.quantizer)
    return bitstream.encode(canvas, quantize(header.quantizer, Gaussians(*columns), width, height))


def table(path: Path, side: int) -> None:
    """Print a line for each way of decoding."""
    reader = bitstream.Reader(io.BytesIO(path.read_bytes()))
    header = reader.header
    print(
        f"{header.width} x {header.height}, {reader.count} Gaussians, {path.stat().st_size} bytes, {len(reader.sections)} sections\n"
    )
    print("| what | output | seconds | first, s | peak MB | bytes read |\n|---|---|---|---|---|---|")
    w, h = min(side, header.width), min(side, header.height)
    region = ((header.width - w) // 2, (header.height - h) // 2, w, h)
    runs: list[tuple[str, dict[str, object]]] = [("whole", {}), ("whole, to PNG by strips", {"save": ".png"})]
    runs += [("whole, to TIFF by strips", {"save": ".tif"}), (f"region {w} x {h}", {"region": region})]
    runs += [(f"region {w} x {h}, scale 2", {"region": region, "scale": 2})]
    runs += [(f"scale {scale}", {"scale": scale}) for scale in SCALES]
    for name, arguments in runs:
        command = [sys.executable, __file__, str(path), "--one", json.dumps(arguments)]
        try:
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        except subprocess.CalledProcessError as error:
            print(f"| {name} | {error.stderr.strip().splitlines()[-1]} | | | | |")
            continue
        print(
            f"| {name} | {found['output']} | {found['seconds']:.3f} | {found['first']:.2f} | {found['peak']:.0f} | {found['bytes']} |",
            flush=True,
        )


def measure(path: Path, arguments: dict[str, object]) -> dict[str, object]:
    """Seconds of the best of three runs after a first one, peak memory in MB, bytes read."""
    times = []
    for _ in range(4):
        start = time.perf_counter()
        output, bytes_read = once(path, dict(arguments))
        times.append(time.perf_counter() - start)
    return {"output": output, "seconds": min(times[1:]), "first": times[0], "peak": peak_memory(), "bytes": bytes_read}


def once(path: Path, arguments: dict[str, object]) -> tuple[str, int]:
    """Decode once; the size of the output and the bytes read."""
    from splatc.decoder.picture import open as open_picture
    from splatc.image.saving import FORMATS, save_strips

    extension = arguments.pop("save", None)
    region, scale = arguments.get("region"), arguments.get("scale", 1)
    with open_picture(path) as picture:
        seen = picture.view(tuple(region) if isinstance(region, list) else None, scale)  # type: ignore[arg-type]
        if extension is None:
            picture.read(seen.region, seen.scale)
        else:
            shape, strips = picture.strips(seen.region, seen.scale)
            with tempfile.TemporaryFile() as stream:
                save_strips(strips, shape, stream, FORMATS[str(extension)])
        return f"{seen.columns} x {seen.rows}", picture.bytes_read


def peak_memory() -> float:
    """MB that the process held at most; NaN where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    try:
        main()
    except (SplatError, subprocess.CalledProcessError) as error:
        sys.exit(f"decode_bench: {error}")
