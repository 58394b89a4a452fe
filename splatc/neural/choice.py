"""Which engine has a network that makes its first steps, and for which pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from splatc.blend import Blend
from splatc.fit.engines.choice import Chosen, torch_drives_cuda

if TYPE_CHECKING:
    from splatc.fit.task import Task


def knows(task: Task) -> bool:
    """Whether the network was trained for such a task."""
    return task.channels == 3 and task.tune == "psnr" and task.blend is Blend.NORMALIZED


def with_network(chosen: Chosen) -> Chosen:
    """An engine whose first steps the network makes; the same engine where there is none of it.

    On an NVIDIA GPU PyTorch runs it, where it is installed and finds that GPU.
    """
    if chosen.name == "core":
        from splatc.neural.engine import NetworkEngine

        return replace(chosen, make=NetworkEngine)
    if chosen.name == "torch" or (chosen.name == "cuda" and torch_drives_cuda()):
        from splatc.neural.torch_engine import TorchNetworkEngine

        device = "cuda" if chosen.name == "cuda" else chosen.device
        return Chosen(lambda task: TorchNetworkEngine(task, device), name="torch", device=device)
    return chosen
