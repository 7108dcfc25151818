"""The data engine: portraits, profiled portraits and renders as training samples."""
