"""Install each file of a folder (a wheel, an sdist) into an empty environment of its own, and code a picture there.

.venv/bin/python tools/check_dist.py dist
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "tests" / "images" / "kodim03.png"

PROGRAM = """
import importlib.metadata, pathlib, sys
import numpy as np, splatc
assert "site-packages" in splatc.__file__, splatc.__file__
assert importlib.metadata.version("splatc") == splatc.__version__
assert pathlib.Path(splatc.__file__).with_name("py.typed").exists()
pixels = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(12, 16, 3)
assert splatc.decode(splatc.encode(pixels, size=200, effort=1)).shape == pixels.shape
"""


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
    run(binaries / "python", "-c", PROGRAM)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    distributions = sorted(parser.parse_args().folder.resolve().iterdir())
    for distribution in distributions:
        print(distribution.name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            check(distribution, Path(folder))
    print(f"{len(distributions)} checked")
    return 0 if distributions else 1


if __name__ == "__main__":
    sys.exit(main())
