"""Which people and expressions there are: sources, population, principal components."""
