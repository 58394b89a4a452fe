"""The time left that a terminal shows, and the steps that a fit takes in the seconds that it has: the first step measures nothing."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from splatc.cli import console
from splatc.fit.clock import Clock


class Moments:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    monotonic = time


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Moments:
    made = Moments()
    monkeypatch.setattr(time, "time", made.time)
    monkeypatch.setattr(time, "monotonic", made.monotonic)
    return made


def test_a_cold_start_is_no_measure_of_the_time_left(moments: Moments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading, seeding and compiling took a minute; each of 1000 steps takes a hundredth of a second."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with console.progress_reporter(quiet=False, verbose=False) as progress:
        assert progress is not None
        moments.now += 60.0
        for step in range(1, 401):
            progress(step, 1000, "fit")
            moments.now += 0.01
    left = [
        60 * int(minutes) + int(seconds) for minutes, seconds in re.findall(r"\d\d:(\d\d):(\d\d)", terminal.getvalue())
    ]
    assert left
    assert max(left) <= 9


def test_a_slow_first_step_costs_no_others(moments: Moments) -> None:
    """Five of thirty seconds go into the first step, the others take a hundredth: all 1000 fit."""
    steps = 0
    for _ in Clock(1000, seconds=30.0):
        steps += 1
        moments.now += 5.0 if steps == 1 else 0.01
    assert steps == 1000


def test_there_may_be_time_for_the_first_step_alone(moments: Moments) -> None:
    steps = 0
    for _ in Clock(1000, seconds=8.0):
        steps += 1
        moments.now += 5.0
    assert steps == 1
