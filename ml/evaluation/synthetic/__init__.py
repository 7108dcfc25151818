"""Rendered people whose shape, skin and pose are known."""
