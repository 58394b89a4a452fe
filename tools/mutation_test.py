"""Change the code of splatc/bitstream/ in one place at a time, and see whether a test notices.

    python tools/mutation_test.py --sample 150 --seed 1 > out/mutants.txt
    python tools/mutation_test.py --again out/mutants.txt    # after tests were added for them

A mutant is a module with one comparison, operator, whole number, condition or `raise` changed. Each runs the quick tests of the bitstream
in a process of its own (a fork, so that NumPy and the rest are imported once), and is killed by the first that fails, or after
`--seconds`. Survivors are printed with their line; some mean the same as before (equivalent mutants), which only a reader can see.
Linux and macOS.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "splatc" / "bitstream"
TESTS = (
    "tests/test_conformance.py", "tests/test_hostile.py", "tests/test_bitstream_corners.py", "tests/test_bitstream_damage.py",
    "tests/test_bitstream_roundtrip.py", "tests/test_bitstream_sections.py", "tests/test_bitstream_metadata.py",
    "tests/test_bitstream_coder.py", "tests/test_bitstream_positions.py", "tests/test_bitstream_prediction.py",
    "tests/test_bitstream_inspect.py", "tests/test_core_section.py", "tests/test_bitstream_spec.py", "tests/test_verify.py",
    "tests/test_hostile_damage.py",
)  # fmt: skip
"""Those that kill most come first."""
MEMORY = 3 << 30
"""Bytes that a mutant may take."""
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And, ast.Mod: ast.FloorDiv,
}  # fmt: skip


class Places(ast.NodeVisitor):
    """The nodes that can be changed, in a fixed order."""

    def __init__(self) -> None:
        self.found: list[ast.AST] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Messages are no logic."""

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Constant) and isinstance(node.value, bool | int)):
            self.found.append(node)
        elif isinstance(node, ast.Compare):
            self.found += node.ops[:1]
        elif (isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in SWAPS) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            self.found.append(node)
        if not isinstance(node, ast.Raise):
            super().generic_visit(node)


class Change(ast.NodeTransformer):
    """Changes one node."""

    def __init__(self, target: ast.AST) -> None:
        self.target = target

    def visit(self, node: ast.AST) -> ast.AST:
        if node is not self.target:
            changed: ast.AST = super().visit(node)
            return changed
        if isinstance(node, ast.Raise):
            return ast.copy_location(ast.Pass(), node)
        if isinstance(node, ast.Constant):
            value = not node.value if isinstance(node.value, bool) else int(node.value) + 1  # type: ignore[arg-type]
            return ast.copy_location(ast.Constant(value), node)
        if isinstance(node, ast.UnaryOp):
            return node.operand
        if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
            node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
            return node
        return SWAPS[type(node)]()


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what is changed, the changed source) for every place of a module."""
    tree = ast.parse(source)
    places = Places()
    places.visit(tree)
    count = len(places.found)
    for number in range(count):
        copied = copy.deepcopy(tree)
        again = Places()
        again.visit(copied)
        changed = ast.fix_missing_locations(Change(again.found[number]).visit(copied))
        text = ast.unparse(changed)
        yield _difference(ast.unparse(tree), text), text


def _difference(before: str, after: str) -> str:
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    old, new = next(((a.strip(), b.strip()) for a, b in pairs if a != b), ("", ""))
    return f"{old}  ->  {new}"


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)


def survives(name: str, path: Path, source: str, seconds: int) -> bool:
    """Whether no test fails, in a fork."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the life of the process
        sys.meta_path.insert(0, _Finder(name, path, source))
        signal.alarm(seconds)
        # A mutant without its limits asks for all memory.
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        import pytest

        code = 1
        try:
            code = int(pytest.main(["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", *TESTS]))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def label(path: Path, what: str) -> str:
    """The line for a mutant that survived."""
    return f"survived: {path.stem}: {what}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="only N mutants, at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", type=Path, metavar="FILE", help="only those that survived the run that printed this")
    parser.add_argument("--seconds", type=int, default=300, help="a mutant that runs longer counts as killed")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
    import constriction  # noqa: F401 - what every fork would import anew
    import PIL.Image  # noqa: F401
    import pytest  # noqa: F401

    everything = [
        (path, what, text)
        for path in sorted(PACKAGE.glob("*.py"))
        if path.name != "__init__.py"
        for what, text in mutants(path.read_text())
    ]
    chosen = everything
    if options.sample:
        chosen = random.Random(options.seed).sample(everything, min(options.sample, len(everything)))
    if options.again is not None:
        survivors = set(options.again.read_text().splitlines())
        chosen = [each for each in everything if label(each[0], each[1]) in survivors]
    path = PACKAGE / "varint.py"
    if not survives("splatc.bitstream.varint", path, path.read_text(), 10 * options.seconds):
        print("the tests fail without any change")
        return 1
    end = time.monotonic() + 60 * options.minutes
    killed, tried = 0, 0
    for path, what, text in chosen:
        if time.monotonic() > end:
            break
        tried += 1
        if survives(f"splatc.bitstream.{path.stem}", path, text, options.seconds):
            print(label(path, what), flush=True)
        else:
            killed += 1
    print(
        f"{killed} of {tried} mutants killed ({killed / max(tried, 1):.1%}), of {len(everything)} possible", flush=True
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
