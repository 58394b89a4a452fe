"""splatc: a still-image format, ``.splat2d``, made of 2D Gaussians, and its encoder and decoder."""

__version__ = "0.1.0"
