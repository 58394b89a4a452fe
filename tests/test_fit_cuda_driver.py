"""The fit by the real cuda.core, on the driver of test_cuda_driver.py: from the command line to the kernels and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from splatc.cuda.source import read_source
from splatc.fit import cuda
from tests.cuda_host import emulator
from tests.cuda_host.driver import built
from tests.cuda_host.usage import needs_nvrtc

pytestmark = [
    needs_nvrtc,
    emulator.needs_compiler,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the driver's library has another name elsewhere"),
]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the driver is ours; its kernels are the fit's, of RGB and the normalized blend."""
    folder = tmp_path_factory.mktemp("driver")
    text = read_source(Path(cuda.__file__).parent / "kernels" / "fit.cu", CHANNELS=3, NORMALIZED=1, SIXTEEN_BIT=0)
    return built(folder, text)


def test_encode_fits_on_it(driver: dict[str, str], tmp_path: Path, tiny_picture: Path) -> None:
    arguments = ["encode", str(tiny_picture), "out.splat2d", "-n", "20", "-e", "1", "--device", "cuda", "--json", "-v"]
    arguments += ["--max-time", "5"]
    found = subprocess.run(
        [sys.executable, "-m", "splatc", *arguments],
        cwd=tmp_path,
        env={**os.environ, **driver},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "fitted by Fake GPU\n" in found.stderr
    assert json.loads(found.stdout)["psnr_db"] > 20
    assert len(list((Path(driver["XDG_CACHE_HOME"]) / "splatc").glob("*.cubin"))) == 1
