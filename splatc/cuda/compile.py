"""CUDA C++ -> cubin, by NVRTC; each is compiled once and kept in the user's cache.

A cubin is machine code for one architecture ("sm_90"), which drivers of the same major version of CUDA load; no GPU is needed to make one.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import tempfile
from pathlib import Path

from splatc.errors import DeviceError

_OPTIONS = "c++17, fused multiply-add"
"""The options of NVRTC, as a part of the key."""
INSTALL = "pip install 'splatc[cuda]'"


def cubin(source: str, arch: str) -> bytes:
    """The machine code of `source` (source.py) for an architecture such as "sm_90", from the cache if it is there.

    Raises DeviceError: NVRTC is not installed, or refuses the text.
    """
    key = hashlib.sha256("\0".join((source, arch, nvrtc_version(), _OPTIONS)).encode()).hexdigest()
    folder = cache_folder()
    path = folder / f"{key}.cubin" if folder else None
    if path:
        with contextlib.suppress(OSError):
            code = path.read_bytes()
            if code.startswith(b"\x7fELF"):
                return code
    code, _ = compile_source(source, arch)
    if path:
        _keep(path, code)
    return code


def compile_source(source: str, arch: str) -> tuple[bytes, str]:
    """The machine code, and what the compiler says of it: registers, shared memory and spills of each kernel. Raises DeviceError."""
    nvrtc_version()
    from cuda.core import Program, ProgramOptions

    log = io.StringIO()
    try:
        options = ProgramOptions(arch=arch, std="c++17", ptxas_options=["-v"])
        code = Program(source, "c++", options).compile("cubin", logs=log).code
    except Exception as error:  # whatever NVRTC or cuda-core raise: their classes differ between versions
        said = " ".join((log.getvalue().strip() or str(error)).rstrip("\0").split())
        raise DeviceError(f"NVRTC does not compile a kernel of splatc for {arch}: {said}") from error
    return bytes(code), log.getvalue()


def nvrtc_version() -> str:
    """The version of NVRTC, such as "13.0". Raises DeviceError if there is none."""
    try:
        from cuda.bindings import nvrtc
        from cuda.core import Program, ProgramOptions  # noqa: F401 - is it there?

        _, major, minor = nvrtc.nvrtcVersion()
    except ImportError as error:
        raise DeviceError(f"cuda-core is not installed or too old ({error}): {INSTALL}") from error
    except Exception as error:  # the library itself is not found: RuntimeError or a class of cuda-pathfinder
        raise DeviceError(f"NVRTC, the run-time compiler of CUDA, is not installed: {INSTALL}") from error
    return f"{major}.{minor}"


def cache_folder() -> Path | None:
    """Where cubins are kept: ``splatc`` in the user's cache. None for a user without a home."""
    chosen = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if Path(chosen).is_absolute():
        return Path(chosen) / "splatc"
    try:
        return Path.home() / ".cache" / "splatc"
    except RuntimeError:
        return None


def _keep(path: Path, code: bytes) -> None:
    """Write the cubin whole or not at all; that it cannot be written is no error."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(code)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
