"""Facial performances: files of ARKit's 52 expressions over time, read and written."""
