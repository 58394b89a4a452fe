"""Which engine fits: the one that was asked for if it is installed and works, else the fastest that does."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from splatc.errors import DeviceError, UsageError
from splatc.runtime import arguments

if TYPE_CHECKING:
    from splatc.cuda.device import Device
    from splatc.cuda.missing import Missing
    from splatc.fit.engine import Engine
    from splatc.fit.task import Task
    from splatc.render.choice import Log

ENGINES = ("auto", "core", "cuda", "torch", "gsplat")
DEVICES = ("auto", "cpu", "cuda", "mps")
_RUNS_ON = {"auto": ("cpu", "cuda"), "core": ("cpu",), "cuda": ("cuda",), "torch": DEVICES[1:], "gsplat": ("cuda",)}
_INSTALL = {"torch": 'pip install "splatc[train]"', "gsplat": 'pip install "splatc[gsplat]"'}


@dataclass(frozen=True)
class Chosen:
    """An engine to be made for a task."""

    make: Callable[[Task], Engine]
    waits: bool = False
    """Whether it stands idle while the CPU packs and predicts between its steps, which is then done less often."""
    name: str = "core"
    """One of ENGINES, as chosen."""
    device: str = "cpu"
    """Of PyTorch's devices, that on which it runs."""


@dataclass(frozen=True)
class Wanted:
    """What a user asks for."""

    engine: str = "auto"
    """One of ENGINES: "core" is the compiled fit on the processor, "cuda" that on an NVIDIA GPU, "torch" PyTorch's autograd on whatever
    device it drives, "gsplat" the same with gsplat's rasterizer; "auto" takes the GPU where one works, else the processor."""
    device: str = "auto"
    """One of DEVICES; "auto" is what the engine runs best on. PyTorch calls ROCm "cuda", too."""

    def at(self, effort: int) -> Wanted:
        """What to look for at an effort: what a network makes (0) is done on the processor before a GPU has started.

        On a GPU it is PyTorch that runs the network, so there it does without the engine for CUDA.
        """
        if effort == 0 and self == Wanted():
            return replace(self, device="cpu")
        alone = effort == 0 and self == Wanted(device="cuda") and isinstance(_find_gpu(needed=False), str)
        return replace(self, engine="torch") if alone and torch_drives_cuda() else self

    def check(self, tune: str) -> None:
        """Raises UsageError for what contradicts itself or is not installed, DeviceError for a GPU that does not work."""
        arguments.choice("engine", self.engine, ENGINES)
        arguments.choice("device", self.device, DEVICES)
        possible = _RUNS_ON[self.engine]
        if self.device not in ("auto", *possible):
            if self.engine == "auto":
                raise UsageError(
                    f"--device {self.device} is driven by PyTorch alone: add --engine torch (in Python engine='torch')"
                )
            raise UsageError(
                f"--engine {self.engine} does not run on --device {self.device}, but on {' or '.join(possible)}"
            )
        if self.engine == "cuda" and tune != "psnr":
            raise UsageError(f"--engine cuda does not fit with --tune {tune}: take --engine core or torch")
        for package in {"torch": ["torch"], "gsplat": ["torch", "gsplat"]}.get(self.engine, []):
            if importlib.util.find_spec(package) is None:
                raise UsageError(f"--engine {self.engine} needs the package {package}: {_INSTALL[self.engine]}")
        if "cuda" in (self.engine, self.device) and self.engine in ("auto", "cuda"):
            _find_gpu(needed=True)

    def choose(self, tune: str, log: Log) -> Chosen:
        """The engine. ``log`` is called with a sentence on what fits, and whether it is a warning (what was asked for cannot be had).

        Raises as `check` does.
        """
        self.check(tune)
        if self.engine in ("torch", "gsplat"):
            return self._in_torch(log)
        if self.engine == "core" or self.device == "cpu":
            return on_cpu()
        if tune != "psnr":
            log(f"fitted by the CPU: a GPU does not fit with --tune {tune}", self.device == "cuda")
            return on_cpu()
        found = _find_gpu(needed=False)
        if isinstance(found, str):
            log(f"fitted by the CPU: {found}", found.broken)
            return on_cpu()
        log(f"fitted by {found.name}", False)
        return on_gpu(found)

    def _in_torch(self, log: Log) -> Chosen:
        import torch

        from splatc import core
        from splatc.fit.engines.autograd import find_torch_device

        torch.set_num_threads(core.threads())
        device = find_torch_device("cuda" if self.engine == "gsplat" else self.device)
        log(f"fitted by PyTorch{' and gsplat' if self.engine == 'gsplat' else ''} on {device}", False)
        if self.engine == "gsplat":
            from splatc.fit.engines.gsplat import GsplatEngine

            return Chosen(lambda task: GsplatEngine(task, device), name="gsplat", device=device)

        from splatc.fit.engines.autograd import TorchEngine

        return Chosen(lambda task: TorchEngine(task, device), name="torch", device=device)


def torch_drives_cuda() -> bool:
    """Whether PyTorch is installed and finds a GPU."""
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def on_cpu() -> Chosen:
    """The compiled engine."""
    from splatc.fit.engines.core import CoreEngine

    return Chosen(CoreEngine)


def on_gpu(device: Device) -> Chosen:
    """The CUDA engine on a device."""
    from splatc.fit.cuda.engine import CudaEngine

    return Chosen(lambda task: CudaEngine(device, task), waits=True, name="cuda")


def _find_gpu(*, needed: bool) -> Device | Missing:
    from splatc.cuda.device import find_device

    found = find_device()
    if needed and isinstance(found, str):
        raise DeviceError(f"{found}; --device cpu (in Python device='cpu') does without")
    return found
