"""Which part of the package may import which: the order of rooms is written in CONTRIBUTING.md, and nothing imports upwards."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "splatc"
FREE = {"splatc.__version__"}
"""What the package itself is asked for by those below."""
Import = tuple[str, str]


def layers() -> dict[str, int]:
    """Room -> its height, by the block of CONTRIBUTING.md that begins with the lowest."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(r"\n\n((?:    .*\n)*    errors\.py .*\n(?:    .*\n)+)", text)
    assert block is not None
    found: dict[str, int] = {}
    for height, line in enumerate(block[1].splitlines()):
        for name in re.split(r"\s{2,}", line.strip())[0].split():
            assert name not in found
            found[name.removesuffix(".py").removesuffix("/")] = height
    return found


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """All that a module imports, wherever in it, for types alone, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None
            yield from (f"{node.module}.{each.name}" for each in node.names)


def imports() -> Iterator[Import]:
    for path in sorted(PACKAGE.rglob("*.py")):
        module = module_of(path)
        yield from ((module, name) for name in imported(ast.parse(path.read_text())))


def upward(found: list[Import], heights: dict[str, int]) -> list[str]:
    top = max(heights.values()) + 1

    def height(name: str) -> int:
        room = name.split(".")[1:2]
        return heights.get(room[0], top) if room else top

    return [
        f"{module} imports {name}"
        for module, name in found
        if name.partition(".")[0] == "splatc" and name not in FREE and height(name) > height(module)
    ]


def test_every_room_has_its_place() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert rooms - {"__init__", "__main__"} == set(layers())


def test_nothing_imports_upwards() -> None:
    found = list(imports())
    assert len(found) > 1000
    assert upward(found, layers()) == []


@pytest.mark.parametrize(
    "line",
    [
        ("splatc.decoder.picture", "splatc.fit.table.Table"),
        ("splatc.core", "splatc.quantize"),
        ("splatc.runtime.files", "splatc.decode"),
        ("splatc.encoder.pipeline", "splatc.cli.encode.encode"),
    ],
)
def test_an_upward_import_is_found(line: Import) -> None:
    assert upward([line], layers()) == [f"{line[0]} imports {line[1]}"]


def test_only_what_fits_imports_torch() -> None:
    users = {module.split(".")[1] for module, name in imports() if name.partition(".")[0] == "torch"}
    assert users == {"fit", "neural"}
