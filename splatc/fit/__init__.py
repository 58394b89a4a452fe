"""Picture -> Gaussians. Needs torch; the decoder never imports this package."""
