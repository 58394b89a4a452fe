"""The fit's CUDA kernels compile for every GPU, without spills."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from splatc.cuda.source import read_source
from splatc.fit import cuda
from tests.cuda_host.usage import ARCHITECTURES, check_usage, needs_nvrtc, usage

KERNELS = Path(cuda.__file__).parent / "kernels" / "fit.cu"
VARIANTS = list(itertools.product((3, 1, 4, 2), (1, 0), (0, 1)))
"""Channels, normalized, sixteen_bit; first what is usual."""


def text(channels: int, normalized: int, sixteen_bit: int) -> str:
    return read_source(KERNELS, CHANNELS=channels, NORMALIZED=normalized, SIXTEEN_BIT=sixteen_bit)


@needs_nvrtc
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_kernels_compile_without_spills(arch: str) -> None:
    check_usage(text(*VARIANTS[0]), arch)


@needs_nvrtc
@pytest.mark.slow
@pytest.mark.parametrize("arch", ["sm_75", "sm_90", "sm_120"])
@pytest.mark.parametrize("variant", VARIANTS[1:], ids=str)
def test_every_variant_compiles_without_spills(variant: tuple[int, int, int], arch: str) -> None:
    check_usage(text(*variant), arch)


@needs_nvrtc
def test_a_multiprocessor_has_room_for_many_warps() -> None:
    """65536 registers: at 64 a thread 32 warps run at once, at 48 42 of them, which hides what memory takes."""
    used = usage(text(*VARIANTS[0]), "sm_90")
    assert used["raster"].registers <= 64
    assert used["gather"].registers <= 56
