"""Every bounds check of the core is held by a test: with one taken away, or shifted by one, a test fails (tools/core_mutation.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import core_build
import core_mutation

ROOT = Path(__file__).parent.parent


def run(*arguments: str) -> str:
    command = [sys.executable, "tools/core_mutation.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(autouse=True)
def needs_a_compiler_and_forks() -> None:
    if sys.platform == "win32" or core_build.system_compiler() is None:
        pytest.skip("takes a C compiler of the system, and forks")


def test_checks_are_found() -> None:
    """In every source that has some, each by its comparisons; both operands of && and || in brackets."""
    found = [label for _, label in core_mutation.everything()]
    assert len(found) == len(set(found)) > 250
    for part in (
        "section.c: is_sound: each->start < 0  ->  0",
        "section.c: is_sound: each->status != CORE_OK  ->  0",
        "section.c: levels_are_sound: l->level >= CORE_MAX_LEVELS  ->  l->level > CORE_MAX_LEVELS",
        "predict.c: in_range: g->angle[i] >= 0  ->  1",
        "raster.c: add_members: i >= t->count  ->  0",
        "positions.c: halve_nodes: first > n.points  ->  0",
        "pool.c: core_start: job->items < 0  ->  0",
        "fit.c: is_sound: t->entries < 0  ->  0",
        "fit.c: core_fit_item: worker >= t->workers  ->  worker > t->workers",
        "fit.c: network_is_sound: net->hidden > 0  ->  1",
        "pack_order.c: is_sound: t->width < 1  ->  0",
    ):
        assert part in found
    assert set(core_mutation.EQUIVALENT) <= set(found)


def test_some_checks_are_held() -> None:
    assert run("--quick", "--sample", "4", "--seed", "10").startswith("4 of 4 mutants killed")


@pytest.mark.slow
def test_all_checks_are_held() -> None:
    run()
