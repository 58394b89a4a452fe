"""What is built is complete: every module, the core and the marker of types in the wheel, what it takes to test them in the sdist."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import check_dist
import core_build
from splatc import __version__
from splatc.core import sources

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = (".py", ".cu", ".cuh", ".js", ".wasm", ".safetensors")
"""Modules, kernels that are compiled on the machine of the user, and what runs in a browser."""


@pytest.mark.slow
def test_wheel_and_sdist_are_complete(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    if core_build.required():
        pytest.importorskip("ziglang")
    # In a copy: setuptools leaves build/ and *.egg-info behind.
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(
        ".venv", ".git", "build", "dist", "out", "*.egg-info", ".*_cache", "__pycache__", ".hypothesis"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    built = tmp_path / "built"
    code = f"import core_backend as b; b.build_sdist({str(built)!r}); b.build_wheel({str(built)!r})"
    environment = {**os.environ, "PYTHONPATH": str(source / "tools")}
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True, env=environment)

    host = core_build.host()
    with zipfile.ZipFile(built / f"splatc-{__version__}-py3-none-{host.tag}.whl") as wheel:
        names = set(wheel.namelist())
        library = wheel.read(f"splatc/core/{host.file_name}")
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "splatc").rglob("*.*") if path.suffix in SHIPPED}
    web = {f"splatc/web/{path.name}" for path in (ROOT / "splatc" / "web").iterdir()}
    assert modules | web | {"splatc/py.typed"} <= names
    assert not any(name.startswith(("tests/", "tools/", "spec/")) or name.endswith((".c", ".h")) for name in names)
    assert [name for name in names if "splatc_core." in name] == [f"splatc/core/{host.file_name}"]
    assert check_dist.kind_of_library(library)[1] == host.machine
    assert core_build.digest().encode() in library

    with tarfile.open(built / f"splatc-{__version__}.tar.gz") as sdist:
        contents = {name.partition("/")[2] for name in sdist.getnames()}
    for folder in ("splatc", "tests", "tools", "spec"):
        kept = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*.*")
            if path.suffix in (*SHIPPED, ".c", ".cpp", ".h", ".md", ".png")
        }
        assert kept <= contents
    assert {"pyproject.toml", "Makefile", "constraints.txt", "FORMAT.md", "LICENSE", "CITATION.cff"} <= contents
    assert not any(name.endswith((".pyc", ".nbi", ".nbc")) or "splatc_core." in name for name in contents)


def test_digest_follows_names_and_bytes_of_the_sources_alone(tmp_path: Path) -> None:
    assert sources.digest(tmp_path) is None
    (tmp_path / "b.c").write_bytes(b"int b;\n")
    (tmp_path / "a.h").write_bytes(b"int a;\n")
    first = sources.digest(tmp_path)
    assert first is not None and len(first) == 8 and int(first, 16) >= 0
    assert [path.name for path in sources.files(tmp_path)] == ["a.h", "b.c"]
    (tmp_path / "notes.md").write_bytes(b"no source")
    (tmp_path / "b.c").write_bytes(b"int b;\r\n")  # as git may write it on Windows
    assert sources.digest(tmp_path) == first
    (tmp_path / "b.c").write_bytes(b"int c;\n")
    assert sources.digest(tmp_path) != first
    (tmp_path / "b.c").write_bytes(b"int b;\n")
    (tmp_path / "b.c").rename(tmp_path / "c.c")
    assert sources.digest(tmp_path) != first


def test_every_source_is_compiled_once_and_the_hot_one_for_each_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(core_build.CORE / "sources.py", tmp_path)
    (tmp_path / "fit").mkdir()
    for name in ("core.h", "cpu.c", "pool.c", "raster.c", "fit/bins.c"):
        (tmp_path / name).touch()
    monkeypatch.setattr(core_build, "CORE", tmp_path)
    compiler, zig = core_build.Compiler(("cc",)), core_build.Compiler(("zig", "cc"), zig=True)
    targets = core_build.TARGETS
    on_x86 = {job.object: job.flags for job in core_build.jobs(compiler, targets["linux-x86_64"])}
    assert sorted(on_x86) == ["bins.o", "cpu.o", "pool.o", "raster.v2.o", "raster.v3.o", "raster.v4.o"]
    assert {"-march=x86-64-v3", "-DCORE_LEVEL=v3"} <= set(on_x86["raster.v3.o"])
    assert on_x86["cpu.o"] == ("-march=x86-64",)
    by_zig = {job.object: job.flags for job in core_build.jobs(zig, targets["windows-x86_64"])}
    assert {"-mcpu=x86_64_v4", "-DCORE_LEVEL=v4", "x86_64-windows-gnu"} <= set(by_zig["raster.v4.o"])
    on_arm = {job.object: job.flags for job in core_build.jobs(zig, targets["macos-arm64"], decoder=True)}
    assert sorted(on_arm) == ["cpu.o", "raster.base.o"]
    assert "-DCORE_LEVEL=base" in on_arm["raster.base.o"]
    assert not any("fast-math" in flag for flag in core_build.FLAGS + core_build.OPTIMIZED)


def test_one_pin_of_zig_and_one_list_of_targets() -> None:
    assert core_build.ZIG in (ROOT / "constraints.txt").read_text().splitlines()
    makefile = (ROOT / "Makefile").read_text()
    assert f"\nTARGETS := {' '.join(core_build.TARGETS)}\n" in makefile
    assert "/splatc/core/splatc_core.*" in (ROOT / ".gitignore").read_text().splitlines()
    assert all(target.file_name.startswith("splatc_core.") for target in core_build.TARGETS.values())


def test_without_any_compiler_the_build_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(core_build, "zig_compiler", lambda: None)
    assert core_build.required() == [core_build.ZIG]
    with pytest.raises(
        core_build.BuildError, match=r"there is no C compiler .*, nor the package ziglang==\S+; install one"
    ):
        core_build.find_compiler()


@pytest.mark.skipif(sys.platform == "win32", reason="zig is the only compiler there")
def test_a_compiler_in_cc_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", f"{sys.executable} -c 'import sys; sys.exit(\"error: an old compiler\")'")
    with pytest.raises(core_build.BuildError, match=r"CC=.* does not work \(error: an old compiler\)"):
        core_build.required()


def elf(machine: int, kind: int = 3) -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HH", kind, machine).ljust(60, b"\0")


def mach(machine: int, kind: int = 6) -> bytes:
    return b"\xcf\xfa\xed\xfe" + struct.pack("<III", machine, 0, kind).ljust(60, b"\0")


def pe(machine: int, traits: int = 0x2022) -> bytes:
    start = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    return start.ljust(0x80, b"\0") + b"PE\0\0" + struct.pack("<HHIIIHH", machine, 0, 0, 0, 0, 0, traits)


@pytest.mark.parametrize(
    ("library", "kind"),
    [
        (elf(0x3E), ("ELF", "x86_64")),
        (elf(0xB7), ("ELF", "aarch64")),
        (elf(0x28), ("ELF", "")),
        (elf(0x3E, kind=2), ("", "")),  # a program
        (mach(0x01000007), ("Mach-O", "x86_64")),
        (mach(0x0100000C), ("Mach-O", "aarch64")),
        (mach(0x0100000C, kind=1), ("", "")),  # an object
        (pe(0x8664), ("PE", "x86_64")),
        (pe(0xAA64), ("PE", "aarch64")),
        (pe(0x8664, traits=0x22), ("", "")),  # a program
        (b"", ("", "")),
        (b"MZ" + b"\xff" * 100, ("", "")),
    ],
)
def test_format_and_processor_are_read_from_the_header(library: bytes, kind: tuple[str, str]) -> None:
    assert check_dist.kind_of_library(library) == kind


def test_versions_of_glibc_are_compared_as_numbers() -> None:
    assert check_dist.needed_glibc(b"\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_2.4\0") == (2, 17)
    assert check_dist.needed_glibc(b"nothing") == ()
    assert check_dist.needed_glibc(b"GLIBC_2.34\0") > check_dist.NEWEST_GLIBC


def write_wheel(folder: Path, tag: str, files: dict[str, bytes], said: str | None = None) -> Path:
    path = folder / f"splatc-0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(
            "splatc-0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {said or tag}\n\n"
        )
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def test_a_wheel_is_seen_through(tmp_path: Path) -> None:
    tag, name = "py3-none-manylinux_2_17_x86_64", "splatc/core/splatc_core.so"
    good = elf(0x3E) + b"GLIBC_2.17\0"
    assert check_dist.faults(write_wheel(tmp_path, tag, {name: good})) == []
    assert (
        check_dist.faults(write_wheel(tmp_path, "py3-none-win_amd64", {"splatc/core/splatc_core.dll": pe(0x8664)}))
        == []
    )
    bad: dict[str, dict[str, bytes]] = {
        "has .* and not just": {name: good, "splatc/core/splatc_core.dll": pe(0x8664)},
        "library is .*aarch64": {name: elf(0xB7)},
        "needs glibc": {name: elf(0x3E) + b"GLIBC_2.34\0"},
        "has sources": {name: good, "splatc/core/core.h": b""},
    }
    for fault, files in bad.items():
        found = check_dist.faults(write_wheel(tmp_path, tag, files))
        assert len(found) == 1
        assert re.search(fault, found[0])
    assert "another tag" in check_dist.faults(write_wheel(tmp_path, tag, {name: good}, said="py3-none-any"))[0]
    assert "none of the tags" in check_dist.faults(write_wheel(tmp_path, "py3-none-any", {name: good}))[0]
    assert "not just" in check_dist.faults(write_wheel(tmp_path, tag, {}))[0]


def test_the_workflow_calls_make_targets_that_exist() -> None:
    makefile, workflow = (ROOT / "Makefile").read_text(), (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    targets = {line.partition(":")[0] for line in makefile.splitlines() if line[:1].isalpha() and ":" in line}
    called = [line.partition("run: make ")[2].split() for line in workflow.splitlines() if "run: make " in line]
    assert called
    for words in called:
        assert {word for word in words if "=" not in word} <= targets


def test_citation_changelog_and_package_agree_on_version_and_date() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    newest = re.search(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None and newest[1] == __version__
    assert f"\nversion: {__version__}\n" in citation
    assert f'\ndate-released: "{newest[2]}"\n' in citation


def test_a_version_from_1_0_on_is_no_alpha() -> None:
    stable = "Development Status :: 5 - Production/Stable" in (ROOT / "pyproject.toml").read_text()
    assert stable == (int(__version__.partition(".")[0]) >= 1)
