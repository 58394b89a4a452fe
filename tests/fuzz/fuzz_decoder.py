"""Fuzz everything that reads a file, under atheris: ``python -m tests.fuzz.fuzz_decoder CORPUS -max_total_time=3600``.

CORPUS is a folder; it is filled with seeds if it is empty, and grows. All options are libFuzzer's. Needs ``pip install splatc[fuzz]``.
Coverage guides through the Python code; the core has fuzzers of its own (``make fuzz``). What a corpus holds can be read once more with
sanitizers: ``env $(python tools/core_sanitize.py --environment) python -m tests.fuzz.fuzz_decoder CORPUS -runs=0``.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["splatc"]):
    from splatc import api  # noqa: F401 - imported here to be instrumented
    from splatc.bitstream import Reader  # noqa: F401
    from splatc.decoder import describe, opened, picture, scene, verifier  # noqa: F401
    from tests.fuzz import mutate, seeds, target


def mutate_file(data: bytes, max_size: int, seed: int) -> bytes:
    """libFuzzer's hook: its own mutations, of one chunk most of the time, with the CRCs made right."""
    chance = random.Random(seed)
    size = max(16, max_size - 64)
    return mutate.mutated(data, lambda part: atheris.Mutate(part, max(len(part) + 16, size // 2)), chance)[:max_size]


def one_input(data: bytes) -> None:
    """libFuzzer's hook."""
    target.check(data)


def main() -> None:
    """Hand over to libFuzzer."""
    corpus = next((Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")), None)
    if corpus is not None:
        corpus.mkdir(parents=True, exist_ok=True)
        if not any(corpus.iterdir()):
            for number, data in enumerate(seeds.seeds()):
                (corpus / f"seed-{number:02}").write_bytes(data)
    atheris.Setup(sys.argv, one_input, custom_mutator=mutate_file)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
