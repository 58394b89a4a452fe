"""Compile the core: splatc/core/*.c into one library, with the system's C compiler or with zig's.

python tools/core_build.py                                        # for this machine, in place: what `make core` runs
python tools/core_build.py --target linux-aarch64 --output out    # for another one
python tools/core_build.py --objects out/objects                  # keep the objects, to disassemble
python tools/core_build.py --sanitize --output out/sanitize       # AddressSanitizer and UBSan
python tools/core_build.py --wasm                                 # splatc/web/core.wasm
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import platform
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "splatc" / "core"
WASM = ROOT / "splatc" / "web" / "core.wasm"
ZIG = "ziglang==0.17.1"
"""The package with clang inside: compiles where there is no C compiler, for other systems, and for WebAssembly."""

HOT = (
    *(
        "raster.c",
        "grids.c",
        "latent.c",
        "fit_place.c",
        "fit_tile.c",
        "fit_move.c",
        "loss_ssim.c",
        "loss_bands.c",
        "metric_ssim.c",
    ),
    *("seed_features.c", "seed_colours.c", "pack_predict.c", "rdo.c"),
)
"""Compiled once for each level of LEVELS; everything else once, for the oldest processor of its kind."""
THREADS = "pool.c"
"""No part of core.wasm, nor is what lies in folders: the fit."""

# Contraction would give other numbers on other processors. What the other two forbid to assume costs speed; nothing here depends on it.
NUMBERS = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion")
INCLUDES = ("-I.", "-I..", "-Ifit")
"""Seen from the folder of a source."""
FLAGS = ("-std=gnu11", *NUMBERS, "-fvisibility=hidden", *WARNINGS)
OPTIMIZED = ("-O3",)
CHECKS = "address,undefined,float-cast-overflow"
SANITIZED = ("-O1", "-g", "-fno-omit-frame-pointer", f"-fsanitize={CHECKS}", "-fno-sanitize-recover=all")

BASELINE = {"x86_64": "x86-64", "aarch64": "armv8-a"}
WASM_FLAGS = ("-O3", "-msimd128", "-mbulk-memory")
WASM_STACK = 128 << 10
"""Bytes, of which the core uses 13 kB. It lies below everything else: a stack that overflowed would leave the memory, which is a trap."""
WASM_LINK = (
    *("-nostdlib", "-lcompiler_rt", "-s", "-Wl,--no-entry", f"-Wl,-z,stack-size={WASM_STACK}"),
    *("-Wl,--export-dynamic", "-Wl,--export=__heap_base"),
)

LEVELS = {"x86_64": {"v2": "x86-64-v2", "v3": "x86-64-v3", "v4": "x86-64-v4"}}
WIDE = "-mprefer-vector-width=512"
"""Without it clang makes two 32-byte vectors of a 64-byte one, even for x86-64-v4."""

# What Windows calls in a library that has no C runtime: kernel32.dll is then all that it needs.
DLL_ENTRY = """
int __stdcall DllMainCRTStartup(void *module, unsigned long reason, void *reserved);
int __stdcall DllMainCRTStartup(void *module, unsigned long reason, void *reserved) {
    (void)module, (void)reason, (void)reserved;
    return 1;
}
"""
# wasm32-freestanding has no <string.h>; the functions themselves are instructions, or in zig's runtime.
STRING_H = """
#pragma once
#include <stddef.h>
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
"""


@dataclass(frozen=True)
class Target:
    """A system and processor that a library is made for."""

    name: str
    triple: str  # as zig has it, with the oldest libc or system
    tag: str  # of a wheel
    suffix: str

    @property
    def machine(self) -> str:
        return self.triple.partition("-")[0]

    @property
    def file_name(self) -> str:
        return "splatc_core" + self.suffix


TARGETS = {
    target.name: target
    for target in (
        Target("linux-x86_64", "x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64", ".so"),
        Target("linux-aarch64", "aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64", ".so"),
        Target("macos-x86_64", "x86_64-macos.11.0", "macosx_11_0_x86_64", ".dylib"),
        Target("macos-arm64", "aarch64-macos.11.0", "macosx_11_0_arm64", ".dylib"),
        Target("windows-x86_64", "x86_64-windows-gnu", "win_amd64", ".dll"),
    )
}
"""What `make dist` makes wheels for."""


CANNOT = "The core of splatc cannot be compiled: "
GOOD = "gcc 11, clang 12 or newer"
NO_COMPILER = f"there is no C compiler ({GOOD})"


class BuildError(SystemExit):
    """One sentence, which Python prints without a traceback where it is not caught, also below pip."""


@dataclass(frozen=True)
class Compiler:
    command: tuple[str, ...]
    zig: bool = False

    def for_machine(self, target: Target, level: str | None = None) -> tuple[str, ...]:
        """The flags that choose system, processor and, for hot files, the instruction set."""
        march = LEVELS.get(target.machine, {}).get(level or "", BASELINE.get(target.machine))
        wide = (WIDE,) if march == "x86-64-v4" else ()
        if self.zig:
            # zig's names of processors; without one it takes what a target has at least.
            cpu = (f"-mcpu={march.replace('-', '_')}",) if march and target.machine == "x86_64" else ()
            return ("-target", target.triple, *cpu, *wide)
        system = ("-arch", platform.machine(), "-mmacosx-version-min=11.0") if target.suffix == ".dylib" else ()
        return (*system, *((f"-march={march}",) if march else ()), *wide)

    def for_library(self, target: Target) -> tuple[str, ...]:
        """The flags of the link."""
        if target.suffix == ".dll":
            return ("-shared", "-nostdlib", "-lcompiler_rt", "-lkernel32", "-s")
        if target.suffix == ".dylib":
            return ("-shared", "-Wl,-install_name,@rpath/" + target.file_name, *(("-s",) if self.zig else ("-Wl,-x",)))
        return ("-shared", "-pthread", "-s")


def host() -> Target:
    """The target that this Python runs on, with the tag of a wheel that is made for it alone."""
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower().replace("amd64", "x86_64")
    # zig is not tried on others than TARGETS; a compiler of their own may do, with one level and no flags.
    target = TARGETS.get(f"{system}-{machine}", Target(f"{system}-{machine}", f"{machine}-{system}", "", ".so"))
    if target.suffix != ".so":
        return target
    musl = "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE"))
    triple = target.triple.replace("gnu.2.17", "musl") if musl else target.triple
    return replace(target, triple=triple, tag=sysconfig.get_platform().replace("-", "_").replace(".", "_"))


def system_compiler() -> Compiler | None:
    """What CC names, else cc, gcc or clang, if it works. None on Windows, where a compiler has other flags and libraries."""
    chosen = os.environ.get("CC")
    if sys.platform == "win32":
        return None
    for name in (chosen,) if chosen else ("cc", "gcc", "clang"):
        compiler = Compiler(tuple(shlex.split(name)))
        failure = try_compiler(compiler)
        if failure is None:
            return compiler
        if chosen:
            raise BuildError(f"{CANNOT}CC={chosen} does not work ({failure}); name {GOOD} in CC, or unset it.")
    return None


def try_compiler(compiler: Compiler) -> str | None:
    """What is wrong, in a line, when it makes a library of nothing for the highest level; None if nothing is.

    No compiler is: an old gcc, one without the headers of libc, a cc that only says how to install Xcode.
    """
    target = host()
    level = max(LEVELS.get(target.machine, {}), default=None)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "nothing.c")
        source.write_text(
            "#include <pthread.h>\n#include <string.h>\nint nothing(void);\nint nothing(void) { return 0; }\n"
        )
        flags = [*FLAGS, *OPTIMIZED, *compiler.for_machine(target, level), "-fPIC", *compiler.for_library(target)]
        command = [*compiler.command, *flags, source.name, "-o", target.file_name]
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except OSError as error:
            return error.strerror or str(error)
    lines = done.stdout.decode(errors="replace").splitlines()
    said = next((line for line in lines if "error" in line), f"exit code {done.returncode}")
    return said if done.returncode else None


def zig_compiler() -> Compiler | None:
    """The clang of the package ziglang, if that is installed."""
    package = importlib.util.find_spec("ziglang")
    if package is None or package.origin is None:
        return None
    if sys.platform != "win32" and not os.access(os.environ.get("HOME", ""), os.W_OK):
        os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", temporary_cache().name)
    zig = Path(package.origin).with_name("zig.exe" if sys.platform == "win32" else "zig")
    return Compiler((str(zig), "cc"), zig=True)


@functools.cache
def temporary_cache() -> tempfile.TemporaryDirectory[str]:
    """Where zig keeps its runtime until this process ends, if it cannot below HOME."""
    return tempfile.TemporaryDirectory()


def required(target: Target | None = None) -> list[str]:
    """The packages that it takes to compile for a target, or for this machine: ziglang or nothing."""
    if target is None and system_compiler() is not None:
        return []
    if target is None and host().name not in TARGETS:
        raise BuildError(
            f"{CANNOT}{NO_COMPILER}, and zig is not tried on {host().name}; install one, or name it in CC."
        )
    return [ZIG]


def find_compiler(target: Target | None = None) -> Compiler:
    """The system's compiler for this machine; zig's where there is none, and for a target of TARGETS."""
    compiler = zig_compiler() if required(target) else system_compiler()
    if compiler is None and target is not None:
        raise BuildError(f"{CANNOT}for {target.name} it takes zig; install the package {ZIG}.")
    if compiler is None:
        raise BuildError(
            f"{CANNOT}{NO_COMPILER}, nor the package {ZIG}; install one of the two, or name a compiler in CC."
        )
    return compiler


def sources() -> list[Path]:
    return list(described()["files"](CORE))


def digest(*, decoder: bool = False) -> str:
    """Of all sources, or of those that core.wasm is made of."""
    return str(described()["digest"](CORE, decoder=decoder))


def described() -> dict[str, Any]:
    """The module splatc/core/sources.py without splatc, which need not be importable while it is built."""
    return runpy.run_path(str(CORE / "sources.py"))


def run(command: Sequence[str | Path], folder: Path, what: str) -> None:
    """In the folder of the sources, which are called by their names: no path of this machine gets into the library."""
    if subprocess.run([str(each) for each in command], cwd=folder).returncode:
        raise BuildError(f"{CANNOT}{Path(command[0]).name} failed at {what}, and said above why.")


@dataclass(frozen=True)
class Job:
    """One call of the compiler."""

    source: Path
    object: str
    flags: tuple[str, ...]


def jobs(compiler: Compiler, target: Target, *, decoder: bool = False) -> list[Job]:
    """Every source once, hot ones once for each level; or only those of core.wasm."""
    result = []
    for source in sources():
        if source.suffix != ".c" or (decoder and (source.name == THREADS or source.parent != CORE)):
            continue
        if source.name in HOT:
            for level in LEVELS.get(target.machine, {"base": ""}):
                flags = (*compiler.for_machine(target, level), f"-DCORE_LEVEL={level}")
                result.append(Job(source, f"{source.stem}.{level}.o", flags))
        else:
            result.append(Job(source, f"{source.stem}.o", compiler.for_machine(target)))
    return result


def compile_all(
    compiler: Compiler, todo: Sequence[Job], flags: Sequence[str], objects: Path, *, decoder: bool = False
) -> list[Path]:
    """The objects, made two at a time."""
    common = [*compiler.command, *flags, *INCLUDES, f'-DCORE_SOURCES="{digest(decoder=decoder)}"']

    def compile_one(job: Job) -> Path:
        run(
            [*common, *job.flags, "-c", job.source.name, "-o", objects / job.object], job.source.parent, job.source.name
        )
        return objects / job.object

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(compile_one, todo))


def build(
    target: Target | None = None,
    output: Path = CORE,
    *,
    objects: Path | None = None,
    strict: bool = False,
    sanitize: bool = False,
) -> Path:
    """Compile and link: the path of the library, which takes the place of an older one at once or not at all."""
    compiler, made_for = find_compiler(target), target or host()
    if sanitize and compiler.zig:
        raise BuildError(f"{CANNOT}zig has no AddressSanitizer; name {GOOD} in CC.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = objects or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        todo = jobs(compiler, made_for)
        if made_for.suffix == ".dll":
            (folder / "dll_entry.c").write_text(DLL_ENTRY)
            todo.append(Job(folder / "dll_entry.c", "dll_entry.o", compiler.for_machine(made_for)))
        flags = [*FLAGS, *(SANITIZED if sanitize else OPTIMIZED), *(() if made_for.suffix == ".dll" else ("-fPIC",))]
        compiled = compile_all(compiler, todo, [*flags, *(("-Werror",) if strict else ())], folder)
        link = [flag for flag in compiler.for_library(made_for) if not (sanitize and flag == "-s")]
        start = [*compiler.command, *(SANITIZED if sanitize else OPTIMIZED), *compiler.for_machine(made_for)]
        # Linked under its own name: where nothing else is said, that becomes part of the library.
        linked = Path(temporary, made_for.file_name)
        run([*start, *compiled, *link, "-o", linked], CORE, "the link")
        if made_for.suffix != ".dylib":  # whose signature must stand last
            linked.write_bytes(runpy.run_path(str(CORE / "seal.py"))["sealed"](linked.read_bytes()))
        return put(linked, output / made_for.file_name)


def build_wasm(output: Path = WASM) -> Path:
    """The same text without threads for the browser: whatever is marked CORE_API, memory, and where free memory begins."""
    compiler = zig_compiler()
    if compiler is None:
        raise BuildError(f"core.wasm takes zig: install the package {ZIG}.")
    target = Target("wasm", "wasm32-freestanding", "", ".wasm")
    with tempfile.TemporaryDirectory() as temporary:
        headers = Path(temporary, "include")
        headers.mkdir()
        (headers / "string.h").write_text(STRING_H)
        flags = [*FLAGS, *WASM_FLAGS, "-isystem", str(headers)]
        compiled = compile_all(compiler, jobs(compiler, target, decoder=True), flags, Path(temporary), decoder=True)
        linked = Path(temporary, output.name)
        start = [*compiler.command, *compiler.for_machine(target), *WASM_FLAGS, *WASM_LINK]
        run([*start, *compiled, "-o", linked], CORE, "the link")
        return put(linked, output)


def put(made: Path, path: Path) -> Path:
    """Move across file systems; processes that have the old library open keep it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.copyfile(made, beside)
    try:
        beside.replace(path)
    except PermissionError as error:  # Windows holds on to a library that is loaded
        beside.unlink()
        raise BuildError(f"{path} cannot be replaced: {error.strerror}; end the programs that use it.") from None
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=TARGETS, help="system and processor; this machine's without it")
    parser.add_argument("--output", type=Path, default=CORE, help="folder of the library")
    parser.add_argument("--objects", type=Path, help="folder that keeps the objects")
    parser.add_argument("--strict", action="store_true", help="a warning is an error")
    parser.add_argument(
        "--sanitize", action="store_true", help="with AddressSanitizer and UBSan, which the system's compiler brings"
    )
    parser.add_argument("--wasm", action="store_true", help="for the browser, with zig")
    parser.add_argument("--required", action="store_true", help="only print the packages that compiling needs")
    given = parser.parse_args()
    target = TARGETS[given.target] if given.target else None
    if given.required:
        print(*required(target))
    elif given.wasm:
        print(build_wasm(WASM if given.output == CORE else given.output / WASM.name))
    else:
        print(build(target, given.output, objects=given.objects, strict=given.strict, sanitize=given.sanitize))


if __name__ == "__main__":
    main()
