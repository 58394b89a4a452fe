"""Files with latents in the browser's decoder: integers, pixels and work are those of Python (tests/web/latents.test.mjs)."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import conformance
import splatc
from splatc.bitstream import Reader
from splatc.image.image import Image
from splatc.render import work
from splatc.render.view import view
from tests.test_latent import PHOTOGRAPH, encode_latent, picture
from tests.test_web_core import passed, run_node

WEB = Path(__file__).parent.parent / "splatc" / "web"


def large() -> Image:
    """A photograph four times as large: four tiles."""
    with PIL.Image.open(PHOTOGRAPH) as file:
        return Image(np.asarray(file.convert("RGB").resize((1300, 1100)))[:1100, :1300])


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latents")
    found: dict[str, Any] = {"integers": [], "pixels": [], "bounds": [], "large": str(folder / "large.splat2d")}
    files = {
        "large": encode_latent(large(), 20_000),
        "gray": encode_latent(picture(171, 90, 1), 900),
        "one": encode_latent(picture(1, 1), 150),
    }
    for name, data in files.items():
        path = folder / f"{name}.splat2d"
        path.write_bytes(data)
        header = Reader(io.BytesIO(data)).header
        width, height = header.width, header.height
        part = (width // 3, height // 4, max(width // 2, 1), max(height // 3, 1))
        corner = (width - 1, height - 1, 1, 1)
        for region, level in ((None, 0), (None, 1), (None, 2), (None, 3), (part, 0), (corner, 0)):
            box = None if region is None else (region[0], region[1], region[0] + region[2], region[1] + region[3])
            add_integers(found, path, len(data), region, box, level)
        for length in (len(data) - 1, len(data) * 2 // 3, len(data) // 3) if name == "large" else ():
            add_integers(found, path, length, None, None, 0)
        for region, scale, level in (
            (None, "1", 0), (part, "1", 0), (part, "1/2", 0), (None, "1/3", 0), (corner, "3", 0), (None, "1/4", 2),
        ):  # fmt: skip
            samples = splatc.decode(data, region=region, scale=scale, max_level=level, bit_depth=8)
            file = f"{len(found['pixels'])}.bin"
            np.ascontiguousarray(samples).tofile(folder / file)
            common = {"path": str(path), "region": region, "scale": float(Fraction(scale)), "level": level}
            shape = {"width": samples.shape[1], "height": samples.shape[0]}
            found["pixels"].append({**common, "scale": scale, "samples": file, **shape})
        for region, scale in ((None, "1"), (part, "1/2")):
            seen, reader = view(width, height, region, scale), Reader(io.BytesIO(data))
            seen_box = None if region is None else seen.box
            needed = reader.needed(seen_box).work + work.drawing(header.quantizer, reader.read(seen_box), seen)
            found["bounds"].append({"path": str(path), "region": region, "scale": scale, "work": needed})
    (folder / "cases.json").write_text(json.dumps(found))
    return folder


def add_integers(found: dict[str, Any], path: Path, length: int, region: Any, box: Any, level: int) -> None:
    reader = Reader(io.BytesIO(path.read_bytes()[:length]))
    gaussians = reader.read(box, max_level=level, allow_truncated=True)
    digest = conformance.digest(conformance.integers_text(gaussians))
    common = {"path": str(path), "length": length, "region": region, "level": level}
    found["integers"].append({**common, "count": len(gaussians), "sha256": digest})


def test_latents(cases: Path) -> None:
    assert passed(run_node("latents", cases=cases)) > 25


def test_the_network_is_that_of_python() -> None:
    spec = Path(__file__).parent.parent / "spec" / "latent_1.bin"
    assert (WEB / "latent_1.bin").read_bytes() == spec.read_bytes()
    assert spec.stat().st_size <= 300_000
