"""The core of Effigy: one photo becomes a head. Python, numpy and PyTorch; never ``bpy``.

Importing this package is cheap: torch, numba and OpenCV load in the rooms that need them.
"""
