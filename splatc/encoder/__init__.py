"""Picture -> fit -> quantize -> bitstream -> bytes; rate and quality control."""
