"""One fit inside an installation, by its own Python: seconds of ``splatc.encode`` on some threads, and what came out.

    python -P speed_worker.py PICTURE RATIO EFFORT THREADS

-P, because this folder must not hide modules of the installation. Prints JSON.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import time

SMALL = 96
"""Side of the corner that is encoded first, which loads and compiles everything, px."""


def main() -> None:
    picture, ratio, effort, threads = sys.argv[1], *map(float, sys.argv[2:])
    print(json.dumps(fit(picture, ratio, int(effort), int(threads))))


def fit(picture: str, ratio: float, effort: int, threads: int) -> dict[str, object]:
    import splatc
    from splatc.image.readers import load

    importlib.import_module("splatc.core").set_threads(threads)
    pixels = load(picture).pixels
    splatc.encode(pixels[:SMALL, :SMALL], cr=20, effort=1)
    start = time.perf_counter()
    data = splatc.encode(pixels, cr=ratio, effort=effort)
    return {
        "seconds": time.perf_counter() - start,
        "size": len(data),
        "digest": hashlib.sha256(data).hexdigest()[:16],
    }


if __name__ == "__main__":
    main()
