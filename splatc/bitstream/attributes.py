"""Attributes of one level as symbols (spec/attributes.md): how each kind of coding that splatc/attributes.py names goes.

Each attribute is coded in bulk. A context needs only levels and attributes coded before it, never a prediction, so that all symbols
of a file can be read before the first value is reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from splatc.attributes import CHANNELS, CODED, Attribute, alphabet_of
from splatc.bitstream.coder import Coder, Symbols, code_bits
from splatc.bitstream.contexts import CONTEXTS, Context
from splatc.bitstream.priors import RESIDUAL_RADIUS
from splatc.errors import CorruptFileError
from splatc.quantize import IntArray, choice_counts
from splatc.steps import Quantizer

ESCAPE = 2 * RESIDUAL_RADIUS + 1
"""The symbol after those of the residuals -RESIDUAL_RADIUS..RESIDUAL_RADIUS."""

AttributeSymbols = dict[str, Symbols]
"""What is coded of N Gaussians besides their positions, by attribute: (N,), or (N, C) of one that has channels.

Of one that is predicted, its residual: of angles modulo the number of directions M (0 where M = 1), of others modulo 2^16, in
-2^15..2^15 - 1. Of a choice among one, 0.
"""


class AttributeContexts:
    """The contexts of a section and its ancestors, made when first needed."""

    def __init__(self) -> None:
        self._of_level: dict[tuple[str, int], Context] = {}
        self._of_choice: dict[tuple[str, int], Context] = {}

    def copy(self) -> AttributeContexts:
        """The same contexts, to go on with in another section."""
        contexts = AttributeContexts()
        contexts._of_level = {key: context.copy() for key, context in self._of_level.items()}
        contexts._of_choice = {key: context.copy() for key, context in self._of_choice.items()}
        return contexts

    def of_level(self, attribute: str, channel: int, first: Callable[[], Context]) -> Context:
        """A new one, to be asked for once a level: the first of a file, or one that inherits the context of the coarser level."""
        coarser = self._of_level.get((attribute, channel))
        self._of_level[attribute, channel] = context = first() if coarser is None else coarser.inherited()
        return context

    def of_choice(self, attribute: str, name: str, count: int) -> Context:
        """The one of a number of choices, for all levels."""
        if (attribute, count) not in self._of_choice:
            self._of_choice[attribute, count] = CONTEXTS[name](count)
        return self._of_choice[attribute, count]


def empty_symbols(count: int, channels: int) -> AttributeSymbols:
    """Room for those of so many Gaussians."""
    shapes = {each.name: (count, channels) if each.channels else (count,) for each in CODED}
    return {name: np.zeros(shape, np.int32) for name, shape in shapes.items()}


def code_level(
    coder: Coder, contexts: AttributeContexts, quantizer: Quantizer, level: int, symbols: AttributeSymbols
) -> None:
    """Code (or fill in) one attribute after the other of the Gaussians of a level."""
    for attribute in CODED:
        array = symbols[attribute.name]
        match attribute.coding:
            case "choices":
                counts = choice_counts(attribute, quantizer, level, symbols["aspect"])
                code_choices(coder, contexts, attribute, counts, array)
            case "residuals":
                for channel, (part, context) in enumerate(channel_contexts(attribute, array.shape)):
                    coder.part = part
                    own = array[:, channel] if attribute.channels else array
                    table = contexts.of_level(attribute.name, channel, lambda name=context: CONTEXTS[name](ESCAPE + 1))  # type: ignore[misc]
                    code_residuals(coder, table, own)
            case _:
                ((coder.part, context),) = attribute.contexts
                size = alphabet_of(attribute, quantizer)
                table = contexts.of_level(attribute.name, 0, lambda name=context, size=size: CONTEXTS[name](size))  # type: ignore[misc]
                table.code(coder, array)


def channel_contexts(attribute: Attribute, shape: tuple[int, ...]) -> list[tuple[str, str]]:
    """Part of the stream and context of each channel of symbols of a shape."""
    if not attribute.channels:
        return list(attribute.contexts)
    by_part = dict(attribute.contexts)
    return [(part, by_part[part]) for part in CHANNELS[shape[1]]]


def code_choices(
    coder: Coder, contexts: AttributeContexts, attribute: Attribute, counts: IntArray, choice: Symbols
) -> None:
    """Code (or fill in) 0 <= choice < M for the M > 1 ``counts`` of each Gaussian, in ascending order of M."""
    ((coder.part, context),) = attribute.contexts
    for count in np.unique(counts[counts > 1]).tolist():
        group = np.flatnonzero(counts == count)
        symbols = choice[group]
        contexts.of_choice(attribute.name, context, count).code(coder, symbols)
        choice[group] = symbols


def code_residuals(coder: Coder, context: Context, residual: Symbols) -> None:
    """Code (or fill in) residuals; those beyond RESIDUAL_RADIUS follow as 16 bits after all the others.

    Raises CorruptFileError where one of these is not beyond it.
    """
    symbols = np.where(np.abs(residual) <= RESIDUAL_RADIUS, residual + RESIDUAL_RADIUS, ESCAPE).astype(np.int32)
    context.code(coder, symbols)
    escaped = np.flatnonzero(symbols == ESCAPE)
    far = residual[escaped]
    folded = (far << 1) ^ (far >> 31)  # 0, -1, 1, -2, ... -> 0, 1, 2, 3, ...
    code_bits(coder, folded, 16)
    far = (folded >> 1) ^ -(folded & 1)
    if np.any(np.abs(far) <= RESIDUAL_RADIUS):
        raise CorruptFileError(
            "an escape stands for a residual that has a symbol of its own: the GAUS chunk is damaged"
        )
    residual[:] = symbols - RESIDUAL_RADIUS
    residual[escaped] = far
