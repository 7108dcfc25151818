"""The core of Effigy: one photo becomes a head. Python, numpy and PyTorch; never ``bpy``.

Importing this package is cheap: torch, numba and OpenCV load in the rooms that need them.
"""

import os

# Before NumPy loads. Its matrices here are small, and threads of its own would wait for PyTorch's:
# with one thread a photo takes three quarters of the time, and a batch half of it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
