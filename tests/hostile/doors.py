"""Each way in which a file is read, and what becomes of each hostile file there: ``python -m tests.hostile.doors`` writes the table.

It stands in tests/README.md. Files of one fate share a row.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
from click.testing import CliRunner

import splatc
import splatc.pillow_plugin
from splatc.cli import main
from splatc.errors import CorruptFileError, LimitError, SplatError, UnsupportedFileError

FOLDER = Path(__file__).parent
README = FOLDER.parent / "README.md"
START, END = "<!-- doors: python -m tests.hostile.doors -->\n", "<!-- end of doors -->\n"
Door = Callable[[Path], str]
_KINDS = ((CorruptFileError, "corrupt"), (UnsupportedFileError, "unsupported"), (LimitError, "limit"))
_PICTURE = FOLDER.parent / "images" / "pngsuite" / "basn2c08.png"


def _function(call: Callable[[Path], Any]) -> Door:
    """A function: the kind of its SplatError, or what it gives; any other exception is a defect and leaves."""

    def door(path: Path) -> str:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", splatc.SplatWarning)
            try:
                found = call(path)
            except SplatError as error:
                return next(name for kind, name in _KINDS if isinstance(error, kind))
        noted = any(issubclass(each.category, splatc.SplatWarning) for each in caught)
        return (found if isinstance(found, str) else "reads") + (", warning" if noted else "")

    return door


def _foreign(call: Callable[[Path], Any]) -> Door:
    """A function of another library, whose errors are OSErrors."""

    def outcome(path: Path) -> str:
        try:
            call(path)
        except PIL.UnidentifiedImageError:
            return "unidentified"
        except OSError as error:
            assert "splat2d" in str(error), error
            return "OSError"
        return "reads"

    return _function(outcome)


def _command(*words: str, piped: bool = False) -> Door:
    """A command: its exit code, and whether it says something of a file that it reads. FILE, OUT and PNG stand for names."""

    def door(path: Path) -> str:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            places = {"FILE": "-" if piped else str(path), "OUT": str(out), "PNG": str(_PICTURE)}
            arguments = [next((word.replace(a, b) for a, b in places.items() if a in word), word) for word in words]
            result = CliRunner().invoke(main, arguments, input=path.read_bytes() if piped else None)
            assert isinstance(result.exception, SystemExit | None), result.exception
            written = [each for each in Path(folder).iterdir() if each.stat().st_size]
        assert bool(written) == (result.exit_code == 0 and "OUT" in "".join(words)), written
        assert result.exit_code == 0 or words[0] == "verify" or result.stderr.count("\n") == 1
        return f"{result.exit_code}{', note' if result.exit_code == 0 and 'note:' in result.stderr else ''}"

    return door


def _region(path: Path) -> None:
    with splatc.open(path) as picture:
        picture.read((0, 0, 1, 1))


def _read(path: Path) -> None:
    with splatc.open(path) as picture:
        picture.read(scale="1/2")


def _metadata(path: Path) -> None:
    with splatc.open(path) as picture:
        picture.metadata()


def _pillow(*then: str) -> Callable[[Path], None]:
    def call(path: Path) -> None:
        with PIL.Image.open(path) as image:
            for name in then:
                getattr(image, name)()

    return call


def _imageio(name: str) -> Callable[[Path], None]:
    def call(path: Path) -> None:
        import imageio.v3 as iio

        import splatc.imageio_plugin

        assert splatc.imageio_plugin.NAME
        getattr(iio, name)(path, plugin="splat2d")

    return call


def _found(path: Path) -> str:
    return "finds" if splatc.verify(path) else "sound"


def _noted(report: dict[str, Any]) -> str:
    return "reads, `notes`" if report["notes"] else "reads"


DOORS: dict[str, Door] = {
    "`splatc.decode` of bytes": _function(lambda path: splatc.decode(path.read_bytes())),
    "`splatc.decode` of a path": _function(lambda path: splatc.decode(path)),
    "`open`, `read`": _function(_read),
    "`read` of a region": _function(_region),
    "`metadata`": _function(_metadata),
    "`splatc.info`": _function(lambda path: _noted(splatc.info(path))),
    "`info`, `bits`": _function(lambda path: _noted(splatc.info(path, bits=True))),
    "`splatc.verify`": _function(_found),
    "`load_gaussians`": _function(lambda path: splatc.load_gaussians(path)),
    "Pillow `open`": _foreign(_pillow()),
    "`load`": _foreign(_pillow("load")),
    "`verify`": _foreign(_pillow("verify")),
    "imageio `imread`": _foreign(_imageio("imread")),
    "`immeta`": _foreign(_imageio("immeta")),
    "`splatc decode`": _command("decode", "FILE", "OUT.png"),
    "of a pipe": _command("decode", "FILE", "OUT.png", piped=True),
    "`info`": _command("info", "FILE"),
    "`verify` ": _command("verify", "FILE"),
    "`compare`": _command("compare", "FILE", "FILE"),
    "`plot`": _command("plot", "FILE", "-o", "OUT.png"),
}
"""By what stands above the column."""


def outcomes(path: Path) -> tuple[str, ...]:
    """What each door makes of a file."""
    return tuple(door(path) for door in DOORS.values())


def table(found: dict[str, tuple[str, ...]]) -> str:
    """Markdown from the outcomes by file: a row for each door, a column for each fate."""
    fates: dict[tuple[str, ...], list[str]] = {}
    for name, row in found.items():
        fates.setdefault(row, []).append(name)
    columns = sorted(fates.items(), key=lambda item: -len(item[1]))
    letters = [chr(ord("A") + number) for number in range(len(columns))]
    rows = ["| door | " + " | ".join(letters) + " |", "|---" * (len(columns) + 1) + "|"]
    rows += [
        f"| {door} | " + " | ".join(fate[number] for fate, _ in columns) + " |" for number, door in enumerate(DOORS)
    ]
    keys = [
        f"- {letter}, {len(names)} files: {_names(names)}." for letter, (_, names) in zip(letters, columns, strict=True)
    ]
    return "\n".join([*rows, "", *keys, ""])


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:6]) + (" and so on" if len(names) > 6 else "")


def written(text: str, content: str) -> str:
    """The page with another table."""
    before, _, rest = text.partition(START)
    return before + START + content + END + rest.partition(END)[2]


def main_() -> None:
    """Write the table into tests/README.md."""
    found = {path.stem: outcomes(path) for path in sorted(FOLDER.glob("*.splat2d"))}
    README.write_text(written(README.read_text(), table(found)))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main_()
