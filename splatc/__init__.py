"""A still-image format, ``.splat2d``, made of 2D Gaussians, and its encoder and decoder.

    data = splatc.encode(pixels, cr=100)    # an array to the bytes of a file
    pixels = splatc.decode(data)
    with splatc.open("large.splat2d") as picture:
        part = picture.read(region=(2000, 1000, 512, 512))

| to | call |
|---|---|
| code pixels, a picture file, or Gaussians | `encode`, `encode_file`, `encode_gaussians` |
| draw a file, into a picture file, or parts of it | `decode`, `decode_file`, `open` |
| look at a file, or at two | `info`, `verify`, `compare` |
| exchange Gaussians | `load_gaussians`, `save_gaussians` |

What a user can get wrong is a `SplatError`. `splatc.pillow_plugin` and `splatc.imageio_plugin` add the format to Pillow and imageio.

In signatures, Number is a number of any kind (``np.int64(3)``, ``50.0``, ``Fraction(1, 2)``), Scale that or text such as "1/8",
Samples an array of uint8 or uint16, Bytes what has bytes, and File bytes, a path, or an open binary file.

Each name is loaded when it is first used: importing splatc takes no time, and decoding never loads PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from splatc.errors import (
    CoreError,
    CorruptFileError,
    DeviceError,
    InputError,
    InputImageError,
    LimitError,
    OutputError,
    SplatError,
    SplatWarning,
    TimeUpError,
    UnsupportedFileError,
    UsageError,
)
from splatc.runtime import renamed_modules

if TYPE_CHECKING:
    from splatc.api import compare, decode, decode_file, encode, encode_file, encode_gaussians, info, verify
    from splatc.bitstream.metadata import Metadata
    from splatc.decoder.comparison import Comparison
    from splatc.decoder.picture import Picture, open
    from splatc.decoder.picture_file import DecodeSummary
    from splatc.decoder.verifier import Problem
    from splatc.encoder.picture_file import EncodeSummary
    from splatc.fit.checkpoints import load_gaussians, save_gaussians
    from splatc.gaussians import Gaussians

__version__ = "1.0.0"

__all__ = [
    "Comparison",
    "CoreError",
    "CorruptFileError",
    "DecodeSummary",
    "DeviceError",
    "EncodeSummary",
    "Gaussians",
    "InputError",
    "InputImageError",
    "LimitError",
    "Metadata",
    "OutputError",
    "Picture",
    "Problem",
    "SplatError",
    "SplatWarning",
    "TimeUpError",
    "UnsupportedFileError",
    "UsageError",
    "__version__",
    "compare",
    "decode",
    "decode_file",
    "encode",
    "encode_file",
    "encode_gaussians",
    "info",
    "load_gaussians",
    "open",
    "save_gaussians",
    "verify",
]

_HOMES = {
    "Comparison": "splatc.decoder.comparison",
    "DecodeSummary": "splatc.decoder.picture_file",
    "EncodeSummary": "splatc.encoder.picture_file",
    "Gaussians": "splatc.gaussians",
    "Metadata": "splatc.bitstream.metadata",
    "Picture": "splatc.decoder.picture",
    "Problem": "splatc.decoder.verifier",
    "compare": "splatc.api",
    "decode": "splatc.api",
    "decode_file": "splatc.api",
    "encode": "splatc.api",
    "encode_file": "splatc.api",
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
