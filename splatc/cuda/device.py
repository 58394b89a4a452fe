"""A GPU: memory, kernels and launches, behind the few calls that splatc needs; and whether there is one.

All work goes to one stream in order, by default the legacy default stream, which is also torch's: buffers of either may be given to
kernels of the other by their addresses.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from splatc.cuda.compile import INSTALL, cubin, nvrtc_version
from splatc.cuda.missing import Broken, Missing
from splatc.errors import DeviceError

Argument = int | float | np.generic
"""Of a kernel: int is a pointer or a ``long long``, float a ``double``, a scalar of NumPy what it says (np.int32 an ``int``)."""
Extent = int | tuple[int, ...]
"""Of a grid or block: one to three numbers."""

OLDEST = (7, 5)
"""Compute capability of the oldest GPUs that CUDA 13 compiles for."""
_CUDA = 13


class Buffer:
    """Bytes on the device, at an address; given back when nothing refers to them any more."""

    def __init__(self, pointer: int, size: int, release: Callable[[int], None]) -> None:
        self.pointer = pointer
        self.size = size
        weakref.finalize(self, release, pointer).atexit = False  # the driver is gone by then


class Device(Protocol):
    """What a renderer or a fit asks of a GPU. Raises DeviceError for whatever goes wrong on it, sometimes only in a later call."""

    name: str

    def allocate(self, size: int) -> Buffer:
        """So many bytes, which hold anything."""

    def upload(self, array: NDArray[Any]) -> Buffer:
        """A copy of an array."""

    def download(self, buffer: Buffer, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0) -> NDArray[Any]:
        """An array from the bytes of a buffer, from byte ``offset`` on. Waits for the kernels before."""

    def clear(self, buffer: Buffer) -> None:
        """Set all bytes to zero."""

    def kernel(self, source: str, name: str) -> Any:
        """A kernel (``extern "C" __global__``) of a text (source.py), compiled and loaded once."""

    def launch(self, kernel: Any, grid: Extent, block: Extent, *arguments: Argument, stream: int = 0) -> None:
        """Start a kernel; a stream is given by its raw handle (of torch: ``stream.cuda_stream``)."""

    def synchronize(self) -> None:
        """Wait until all is done."""


class CudaDevice:
    """The first NVIDIA GPU (CUDA_VISIBLE_DEVICES chooses it), through cuda.core; `find_device` makes one."""

    def __init__(self) -> None:
        from cuda.bindings import driver
        from cuda.core import Device as CoreDevice

        self._driver = driver
        self._device = CoreDevice(0)
        self._device.set_current()  # the primary context, which is torch's too
        self._context = self._current()
        self._unwanted: deque[int] = deque()
        """Addresses that could not be given back by the thread in which their buffers ended."""
        self._failed: deque[str] = deque()
        """Errors of releasing other buffers, which had no caller to be raised to."""
        self.name = str(self._device.name)
        major, minor = self._device.compute_capability
        self.capability = (int(major), int(minor))
        self.arch = f"sm_{major}{minor}"
        self._kernels: dict[tuple[str, str], Any] = {}
        self._modules: dict[str, Any] = {}

    def allocate(self, size: int) -> Buffer:
        self._enter()
        error, pointer = self._driver.cuMemAlloc(max(size, 1))
        if int(error) == int(self._driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY):
            raise DeviceError(f"the GPU ({self.name}) has no {-(-size // 2**20)} MiB of memory left: use --device cpu")
        self._check(error)
        return Buffer(int(pointer), size, self._release)

    def upload(self, array: NDArray[Any]) -> Buffer:
        array = np.ascontiguousarray(array)
        buffer = self.allocate(array.nbytes)
        if array.nbytes:
            self._check(*self._driver.cuMemcpyHtoD(buffer.pointer, array.ctypes.data, array.nbytes))
        return buffer

    def download(self, buffer: Buffer, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0) -> NDArray[Any]:
        self._enter()
        array = np.empty(shape, dtype)
        if array.nbytes:
            self._check(*self._driver.cuMemcpyDtoH(array.ctypes.data, buffer.pointer + offset, array.nbytes))
        return array

    def clear(self, buffer: Buffer) -> None:
        self._enter()
        self._check(*self._driver.cuMemsetD8Async(buffer.pointer, 0, buffer.size, 0))

    def kernel(self, source: str, name: str) -> Any:
        from cuda.core import ObjectCode

        if (source, name) not in self._kernels:
            code = cubin(source, self.arch)
            with _errors_of(self.name):
                self._device.set_current()
                if source not in self._modules:
                    self._modules[source] = ObjectCode.from_cubin(code)
                self._kernels[source, name] = self._modules[source].get_kernel(name)
        return self._kernels[source, name]

    def launch(self, kernel: Any, grid: Extent, block: Extent, *arguments: Argument, stream: int = 0) -> None:
        from cuda.core import LEGACY_DEFAULT_STREAM, LaunchConfig, Stream, launch

        self._enter()
        with _errors_of(self.name):
            chosen = Stream.from_handle(stream) if stream else LEGACY_DEFAULT_STREAM
            launch(chosen, LaunchConfig(grid=grid, block=block), kernel, *arguments)

    def synchronize(self) -> None:
        self._enter()
        self._check(*self._driver.cuCtxSynchronize())

    def free_memory(self) -> int:
        """Bytes that are free."""
        self._enter()
        error, free, _ = self._driver.cuMemGetInfo()
        self._check(error)
        return int(free)

    def _enter(self) -> None:
        """Make the device that of this thread, whichever it is, and give back what others could not. Raises DeviceError."""
        with _errors_of(self.name):
            self._device.set_current()
        while self._unwanted:
            with contextlib.suppress(IndexError):  # another thread was quicker
                self._free(self._unwanted.popleft())
        if self._failed:
            with contextlib.suppress(IndexError):
                raise DeviceError(f"the GPU ({self.name}) failed: {self._failed.popleft()}")

    def _release(self, pointer: int) -> None:
        """Called by the collector, in the thread that it happens to run in: whose device stays what it is. Raises nothing."""
        if self._current() == self._context:
            self._free(pointer)
        else:
            self._unwanted.append(pointer)

    def _free(self, pointer: int) -> None:
        (error,) = self._driver.cuMemFree(pointer)
        if int(error):
            self._failed.append(str(getattr(error, "name", error)))

    def _current(self) -> int:
        """The context of this thread, 0 for none."""
        error, context = self._driver.cuCtxGetCurrent()
        return 0 if int(error) else int(context)

    def _check(self, error: Any) -> None:
        if int(error):
            raise DeviceError(f"the GPU ({self.name}) failed: {getattr(error, 'name', error)}")


@functools.cache
def find_device() -> CudaDevice | Missing:
    """The GPU, or the sentence that says why there is none. Asks once; imports CUDA only here."""
    try:
        missing = _start()  # first: cuda.core takes a fifth of a second to import, for which many have no use
        if missing is not None:
            return missing
        version = nvrtc_version()
        if int(version.partition(".")[0]) < _CUDA:
            return Broken(f"NVRTC {version} is too old: splatc needs that of CUDA {_CUDA}, {INSTALL}")
        return _supported(CudaDevice())
    except DeviceError as error:  # cuda-core or NVRTC is not installed
        return Missing(error)
    except (
        Exception
    ) as error:  # a broken installation shows in many ways; none of them may stop a decoder that has a CPU
        return Broken(f"CUDA does not start: {' '.join(str(error).split()) or type(error).__name__}")


def _start() -> Missing | None:
    """Load and start the driver; why that fails, if it does."""
    try:
        from cuda.bindings import driver
    except ImportError as why:
        return Missing(f"cuda-core is not installed or too old ({why}): {INSTALL}")
    try:
        error, version = driver.cuDriverGetVersion()
        (started,) = driver.cuInit(0)
    except Exception:  # the library is not found: RuntimeError or a class of cuda-pathfinder
        return Missing("no NVIDIA driver is installed")
    if int(error) or version < 1000 * _CUDA:
        spoken = f"{version // 1000}.{version % 1000 // 10}"
        return Broken(f"the NVIDIA driver is too old, of CUDA {spoken}: splatc needs one of CUDA {_CUDA}")
    if int(started) == int(driver.CUresult.CUDA_ERROR_NO_DEVICE):
        return Missing("the NVIDIA driver finds no GPU")
    if int(started):
        return Broken(f"the NVIDIA driver finds no GPU that works ({getattr(started, 'name', started)})")
    return None


def _supported(device: CudaDevice) -> CudaDevice | Missing:
    if device.capability >= OLDEST:
        return device
    return Missing(
        f"the GPU ({device.name}) is too old: its compute capability is {device.arch[3:]}, splatc needs 75 or more"
    )


@contextlib.contextmanager
def _errors_of(name: str) -> Iterator[None]:
    try:
        yield
    except DeviceError:
        raise
    except Exception as error:  # cuda.core's own, whose class has moved between versions
        raise DeviceError(f"the GPU ({name}) failed: {' '.join(str(error).split())}") from error
