"""Hold a decoder to spec/conformance/: `spec/conformance/README.md` says what is there.

    python tools/conformance.py --decoder "splatc decode {in} {out}"                  # any command that writes a PNG
    python tools/conformance.py --decoder "..." --integers "mydecoder --dump {in} {out}" --hostile tests/hostile
    python tools/conformance.py --write       # make the draft set anew, after a change of the format
    python tools/conformance.py --freeze      # once, when the format is 1.0: from then on nothing here may change

A decoder passes if its pictures lie within the tolerance of each file. `--integers` also asks for the decoded integers, as text, and
`--hostile` that it refuses every file of a folder (any exit code but 0). Exit code 0 if everything passes, else 1.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from splatc import bitstream
from splatc.bitstream.header import VERSION
from splatc.blend import Blend
from splatc.decoder.scene import make_scene
from splatc.gaussians import Gaussians, Scene
from splatc.image.image import Image
from splatc.image.readers import load
from splatc.image.saving import output_format, save
from splatc.quantize import QuantizedGaussians
from splatc.render import reference

FOLDER = Path(__file__).parent.parent / "spec" / "conformance"
MANIFEST, FROZEN = "manifest.json", "FROZEN"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def integers_text(gaussians: QuantizedGaussians) -> bytes:
    """The decoded integers: a line a Gaussian in coding order, level x y log_scale aspect angle offset and the coded colour."""
    columns = [getattr(gaussians, name) for name in ("level", "x", "y", "log_scale", "aspect", "angle", "offset")]
    table = np.column_stack([*columns, gaussians.colour])
    return "".join(" ".join(map(str, row)) + "\n" for row in table.tolist()).encode()


def samples_bytes(pixels: np.ndarray) -> bytes:
    """Samples as the SHA-256 has them: rows from the top, pixels from the left, channels together, 16 bits most significant byte first."""
    return pixels.astype(">u2" if pixels.dtype == np.uint16 else np.uint8).tobytes()


def reference_samples(scene: Scene, depth: int) -> tuple[np.ndarray, int]:
    """What the float64 reference draws, and by how much a decoder's samples may differ (spec/picture.md, "How exact...")."""
    exact = reference.render(scene)
    peak = 2**depth - 1
    largest = max(1.0, float(np.abs(scene.gaussians.colour).max(initial=0.0)))
    if scene.blend is Blend.SUM:
        g = scene.gaussians
        loud = Scene(
            scene.width,
            scene.height,
            scene.blend,
            scene.background,
            Gaussians(g.mean, g.scale, g.angle, np.abs(g.colour)),
        )
        largest = max(largest, float(reference.render(loud).max(initial=0.0)))
    samples = np.floor(np.clip(exact, 0.0, 1.0) * peak + 0.5).astype(np.uint16 if depth == 16 else np.uint8)
    return samples, math.floor(peak * largest / 1024) + 1  # rounding may turn any difference into one more


def entry(name: str, says: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    """The line of the manifest for a file, and its reference picture as a PNG."""
    header, gaussians = bitstream.decode(data)
    samples, tolerance = reference_samples(make_scene(header, gaussians), header.depth)
    picture = io.BytesIO()
    save(Image(samples), picture, output_format("x.png"))
    return {
        "name": name,
        "says": says,
        "bytes": len(data),
        "sha256": digest(data),
        "width": header.width,
        "height": header.height,
        "channels": header.channels,
        "bit_depth": header.depth,
        "gaussians": header.count,
        "integers_sha256": digest(integers_text(gaussians)),
        "samples_sha256": digest(samples_bytes(samples)),
        "tolerance": tolerance,
    }, picture.getvalue()


def write(folder: Path) -> None:
    """Make the set anew. Raises SystemExit where it is frozen."""
    import conformance_set

    if (folder / FROZEN).exists():
        raise SystemExit("the set is frozen: files of format 1.0 never change; new ones belong into a set of their own")
    files = [(each.name, each.says, each.make()) for each in conformance_set.recipes()]
    photograph = folder / "photograph.splat2d"
    if photograph.exists():  # the fit may differ between machines, so it is not made anew
        files.append(("photograph", "what the encoder makes of a real picture", photograph.read_bytes()))
    entries = []
    for name, says, data in files:
        line, picture = entry(name, says, data)
        entries.append(line)
        (folder / f"{name}.splat2d").write_bytes(data)
        (folder / f"{name}.png").write_bytes(picture)
    version = ".".join(map(str, VERSION))
    (folder / MANIFEST).write_text(json.dumps({"format_version": version, "files": entries}, indent=1) + "\n")


def freeze(folder: Path) -> None:
    """Declare the set final. Raises SystemExit unless the format is."""
    if VERSION[0] < 1:
        raise SystemExit(f"the format is {VERSION[0]}.{VERSION[1]}, a draft: it is frozen as 1.0 or not at all")
    if (problems := damaged(folder)) or (folder / FROZEN).exists():
        raise SystemExit(f"not frozen: {problems or 'the set is frozen already'}")
    (folder / FROZEN).write_text(digest((folder / MANIFEST).read_bytes()) + "\n")


def manifest(folder: Path) -> list[dict[str, Any]]:
    """The lines of the manifest."""
    entries: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text())["files"]
    return entries


def damaged(folder: Path) -> list[str]:
    """What in the folder is not what the manifest, or FROZEN, says."""
    found = []
    frozen = folder / FROZEN
    if frozen.exists() and frozen.read_text().strip() != digest((folder / MANIFEST).read_bytes()):
        found.append(MANIFEST)
    for each in manifest(folder):
        if digest((folder / f"{each['name']}.splat2d").read_bytes()) != each["sha256"]:
            found.append(f"{each['name']}.splat2d")
        if digest(samples_bytes(load(str(folder / f"{each['name']}.png")).pixels)) != each["samples_sha256"]:
            found.append(f"{each['name']}.png")
    return found


def run(command: str, source: Path, output: Path) -> int:
    """A decoder's command with {in} and {out} replaced."""
    words = [word.replace("{in}", str(source)).replace("{out}", str(output)) for word in shlex.split(command)]
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode


def check_picture(each: dict[str, Any], folder: Path, output: Path) -> str:
    """How far a decoder's picture is from the reference; "" if it is near enough."""
    if not output.exists():
        return "no picture"
    found, expected = load(str(output)).pixels, load(str(folder / f"{each['name']}.png")).pixels
    if (found.shape, found.dtype) != (expected.shape, expected.dtype):
        return f"{found.shape} {found.dtype}, expected {expected.shape} {expected.dtype}"
    worst = int(np.abs(found.astype(int) - expected.astype(int)).max())
    return "" if worst <= each["tolerance"] else f"a sample differs by {worst}, allowed {each['tolerance']}"


def check(
    folder: Path, decoder: str, integers: str = "", hostile: str = "", say: Callable[[str], None] = print
) -> bool:
    """Run a decoder over everything."""
    good = True

    def report(name: str, problem: str) -> None:
        nonlocal good
        good = good and not problem
        say(f"{'ok  ' if not problem else 'FAIL'} {name}{': ' if problem else ''}{problem}")

    with tempfile.TemporaryDirectory() as temporary:
        for each in manifest(folder):
            source, output = folder / f"{each['name']}.splat2d", Path(temporary) / f"{each['name']}.png"
            code = run(decoder, source, output)
            report(each["name"], f"exit code {code}" if code else check_picture(each, folder, output))
            if integers:
                dump = output.with_suffix(".txt")
                code = run(integers, source, dump)
                right = code == 0 and dump.exists() and digest(dump.read_bytes()) == each["integers_sha256"]
                report(f"{each['name']}, integers", "" if right else "not those of the reference")
        for path in sorted(Path(hostile).glob("*.splat2d")) if hostile else ():
            if not path.name.startswith("metadata"):  # a decoder may leave metadata alone
                report(
                    path.name, "" if run(decoder, path, Path(temporary) / "refused.png") else "read, must be refused"
                )
    return good


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--decoder", metavar="COMMAND", help="with {in} and {out}; writes a PNG")
    parser.add_argument(
        "--integers", metavar="COMMAND", default="", help="with {in} and {out}; writes the integers as text"
    )
    parser.add_argument("--hostile", metavar="FOLDER", default="", help="files that must be refused")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--freeze", action="store_true")
    options = parser.parse_args(argv)
    if options.write:
        write(options.folder)
    if options.freeze:
        freeze(options.folder)
    if problems := damaged(options.folder):
        print("the set itself is damaged:", *problems)
        return 1
    return 0 if not options.decoder or check(options.folder, options.decoder, options.integers, options.hostile) else 1


if __name__ == "__main__":
    sys.exit(main())
