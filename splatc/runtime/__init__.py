"""What the rest stands on: nothing here knows of pictures or of Gaussians."""
