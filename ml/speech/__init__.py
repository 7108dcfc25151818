"""Speech: the mouth's shapes for sounds. NumPy only."""
