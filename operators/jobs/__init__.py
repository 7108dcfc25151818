"""Long work in short steps: in a window, in the background, from a script."""
