"""Pins: points of a head's surface that a person put where they are in the photo. NumPy only."""
