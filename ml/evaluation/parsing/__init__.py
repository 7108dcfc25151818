"""Measuring face parsing: overlap of its masks with true ones, and its time."""
