"""The decoder module for browsers and Node (splatc/web/splat2d.js): what Python reads, draws, counts and refuses, so does it.

The tests themselves are tests/web/*.test.mjs; what they compare with is made here.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

import conformance
import splatc
from splatc import bitstream
from splatc.bitstream import Metadata
from splatc.bitstream import metadata as metadata_format
from splatc.render import work
from tests.bitstream_cases import header_for, random_quantized
from tests.test_web_core import large_file, passed, run_node

ROOT = Path(__file__).parent.parent
WEB = ROOT / "splatc" / "web"
FOLDER = conformance.FOLDER
VIEWS: tuple[dict[str, Any], ...] = (
    {"region": (301, 203, 512, 400)},
    {"region": (301, 203, 300, 200), "scale": "1/3"},
    {"region": (1000, 800, 100, 100), "scale": "3/2"},
    {"region": (5, 7, 11, 13), "scale": "6", "maxLevel": 1},
    {"scale": "1/8"},
    {"scale": "2/37"},
    {"maxLevel": 3},
    {"scale": "1/2", "maxLevel": 9},
)


def rgba(samples: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, C) of 8 bits as (H, W, 4)."""
    channels = samples.reshape(*samples.shape[:2], -1)
    count = channels.shape[2]
    alpha = channels[..., -1:] if count in (2, 4) else np.full((*samples.shape[:2], 1), 255, np.uint8)
    colours = channels[..., :3] if count > 2 else np.repeat(channels[..., :1], 3, axis=2)
    return np.concatenate([colours, alpha], axis=2)


def case(folder: Path, number: int, path: Path, options: dict[str, Any]) -> dict[str, Any]:
    """A view as Python draws it, and its work."""
    region, scale, level = options.get("region"), Fraction(options.get("scale", "1")), options.get("maxLevel")
    with splatc.open(path) as picture:
        pixels = rgba(picture.read(region, scale, level, bit_depth=8))
        seen = picture.view(region, scale)
        box = None if region is None else seen.box
        reading = picture.reader.needed(box, max_level=level).work
        quantized = picture.reader.read(box, max_level=level)
        drawing = work.drawing(picture.reader.header.quantizer, quantized, seen)
    name = f"{number}.rgba"
    pixels.tofile(folder / name)
    says = f"{path.stem}, {options or 'all'}"
    return {
        "says": says, "path": str(path), "options": options, "file": name, "shape": pixels.shape[:2],
        "reading": reading, "drawing": str(drawing),
    }  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.splat2d"
    path.write_bytes(large_file())
    return path


def test_integers_pixels_and_work(tmp_path: Path, large: Path) -> None:
    names = [entry["name"] for entry in conformance.manifest(FOLDER)]
    wanted = [(FOLDER / f"{name}.splat2d", options) for name in names for options in ({}, {"scale": "1/3"})]
    wanted += [(large, options) for options in ({}, *VIEWS)]
    views = [case(tmp_path, number, *each) for number, each in enumerate(wanted)]
    (tmp_path / "cases.json").write_text(json.dumps({"views": views}))
    assert passed(run_node("module", cases=tmp_path)) > 50


def test_what_is_refused() -> None:
    assert passed(run_node("refused")) > 120


def contents() -> Iterator[tuple[str, bytes]]:
    """What zstd packs in each of its ways."""
    rng = np.random.default_rng(20)
    yield "nothing", b""
    yield "one byte", b"a"
    yield "noise", rng.bytes(3000)
    yield "one byte many times", b"z" * 300_000
    yield "text", b"".join(b"<rdf:li>%d, %d</rdf:li>\n" % (i, i * i % 97) for i in range(400))
    yield "few symbols", bytes(rng.choice([1, 2, 3, 250], 50_000, p=[0.7, 0.2, 0.09, 0.01]).astype(np.uint8))
    yield "skewed", np.minimum(rng.geometric(0.05, 200_000), 255).astype(np.uint8).tobytes()
    yield "repeats far apart", (noise := rng.bytes(40_000)) + bytes(100) + noise + noise[:999] * 3
    yield "code", b"".join(path.read_bytes() for path in sorted(WEB.glob("*.js")))
    yield "compiled code", (WEB / "core.wasm").read_bytes()


def frames(folder: Path) -> Iterator[dict[str, str]]:
    for number, (says, content) in enumerate(contents()):
        (folder / f"{number}.content").write_bytes(content)
        for level in (-5, 1, 3, 9, 19):
            packer = zstandard.ZstdCompressor(level=level, write_checksum=level == 3)
            name = f"{number}.{level}.zst"
            (folder / name).write_bytes(packer.compress(content))
            yield {"says": f"{says}, level {level}", "frame": name, "content": f"{number}.content"}


def profile(name: str) -> bytes:
    """An ICC profile that has a name and nothing else."""
    text = name.encode("utf-16-be")
    tag = struct.pack(">4sIIIHHII", b"mluc", 0, 1, 12, 0x656E, 0x5553, len(text), 28) + text
    return bytes(128) + struct.pack(">I4sII", 1, b"desc", 144, len(tag)) + tag


def with_metadata(folder: Path, name: str, found: Metadata) -> Path:
    header = header_for(32, 24)
    path = folder / f"{name}.splat2d"
    path.write_bytes(bitstream.encode(header, random_quantized(np.random.default_rng(3), header, 20, levels=3), found))
    return path


def pictures(folder: Path) -> Iterator[dict[str, Any]]:
    damaged = with_metadata(folder, "damaged", Metadata(xmp=b"<x/>" * 9))
    data = bytearray(damaged.read_bytes())
    at = data.index(b"xmpd")
    data[at + 5] ^= 255  # of the frame's magic number
    length = data[at + 4]
    data[at + 5 + length : at + 9 + length] = struct.pack(
        "<I", zlib.crc32(data[at : at + 4] + data[at + 5 : at + 5 + length])
    )
    damaged.write_bytes(data)
    for says, found, space, note in (
        ("none", Metadata(), "srgb", ""),
        ("all", Metadata(profile("Display P3"), b"II*\0" + bytes(500), b"<x:xmpmeta/>" * 50), "display-p3", ""),
        ("sRGB", Metadata(profile("sRGB IEC61966-2.1")), "srgb", ""),
        ("another profile", Metadata(profile("Adobe RGB (1998)")), "srgb", "Adobe RGB"),
        ("a profile that is none", Metadata(b"no profile"), "srgb", "without a name"),
    ):
        fields = {}
        for name in metadata_format.CHUNKS:
            fields[name] = f"{says}.{name}"
            (folder / fields[name]).write_bytes(getattr(found, name))
        path = with_metadata(folder, says, found)
        yield {"says": says, "path": str(path), "fields": fields, "colorSpace": space, "note": note}
    yield {"says": "damaged", "path": str(damaged), "fields": {}, "colorSpace": "srgb", "note": "comes without it"}


def test_metadata(tmp_path: Path) -> None:
    cases = {"frames": list(frames(tmp_path)), "pictures": list(pictures(tmp_path))}
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    assert passed(run_node("metadata", cases=tmp_path)) > 50


def test_modules_import_only_each_other() -> None:
    """No build step, and nothing to install: every import is a file beside it, or Node's own where it runs there."""
    for path in WEB.glob("*.js"):
        for line in path.read_text().splitlines():
            if line.startswith(("import ", "} from ", "export {")) and " from " in line:
                name = line.rsplit('"', 2)[1]
                assert name.startswith("./"), line
                assert (WEB / name).is_file(), line


def test_declarations_name_what_is_exported() -> None:
    declared = (WEB / "splat2d.d.ts").read_text()
    exported = (WEB / "splat2d.js").read_text()
    for name in (
        "open",
        "SplatError",
        *(f"{kind}Error" for kind in ("CorruptFile", "TruncatedFile", "UnsupportedFile", "Limit", "Network")),
    ):
        assert f"{name}(" in declared or f"class {name} " in declared
        assert name in exported
