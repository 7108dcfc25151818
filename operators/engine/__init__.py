"""The engine: another Python with PyTorch, found or installed, and its worker process."""
