"""One rasteriser interface: a built-in z-buffer, pytorch3d where it is installed and asked for."""

from .harmonics import harmonics_of
from .rasterizer import BACKENDS, Fragments, interpolate, rasterize, vertex_normals

__all__ = ["BACKENDS", "Fragments", "harmonics_of", "interpolate", "rasterize", "vertex_normals"]
