"""The pages of the Python interface: all that is public is on them, and what is not so in a docstring ends `make docs`."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pdoc")
pytest.importorskip("imageio")

import api_pages
import splatc
from tests.test_docstrings import MODULES


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    api_pages.write(folder)
    return folder


def test_every_name_has_its_place_and_every_link_leads_somewhere(pages: Path) -> None:
    assert api_pages.faults(pages) == []
    text = (pages / "splatc.html").read_text("utf-8")
    assert [name for name in splatc.__all__ if f'id="{name}"' not in text] == []
    for name in MODULES:
        assert (pages / f"{name.replace('.', '/')}.html").exists() == (name in api_pages.PAGES)
    assert (pages / "index.html").exists()


def test_types_stand_there_as_the_source_writes_them(pages: Path) -> None:
    text = (pages / "splatc.html").read_text("utf-8")
    assert "Number" in text
    assert "SupportsIndex" not in text


def test_a_page_needs_no_network(pages: Path) -> None:
    for path in pages.rglob("*.html"):
        text = path.read_text("utf-8")
        assert 'src="http' not in text
        assert '<link rel="stylesheet" href="http' not in text


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (
            '<div class="docstring"><p>',
            '<div class="docstring"><p><code>splatc.nothing</code> ',
            "splatc.nothing is on no",
        ),
        (
            '<div class="docstring"><p>',
            '<div class="docstring"><p><code>Nothing.at_all()</code> ',
            "Nothing.at_all() is on",
        ),
        ('href="#encode"', 'href="#nothing"', "link #nothing leads nowhere"),
        ('href="splatc/pillow_plugin.html"', 'href="splatc/gone.html"', "link splatc/gone.html leads nowhere"),
    ],
)
def test_what_leads_nowhere_is_found(pages: Path, before: str, after: str, fault: str) -> None:
    page = pages / "splatc.html"
    text = page.read_text("utf-8")
    assert before in text
    page.write_text(text.replace(before, after, 1), "utf-8")
    try:
        assert any(fault in each for each in api_pages.faults(pages))
    finally:
        page.write_text(text, "utf-8")
