"""Effigy Head: population, statistics, topology and the build of the asset."""
