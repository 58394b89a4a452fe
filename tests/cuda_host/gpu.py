"""The GPU of this machine, for tests that need one."""

from __future__ import annotations

import pytest

from splatc.cuda.device import CudaDevice, find_device
from splatc.cuda.missing import Missing


def gpu() -> CudaDevice:
    """Skips the test, with the reason, where there is none."""
    found = find_device()
    if isinstance(found, Missing):
        pytest.skip(found)
    return found
