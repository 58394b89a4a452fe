"""What it costs to divide files into sections, and what it saves a reader of a region.

    python tools/sections.py FILE.splat2d...

Each file is coded again with tiles of other sizes; given are its bytes against those of a single section, and of the middle region
of 512 x 512 px the bytes that are read, the Gaussians that come back, and the time (of a second reader: kernels are compiled by then).
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from unittest.mock import patch

from splatc import bitstream
from splatc.bitstream import divide, layout

FULL = (1024, 2048, 4096, 8192)
REGION = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.splat2d")
    print("| file | Gaussians | at most, on average | sections | bytes | region: bytes | Gaussians | ms |")
    print("|---|---|---|---|---|---|---|---|")
    for path in parser.parse_args().files:
        header, gaussians = bitstream.decode(path.read_bytes())
        whole = len(bitstream.encode(header, gaussians, layout=layout.whole(header)))
        x, y = (header.width - REGION) / 2, (header.height - REGION) / 2
        for full in FULL:
            with patch.object(divide, "FULL", full), patch.object(divide, "UNDIVIDED", 0):
                data = bitstream.encode(header, gaussians)
            for _ in range(2):
                reader = bitstream.Reader(io.BytesIO(data))
                start = time.perf_counter()
                found = reader.read((x, y, x + REGION, y + REGION))
                seconds = time.perf_counter() - start
            print(
                f"| {path.name} | {len(gaussians)} | {full} | {len(reader.sections)} | {len(data)} ({len(data) / whole - 1:+.2%}) "
                f"| {reader.bytes_read} | {len(found)} | {1000 * seconds:.0f} |"
            )


if __name__ == "__main__":
    main()
