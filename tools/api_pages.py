"""Pages of the public interface, made by pdoc from the docstrings: what `make docs` runs.

    .venv/bin/python tools/api_pages.py out/docs

Needs no network, and what it writes is read without one. Ends with an error where pdoc warns of a docstring or a type, where a name in a
docstring is none of the pages', and where a link leads nowhere.
"""

from __future__ import annotations

import argparse
import html
import inspect
import re
import shutil
import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.doc
import pdoc.render

import splatc

PAGES = (
    "splatc",
    "splatc.pillow_plugin",
    "splatc.imageio_plugin",
    "splatc.gaussians",
    "splatc.fit.engine",
    "splatc.fit.initializer",
    "splatc.render.renderer",
    "splatc.bitstream.contexts",
)
"""What users call, then what others plug in."""
TEMPLATES = Path(__file__).parent / "pages"
_NAME = re.compile(r"splatc(\.\w+)+|[A-Z][a-z]\w+(\.\w+)*")
"""Of something that has a place on a page; parameters begin with a small letter."""


class Verbatim:
    """A type as the source writes it: what inspect shows of an annotation is its repr."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature_as_written(function: pdoc.doc.Function) -> inspect.Signature:
    """With the names of types: `Number`, where pdoc would write out the union that it stands for."""
    signature = inspect.signature(function.obj)
    parameters = [
        each.replace(annotation=_verbatim(each.annotation))
        for position, each in enumerate(signature.parameters.values())
        if position or each.name != "self"
    ]
    result = inspect.Signature.empty if function.name == "__init__" else _verbatim(signature.return_annotation)
    return signature.replace(parameters=parameters, return_annotation=result)


def annotation_as_written(variable: pdoc.doc.Variable) -> str:
    """The type of a field or property, after a colon."""
    *path, name = variable.qualname.split(".")
    owner: object = sys.modules[variable.modulename]
    for part in path:
        owner = getattr(owner, part)
    found = inspect.get_annotations(owner).get(name) if inspect.isclass(owner) or inspect.ismodule(owner) else None
    attribute = inspect.getattr_static(owner, name, None)
    if isinstance(attribute, property) and attribute.fget is not None:
        found = inspect.get_annotations(attribute.fget).get("return")
    return f": {found}" if isinstance(found, str) else variable.annotation_str


def _verbatim(annotation: object) -> object:
    return Verbatim(annotation) if isinstance(annotation, str) else annotation


def write(folder: Path) -> None:
    """All pages, and an index that searches them; what lay in `folder` before goes. Raises UserWarning as pdoc warns."""
    if folder.exists():
        shutil.rmtree(folder)
    pdoc.render.configure(
        docformat="google",
        footer_text=f"splatc {splatc.__version__}",
        show_source=False,
        template_directory=TEMPLATES,
    )
    pdoc.render.env.filters["signature_as_written"] = signature_as_written
    pdoc.render.env.filters["annotation_as_written"] = annotation_as_written
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Types are mypy's affair, and stand here as written; Pillow's own cannot all be evaluated.
        warnings.filterwarnings("ignore", message="Failed to run TYPE_CHECKING code|Error parsing type annotation")
        pdoc.pdoc(PAGES[0], rf"!{PAGES[0]}\.", *PAGES[1:], output_directory=folder)


def faults(folder: Path) -> list[str]:
    """A line for each name in a docstring without a link, and for each link that leads nowhere."""
    pages = {
        path: re.sub(r"<script.*?</script>", "", path.read_text("utf-8"), flags=re.DOTALL)
        for path in sorted(folder.rglob("*.html"))
    }
    anchors = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    found = []
    for path, text in pages.items():
        page = path.relative_to(folder).as_posix()
        for docstring in re.findall(r'<div class="docstring">(.*?)</div>', text, re.DOTALL):
            unlinked = re.sub(r"<a href=.*?</a>", "", docstring, flags=re.DOTALL)
            names = [html.unescape(each) for each in re.findall(r"<code>([^<]*)</code>", unlinked)]
            found += [f"{page}: {each} is on no page" for each in names if _NAME.fullmatch(each.removesuffix("()"))]
        for link in re.findall(r'<a[^>]* href="([^"]+)"', text):
            target, _, anchor = link.partition("#")
            if "://" in target:
                continue
            there = (path.parent / target).resolve() if target else path.resolve()
            known = {each.resolve(): ids for each, ids in anchors.items()}
            if there not in known or (anchor and anchor not in known[there]):
                found.append(f"{page}: the link {link} leads nowhere")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    write(folder)
    wrong = faults(folder)
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(folder / "index.html")


if __name__ == "__main__":
    main()
