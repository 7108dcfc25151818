"""A person of one head model as a person of another."""
