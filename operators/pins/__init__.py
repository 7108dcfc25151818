"""Pins in Blender: the head follows points that a person puts where they are in the photo."""
