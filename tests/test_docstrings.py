"""What a page of generated documentation needs: one sentence, each argument, the result, the errors, an example that runs."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import doctest
import importlib
import inspect
import itertools
import re
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, Protocol

import pytest

import splatc
import splatc.errors

imageio_plugin = pytest.importorskip("splatc.imageio_plugin")

ROOT = Path(__file__).resolve().parent.parent
PLUG_POINTS = {
    "splatc.fit.engine": {"Engine", "Step"},
    "splatc.fit.initializer": {"Initializer"},
    "splatc.render.renderer": {"Renderer"},
    "splatc.bitstream.contexts": {"Context"},
}
"""What others may write a class or function for, by module."""
MODULES = ["splatc.errors", "splatc.gaussians", "splatc.pillow_plugin", "splatc.imageio_plugin", *PLUG_POINTS]
"""Of which all classes are public, beside what `splatc` itself has."""
SECTIONS = ("Args", "Returns", "Yields", "Raises", "Source")
NUMBERS = r"\d|\bpx\b|\bbytes\b|\bdB\b|likewise"
"""A range or a unit: what an argument that is a number says of it."""
SHAPES = r"\(H, W|\(N,|Gaussians|batch"


def surface() -> Iterator[tuple[str, Any]]:
    """Functions and classes by name, and of these what users call: methods and properties of their own."""
    named = {f"splatc.{name}": getattr(splatc, name) for name in splatc.__all__ if name != "__version__"}
    for name in MODULES:
        module = importlib.import_module(name)
        for each, value in vars(module).items():
            public = each in PLUG_POINTS[name] if name in PLUG_POINTS else not each.startswith("_")
            if inspect.isclass(value) and value.__module__ == name and public:
                named[f"{name}.{each}"] = value
    for name, value in named.items():
        yield name, value
        if inspect.isclass(value):
            for each, member in vars(value).items():
                if (not each.startswith("_") or each == "__call__") and isinstance(member, FunctionType | property):
                    yield f"{name}.{each}", member


PUBLIC = dict(surface())


def takes_arguments(value: Any) -> bool:
    """As a docstring names them; fields of dataclasses have their own, and a Protocol is not made."""
    if inspect.isclass(value):
        return "__init__" in vars(value) and not dataclasses.is_dataclass(value) and Protocol not in value.__bases__
    return isinstance(value, FunctionType)


CALLED = {name: each for name, each in PUBLIC.items() if takes_arguments(each)}


def sections(doc: str) -> dict[str, str]:
    """The text before all sections (""), and that of each."""
    parts = re.split(rf"^({'|'.join(SECTIONS)}):\n", doc, flags=re.MULTILINE)
    found = {"": parts[0]}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        inside = re.match(r"(?:(?: {4}.*)?\n)*(?: {4}.*)?", text)
        assert inside is not None
        found[name] = textwrap.dedent(inside[0])
    return found


def items(text: str) -> dict[str, str]:
    """What is said of each name of a section."""
    parts = re.split(r"^(\w+): ", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def parameters(value: Any) -> dict[str, inspect.Parameter]:
    called = value.__init__ if inspect.isclass(value) else value
    return {name: each for name, each in inspect.signature(called).parameters.items() if name != "self"}


@pytest.mark.parametrize("name", PUBLIC)
def test_one_sentence_says_what_it_is(name: str) -> None:
    doc = inspect.getdoc(PUBLIC[name])
    assert doc, "there is no docstring"
    first = " ".join(doc.partition("\n\n")[0].split())
    assert first[0].isupper() or first[0] in "`("
    assert first.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", first), "more than one sentence before the empty line"
    assert len(first) < 160


@pytest.mark.parametrize("name", CALLED)
def test_every_argument_is_documented_with_its_shape_unit_or_range(name: str) -> None:
    expected = parameters(CALLED[name])
    documented = items(sections(inspect.getdoc(CALLED[name]) or "").get("Args", ""))
    assert list(documented) == list(expected)
    for each, parameter in expected.items():
        kind = str(parameter.annotation)
        if re.search(r"\b(Number|int|float)\b", kind) and "Iterable" not in kind and "Callable" not in kind:
            assert re.search(NUMBERS, documented[each]), f"{each}: neither a range nor a unit"
        if re.search(r"ArrayLike|Samples|FloatArray|Gaussians", kind):
            assert re.search(SHAPES, documented[each]), f"{each}: no shape"
        literal = re.search(r"Literal\[([^]]*)\]", kind)
        for choice in re.findall(r"'(\w+)'|\"(\w+)\"|(\d+)", literal[1]) if literal else []:
            assert "".join(choice) in documented[each], f"{each}: {''.join(choice)} is not documented"


@pytest.mark.parametrize("name", [name for name, each in CALLED.items() if not inspect.isclass(each)])
def test_results_and_errors_are_documented(name: str) -> None:
    found = sections(inspect.getdoc(CALLED[name]) or "")
    nothing = inspect.signature(CALLED[name]).return_annotation in (None, "None")
    assert nothing == ("Returns" not in found and "Yields" not in found)


@pytest.mark.parametrize("name", PUBLIC)
def test_errors_exist_and_a_condition_stands_beside_each(name: str) -> None:
    documented = items(sections(inspect.getdoc(PUBLIC[name]) or "").get("Raises", ""))
    for error, condition in documented.items():
        known = [vars(each).get(error) for each in (splatc.errors, builtins, imageio_plugin)]
        assert any(inspect.isclass(each) and issubclass(each, BaseException) for each in known), error
        assert condition.rstrip().endswith(".")


@pytest.mark.parametrize("name", PUBLIC)
def test_places_that_are_cited_exist(name: str) -> None:
    doc = inspect.getdoc(PUBLIC[name]) or ""
    for path, chapter in re.findall(r'(spec/[\w/]+\.md)(?:, "([^"]+)")?', doc):
        text = (ROOT / path).read_text("utf-8")
        assert not chapter or re.search(rf"^#+ .*{re.escape(chapter)}", text, re.MULTILINE), f"{path} has no {chapter}"


@pytest.mark.parametrize(
    "name", [name for name, each in PUBLIC.items() if name.count(".") == 1 and isinstance(each, FunctionType)]
)
def test_functions_have_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(PUBLIC[name]) or "")


HOMES = sorted({each.__module__ for each in PUBLIC.values() if not isinstance(each, property)})


@pytest.mark.parametrize("module", HOMES)
def test_examples_run(module: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = doctest.testmod(importlib.import_module(module))
    assert not result.failed
    homes = [inspect.getdoc(each) or "" for each in PUBLIC.values() if getattr(each, "__module__", None) == module]
    assert (result.attempted > 0) == any(">>> " in doc for doc in homes)


@pytest.mark.parametrize("name", [name for name, each in PUBLIC.items() if dataclasses.is_dataclass(each)])
def test_every_field_is_documented(name: str) -> None:
    kind = PUBLIC[name]
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    documented = set()
    for field, after in itertools.pairwise(tree.body):
        is_text = (
            isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        )
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            documented.add(field.target.id)
    assert {field.name for field in dataclasses.fields(kind)} == documented
