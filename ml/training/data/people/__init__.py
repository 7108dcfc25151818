"""Random people: skin, eyes, folds, poses, and what can be said of them."""
