"""What runs in a process with sanitizers: the conformance set, hostile files, and some hundreds of files with random damage.

``python -m tests.sanitized_run 300``; the process ends at the first finding, with a report of the sanitizer.
"""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path

import splatc
from splatc.errors import SplatError
from splatc.picture import Picture
from splatc.verifier import verify
from tests.fuzz import mutate, seeds, target

ROOT = Path(__file__).parent.parent


def main(damaged: int) -> None:
    """Every sound file in whole, in parts and smaller; every other one as it is."""
    for path in sorted((ROOT / "spec" / "conformance").glob("*.splat2d")):
        data = path.read_bytes()
        assert verify(data) == [], path.name
        splatc.decode(data)
        with Picture(io.BytesIO(data)) as picture:
            picture.read(scale="1/3")
            picture.read((picture.width // 2, picture.height // 2, 1, 1), max_level=1)
    for path in sorted((ROOT / "tests" / "hostile").glob("*.splat2d")):
        target.check(path.read_bytes())
    files, chance = seeds.seeds(), random.Random(0)
    sound = 0
    for _ in range(damaged):
        data = chance.choice(files)
        for _ in range(chance.choice((1, 1, 2, 3))):
            data = mutate.mutated(data, mutate.random_bytes_changed(chance), chance)
        try:
            sound += target.check(data)
        except SplatError as error:
            raise AssertionError("an error that should have been caught") from error
    print(f"{damaged} damaged files, {sound} of them sound again")


if __name__ == "__main__":
    main(int(sys.argv[1]))
