"""Geometry, sampling and colour that several rooms share: numpy only, and no head model.

``triangles``, ``alignment``, ``rotations``, ``mirror``, ``sampling`` and ``colour`` are imported
one by one; SciPy and OpenCV load in the functions that need them, PyTorch only in ``cameras``.
"""

# Lengths are metres everywhere; what is shown to people is multiplied by this.
MILLIMETRES = 1000.0
