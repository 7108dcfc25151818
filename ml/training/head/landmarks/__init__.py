"""Landmark sets on the surface."""
