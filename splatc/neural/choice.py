"""Which engine has a network that makes its first steps, and for which pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from splatc.blend import Blend

if TYPE_CHECKING:
    from splatc.fit.engines.choice import Chosen
    from splatc.fit.task import Task


def knows(task: Task) -> bool:
    """Whether the network was trained for such a task."""
    return task.channels == 3 and task.tune == "psnr" and task.blend is Blend.NORMALIZED


def with_network(chosen: Chosen) -> Chosen:
    """An engine whose first steps the network makes; the same engine where there is none of it."""
    if chosen.name == "core":
        from splatc.neural.engine import NetworkEngine

        return replace(chosen, make=NetworkEngine)
    if chosen.name == "torch":
        from splatc.neural.torch_engine import TorchNetworkEngine

        return replace(chosen, make=lambda task: TorchNetworkEngine(task, chosen.device))
    return chosen
