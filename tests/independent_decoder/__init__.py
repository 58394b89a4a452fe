"""A second decoder of `.splat2d`, written from the text of spec/ alone, to be read beside it.

Nothing of splatc and none of its libraries: the standard library, and NumPy for distances and pixels. The modules are
the pages of spec/, with their names; <Title> cites a heading of the page. Clear before fast.
Every file that the spec has a decoder refuse is a ValueError.
"""

from tests.independent_decoder import coder, gaussians, header, positions, quantization, sections, tables
from tests.independent_decoder.gaussians import decode
from tests.independent_decoder.model import Decoded
from tests.independent_decoder.picture import render, samples

__all__ = [
    "Decoded",
    "coder",
    "decode",
    "gaussians",
    "header",
    "positions",
    "quantization",
    "render",
    "samples",
    "sections",
    "tables",
]
