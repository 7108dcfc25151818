"""Long work in short steps: beside a window, in the background, from a script."""
