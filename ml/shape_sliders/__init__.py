"""Shape sliders: a person's head changed by named measures, without the rest. NumPy only."""
