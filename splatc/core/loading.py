"""Loads the compiled core, and calls its functions with typed arguments; ``core.h`` says what they do."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from ctypes import POINTER, c_char_p, c_double, c_float, c_int32, c_int64, c_void_p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatc.core import loss_structs, rdo_structs, refine_structs, seal, seed_structs, sources, structs
from splatc.errors import CoreError
from splatc.runtime.arguments import shown

FOLDER = Path(__file__).parent
VERSION = 3
(
    OK,
    IMPOSSIBLE_CODE,
    TOO_MANY_POINTS,
    NEEDLESS_ESCAPE,
    WRONG_END,
    BEYOND_MARGIN,
    INVALID,
    RUNNING,
    CANCELLED,
    NO_THREAD,
    TOO_SMALL,
) = range(11)
"""The statuses."""

LEVEL_VARIABLE = "SPLATC_CORE_LEVEL"
"""Environment: an instruction set below the best of this processor, v2, v3 or v4; results are the same."""

LIBRARY_VARIABLE = "SPLATC_CORE_LIBRARY"
"""Environment: path of a library to load instead of the package's own, of any sources, for tests: with sanitizers or with a defect."""

_SIGNATURES = {
    "core_version": ([], c_int32),
    "core_sources": ([], c_char_p),
    "core_struct_bytes": ([c_int32], c_int64),
    "core_best_level": ([], c_int32),
    "core_get_level": ([], c_int32),
    "core_set_level": ([c_int32], c_int32),
    "core_make_steps": ([POINTER(structs.CoreHeader), c_void_p], c_int32),
    "core_first_tables": ([c_void_p, c_void_p], c_int32),
    "core_decode_workspace": ([c_int64, c_int64], c_int64),
    "core_decode_section": ([POINTER(structs.Decode), c_int64, c_int32], c_int32),
    "core_latent_workspace": ([c_int32, c_int32], c_int64),
    "core_decode_latents": ([POINTER(structs.LatentTile)], c_int32),
    "core_expect_latents": ([POINTER(structs.LatentTile), c_void_p, c_void_p, c_void_p], c_int32),
    "core_synthesis_workspace": ([c_int32, c_int32], c_int64),
    "core_synthesize": ([POINTER(structs.Synthesis)], c_int32),
    "core_synthesize_grids": ([POINTER(structs.Synthesis), POINTER(structs.Grids)], c_int32),
    "core_grid_weights_bytes": ([], c_int64),
    "core_make_grid_weights": ([c_void_p, c_void_p, c_void_p], c_int32),
    "core_grids_suit": ([POINTER(structs.CoreView)], c_int32),
    "core_refine_workspace": ([], c_int64),
    "core_refine": ([POINTER(refine_structs.Refinement)], c_int32),
    "core_make_residuals": ([POINTER(structs.Predict)], c_int32),
    "core_find_neighbours": ([c_void_p, c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_void_p, c_int64], c_int32),
    "core_attribute": ([c_int32], c_char_p),
    "core_dequantize": ([c_void_p, c_int64, c_void_p, c_void_p], c_int32),
    "core_place": ([POINTER(structs.CoreView), c_int64, c_void_p, c_int32, c_int32, c_void_p], c_int32),
    "core_count_entries": ([POINTER(structs.CoreView), c_int64, c_void_p], c_int64),
    "core_count_tiles": ([POINTER(structs.CoreView), c_int64, c_void_p, c_void_p], c_int32),
    "core_fill_tiles": ([POINTER(structs.CoreView), c_int64, *[c_void_p] * 4, c_int64], c_int32),
    "core_draw_workspace": ([], c_int64),
    "core_draw_tiles": ([POINTER(structs.Draw)], c_int64),
    "core_draw_tile": ([POINTER(structs.Draw), c_int64, c_int32], c_int32),
    "core_fit_make_widths": ([c_void_p, c_void_p], c_int32),
    "core_fit_workspace": ([], c_int64),
    "core_fit_tiles": ([c_int64, c_int64], c_int64),
    "core_fit_phases": ([c_void_p, c_void_p], c_int64),
    "core_loss_workspace": ([POINTER(loss_structs.Loss)], c_int64),
    "core_loss_phases": ([POINTER(loss_structs.Loss), c_int32, c_void_p], c_int32),
    "core_loss_value": ([POINTER(loss_structs.Loss), POINTER(c_double), POINTER(c_double)], c_int32),
    "core_similarity_workspace": ([POINTER(loss_structs.Similarity)], c_int64),
    "core_similarity_phases": ([POINTER(loss_structs.Similarity), c_void_p], c_int32),
    "core_similarity_means": ([POINTER(loss_structs.Similarity), c_void_p, c_void_p], c_int32),
    "core_quantize": ([c_void_p, c_int64, c_int64], c_int32),
    "core_arrange_workspace": ([c_int64], c_int64),
    "core_arrange": ([c_void_p], c_int32),
    "core_occupied_tiles": ([c_void_p, c_int32, c_int32, c_void_p], c_int32),
    "core_pack_search": ([c_int64], c_int64),
    "core_pack_workspace": ([c_int64], c_int64),
    "core_predict_item": ([c_void_p, c_int64], c_int32),
    "core_pack_section_of": ([c_void_p, c_int64, c_int32], c_int32),
    "core_rdo_draw": ([POINTER(rdo_structs.Rdo), c_int64, c_int64], c_int32),
    "core_rdo_error": ([POINTER(rdo_structs.Rdo)], c_double),
    "core_rdo_choose": ([POINTER(rdo_structs.Rdo), c_int64, c_int64], c_int32),
    "core_rdo_arrange": ([POINTER(rdo_structs.Rdo), c_void_p, c_void_p], c_int32),
    "core_start": ([POINTER(structs.Job)], c_int32),
    "core_wait": ([POINTER(structs.Job), c_int32], c_int32),
    "core_cancel": ([POINTER(structs.Job)], None),
    "core_retire": ([], None),
    "core_choose_smallest": ([c_void_p, c_int64, c_int64, c_void_p], c_int32),
    "core_shrink_scales": ([c_void_p, c_int64, c_float, c_void_p], c_int32),
    "core_order_workspace": ([c_int64], c_int64),
    "core_order_points": ([c_void_p, c_int64, c_double, c_double, c_double, c_void_p, c_void_p, c_int64], c_int32),
    "core_tree_bytes": ([c_int64], c_int64),
    "core_make_tree": ([c_void_p, c_void_p, c_int64, c_void_p, c_int64], c_int32),
    "core_keep_apart": ([POINTER(seed_structs.Apart)], c_int32),
}


def file_name() -> str:
    """Name of the library's file on this system."""
    return {"win32": "splatc_core.dll", "darwin": "splatc_core.dylib"}.get(sys.platform, "splatc_core.so")


@functools.cache
def load() -> ctypes.CDLL:
    """The library. Raises CoreError, with what to do, if it is missing, of other sources, or for another processor."""
    replacement = os.environ.get(LIBRARY_VARIABLE)
    path = Path(replacement) if replacement else FOLDER / file_name()
    advice = "install splatc once more (in a checkout that is installed with -e, `make core`)"
    if not path.exists():
        raise CoreError(f"the compiled core of splatc is missing ({path.name} in {path.parent}); {advice}")
    try:
        damage = seal.damage(path)
        if damage is not None:
            raise CoreError(f"the compiled core of splatc is damaged ({path}: {damage}); {advice}")
        library = ctypes.CDLL(os.fspath(path))
    except OSError as error:
        raise CoreError(f"the compiled core of splatc cannot be loaded ({error}); {advice}") from error
    for name, (arguments, result) in _SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise CoreError(f"the compiled core of splatc is of another version (it has no {name}); {advice}") from None
        function.argtypes, function.restype = arguments, result
    _check(library, advice, None if replacement else sources.digest(FOLDER))
    return library


def _check(library: ctypes.CDLL, advice: str, digest: str | None) -> None:
    found = library.core_sources().decode()
    if library.core_version() != VERSION or (digest is not None and found != digest):
        raise CoreError(f"the compiled core of splatc is older than its sources; {advice}")
    for name, size in structs.MIRRORS.items():
        if library.core_struct_bytes(structs.NUMBERS[name]) != size:
            raise CoreError(f"the compiled core of splatc does not fit its Python code (struct {name}); {advice}")
    if library.core_best_level() == 0:
        raise CoreError("this processor lacks SSE4.2 (x86-64-v2), which splatc needs")
    wanted = os.environ.get(LEVEL_VARIABLE)
    number = wanted.removeprefix("v") if wanted else ""
    if wanted and library.core_set_level(int(number) if number in tuple("123456789") else -1):
        raise CoreError(f"{LEVEL_VARIABLE}={shown(wanted)}: expected v2, v3 or v4, at most what this processor has")


def check(status: int) -> None:
    """Raise CoreError where the system gives no thread, AssertionError for a status that only a mistake of the caller can cause."""
    if status == NO_THREAD:
        raise CoreError("the system gives splatc no thread to work with: too many processes or too little memory")
    if status != OK:  # also with python -O
        raise AssertionError(f"the core was called with wrong arguments (status {status})")


@functools.cache
def size_of(struct: str) -> int:
    """Bytes of a struct."""
    size: int = load().core_struct_bytes(structs.NUMBERS[struct])
    return size


def address(array: NDArray[np.generic]) -> int:
    """Where the elements of a C-contiguous array lie."""
    if not array.flags.c_contiguous:
        raise AssertionError("the core takes arrays that lie in one piece")
    return array.ctypes.data


def aligned(size: int) -> NDArray[np.uint8]:
    """Memory for workspaces: ``size`` bytes that begin at a multiple of 64."""
    memory = np.empty(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]
