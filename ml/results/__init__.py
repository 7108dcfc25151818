"""Results and reports, and their files."""
