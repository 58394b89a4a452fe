"""The conformance set: sound, read alike by both decoders, drawn alike in whole, in parts and on any number of threads."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
import splatc
from splatc import bitstream, core
from splatc.decoder.verifier import find_problems
from splatc.image.image import Image
from splatc.image.readers import load
from splatc.image.saving import output_format, save
from tests import independent_decoder

ENTRIES = {each["name"]: each for each in conformance.manifest(conformance.FOLDER)}
each_file = pytest.mark.parametrize("name", ENTRIES)


def data_of(name: str) -> bytes:
    return (conformance.FOLDER / f"{name}.splat2d").read_bytes()


def reference_of(name: str) -> np.ndarray:
    return load(str(conformance.FOLDER / f"{name}.png")).pixels


def integers_of(decoded: independent_decoder.Decoded) -> bytes:
    names = ("level", "x", "y", "log_scale", "aspect", "angle", "offset")
    table = np.column_stack([*(getattr(decoded, name) for name in names), decoded.colour])
    return "".join(" ".join(map(str, row)) + "\n" for row in table.tolist()).encode()


def test_the_folder_is_what_the_manifest_says() -> None:
    """Of a frozen set: nothing has changed since, neither a file nor a line of the manifest."""
    assert conformance.damaged(conformance.FOLDER) == []
    names = {path.stem for path in conformance.FOLDER.iterdir()} - {"README", "manifest", "FROZEN"}
    assert names == set(ENTRIES)
    assert (conformance.FOLDER / conformance.FROZEN).exists(), "the set of format 1.0 is frozen"


@each_file
def test_both_decoders_find_the_same_integers(name: str) -> None:
    data, entry = data_of(name), ENTRIES[name]
    assert find_problems(data) == []
    header, gaussians = bitstream.decode(data)
    facts = header.width, header.height, header.channels, header.depth, header.count
    assert facts == tuple(entry[key] for key in ("width", "height", "channels", "bit_depth", "gaussians"))
    assert conformance.digest(conformance.integers_text(gaussians)) == entry["integers_sha256"]
    assert conformance.digest(integers_of(independent_decoder.decode(data))) == entry["integers_sha256"]


@each_file
def test_all_renderers_are_within_the_tolerance(name: str) -> None:
    expected, tolerance = reference_of(name).astype(int), ENTRIES[name]["tolerance"]
    found = splatc.decode(data_of(name)).reshape(expected.shape).astype(int)
    assert np.abs(found - expected).max() <= tolerance
    second = independent_decoder.render(independent_decoder.decode(data_of(name)))
    assert (
        np.abs(second.astype(int) - expected).max() <= 1
    )  # the same arithmetic: a rounding may fall on the other side


@each_file
def test_whole_strips_regions_and_threads_give_the_same_bytes(name: str) -> None:
    whole = splatc.decode(data_of(name))
    with splatc.open(io.BytesIO(data_of(name))) as picture:
        shape, strips = picture.strips()
        joined = np.concatenate(list(strips))
        assert np.array_equal(joined.reshape(whole.shape), whole)
        width, height = picture.size
        for x, y, w, h in ((0, 0, 1, 1), (width // 3, height // 2, width - width // 3, height - height // 2)):
            assert np.array_equal(picture.read((x, y, w, h)), whole[y : y + h, x : x + w])
    try:
        for number in (1, 2, 8):
            core.set_threads(number)
            assert np.array_equal(splatc.decode(data_of(name)), whole)
    finally:
        core.set_threads(None)
    assert (shape.width, shape.height) == (width, height)


DECODER = f"{sys.executable} -c \"import shutil, sys; shutil.copy(sys.argv[1].replace('.splat2d', '.png'), sys.argv[2])\" {{in}} {{out}}"


def test_the_tool_holds_any_command_to_the_set(tmp_path: Path) -> None:
    """A decoder that copies the reference passes; one that is off, fails or writes nothing does not."""
    folder = tmp_path / "set"
    folder.mkdir()
    entries = []
    for name in ("rgb", "gray"):
        for suffix in ("splat2d", "png"):
            shutil.copy(conformance.FOLDER / f"{name}.{suffix}", folder)
        entries.append(ENTRIES[name])
    (folder / "manifest.json").write_text(json.dumps({"files": entries}))
    lines: list[str] = []
    assert conformance.check(folder, DECODER, say=lines.append)
    assert lines == ["ok   rgb", "ok   gray"]
    assert not conformance.check(folder, f"{sys.executable} -c 'raise SystemExit(3)'", say=lines.append)
    assert not conformance.check(folder, f"{sys.executable} -c ''", say=lines.append)
    assert lines[2:] == [
        "FAIL rgb: exit code 3",
        "FAIL gray: exit code 3",
        "FAIL rgb: no picture",
        "FAIL gray: no picture",
    ]
    pixels = reference_of("gray").copy()
    pixels[3, 4] ^= 8
    with (tmp_path / "gray.png").open("wb") as stream:
        save(Image(pixels), stream, output_format("gray.png"))
    assert "differs by 8, allowed 1" in conformance.check_picture(ENTRIES["gray"], folder, tmp_path / "gray.png")
    assert "expected" in conformance.check_picture(ENTRIES["rgb"], folder, tmp_path / "gray.png")


@pytest.mark.slow
def test_the_command_passes(capsys: pytest.CaptureFixture[str]) -> None:
    command = f"{sys.executable} -m splatc decode {{in}} {{out}}"
    assert conformance.main(["--decoder", command]) == 0
    assert capsys.readouterr().out.count("ok ") == len(ENTRIES)


def test_a_frozen_set_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "set"
    shutil.copytree(conformance.FOLDER, folder)
    (folder / conformance.FROZEN).unlink(missing_ok=True)
    arguments: list[Any] = ["--folder", str(folder)]
    monkeypatch.setattr(conformance, "VERSION", (0, 3))
    with pytest.raises(SystemExit, match="a draft"):
        conformance.main([*arguments, "--freeze"])
    monkeypatch.undo()
    assert conformance.main([*arguments, "--freeze"]) == 0
    for again in ("--freeze", "--write"):
        with pytest.raises(SystemExit, match="frozen"):
            conformance.main([*arguments, again])
    file = folder / "rgb.splat2d"
    changed = file.read_bytes()[:-1] + b"?"
    file.write_bytes(changed)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace(ENTRIES["rgb"]["sha256"], hashlib.sha256(changed).hexdigest()))
    assert conformance.damaged(folder) == ["manifest.json"]
    assert conformance.main(arguments) == 1
