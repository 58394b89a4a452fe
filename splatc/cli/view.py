"""``splatc view``."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import click

from splatc.cli.console import Voice, one_line, printable
from splatc.cli.options import force_option, quiet_option, verbose_option
from splatc.cli.target import InPath, OutPath, Whole
from splatc.errors import CorruptFileError, InputError, LimitError, UnsupportedFileError, UsageError
from splatc.runtime.files import (
    STDIO,
    atomic_output,
    check_output,
    display_input,
    is_special,
    named,
    read_input,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splatc.view.catalogue import Catalogue, ListedFile
    from splatc.view.page import Item, Original


@click.command()
@click.argument("sources", metavar="FILE...|FOLDER", nargs=-1, required=True, type=InPath())
@click.option("--save", metavar="PAGE", type=OutPath(), help="Write all of it into one .html file instead.")
@click.option("--source", "original", metavar="ORIGINAL", type=InPath(), help="The picture that was encoded.")
@click.option("--port", type=Whole(0, 65535), metavar="N", help="Where to serve.  [default: any free port]")
@click.option("--no-browser", is_flag=True, help="Print the address, and open nothing.")
@force_option
@quiet_option
@verbose_option
def view(
    sources: tuple[str, ...],
    save: str | None,
    original: str | None,
    port: int | None,
    no_browser: bool,
    force: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Show .splat2d FILEs in the browser: all of a picture or a pixel of it, its Gaussians, what it holds.

    Several, or a FOLDER and what lies below it, begin as thumbnails; with --source the original is beside the one FILE. Until Ctrl-C the
    files, and nothing else, are served to browsers of this machine, which fetch what they show. With --save they are put into a page
    together with decoder and viewer: it needs neither network nor server. There, damaged files are refused, and more than 64 MiB.
    "-" is standard input or output.
    """
    from splatc.view.catalogue import Catalogue

    voice = Voice(quiet, verbose)
    if save is not None:
        if port is not None or no_browser:
            raise UsageError("--port and --no-browser mean nothing with --save, which writes a file: leave them out")
        _check_page(save, sources, force=force)
    catalogue = Catalogue(sources)
    if original is not None:
        _check_original(original, catalogue)
    if save is None:
        for entry in catalogue.given:
            _check_beginning(entry)
        _serve(catalogue, original, port or 0, voice, browse=not no_browser)
    else:
        _save(catalogue, original, save, voice, force=force)


def _check_page(save: str, sources: Sequence[str], *, force: bool) -> None:
    """Raises UsageError and OutputError where the page cannot be written."""
    for source in sources:
        check_output(save, force=force, source=source)
    if save != STDIO and not is_special(save) and PurePath(save).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{save}: pages are written as .html")


def _check_original(original: str, catalogue: Catalogue) -> None:
    """Raises UsageError for what no browser can show beside a file, InputError if it is missing."""
    from splatc.view.site import PICTURES

    if not catalogue.alone:
        raise UsageError("--source is the original of one FILE: name only that")
    if PurePath(original).suffix.lower() not in PICTURES:
        known = " ".join(PICTURES)
        raise UsageError(f"{display_input(original)}: browsers show no such picture: give one of {known}")
    if not Path(original).is_file():
        raise InputError(f"{original}: cannot be read: there is no such file")


def _check_beginning(entry: ListedFile) -> None:
    """Raises as Structure does, but not for a file that ends too early: what is there is shown."""
    from splatc.bitstream.structure import Structure

    try:
        opened = entry.open()
    except (OSError, ValueError) as error:
        raise unreadable(entry.said, error) from error
    with opened.stream, named(entry.said):
        Structure(opened.stream)


def _serve(catalogue: Catalogue, original: str | None, port: int, voice: Voice, *, browse: bool) -> None:
    from splatc.view.server import Server
    from splatc.view.site import Site

    site = Site(catalogue, one_line, None if original is None else Path(original))
    with Server(site, port, voice.detail) as server:
        click.echo(server.url)
        if sys.stderr.isatty():
            voice.say("Ctrl-C ends it")
        if browse:
            threading.Thread(target=_browse, args=(server.url, voice), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # which is how it ends
            server.serve_forever()


def _browse(url: str, voice: Voice) -> None:
    """Open a browser with a window, or the one that the user has set; one in the terminal would have it for itself."""
    import webbrowser

    try:
        browser = webbrowser.get()
        found = (type(browser) is not webbrowser.GenericBrowser or "BROWSER" in os.environ) and browser.open(url)
    except webbrowser.Error:
        found = False
    if not found:
        voice.note(f"no browser could be opened: open {url} in one")


def _save(catalogue: Catalogue, original: str | None, save: str, voice: Voice, *, force: bool) -> None:
    from splatc.view import page

    beside = None if original is None else _read_original(original)
    items = _read(catalogue.entries)
    size = 0
    with atomic_output(save, force=force) as stream:
        for piece in page.write(items, alone=catalogue.alone, original=beside):
            stream.write(piece)
            size += len(piece)
    if save != STDIO:
        files = f"{len(items)} files" if len(items) > 1 else "1 file"
        voice.say(f"{printable(save)}: {files}, {size} bytes")


def _read_original(path: str) -> Original:
    from splatc.view.page import MAX_BYTES, Original
    from splatc.view.site import PICTURES

    content = read_input(path, limit=MAX_BYTES)
    return Original(one_line(PurePath(path).name), PICTURES[PurePath(path).suffix.lower()], content)


def _read(entries: Sequence[ListedFile]) -> list[Item]:
    """The files of a page. Raises CorruptFileError, UnsupportedFileError and LimitError for one that is not sound, as verify finds it."""
    from splatc.decoder.verifier import find_problems
    from splatc.view.page import Item, check_size

    kinds = {"corrupt": CorruptFileError, "unsupported": UnsupportedFileError, "limit": LimitError}
    items, size = [], 0
    for entry in entries:
        try:
            opened = entry.open()
            with opened.stream:
                size += opened.size
                check_size(size)
                content = opened.stream.read(opened.size)
        except (OSError, ValueError) as error:
            raise unreadable(entry.said, error) from error
        for problem in find_problems(content):
            raise kinds[problem.kind](f"{entry.said}: {problem.part}: {problem.message}")
        items.append(Item(one_line(entry.name), content))
    return items
