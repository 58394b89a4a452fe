"""The modules of splatc/web as scripts: a page on a disk can import none (a browser gives ``file:`` pages no modules), and one that is
served need not ask for a hundred.

Each module becomes a function that returns what it exports; imports become calls. Scripts of a page share the modules that they have made.
A script is its own worker: where there is no document, it runs the module of the worker. Whatever of a module is more than this understands
is a ValueError.
"""

from __future__ import annotations

import base64
import functools
import re
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "web"
WORKER = "worker.js"
_STYLES = ("viewer.css", "gallery.css")

_IMPORT = re.compile(r'^import (?:(\{[^}]*\}) from )?"\./([\w.]+)";\n', re.MULTILINE)
_IMPORT_LATER = re.compile(r'\bimport\("\./([\w.]+)"\)')
_EXPORT_FROM = re.compile(r'^export (\{[^}]*\}) from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*? ?|class |const |let )(\[[^\]]*\]|\w+)", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*|import\.meta.*", re.MULTILINE)
_DOCUMENTATION = re.compile(r"/\*\*(?:(?!\*/).)*\*/[ \t]*\n?", re.DOTALL)
_COMMENT = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)
_WASM = 'new URL("core.wasm", import.meta.url)'
_NEW_WORKER = f'new Worker(new URL("{WORKER}", import.meta.url), {{ type: "module" }})'

_SCRIPT = """(() => {{
"use strict";
const own = typeof document === "undefined" ? null : document.currentScript;
const wasm = () => new URL({wasm});
const workerUrl = () => {worker};
const made = (globalThis.splat2dModules ??= {{}});
const load = (name) => (made[name] ??= modules[name]());
const modules = {{
{modules}
}};
load({entry});
}})();
"""


def graph(entry: str, folder: Path = WEB) -> list[str]:
    """A module and all that it imports, each behind those that it needs. Raises ValueError where they import each other in a circle."""
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"modules import each other: {' -> '.join((*above, name))}")
        if name in order:
            return
        text = _read(folder, name)
        needed = [(each.start(), each[2]) for form in (_IMPORT, _EXPORT_FROM) for each in form.finditer(text)]
        needed += [(each.start(), each[1]) for each in _IMPORT_LATER.finditer(text)]
        for _, each in sorted(needed):
            visit(each, (*above, name))
        order.append(name)

    visit(entry, ())
    return order


@functools.cache
def script(entry: str, folder: Path = WEB, *, address: str = "") -> str:
    """A classic script that does what the module `entry` does, workers included. Raises ValueError.

    core.wasm is in it, or, if it is served from an address, beside it.
    """
    wasm = '"core.wasm", location.href'
    if not address:
        wasm = f'"data:application/wasm;base64,{base64.b64encode((folder / "core.wasm").read_bytes()).decode()}"'
    own = f'"{address}"' if address else 'URL.createObjectURL(new Blob([own.textContent], { type: "text/javascript" }))'
    run = f'typeof document === "undefined" ? "{WORKER}" : "{entry}"'
    return _script([*graph(entry, folder), *graph(WORKER, folder)], folder, entry=run, wasm=wasm, worker=own)


@functools.cache
def start_script(entry: str, address: str, folder: Path = WEB) -> str:
    """The same for a module that starts workers, whose script is served from an address, and needs none of their modules."""
    return _script(
        graph(entry, folder), folder, entry=f'"{entry}"', wasm='"core.wasm", location.href', worker=f'"{address}"'
    )


def _script(names: list[str], folder: Path, *, entry: str, wasm: str, worker: str) -> str:
    """A script with modules. `entry`, `wasm` and `worker` are JavaScript: the module that is run, where the others are."""
    modules = "".join(
        f'"{name}": (() => {{\n{_function(name, _read(folder, name))}}}),\n' for name in dict.fromkeys(names)
    )
    text = _SCRIPT.format(wasm=wasm, modules=modules, worker=worker, entry=entry)
    if re.search(r"</script|<!--", text, re.IGNORECASE):
        raise ValueError("a module has words in it that end a script in HTML")
    return text


def style_sheet() -> str:
    """How the pages look."""
    return "".join((WEB / name).read_text("utf-8") for name in _STYLES)


def _read(folder: Path, name: str) -> str:
    """A module without its comments, some of which name modules as types."""
    return without_comments((folder / name).read_text("utf-8"))


def without_comments(text: str) -> str:
    """A module without documentation and without the comments that have a line of their own."""
    return _COMMENT.sub("", _DOCUMENTATION.sub("", text))


def _function(name: str, text: str) -> str:
    """The body of a function that does what a module does and returns what it exports."""
    exported: list[str] = []

    def declared(match: re.Match[str]) -> str:
        exported.extend(re.findall(r"\w+", match[2]))
        return match[1] + match[2]

    def listed(match: re.Match[str]) -> str:
        exported.extend(_pairs(match[1]))
        return ""

    def passed_on(match: re.Match[str]) -> str:
        exported.extend(f'{new}: load("{match[2]}").{old}' for old, new in _renamed(match[1]))
        return ""

    def imported(match: re.Match[str]) -> str:
        names = ", ".join(old if old == new else f"{old}: {new}" for old, new in _renamed(match[1] or ""))
        return f'const {{ {names} }} = load("{match[2]}");\n' if names else f'load("{match[2]}");\n'

    text = _IMPORT.sub(imported, text)
    text = _EXPORT_FROM.sub(passed_on, text)
    text = _EXPORT_LIST.sub(listed, text)
    text = _EXPORT.sub(declared, text)
    text = _IMPORT_LATER.sub(r'(async () => load("\1"))()', text)
    text = text.replace(_WASM, "wasm()").replace(_NEW_WORKER, "new Worker(workerUrl())")
    if left := _LEFT.search(text):
        raise ValueError(f"{name}: this is more than the bundler understands: {left[0]}")
    return f"{text}return {{ {', '.join(exported)} }};\n"


def _renamed(names: str) -> list[tuple[str, str]]:
    """``{ a, b as c }`` as pairs of the name there and the name here."""
    found = re.findall(r"(\w+)(?: as (\w+))?", names)
    return [(old, new or old) for old, new in found]


def _pairs(names: str) -> list[str]:
    """The same as properties of an object."""
    return [old if old == new else f"{new}: {old}" for old, new in _renamed(names)]
