"""Cards and weight files: what ships, where it came from, whether it is intact."""
