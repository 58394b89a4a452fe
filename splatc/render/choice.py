"""Who draws: the CPU, or a GPU if that is wanted, pays and works.

`auto` takes the GPU for large views only: starting CUDA takes a few tenths of a second, in which the CPU draws a dozen megapixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from splatc.cuda.missing import Missing
from splatc.errors import DeviceError
from splatc.runtime import arguments

if TYPE_CHECKING:
    from splatc.cuda.device import Device
    from splatc.gaussians import Scene
    from splatc.render.cuda import SampleType
    from splatc.render.draw import Drawable
    from splatc.render.view import View

AUTO_SAMPLES = 1 << 24
"""`auto` leaves views of fewer samples (points of the supersampling grid: view.py) to the CPU. Set by the CPU's 60 megapixels a second; no
GPU was timed."""
DEVICES = ("auto", "cpu", "cuda")

Log = Callable[[str, bool], None]
"""Called with a sentence: which device draws (False), or what failed so that another one does (True)."""


def check_device(wanted: str) -> None:
    """Raises UsageError for what is no device, DeviceError for "cuda" where no GPU works."""
    arguments.choice("device", wanted, DEVICES)
    if wanted == "cuda":
        _find(wanted)


def choose(wanted: str, samples: int, log: Log) -> Device | None:
    """The GPU that draws so many samples, or None for the CPU. Raises as `check_device` does."""
    check_device(wanted)
    if wanted == "cpu":
        log("drawn by the CPU", False)
        return None
    if wanted == "auto" and samples < AUTO_SAMPLES:
        log("drawn by the CPU: starting CUDA would take longer", False)
        return None
    found = _find(wanted)
    if isinstance(found, Missing):
        log(f"drawn by the CPU: {found}", found.broken)
        return None
    log(f"drawn by {found.name}", False)
    return found


def is_for_cpu(wanted: str, view: View) -> bool:
    """Whether the CPU draws a view. Raises as `choose` does."""
    return choose(wanted, _samples(view), lambda _sentence, _warning: None) is None


def _samples(view: View) -> int:
    return view.columns * view.rows * view.samples**2


def strips(
    wanted: str, scene: Scene | None, plan: Drawable, dtype: SampleType, rows: int | None, log: Log
) -> Iterator[Any]:  # of arrays (R, W, C)
    """The samples of a plan of the scene from top to bottom, about ``rows`` rows at a time; None: all at once.

    Without a scene there is only the plan, which the CPU draws: who made it has asked `is_for_cpu`.

    If a GPU fails on the way, `auto` says so, and the CPU draws what is missing. Raises as `choose` does, at once, and then DeviceError.
    """
    device = choose(wanted, _samples(plan.view), log)
    if device is None or scene is None:
        return _drawn(plan, dtype, rows, 0)
    return _drawn_on(device, scene, plan, dtype, rows, None if wanted == "cuda" else log)


def _drawn_on(
    device: Device, scene: Scene, plan: Drawable, dtype: SampleType, rows: int | None, log: Log | None
) -> Iterator[Any]:
    from splatc.render import cuda

    done = 0
    try:
        for strip in cuda.strips(device, scene, plan.view, dtype, rows or plan.view.rows):
            yield strip
            done += len(strip)
    except DeviceError as error:
        if log is None:
            raise
        log(f"drawn by the CPU: {error}", True)
        yield from _drawn(plan, dtype, rows, done)


def _drawn(plan: Drawable, dtype: SampleType, rows: int | None, first: int) -> Iterator[Any]:
    """Rows from ``first`` on, by the CPU."""
    from splatc.render import draw

    count = plan.view.rows
    if rows is None or first:
        step = rows or count
        yield from draw.bands(plan, dtype, [(row, min(row + step, count)) for row in range(first, count, step)])
    else:
        yield from draw.strips(plan, dtype, rows)


def _find(wanted: str) -> Device | Missing:
    """The GPU, or why there is none, which is a DeviceError if it was asked for."""
    from splatc.cuda import device

    found = device.find_device()
    if wanted == "cuda" and isinstance(found, Missing):
        raise DeviceError(f"{found}; --device cpu (in Python device='cpu') does without")
    return found
