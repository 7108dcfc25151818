"""The core of Effigy: one photo becomes a head. Python, numpy and PyTorch; never ``bpy``.

Importing this package is cheap and changes nothing in the process: torch, numba and OpenCV load
where they are needed, in the engine's own process. The names of the public interface, which
:mod:`.api` documents, load when they are first used.
"""

from typing import Any

# Not taken from .api, which would load it.
__all__ = [
    "Camera",
    "HeadCoefficients",
    "HeadError",
    "HeadMesh",
    "Reconstruction",
    "SamePerson",
    "Settings",
    "expression_names",
    "head_mesh",
    "identity_count",
    "load_reconstruction",
    "prepare_process",
    "reconstruct",
    "reconstruct_person",
    "save_reconstruction",
    "triangles",
]


def __getattr__(name: str) -> Any:
    if name not in (*__all__, "__version__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import api

    return getattr(api, name)
