"""Training of the surface refinement."""
