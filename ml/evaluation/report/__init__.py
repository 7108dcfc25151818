"""The page docs/accuracy.md: everything on it is measured in the run that writes it."""
