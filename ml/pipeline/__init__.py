"""The pipeline: from photos to complete heads."""
