"""What a look at the parts of a picture file finds (survey.py), and the words for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import PIL.Image

DAMAGED_EXIF = "EXIF is damaged and is left out"


@dataclass(frozen=True)
class Found:
    """What is found in a file beside its pixels."""

    stream: BinaryIO
    """What is to be read instead of the file: the file itself, or the parts of it that readers need."""
    notes: tuple[str, ...] = ()
    """What is left out or damaged, a sentence each."""
    sound: bool = True
    """Whether other readers may be given the file itself."""
    rewritten: Callable[[], BinaryIO] | None = None
    """Makes the picture anew in a kind that readers know, to be read instead of `stream`; called once its size is accepted."""
    check: Callable[[], None] | None = None
    """Raises InputImageError if not all pixels are there; called once its size is accepted."""
    without_exif: Callable[[], BinaryIO] | None = None
    """Makes a stream without the EXIF at which its reader may stumble."""
    size: tuple[int, int] | None = None
    """Width and height, px, where its reader takes memory for them before it says what they are."""
    opaque: bool = False
    """Whether what looks like an alpha channel is none."""
    arranged: Callable[[PIL.Image.Image], PIL.Image.Image] | None = None
    """Makes the channels that are meant of those that Pillow decodes."""
    description: str = ""
    """What the file is, for people, where its reader cannot know."""
    doubtful: bool = False
    """Whether an alpha channel of nothing but zeros is one that was never filled."""


def resolution(x: float, y: float, unit: str) -> str:
    """The sentence about a resolution that is left out, ``dpi`` or other unit; empty where there is none."""
    if not (x > 0 and y > 0):
        return ""
    one = f"{x:.6g}" if math.isclose(x, y, rel_tol=1e-3) else f"{x:.6g} x {y:.6g}"
    return f"the resolution ({one} {unit}) is left out"


def aspect(x: int, y: int) -> str:
    """The sentence about pixels that are no squares; empty where they are."""
    return (
        f"the shape of the pixels ({x}:{y}) is left out: they are taken as squares"
        if x > 0 and y > 0 and x != y
        else ""
    )


def listed(names: list[str], most: int = 6) -> str:
    """Names for a sentence, each once, in their order: ``Title, Author and 3 more``."""
    each = list(dict.fromkeys(names))
    shown = [" ".join(name.split())[:40] for name in each[:most]]
    return ", ".join(shown) + (f" and {len(each) - most} more" if len(each) > most else "")
