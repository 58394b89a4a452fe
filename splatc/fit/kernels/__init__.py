"""Numba kernels of the fit: the rasterizer that it steps with. Decoding needs none of them."""
