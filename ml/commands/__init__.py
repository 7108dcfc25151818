"""What ``python -m ml.cli`` does besides reconstructing photos."""
