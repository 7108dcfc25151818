"""Training of the expression network, on what the frozen face mesh sees."""
