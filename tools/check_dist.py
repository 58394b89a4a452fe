"""Look into every wheel of a folder, and install the sdist and the wheel of this system into empty environments, to code a picture there.

.venv/bin/python tools/check_dist.py dist
"""

from __future__ import annotations

import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from core_build import TARGETS, Target, host

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "tests" / "images" / "kodim03.png"
NEWEST_GLIBC = (2, 17)
"""That a library for Linux may need: manylinux_2_17, of 2012."""

PROGRAM = """
import importlib.metadata, pathlib, sys
import numpy as np, splatc
assert "site-packages" in splatc.__file__, splatc.__file__
assert importlib.metadata.version("splatc") == splatc.__version__
assert pathlib.Path(splatc.__file__).with_name("py.typed").exists()
pixels = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(12, 16, 3)
assert splatc.decode(splatc.encode(pixels, size=200, effort=1)).shape == pixels.shape
"""


def kind_of_library(library: bytes) -> tuple[str, str]:
    """Format and processor of a shared library, from its header; ("", "") for anything else, of 32 bits or big-endian too."""
    if len(library) < 64:
        return "", ""
    if library[:6] == b"\x7fELF\x02\x01":
        kind, machine = struct.unpack_from("<HH", library, 16)  # e_type, e_machine
        return ("ELF", {0x3E: "x86_64", 0xB7: "aarch64"}.get(machine, "")) if kind == 3 else ("", "")
    if library[:4] == b"\xcf\xfa\xed\xfe":
        machine, _, kind = struct.unpack_from("<III", library, 4)  # cputype, cpusubtype, filetype
        return ("Mach-O", {0x01000007: "x86_64", 0x0100000C: "aarch64"}.get(machine, "")) if kind == 6 else ("", "")
    if library[:2] == b"MZ":
        (header,) = struct.unpack_from("<I", library, 0x3C)
        if library[header : header + 4] == b"PE\0\0" and len(library) >= header + 24:
            (machine,) = struct.unpack_from("<H", library, header + 4)
            (traits,) = struct.unpack_from("<H", library, header + 22)
            return ("PE", {0x8664: "x86_64", 0xAA64: "aarch64"}.get(machine, "")) if traits & 0x2000 else ("", "")
    return "", ""


def needed_glibc(library: bytes) -> tuple[int, ...]:
    """The newest version of glibc's symbols that is named anywhere in a library."""
    versions = re.findall(rb"GLIBC_(\d+(?:\.\d+)+)\0", library)
    return max((tuple(int(part) for part in version.split(b".")) for version in versions), default=())


def target_of(wheel: Path) -> Target | None:
    """The one of TARGETS whose tag the name of a wheel carries."""
    tag = wheel.stem.split("-", 2)[-1]
    return next((target for target in TARGETS.values() if tag == f"py3-none-{target.tag}"), None)


def faults(wheel: Path) -> list[str]:
    """What is wrong with a wheel, as far as one can see without running it."""
    target = target_of(wheel)
    if target is None:
        return [f"its name has none of the tags {', '.join(f'py3-none-{each.tag}' for each in TARGETS.values())}"]
    found = []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next((archive.read(name).decode() for name in names if name.endswith(".dist-info/WHEEL")), "")
        libraries = [name for name in names if name.endswith((".so", ".dylib", ".dll", ".pyd"))]
        content = archive.read(libraries[0]) if libraries else b""
    if f"\nTag: py3-none-{target.tag}\n" not in metadata or "\nRoot-Is-Purelib: false\n" not in metadata:
        found.append("its WHEEL says another tag than its name, or that it is pure")
    if libraries != [f"splatc/core/{target.file_name}"]:
        found.append(f"it has {libraries} and not just splatc/core/{target.file_name}")
    expected = {".so": "ELF", ".dylib": "Mach-O", ".dll": "PE"}[target.suffix], target.machine
    if kind_of_library(content) != expected:
        found.append(f"its library is {kind_of_library(content)} and not {expected}")
    if expected[0] == "ELF" and needed_glibc(content) > NEWEST_GLIBC:
        found.append(f"its library needs glibc {needed_glibc(content)}, which is newer than {NEWEST_GLIBC}")
    if sources := [name for name in names if name.endswith((".c", ".h"))]:
        found.append(f"it has sources: {sources}")
    return found


def check(distribution: Path, folder: Path) -> None:
    """Raises CalledProcessError if anything does not work."""
    environment = folder / "env"
    venv.create(environment, with_pip=True, clear=True)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")

    def run(*command: str | Path) -> None:
        # In another folder and without PYTHONPATH, so that nothing of the checkout is found.
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        subprocess.run([str(each) for each in command], check=True, cwd=folder, env=clean)

    pip: list[str | Path] = [binaries / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run(*pip, "install", "--constraint", ROOT / "constraints.txt", distribution)
    run(*pip, "check")
    run(binaries / "splatc", "--version")
    run(binaries / "splatc", "encode", PICTURE, "out.splat2d", "--cr", "500", "-e", "1")
    run(binaries / "splatc", "decode", "out.splat2d", "out.png")
    run(binaries / "splatc", "compare", PICTURE, "out.splat2d")
    run(binaries / "splatc", "view", "out.splat2d", "--save", "out.html")  # of what lies in splatc/web
    run(binaries / "python", "-c", PROGRAM)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    distributions = sorted(parser.parse_args().folder.resolve().iterdir())
    wheels = [path for path in distributions if path.suffix == ".whl"]
    wrong = [f"{wheel.name}: {fault}" for wheel in wheels for fault in faults(wheel)]
    if wrong:
        sys.exit("\n".join(wrong))
    tried = 0
    for distribution in distributions:
        target = target_of(distribution) if distribution in wheels else None
        if distribution not in wheels or (target is not None and target.name == host().name):
            print(distribution.name, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                check(distribution, Path(folder))
            tried += 1
    print(f"{len(wheels)} wheels looked at, {tried} distributions tried")
    return 0 if tried else 1


if __name__ == "__main__":
    sys.exit(main())
