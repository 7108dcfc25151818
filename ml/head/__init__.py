"""The head model: mean, bases, topology, UV, landmark sets, expression names."""
