"""Convert a person from one head model to another."""
