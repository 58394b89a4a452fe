"""A GPU fits as the CPU does, and the same in every run. Run by `make test-cuda`; skipped without a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splatc import decode
from splatc.blend import Blend
from splatc.cuda.device import CudaDevice
from splatc.encoder.pipeline import EncodeOptions, encode_image
from splatc.encoder.rate_control import Target
from splatc.fit.engines.choice import on_gpu
from splatc.fit.table import ROWS
from splatc.image.metrics import psnr
from splatc.image.readers import load
from tests import test_fit_cuda as host
from tests.cuda_host.emulator import HostDevice
from tests.cuda_host.gpu import gpu

pytestmark = pytest.mark.cuda

PICTURE = Path(__file__).parent / "images" / "kodim03.png"


@pytest.fixture(scope="module")
def device() -> CudaDevice:
    return gpu()


@pytest.mark.parametrize(("channels", "dtype", "blend", "reduction", "step"), host.VARIANTS)
def test_errors_gradients_and_costs_are_autograds(
    device: CudaDevice,
    channels: int,
    dtype: type[np.uint8 | np.uint16],
    blend: Blend,
    reduction: int,
    step: int,
) -> None:
    host.assert_agrees(device, channels, dtype, blend, reduction, step, relative=1e-4, share=2e-4)


def test_the_kernels_give_on_the_gpu_what_they_give_on_the_host(device: CudaDevice) -> None:
    _, here = host.found_by(HostDevice())
    found, there = host.found_by(device)
    for name, row in ROWS.items():
        assert np.allclose(there[row], here[row], rtol=1e-3, atol=1e-4 * np.abs(here[row]).max()), name
    for _ in range(5):
        assert host.found_by(device)[0] == found


@pytest.mark.parametrize("blend", [Blend.NORMALIZED, Blend.SUM])
def test_two_encodings_give_the_same_bytes_as_good_as_the_cpu_s(device: CudaDevice, blend: Blend) -> None:
    image = load(str(PICTURE))
    options = EncodeOptions(Target("bytes", image.pixels.nbytes // 200), blend=blend, effort=1, engine=on_gpu(device))
    data = encode_image(image, options)
    assert encode_image(image, options) == data
    assert 0.97 * options.target.value <= len(data) <= options.target.value
    cpu = encode_image(image, EncodeOptions(options.target, blend=blend, effort=1))
    qualities = [psnr(image.pixels, decode(each)) for each in (data, cpu)]
    assert qualities[0] > qualities[1] - 0.3
