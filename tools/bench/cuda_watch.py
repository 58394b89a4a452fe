"""A device that counts what goes through it: bytes held, launches, and, where that is wanted, the time of each kernel."""

from __future__ import annotations

import time
import weakref
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from splatc.cuda.device import Argument, Buffer, Device, Extent

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class Watched:
    """A `splatc.cuda.device.Device` around another."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.name = device.name
        self.held = self.peak = 0
        """Bytes of all buffers now, and at most since `begin`."""
        self.launches: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """By kernel; filled while `timing`, when the device waits for each kernel."""
        self.timing = False

    def begin(self, *, timing: bool = False) -> None:
        """Count anew."""
        self.peak, self.timing = self.held, timing
        self.launches.clear()
        self.seconds.clear()

    def allocate(self, size: int) -> Buffer:
        return self._noted(self._device.allocate(size))

    def upload(self, array: NDArray[Any]) -> Buffer:
        return self._noted(self._device.upload(array))

    def download(self, buffer: Buffer, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0) -> NDArray[Any]:
        return self._device.download(buffer, dtype, shape, offset)

    def clear(self, buffer: Buffer) -> None:
        self._device.clear(buffer)

    def kernel(self, source: str, name: str) -> Any:
        return name, self._device.kernel(source, name)

    def launch(self, kernel: Any, grid: Extent, block: Extent, *arguments: Argument, stream: int = 0) -> None:
        name, handle = kernel
        self.launches[name] += 1
        if not self.timing:
            self._device.launch(handle, grid, block, *arguments, stream=stream)
            return
        self._device.synchronize()
        start = time.perf_counter()
        self._device.launch(handle, grid, block, *arguments, stream=stream)
        self._device.synchronize()
        self.seconds[name] += time.perf_counter() - start

    def synchronize(self) -> None:
        self._device.synchronize()

    def _noted(self, buffer: Buffer) -> Buffer:
        self.held += buffer.size
        self.peak = max(self.peak, self.held)
        weakref.finalize(buffer, self._gone, buffer.size).atexit = False
        return buffer

    def _gone(self, size: int) -> None:
        self.held -= size
