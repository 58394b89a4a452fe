"""What tests ask of any engine, by its protocol alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from splatc.fit.engine import Engine, Step
from splatc.fit.engines.autograd import TorchEngine
from splatc.fit.engines.core import CoreEngine
from splatc.fit.table import ANGLE, MEAN, NAMES, Table
from splatc.fit.task import Task
from splatc.gaussians import FloatArray, Gaussians

ENGINES: dict[str, Callable[[Task], Engine]] = {"core": CoreEngine, "torch": TorchEngine}
STILL = dict.fromkeys(NAMES, 0.0)
"""Rates at which nothing moves."""


def table_of(gaussians: Gaussians) -> Table:
    """As a fit begins."""
    return Table.from_gaussians(gaussians, np.random.default_rng(0))


def gradient(engine: Engine, table: Table, reduction: int = 1, index: int = 0, **others: object) -> FloatArray:
    """(5 + C, N) by every value: what Adam remembers if it forgets all that was before."""
    engine.send(table.copy())
    settings: dict[str, object] = {"noise": None, "seed": 0, "rates": STILL, "adams": 1, "betas": (0.0, 0.0)}
    engine.step(Step(index, reduction, **(settings | others)))  # type: ignore[arg-type]
    found = engine.fetch().first.copy()
    sine, cosine = np.sin(table.values[ANGLE]), np.cos(table.values[ANGLE])
    along, across = found[MEAN].copy()
    found[MEAN] = cosine * along - sine * across, sine * along + cosine * across
    return found
