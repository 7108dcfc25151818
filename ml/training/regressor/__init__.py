"""Training of the regressor: batches, losses, the loop, and the export of its weights."""
