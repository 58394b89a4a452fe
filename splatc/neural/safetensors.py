"""Named arrays in the layout of safetensors: 8 bytes with the length of a JSON header, the header, the numbers.

Source:
    https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np

from splatc.gaussians import FloatArray

_METADATA = "__metadata__"


def read(data: bytes) -> dict[str, FloatArray]:
    """The float32 arrays by name. Raises ValueError for anything else: these files come with the package."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    body = data[8 + length :]
    arrays = {}
    for name, entry in header.items():
        if name == _METADATA:
            continue
        start, stop = entry["data_offsets"]
        if (
            entry["dtype"] != "F32"
            or stop - start != 4 * math.prod(entry["shape"])
            or not 0 <= start <= stop <= len(body)
        ):
            raise ValueError(f"{name}: not an array of float32 that lies within the file")
        arrays[name] = np.frombuffer(body[start:stop], "<f4").reshape(entry["shape"]).astype(np.float32)
    return arrays


def write(arrays: Mapping[str, FloatArray], metadata: Mapping[str, str]) -> bytes:
    """The bytes of such a file; ``metadata`` are words for readers."""
    header: dict[str, object] = {_METADATA: dict(metadata)}
    body = b""
    for name, array in sorted(arrays.items()):
        numbers = np.ascontiguousarray(array, "<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(numbers)],
        }
        body += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body
