"""Whether the figures that say how far a head can be trusted are right."""
