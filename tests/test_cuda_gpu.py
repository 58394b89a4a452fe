"""A GPU draws real files and large pictures as the CPU does, the same in every run. Run by `make test-cuda`; skipped without a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import splatc
from splatc import bitstream
from splatc.blend import Blend
from splatc.cuda.device import CudaDevice
from splatc.decoder.scene import make_scene
from splatc.gaussians import Scene
from splatc.render import cuda, draw_samples, reference, render
from splatc.render.view import view
from tests.cuda_host.gpu import gpu
from tests.scenes import floats, random_gaussians

pytestmark = pytest.mark.cuda

FILES = sorted((Path(__file__).parent.parent / "spec" / "conformance").glob("*.splat2d"))


@pytest.fixture(scope="module")
def device() -> CudaDevice:
    return gpu()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conformance_files_are_within_the_tolerance(device: CudaDevice, path: Path) -> None:
    scene = make_scene(*bitstream.decode(path.read_bytes()))
    expected = reference.render(scene)
    largest = max(1.0, float(np.abs(scene.gaussians.colour).max(initial=0.0)))
    picture = cuda.draw(device, scene, view(scene.width, scene.height), np.float32)
    if scene.blend is Blend.NORMALIZED:
        assert np.abs(picture - expected).max() <= largest / 1024
    samples = splatc.decode(path.read_bytes(), device="cuda")
    assert (
        np.abs(samples.astype(int) - splatc.decode(path.read_bytes())).max() <= np.iinfo(samples.dtype).max // 1000 + 1
    )


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("scale", [1, "1/4", "1/16"])
def test_a_large_picture_is_the_cpu_s_and_the_same_in_every_run(
    device: CudaDevice, blend: Blend, scale: int | str
) -> None:
    rng = np.random.default_rng(11)
    gaussians = random_gaussians(rng, 40_000, 4096, 3072, scales=(2.0, 60.0))
    scene = Scene(4096, 3072, blend, floats([0.2, 0.4, 0.6]), gaussians)
    seen = view(4096, 3072, None, scale)
    canvas = cuda.Canvas(device, scene)
    pictures = []
    for _ in range(3):
        canvas.place(seen)
        pictures.append(canvas.draw(np.float32))
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)
    largest = max(1.2, float(np.abs(pictures[0]).max()))  # the tolerance of the sum blend grows with what is summed
    assert np.abs(pictures[0] - render(scene, None, scale)).max() < largest / 1024
    samples = cuda.draw(device, scene, seen, np.uint8)
    assert np.abs(samples.astype(int) - draw_samples(scene, seen, 8)).max() <= 1


def test_memory_comes_back(device: CudaDevice) -> None:
    """Each canvas takes some 40 MB here; a GPU would have no room for ten thousand of them."""
    gaussians = random_gaussians(np.random.default_rng(1), 100, 3000, 3000)
    scene = Scene(3000, 3000, Blend.NORMALIZED, floats([0.0, 0.0, 0.0]), gaussians)
    free = device.free_memory()
    for _ in range(20):
        cuda.draw(device, scene, view(3000, 3000), np.float32)
    assert device.free_memory() > free - (100 << 20)


def test_what_a_gpu_cannot_hold_is_one_error(device: CudaDevice) -> None:
    with pytest.raises(splatc.SplatError, match="memory left"):
        device.allocate(1 << 50)
