"""splatc as a codec of the bench, by its command."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

import splatc
from bench.codec import Measurement, Shape, size_limit
from splatc.image.image import Samples
from splatc.image.readers import load

PROGRAM = {".py", ".so", ".dylib", ".dll"}


@dataclass(frozen=True)
class Splatc:
    """splatc as its user runs it: two processes, and pixels from the decoded file."""

    effort: int
    tune: str
    blend: str | None
    threads: int
    source: str
    """What `source_digest` said when the bench began."""

    @property
    def name(self) -> str:
        extra = [word for word in (self.tune if self.tune != "psnr" else None, self.blend) if word]
        return " ".join([f"splatc -e {self.effort}", *extra])

    @property
    def settings(self) -> str:
        return f"{self.name}; source {self.source}"

    @property
    def suffix(self) -> str:
        return ".splat2d"

    def measure(
        self, picture: Path, pixels: Samples, ratios: Sequence[float], folder: Path
    ) -> Iterator[Measurement | None]:
        coded, decoded = folder / "coded.splat2d", folder / "decoded.png"
        options = ["-e", str(self.effort), "--tune", self.tune, *(["--blend", self.blend] if self.blend else [])]
        for ratio in ratios:
            encode_seconds = self._run("encode", "-f", "-q", picture, coded, "--cr", str(ratio), *options)
            data = coded.read_bytes()
            if len(data) > size_limit(pixels, ratio):
                raise RuntimeError(f"{picture}: splatc --cr {ratio:g} wrote {len(data)} bytes, more than allowed")
            decode_seconds = self._run("decode", "-f", coded, decoded)
            if source_digest() != self.source:
                raise RuntimeError("the source of splatc changed while it was measured: start again")
            yield Measurement(data, load(str(decoded)).pixels, encode_seconds, decode_seconds)

    def decode(self, data: bytes, shape: Shape, folder: Path) -> Samples:
        coded, decoded = folder / "coded.splat2d", folder / "decoded.png"
        coded.write_bytes(data)
        self._run("decode", "-f", coded, decoded)
        return load(str(decoded)).pixels

    def warm_up(self, folder: Path) -> None:
        """Let the system read the program from the disk before the measurement."""
        picture = folder / "warm.png"
        ramp = np.linspace(0, 255, 64 * 64 * 3).astype(np.uint8).reshape(64, 64, 3)
        PIL.Image.fromarray(ramp).save(picture)
        for _ in self.measure(picture, ramp, [20.0], folder):
            pass

    def _run(self, *arguments: str | Path) -> float:
        """Run the command of this very package (-P: not of one in the current folder); returns its time in seconds."""
        command = [sys.executable, "-P", "-m", "splatc", *map(str, arguments), "--threads", str(self.threads)]
        start = time.perf_counter()
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
        return time.perf_counter() - start


def source_digest() -> str:
    """Of all modules of the installed splatc and of its compiled core: what it measures belongs to this code and to no other."""
    root = Path(splatc.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in PROGRAM):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
