"""splatc: a still-image format, ``.splat2d``, made of 2D Gaussians, and its encoder and decoder.

    data = splatc.encode(pixels, cr=100)    # an array to the bytes of a file
    pixels = splatc.decode(data)
    with splatc.open("large.splat2d") as picture:
        part = picture.read(region=(2000, 1000, 512, 512))

Each name below is loaded when it is first used: importing splatc takes no time, and decoding never loads torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from splatc.errors import SplatError, SplatWarning
from splatc.runtime import renamed_modules

if TYPE_CHECKING:
    from splatc.api import decode, encode, encode_gaussians, info, verify
    from splatc.decoder.picture import open
    from splatc.fit.checkpoints import load_gaussians, save_gaussians
    from splatc.gaussians import Gaussians

__version__ = "0.1.0"

__all__ = [
    "Gaussians",
    "SplatError",
    "SplatWarning",
    "__version__",
    "decode",
    "encode",
    "encode_gaussians",
    "info",
    "load_gaussians",
    "open",
    "save_gaussians",
    "verify",
]

_HOMES = {
    "Gaussians": "splatc.gaussians",
    "decode": "splatc.api",
    "encode": "splatc.api",
    "encode_gaussians": "splatc.api",
    "info": "splatc.api",
    "load_gaussians": "splatc.fit.checkpoints",
    "open": "splatc.decoder.picture",
    "save_gaussians": "splatc.fit.checkpoints",
    "verify": "splatc.api",
}


renamed_modules.install()

if not TYPE_CHECKING:  # else every name would pass the type checker

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'splatc' has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
