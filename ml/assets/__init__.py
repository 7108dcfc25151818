"""Cards and weight files: the origin and integrity of what ships."""
