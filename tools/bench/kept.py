"""The files that the codecs have made, kept beside the points: for pages of pictures, and for metrics that come later."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from bench import metrics
from bench.codec import Codec, Shape
from bench.metrics import Metric
from bench.results import Point
from splatc.image.image import Samples

FOLDER = "files"


def keep(folder: Path, point: Point, data: bytes, suffix: str) -> Point:
    """Write a file below the folder of the points; returns the point that knows where."""
    codec = re.sub(r"\W+", "-", point.codec.lower()).strip("-")
    unique = sha256(repr(point.key).encode()).hexdigest()[:8]
    name = f"{FOLDER}/{Path(point.picture).stem}/{codec}-cr{point.ratio:g}-{unique}{suffix}"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return replace(point, file=name)


def decode(folder: Path, point: Point, codec: Codec, shape: Shape) -> Samples | None:
    """What the file of a point decodes to; None if it is gone."""
    path = folder / point.file
    if not point.file or not path.is_file():
        return None
    with tempfile.TemporaryDirectory() as temporary:
        return codec.decode(path.read_bytes(), shape, Path(temporary))


def lacking(point: Point, wanted: list[Metric]) -> list[Metric]:
    """The metrics that a point has no value of, though it has a file."""
    return [metric for metric in wanted if point.file and getattr(point, metric.key) is None]


def complete(
    folder: Path, point: Point, codecs: Mapping[str, Codec], pixels: Samples, wanted: list[Metric]
) -> Point | None:
    """A point with the metrics that it lacked; None where its file is gone."""
    decoded = decode(folder, point, codecs[point.settings], pixels.shape)
    return None if decoded is None else replace(point, **metrics.values(pixels, decoded, lacking(point, wanted)))
