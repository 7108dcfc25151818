"""The head model: mean, bases, topology, UV, landmarks, expression names."""
