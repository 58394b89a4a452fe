"""``.splat2d`` file -> Gaussians -> pixels, and what is told of a file. Imports neither torch, nor the fit, nor the encoder."""
