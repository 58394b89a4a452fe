"""`HostDevice`, a `splatc.cuda.device.Device` without a GPU: kernels compiled by g++, each thread a coroutine (emulator.h).

What it proves: that the kernels compute what they should, whatever the order of threads, and that no thread waits for ever. What it
cannot: races that a GPU's own order would show, and speed.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from splatc.cuda.device import Argument, Buffer, Extent
from splatc.errors import DeviceError

_HEADER = Path(__file__).parent / "emulator.h"
_KERNEL = re.compile(r'extern "C" __global__ void (?:__launch_bounds__\([^)]*\)\s*)?(\w+)\(')

COMPILES = sys.platform.startswith("linux") and shutil.which("g++") is not None
needs_compiler = pytest.mark.skipif(not COMPILES, reason="no g++, or no Linux: the kernels cannot run on the host")


class HostDevice:
    """Memory is NumPy's; ``backwards`` lets threads, warps and blocks take turns from the last to the first."""

    name = "the host"

    def __init__(self, *, backwards: bool = False) -> None:
        self._memory: dict[int, NDArray[np.uint8]] = {}
        self._backwards = backwards
        self.launched: list[str] = []
        """The names of all kernels so far."""

    def allocate(self, size: int) -> Buffer:
        # Aligned as a GPU's are; filled with NaN and huge integers, so that a read of unwritten memory changes the result.
        memory = np.full(size + 256, 0xFF, np.uint8)
        pointer = -(-memory.ctypes.data // 256) * 256
        self._memory[pointer] = memory
        return Buffer(pointer, size, self._release)

    def upload(self, array: NDArray[Any]) -> Buffer:
        array = np.ascontiguousarray(array)
        buffer = self.allocate(array.nbytes)
        ctypes.memmove(buffer.pointer, array.ctypes.data, array.nbytes)
        return buffer

    def download(self, buffer: Buffer, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0) -> NDArray[Any]:
        array = np.empty(shape, dtype)
        if offset + array.nbytes > buffer.size:
            raise DeviceError(f"{offset + array.nbytes} bytes of a buffer of {buffer.size}")
        ctypes.memmove(array.ctypes.data, buffer.pointer + offset, array.nbytes)
        return array

    def _release(self, pointer: int) -> None:
        del self._memory[pointer]

    def clear(self, buffer: Buffer) -> None:
        ctypes.memset(buffer.pointer, 0, buffer.size)

    def kernel(self, source: str, name: str) -> Any:
        library = _compiled(source)
        return name, getattr(library, f"run_{name}"), ctypes.c_int.in_dll(library, "emulator_backwards")

    def launch(self, kernel: Any, grid: Extent, block: Extent, *arguments: Argument, stream: int = 0) -> None:
        name, run, backwards = kernel
        self.launched.append(name)
        backwards.value = self._backwards
        values = [_value(argument) for argument in arguments]
        addresses = (ctypes.c_void_p * len(values))(*[ctypes.addressof(value) for value in values])
        extents = (ctypes.c_uint * 6)(*_three(grid), *_three(block))
        run(len(values), extents, addresses)

    def synchronize(self) -> None:
        """All is done."""


def _value(argument: Argument) -> Any:
    """As cuda.core passes it: int a pointer or a long long, float a double, a scalar of NumPy what it says."""
    if isinstance(argument, np.generic):
        kind: Any = np.ctypeslib.as_ctypes_type(argument.dtype)  # type: ignore[arg-type]  # that of any number
        return kind(argument.item())
    return ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_longlong(argument)


def _three(extent: Extent) -> tuple[int, ...]:
    parts = (extent,) if isinstance(extent, int) else extent
    return (*parts, 1, 1, 1)[:3]


@functools.cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="splatc-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@functools.cache
def _compiled(source: str) -> ctypes.CDLL:
    names = _KERNEL.findall(source)
    wrappers = [
        f'extern "C" void run_{name}(int n, const unsigned* e, void** a) {{ emulate({name}, n, e, a); }}\n'
        for name in names
    ]
    path = _folder() / f"kernels{len(list(_folder().iterdir()))}.cpp"
    path.write_text(source + "".join(wrappers), "utf-8")
    library = path.with_suffix(".so")
    command = ["g++", "-std=c++17", "-O1", "-fPIC", "-shared", "-U_FORTIFY_SOURCE", "-Wl,-Bsymbolic", "-include"]
    found = subprocess.run(
        [*command, str(_HEADER), str(path), "-o", str(library)], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise DeviceError(f"g++ does not compile the kernels: {found.stderr[:2000]}")
    return ctypes.CDLL(str(library))
