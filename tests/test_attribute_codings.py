"""What the table of attributes allows beside what is in it: a predicted value without channels; and what it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splatc.attributes import CODED
from splatc.bitstream.attributes import channel_contexts
from splatc.quantize import choice_counts
from splatc.steps import Quantizer

RESIDUALS = next(each for each in CODED if each.coding == "residuals")


@pytest.mark.parametrize(
    ("channels", "parts"), [(1, ["luma"]), (2, ["luma", "alpha"]), (3, ["luma", "chroma", "chroma"])]
)
def test_channels_of_a_predicted_attribute(channels: int, parts: list[str]) -> None:
    contexts = channel_contexts(RESIDUALS, (7, channels))
    assert [part for part, _ in contexts] == parts
    assert set(contexts) <= set(RESIDUALS.contexts)


def test_a_predicted_attribute_of_one_value_has_one_context() -> None:
    single = replace(RESIDUALS, channels=False, contexts=RESIDUALS.contexts[:1])
    assert channel_contexts(single, (7,)) == list(RESIDUALS.contexts[:1])


def test_only_choices_have_counts() -> None:
    aspect = np.array([0, 5], np.int32)
    for attribute in CODED:
        if attribute.coding == "choices":
            assert (choice_counts(attribute, Quantizer(), 3, aspect) >= 1).all()
        else:
            with pytest.raises(ValueError, match="is no choice of several"):
                choice_counts(attribute, Quantizer(), 3, aspect)
