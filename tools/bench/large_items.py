"""What the bench of large pictures works on: presets, files, and a mosaic of real pictures as large as one likes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splatc.image.image import Samples

MOSAIC = "16k"
COLUMNS, ROWS = 4, 8
"""Windows side by side and above each other in a mosaic."""


@dataclass(frozen=True)
class Preset:
    """A picture of the folder of pictures, and ratios for it."""

    file: str
    """Its name; empty for the mosaic."""
    ratios: tuple[float, ...]


PRESETS = {
    "7k": Preset("jwst_carina_half_7287x4220.jpg", (500.0, 200.0, 1000.0)),
    "gray": Preset("duomo_gray_13920x10200.jpg", (1000.0,)),
    MOSAIC: Preset("", (3000.0,)),
}


@dataclass(frozen=True)
class Item:
    """One picture, one ratio."""

    picture: Path | None
    """None: the mosaic."""
    ratio: float


def parse_items(words: Sequence[str], folder: Path | None) -> list[Item]:
    """Of PRESET, PRESET:CR and FILE:CR; ``folder`` is where the presets' pictures lie. Raises ValueError with what is wrong."""
    items: list[Item] = []
    for word in words:
        name, ratios = _split(word)
        preset = PRESETS.get(name)
        if preset is None:
            if not ratios:
                raise ValueError(f"{word!r} is neither a preset ({', '.join(PRESETS)}) nor FILE:CR")
            items += [Item(_existing(Path(name)), ratio) for ratio in ratios]
            continue
        if folder is None:
            raise ValueError(f"{word!r} needs --pictures, the folder that its pictures lie in")
        picture = _existing(folder / preset.file) if preset.file else None
        items += [Item(picture, ratio) for ratio in ratios or preset.ratios]
    return list(dict.fromkeys(items))


def _split(word: str) -> tuple[str, tuple[float, ...]]:
    """The name before the last colon and the ratio after it; without one all is the name."""
    name, colon, text = word.rpartition(":")
    if not colon:
        return word, ()
    try:
        ratio = float(text)
    except ValueError:
        return word, ()
    if not 0 < ratio < float("inf"):
        raise ValueError(f"{word!r}: the ratio must be a number above 0")
    return name, (ratio,)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return path


def mosaic_strips(pictures: Sequence[Samples], side: int) -> Iterator[Samples]:
    """A square of ``side`` px, RGB, in strips: windows of the pictures, side/4 x side/8 px each, at their own size, not mirrored.

    The pictures take turns, so that neighbours differ, and each gives another window every time until it has no more and begins anew.
    Pictures are (H, W, 1 or 3) uint8, those smaller than a window are passed over; ValueError if all are. ``side`` is a multiple of 8.
    """
    import numpy as np

    width, height = side // COLUMNS, side // ROWS
    turns = [_windows(picture, width, height) for picture in pictures if _holds(picture, width, height)]
    if not turns:
        raise ValueError(f"no picture holds a window of {width} x {height} px: make a smaller mosaic")
    windows = (next(turn) for turn in itertools.cycle(turns))
    for _ in range(ROWS):
        row = [next(windows) for _ in range(COLUMNS)]
        yield np.concatenate([np.broadcast_to(window, (height, width, 3)) for window in row], axis=1)


def _holds(picture: Samples, width: int, height: int) -> bool:
    return len(picture) >= height and len(picture[0]) >= width


def _windows(picture: Samples, width: int, height: int) -> Iterator[Samples]:
    """The windows that lie beside each other in a picture, over and over."""
    across, down = picture.shape[1] // width, picture.shape[0] // height
    for row, column in itertools.cycle(itertools.product(range(down), range(across))):
        yield picture[row * height :, column * width :][:height, :width]
