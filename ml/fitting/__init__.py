"""Fit a head and a camera to dense landmarks by Gauss–Newton."""
