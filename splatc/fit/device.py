"""Who fits: the CPU, or a GPU if that is wanted, can do it and works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splatc.render.choice import check_device

if TYPE_CHECKING:
    from splatc.cuda.device import Device
    from splatc.render.choice import Tell


def choose(wanted: str, tune: str, tell: Tell) -> Device | None:
    """The GPU to fit on, or None for the CPU; ``wanted`` is "auto", "cpu" or "cuda".

    ``tell`` hears a sentence: what fits, and whether that is news (what was asked for cannot be had). Losses that look at
    neighbourhoods are the CPU's. Raises UsageError, and DeviceError for "cuda" where no GPU works.
    """
    check_device(wanted)
    if wanted == "cpu":
        return None
    if tune != "psnr":
        tell(f"fitted by the CPU: a GPU does not fit with --tune {tune}", wanted == "cuda")
        return None
    from splatc.cuda.device import find_device

    found = find_device()
    if isinstance(found, str):
        tell(f"fitted by the CPU: {found}", found.broken)
        return None
    tell(f"fitted by {found.name}", False)
    return found
