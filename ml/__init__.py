"""The core of Effigy: one photo becomes a head. Python, numpy and PyTorch; never ``bpy``.

Importing this package is cheap and changes nothing in the process: torch, numba and OpenCV load
where they are needed, in the engine's own process.
"""
