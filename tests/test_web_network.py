"""splatc/web over the network: what is fetched, and what becomes of servers that go wrong.

The tests themselves are tests/web/*.test.mjs; their server is here, and what Python reads of the same files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import splatc
from splatc import bitstream
from splatc.bitstream.layout import Layer
from tests.bitstream_cases import header_for, random_quantized
from tests.test_web_core import large_file, passed, run_node
from tests.web_server import Server

WINDOWS = ((100, 100, 512, 512), (3000, 5000, 512, 512), (7600, 20, 512, 512))


def mosaic_file() -> bytes:
    """8192 x 8192 px, 20 000 Gaussians, divided as the encoder divides a mosaic of twice that side."""
    header = header_for(8192, 8192)
    gaussians = random_quantized(np.random.default_rng(20), header, 20_000, levels=10)
    return bitstream.encode(
        header, gaussians, layout=(Layer(6, 12), Layer(1, 11), Layer(1, 11), Layer(1, 11), Layer(1, 11))
    )


def test_lists_of_ranges_and_bytes_on_their_way() -> None:
    assert passed(run_node("ranges", "source")) > 10


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    large = large_file()
    (folder / "large.splat2d").write_bytes(large)
    (folder / "cut.splat2d").write_bytes(large[: len(large) // 2])
    (folder / "mosaic.splat2d").write_bytes(mosaic_file())
    return folder


def bytes_read(path: Path, window: tuple[int, int, int, int]) -> int:
    with splatc.open(path) as picture:
        picture.read(window)
        return picture.bytes_read


@pytest.fixture
def server(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    windows = [{"window": window, "read": bytes_read(files / "mosaic.splat2d", window)} for window in WINDOWS]
    with Server((files / "large.splat2d").read_bytes(), {"files": files}) as running:
        monkeypatch.setenv("SPLATC_WEB_SERVER", running.url)
        monkeypatch.setenv("SPLATC_WEB_FILE", str(files / "large.splat2d"))
        monkeypatch.setenv("SPLATC_WEB_WINDOWS", json.dumps({"mosaic": "files/mosaic.splat2d", "windows": windows}))
        yield running


@pytest.mark.usefixtures("server")
def test_files_on_a_server() -> None:
    assert passed(run_node("network")) >= 30
