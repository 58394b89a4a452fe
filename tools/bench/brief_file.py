"""A file of effort 0 by another engine or another plan than the command's, for training and for measuring."""

from __future__ import annotations

from collections.abc import Callable

from splatc.encoder.pipeline import EncodeOptions, encode_with
from splatc.encoder.rate_control import FIRST_GUESS, Target
from splatc.fit.engine import Engine
from splatc.fit.engines.choice import Chosen
from splatc.fit.schedule import Schedule, brief
from splatc.fit.task import Task
from splatc.image.image import Image
from splatc.steps import Quantizer


def brief_file(
    image: Image, ratio: float, engine: Callable[[Task], Engine], plan: Callable[[int, int, int], Schedule] = brief
) -> bytes:
    """A picture at a compression ratio; ``plan`` gets its width, its height and about how many Gaussians that allows."""
    size = int(image.pixels.nbytes / ratio)
    options = EncodeOptions(Target("bytes", size), effort=0, engine=Chosen(engine))
    return encode_with(image, options, plan(image.width, image.height, round(size * 8 / FIRST_GUESS)), Quantizer())
