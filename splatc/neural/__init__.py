"""Small networks and what calls them: their weights are data, they are computed in the core."""
