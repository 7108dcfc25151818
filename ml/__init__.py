"""The core of Effigy: one photo becomes a head. Python, numpy and PyTorch; never ``bpy``.

Importing this package is cheap: torch, numba and OpenCV load in the rooms that need them.
"""

import os

# Before NumPy loads. Its matrices here are small, and threads of its own would wait for PyTorch's:
# with one thread a photo takes three quarters of the time, and a batch half of it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Before PyTorch loads. Its threads otherwise spin while they wait for work, and where cores are
# few whatever runs between two networks waits with them: a photo took half as long again.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
