"""The two tools that measure decoding."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import decode_bench
import scale_quality
from bench import decode_against, decode_worker, installs
from splatc import bitstream
from splatc.blend import Blend
from splatc.render import draw_samples
from splatc.render.view import view
from tests.scenes import random_scene


def test_a_file_is_repeated_over_a_canvas(tiny_file: bytes) -> None:
    reader = bitstream.decode(decode_bench.repeated(tiny_file, 150, 60, 1.0))
    header, quantized = reader
    assert (header.width, header.height) == (150, 60)
    assert len(quantized) > 200  # 64 x 48 twice, and parts


def test_each_way_of_decoding_is_measured(tiny_splat: Path) -> None:
    ways: list[dict[str, object]] = [{}, {"save": ".png"}, {"region": [8, 8, 16, 16], "scale": 2}, {"scale": "1/8"}]
    for arguments in ways:
        found = decode_bench.measure(tiny_splat, arguments)
        assert float(str(found["seconds"])) > 0
    assert found["output"] == "8 x 6"


def test_a_canvas_has_as_many_gaussians_as_are_asked_for(tiny_file: bytes) -> None:
    data, stretch = decode_worker.repeat_to(decode_bench.repeated, tiny_file, 300, 100, 500)
    header, quantized = bitstream.decode(data)
    assert (header.width, header.height) == (300, 100)
    assert abs(len(quantized) - 500) <= 5
    assert (
        1 < stretch < 1.398
    )  # the square root of 100 * (300 * 100) / (64 * 48) / 500, but what lies outside is cut off
    assert decode_worker.repeat_to(decode_bench.repeated, tiny_file, 300, 100, 500)[0] == data


def test_the_worker_of_an_installation_answers(tiny_splat: Path) -> None:
    command = [sys.executable, "-P", str(decode_against.WORKER), "measure", str(tiny_splat), str(tiny_splat)]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    assert {"integers", "pixels"} <= set(found)
    assert all(len(values) == decode_worker.REPEATS and min(values) > 0 for values in found.values())


def test_one_thread_is_held_to_two() -> None:
    threads: list[int] = []
    ratios = decode_worker.speedups(threads.append, lambda: sum(range(10_000 if threads[-1] == 1 else 0)))
    assert threads == [1, 2] * decode_worker.REPEATS
    assert min(ratios) > 1


def test_old_and_new_stand_in_a_table() -> None:
    found = {
        "wasm": {"work tree": [43.21]},
        "first": {"1234567": [16.0, 15.0, 18.0], "work tree": [0.31, 0.5, 0.32]},
        "threads": {"1234567": [1.5], "work tree": [1.9]},
        "build: `make`": {"work tree": [12.0]},
    }
    assert decode_against.table(found, ["1234567", "work tree"]).splitlines() == [
        "| what | 1234567 | min to max | work tree | min to max | old / new | runs | must | aim |",
        "|---|---|---|---|---|---|---|---|---|",
        "| the same, the very first run after installing"
        " | 16.00 s | 15.00 to 18.00 | 0.320 s | 0.310 to 0.500 | 50.00 | 3 | 0.6 s | 0.3 s |",
        "| 2 threads against 1, 7287 x 4220 | 1.50 |  | 1.90 |  |  | 1 | 1.8 | 1.95 |",
        "| `core.wasm`, gzipped | - |  | 43.21 kB |  |  | 1 | 60 kB | 40 kB |",
        "| build: `make` | - |  | 12.00 s |  |  | 1 | 15 s, ziglang 90 s |  |",
    ]


def test_a_build_starts_with_an_empty_cache_and_must_succeed(tmp_path: Path) -> None:
    program = "import os; assert not os.path.exists(os.environ['ZIG_GLOBAL_CACHE_DIR'])"
    assert decode_against.build_seconds(f'"{Path(sys.executable).as_posix()}" -c "{program}"', tmp_path) > 0
    with pytest.raises(SystemExit, match="exit status 3"):
        decode_against.build_seconds(f'"{Path(sys.executable).as_posix()}" -c "exit(3)"', tmp_path)


def test_what_was_compiled_is_forgotten(tmp_path: Path) -> None:
    packages = tmp_path / ("Lib" if sys.platform == "win32" else "lib/python3.11") / "site-packages"
    for name in ("splatc/__pycache__/a.pyc", "splatc/core/__pycache__/b.nbi", "numba/__pycache__/c.nbc"):
        (packages / name).parent.mkdir(parents=True)
        (packages / name).touch()
    for name in ("splatc/a.py", "splatc/core/core.so", "numba/__pycache__/c.pyc"):
        (packages / name).touch()
    installs.Installation("x", tmp_path, tmp_path).forget()
    left = {path.relative_to(packages).as_posix() for path in packages.rglob("*") if path.is_file()}
    assert left == {"splatc/a.py", "splatc/core/core.so", "numba/__pycache__/c.pyc"}


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_sources_follow_the_commit_and_the_work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []

    def install(made: installs.Installation, content: str) -> None:
        installed.append(content)

    monkeypatch.setattr(installs, "install", install)
    root, folder = tmp_path / "root", tmp_path / "out"
    root.mkdir()
    author = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    installs.git(root, "init", "--quiet")
    for name, text in {"kept.py": "old", "gone.py": "old", ".gitignore": "ignored"}.items():
        (root / name).write_text(text)
    installs.git(root, "add", ".")
    installs.git(root, *author, "commit", "--quiet", "-m", "x")
    (root / "gone.py").unlink()
    for name in ("kept.py", "added.py", "ignored"):
        (root / name).write_text("new")

    old = installs.of_commit(root, "HEAD", folder)
    (old.source / "kept.py").unlink()  # as if it had been stopped before it was whole
    old = installs.of_commit(root, "HEAD", folder)
    assert (old.source / "kept.py").read_text() == (old.source / "gone.py").read_text() == "old"
    with pytest.raises(subprocess.CalledProcessError):
        installs.of_commit(root, "nothing", folder)

    new = installs.of_work_tree(root, folder)
    assert sorted(path.name for path in new.source.iterdir()) == [".gitignore", "added.py", "kept.py"]
    installs.of_work_tree(root, folder)
    (root / "added.py").write_text("newer")
    (root / "kept.py").unlink()
    installs.of_work_tree(root, folder)
    assert sorted(path.name for path in new.source.iterdir()) == [".gitignore", "added.py"]
    assert (new.source / "added.py").read_text() == "newer"
    assert installed[0] == installed[1] == old_revision(root)
    assert installed[2] == installed[3] != installed[4]


def old_revision(root: Path) -> str:
    return installs.git(root, "rev-parse", "HEAD").strip()


def test_an_installation_is_repeated_only_when_its_content_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def create(folder: Path, **options: bool) -> None:
        steps.append("create")
        folder.mkdir(exist_ok=True)

    monkeypatch.setattr("venv.create", create)
    monkeypatch.setattr(installs, "pip", lambda made, *words: steps.append(words[0]))
    made = installs.Installation("x", tmp_path, tmp_path / "env")
    for name in installs.REQUIREMENTS:
        (tmp_path / name).write_text("numpy")
    installs.install(made, "a")
    installs.install(made, "a")
    assert steps == ["create", "install"]
    installs.install(made, "b")
    assert steps[2:] == ["uninstall", "install"]
    (tmp_path / "constraints.txt").write_text("numpy==2")
    installs.install(made, "c")
    assert steps[4:] == ["create", "install"]


def test_what_the_format_says_is_marked() -> None:
    scene = random_scene(np.random.default_rng(0), 150, 64, 64, Blend.NORMALIZED)
    whole = draw_samples(scene, view(64, 64), 8)
    cells = scale_quality.row("x", scene, whole, 8).split("|")[3:7]
    assert [cell.strip().endswith("*") for cell in cells] == [False, False, True, False]
    values = [float(cell.strip(" *")) for cell in cells]
    assert values[3] > 55  # eight points of an eighth are the box filter, but for one rounding
    assert values[2] > values[0]
