"""One rasteriser interface: a built-in z-buffer, and pytorch3d if it is chosen and installed."""

from .harmonics import harmonics_of
from .rasterizer import BACKENDS, Fragments, interpolate, rasterize, vertex_normals

__all__ = ["BACKENDS", "Fragments", "harmonics_of", "interpolate", "rasterize", "vertex_normals"]
