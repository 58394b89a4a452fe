"""``.splat2d`` file -> Gaussians -> pixels, and reports on files. Imports neither torch, nor the fit, nor the encoder."""
