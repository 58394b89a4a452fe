"""What NVRTC and ptxas say of kernels, for each architecture that CUDA 13 compiles for; no GPU needed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from splatc.cuda.compile import compile_source, nvrtc_version
from splatc.errors import DeviceError

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")

_KERNEL = re.compile(
    r"Compiling entry function '(?P<name>\w+)'.*?(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads.*?Used (?P<registers>\d+) registers"
    r"(?:[^\n]*?(?P<called>\d+) bytes cumulative stack size)?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Usage:
    """Of a kernel: registers of a thread; bytes of local memory, which lies in the GPU's main memory."""

    registers: int
    stack: int
    spilled: int


def _reason() -> str:
    try:
        nvrtc_version()
    except DeviceError as error:
        return str(error)
    return ""


needs_nvrtc = pytest.mark.skipif(bool(_reason()), reason=_reason())


def usage(source: str, arch: str) -> dict[str, Usage]:
    """What each kernel of a text takes."""
    _, log = compile_source(source, arch)
    found = {
        each["name"]: Usage(
            int(each["registers"]),
            max(int(each["stack"]), int(each["called"] or 0)),
            int(each["stores"]) + int(each["loads"]),
        )
        for each in _KERNEL.finditer(log)
    }
    assert len(found) == source.count('extern "C" __global__'), log
    return found


def check_usage(source: str, arch: str) -> None:
    """No kernel spills registers or keeps anything else in local memory."""
    for name, each in usage(source, arch).items():
        assert each.stack == each.spilled == 0, f"{name} on {arch}: {each}"
