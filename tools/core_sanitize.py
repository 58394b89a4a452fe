"""Run tests against the core with AddressSanitizer and UBSan, at every instruction set; the pool under ThreadSanitizer (`make sanitize`).

python tools/core_sanitize.py                              # all of it, some minutes
python tools/core_sanitize.py tests/test_hostile.py -x     # these tests
python tools/core_sanitize.py --threads                    # the pool alone
env $(python tools/core_sanitize.py --environment) ...     # any command

The library is built once for its sources and kept in out/sanitize. An interpreter without sanitizers loads it
where their runtime is preloaded; what they find ends the process. Needs gcc or clang with its sanitizers; Linux.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import core_build

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "out" / "sanitize"
TESTS = (
    "tests/test_core_section_limits.py", "tests/test_core_limits.py", "tests/test_core_draw_limits.py", "tests/test_core_job_limits.py",
    "tests/test_core_section.py", "tests/test_core_neighbours.py", "tests/test_core_predict.py",
    "tests/test_core_packing.py", "tests/test_core_gaussians.py", "tests/test_core_raster.py", "tests/test_core_pool.py",
    "tests/test_conformance.py",
    "tests/test_hostile.py", "tests/test_hostile_damage.py", "tests/test_bitstream_damage.py", "tests/test_bitstream_sections.py",
    "tests/test_bitstream_roundtrip.py", "tests/test_render_views.py", "tests/test_core_fit.py", "tests/test_core_fit_limits.py",
    "tests/test_core_losses.py", "tests/test_metrics.py", "tests/test_core_seeds.py", "tests/test_seeding.py", "tests/test_sampling.py",
    "tests/test_core_packing.py", "tests/test_core_seed_limits.py",
)  # fmt: skip


def library() -> Path:
    """The sanitized library, built if it is not there. Raises BuildError."""
    folder = FOLDER / core_build.digest()
    path = folder / core_build.host().file_name
    return path if path.exists() else core_build.build(output=folder, sanitize=True)


def runtime() -> Path:
    """The library that has to be loaded before the interpreter. Raises BuildError."""
    compiler = core_build.find_compiler()
    for name in ("libasan.so", f"libclang_rt.asan-{core_build.host().machine}.so"):
        command = [*compiler.command, f"-print-file-name={name}"]
        path = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
        if path.is_absolute() and path.exists():
            return path
    raise core_build.BuildError(f"{compiler.command[0]} has no runtime of AddressSanitizer that can be preloaded")


def environment(level: str = "") -> dict[str, str]:
    """Where a process runs with the sanitized library: of an instruction set, or of the best. Raises BuildError."""
    # An interpreter frees little of what it has; a pool without threads is not worth a report.
    options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1", "SPLATC_CORE_LEVEL": level}
    return {**os.environ, **options, "LD_PRELOAD": str(runtime()), "SPLATC_CORE_LIBRARY": str(library())}


def levels() -> list[str]:
    """The instruction sets that this processor has."""
    sys.path.insert(0, str(ROOT))
    from splatc.core.loading import load

    return [f"v{level}" for level in range(2, load().core_best_level() + 1)] or [""]


def check_threads() -> int:
    """Build and run tests/fuzz/threads.c with ThreadSanitizer."""
    compiler, target = core_build.find_compiler(), core_build.host()
    flags = [*core_build.FLAGS, "-O1", "-g", "-fsanitize=thread", "-pthread"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        objects = core_build.compile_all(compiler, core_build.jobs(compiler, target), flags, folder)
        source = ROOT / "tests" / "fuzz" / "threads.c"
        paths = [f"-I{core_build.CORE}", f"-I{source.parent}"]
        command = [*compiler.command, *flags, *paths, source, *objects, "-o", folder / "threads"]
        core_build.run([str(each) for each in command], ROOT, source.name)
        options = {"TSAN_OPTIONS": "halt_on_error=1"}
        return subprocess.run([folder / "threads"], env={**os.environ, **options}, timeout=600).returncode


def main(arguments: Sequence[str]) -> int:
    if arguments == ["--threads"]:
        return check_threads()
    if arguments == ["--environment"]:
        print(*(f"{name}={value}" for name, value in environment().items() if os.environ.get(name) != value))
        return 0
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--capture=sys",
        "-m",
        "not slow and not cuda",
        *(arguments or TESTS),
    ]
    for level in levels():
        print(f"AddressSanitizer and UBSan, {level or 'one instruction set'}:", flush=True)
        if code := subprocess.run(command, cwd=ROOT, env=environment(level)).returncode:
            return code
    if arguments:
        return 0
    print("ThreadSanitizer:", flush=True)
    return check_threads()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
