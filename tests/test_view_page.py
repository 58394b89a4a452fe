"""``splatc view --save``: a page that has all in itself, in which nothing but its own script is one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from splatc import bitstream
from splatc.bitstream import Metadata
from splatc.cli import main
from splatc.view import bundle, page
from splatc.view.bundle import WEB
from tests.bitstream_cases import header_for, random_quantized
from tests.requirements import needs
from tests.view_calls import HOSTILE

HOSTILE_FOLDER = Path(__file__).parent / "hostile"


def view(*words: str | Path, stdin: bytes = b"") -> Any:
    return CliRunner().invoke(main, ["view", *map(str, words)], input=stdin)


def hostile_metadata() -> bytes:
    """A sound file whose XMP would end a script, if it ever came into HTML."""
    header = header_for(32, 24)
    xmp = b"</script><script>document.title = 'hacked'</script><!--<img src=x onerror=\"document.title = 'hacked'\">"
    return bitstream.encode(header, random_quantized(np.random.default_rng(3), header, 20, levels=3), Metadata(xmp=xmp))


class Parts(HTMLParser):
    """The scripts and styles of a page by id or type, its other elements, and its policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.raw: dict[str, str] = {}
        self.policy = ""
        self.title = ""
        self._at = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.names.append(tag)
        self._at = found.get("id", tag)
        self.policy += found["content"] if "http-equiv" in found else ""
        assert not any(name.startswith("on") for name in found)
        assert not {"src", "href"} & set(found) or found.get("href") == "data:,"

    def handle_data(self, data: str) -> None:
        self.raw[self._at] = self.raw.get(self._at, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._at = "between"


def directives(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for each in policy.split(";") if (words := each.split())}


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_page_has_its_files_and_its_script_and_allows_no_other(
    tmp_path: Path, tiny_splat: Path, tiny_picture: Path, tiny_file: bytes
) -> None:
    out = tmp_path / "page.html"
    done = view(tiny_splat, "--save", out, "--source", tiny_picture)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"{out}: 1 file, {out.stat().st_size} bytes\n"
    found = Parts(out.read_text("utf-8"))
    assert base64.b64decode(found.raw["file-0"]) == tiny_file
    assert base64.b64decode(found.raw["compare"]) == tiny_picture.read_bytes()
    assert found.raw["title"] == "tiny.splat2d"
    assert json.loads(found.raw["files"]) == {
        "alone": True,
        "files": [{"name": "tiny.splat2d", "compare": {"name": "tiny.png", "type": "image/png"}}],
    }
    allowed = directives(found.policy)
    assert allowed["default-src"] == ["'none'"]
    assert allowed["script-src"] == [digest(found.raw["script"]), "'wasm-unsafe-eval'"]
    assert allowed["style-src"] == [digest(found.raw["style"])]
    assert "unsafe-inline" not in found.policy
    assert not any(":" in each for each in allowed["script-src"])  # no scheme, no host
    assert found.names.count("script") == 4
    assert base64.b64encode((WEB / "core.wasm").read_bytes()).decode() in found.raw["script"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_and_metadata_stay_text(name: str, tmp_path: Path) -> None:
    try:
        (tmp_path / name).write_bytes(hostile_metadata())
    except OSError:
        pytest.skip("this system has no such names")
    done = view(tmp_path / name, "--save", "-")
    assert done.exit_code == 0
    text = done.stdout_bytes.decode()
    found = Parts(text)
    shown = json.loads(found.raw["files"])["files"][0]["name"]
    assert shown == found.raw["title"] == "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    assert found.names.count("script") == 3 and "img" not in found.names
    assert text.count("</script") == 3 and "<!--" not in text
    assert base64.b64decode(found.raw["file-0"]) == hostile_metadata()


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there")
def test_a_name_that_is_no_text(tmp_path: Path, tiny_file: bytes) -> None:
    path = tmp_path / "caf\udce9.splat2d"
    path.write_bytes(tiny_file)
    done = view(path, "--save", tmp_path / "page.html")
    assert done.exit_code == 0
    assert r"<title>caf\udce9.splat2d</title>" in (tmp_path / "page.html").read_text("utf-8")


def test_json_in_a_script_ends_no_script() -> None:
    value = {"</script><!--<script>": ["<", "&lt;", "\u2028", "\udce9", "\N{PILE OF POO}"]}
    text = page.in_script(value)
    assert text.isascii() and not set("<>&") & set(text)
    assert json.loads(text) == value


def test_several_files_and_folders(tmp_path: Path, tiny_file: bytes) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b.splat2d", "a.splat2d"):
        (folder / name).write_bytes(tiny_file)
    done = view(folder, "-", "--save", "-", stdin=hostile_metadata())
    found = Parts(done.stdout_bytes.decode())
    listed = json.loads(found.raw["files"])
    assert [each["name"] for each in listed["files"]] == ["a.splat2d", "b.splat2d", "standard input or output"]
    assert (listed["alone"], found.raw["title"]) == (False, "3 pictures")
    assert base64.b64decode(found.raw["file-2"]) == hostile_metadata()


@pytest.mark.parametrize(
    "name",
    ["gaus-wrong-crc", "stream-noise", "signature-of-png", "head-version-1-2", "limit-pixels", "gaus-cut-by-a-byte"],
)
def test_what_is_not_sound_makes_no_page(name: str, tmp_path: Path, tiny_splat: Path) -> None:
    path = HOSTILE_FOLDER / f"{name}.splat2d"
    done = view(tiny_splat, path, "--save", tmp_path / "page.html")
    assert done.exit_code == (4 if name.startswith("limit") else 3)
    assert done.stderr.startswith(f"splatc: error: {path}: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "page.html").exists()
    assert [each.name for each in tmp_path.iterdir()] == [tiny_splat.name]


def test_a_page_is_written_as_other_outputs_are(tmp_path: Path, tiny_splat: Path) -> None:
    out = tmp_path / "page.html"
    out.write_text("mine")
    done = view(tiny_splat, "--save", out)
    assert (done.exit_code, out.read_text()) == (2, "mine")
    assert "-f" in done.stderr
    assert view(tiny_splat, "--save", out, "-f", "-q").stderr == ""
    assert out.read_text("utf-8").startswith("<!DOCTYPE html>")
    for target, code in ((tiny_splat, 2), (tmp_path / "page.png", 2), (tmp_path / "no" / "page.html", 1)):
        assert view(tiny_splat, "--save", target, "-f").exit_code == code
    assert view(tiny_splat, "--save", "-").stdout_bytes == out.read_bytes()  # the same each time


def test_the_size_of_a_page_is_bounded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_splat: Path, tiny_picture: Path
) -> None:
    monkeypatch.setattr(page, "MAX_BYTES", tiny_splat.stat().st_size)
    assert view(tiny_splat, "--save", tmp_path / "page.html").exit_code == 0
    for words in ([tiny_splat, tiny_splat], [tiny_splat, "--source", tiny_picture]):
        done = view(*words, "--save", tmp_path / "larger.html")
        assert (done.exit_code, done.stderr.count("\n")) == (4, 1)
    assert not (tmp_path / "larger.html").exists()


def folder_of(tmp_path: Path, **modules: str) -> Path:
    (tmp_path / "core.wasm").write_bytes(b"\0asm")
    for name, text in {"worker": "", **modules}.items():
        (tmp_path / f"{name}.js").write_text(text)
    return tmp_path


def ran(script: str) -> str:
    needs(shutil.which("node") is not None, "Node")
    return subprocess.run(
        ["node", "-e", f"globalThis.document = {{ currentScript: {{}} }};\n{script}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_a_bundle_does_what_its_modules_do(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        entry='import { a as first, B } from "./one.js";\nimport "./effect.js";\nimport {\n  two,\n  three,\n} from "./two.js";\n'
        'console.log(first, new B().name, two(), [...three()].join(), new URL("core.wasm", import.meta.url).href);\n'
        'import("./later.js").then(({ d }) => console.log(d));\n',
        later="export const d = /** @type {import('./nowhere.js').D} */ (4); // later\n",
        one='/**\n * import { x } from "./nowhere.js";\n */\nexport const a = 1;\nexport class B {\n  name = "B";\n}\n',
        two='import { a } from "./one.js";\n// a comment\nexport { B as C } from "./one.js";\nexport const [x, y] = [a + 1, 3];\n'
        "const two = () => x;\nfunction* three() {\n  yield y;\n}\nexport { two, three };\n",
        effect='console.log("effect");\nexport async function unused() {}\nexport function* generator() {}\nexport let late = 1;\n',
    )
    assert bundle.graph("entry.js", folder) == ["one.js", "effect.js", "two.js", "later.js", "entry.js"]
    script = bundle.script("entry.js", folder)
    assert ran(script) == "effect\n1 B 2 3 data:application/wasm;base64,AGFzbQ==\n4\n"
    assert "AGFzbQ" not in bundle.script("entry.js", folder, address="a.js")
    assert "core.wasm" not in bundle.start_script("two.js", "a.js", folder).partition("modules = {")[2]
    assert "a comment" not in script and "nowhere" not in script


@pytest.mark.parametrize(
    "text",
    [
        "export default 1;\n",
        'import x from "./one.js";\n',
        'import * as x from "./one.js";\n',
        'import { x } from "elsewhere";\n',
        'export * from "./one.js";\n',
        "const here = import.meta.url;\n",
        'const words = "</script>";\n',
        'const words = "<!--";\n',
        'import { x } from "./entry.js";\n',
        'import { x } from "./one.js";\n',
    ],
)
def test_what_a_bundle_cannot_hold_is_refused(text: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, entry=text, one='import { y } from "./entry.js";\nexport const x = 1;\n')
    with pytest.raises(ValueError):
        bundle.script("entry.js", folder)


def test_all_of_ours_can_be_bundled() -> None:
    script = bundle.script("saved.js")
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    for name in bundle.graph("saved.js"):
        assert f'"{name}": (() => {{' in script
