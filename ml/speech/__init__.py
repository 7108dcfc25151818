"""Speech: the mouth's shapes for sounds, and curves of what lip-sync programs wrote. NumPy only."""
