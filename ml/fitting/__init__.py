"""Gauss–Newton on dense landmarks: a head and a camera that agree with the photo."""
