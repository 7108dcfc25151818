"""One rasteriser interface: a built-in z-buffer, pytorch3d where it is installed and asked for."""

from .rasterizer import BACKENDS, Fragments, interpolate, rasterize, vertex_normals

__all__ = ["BACKENDS", "Fragments", "interpolate", "rasterize", "vertex_normals"]
