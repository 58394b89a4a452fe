"""What the tools that train have in common: options that are checked before the work, files that are written whole, and Ctrl-C.

It takes PyTorch and Pillow, and nothing of what is measured with.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import PIL.Image
import torch

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
"""Of pictures; other files of a folder, as an index, are left alone."""
SAVED_EVERY = 60.0
"""Seconds between two savings of the state, at most, but for what a step takes longer."""


def minutes(text: str) -> float:
    """An option: a finite number of minutes."""
    value = float(text)
    if not (math.isfinite(value) and value >= 0.0):
        raise argparse.ArgumentTypeError(f"{text} is no number of minutes")
    return value


def positive(text: str) -> int:
    """An option: a whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def device(text: str) -> str:
    """An option: what PyTorch can compute on."""
    try:
        torch.empty(1, device=text).add(1)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"PyTorch cannot use {text}: {str(error).splitlines()[0]}") from None
    return text


def pictures_in(folder: Path, least: int = 1) -> list[Path]:
    """The pictures of a folder in the order of their names; each side of each must have ``least`` px. Raises SystemExit."""
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no such folder")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"{folder}: no pictures in it ({' '.join(sorted(SUFFIXES))})")
    for path in files:
        try:
            with PIL.Image.open(path) as picture:
                size = picture.size
        except OSError as error:
            raise SystemExit(f"{path}: not a picture: {error}") from None
        if min(size) < least:
            raise SystemExit(f"{path}: {size[0]} x {size[1]} px; each side must have {least} at least")
    return files


def check_writable(path: Path) -> None:
    """That a file can be written there, before hours of work are. Raises SystemExit."""
    if path.is_dir():
        raise SystemExit(f"{path}: is a folder")
    if not path.parent.is_dir():
        raise SystemExit(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise SystemExit(f"{path}: {path.parent} cannot be written to")


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """A file that ``write`` writes, which appears whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_state(path: Path, take: Callable[[dict[str, Any]], None]) -> None:
    """Give what was saved to ``take``. Raises SystemExit if that is no state of such a training."""
    try:
        take(torch.load(path, weights_only=True, map_location="cpu"))
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from None
    except Exception:  # PyTorch raises what pickle, zipfile or a network's shape raise
        raise SystemExit(f"{path}: damaged, or not a state of this training") from None


class Saved:
    """When a state was saved last."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def due(self) -> bool:
        """Whether SAVED_EVERY has passed since; if so, it counts from now on."""
        now = time.monotonic()
        if now - self._at < SAVED_EVERY:
            return False
        self._at = now
        return True


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C takes effect at the end of the block."""
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def interrupted(program: str, state: Path, made: str) -> NoReturn:
    """One line, and the exit code of SIGINT."""
    print(f"{program}: interrupted after {made}; the same command goes on from {state}", file=sys.stderr)
    raise SystemExit(130)
