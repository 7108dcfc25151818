"""Labelled development photos: landmarks, detection, calibration."""
