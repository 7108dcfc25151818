"""Hair against the photos that it was read from."""
