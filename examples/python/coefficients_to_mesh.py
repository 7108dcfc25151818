"""Coefficients to a mesh for trimesh: python coefficients_to_mesh.py RESULT OUT.ply."""

import sys
from pathlib import Path

import effigy_ml as effigy
import trimesh

if __name__ == "__main__":
    result, out = Path(sys.argv[1]), Path(sys.argv[2])
    identity = effigy.load_reconstruction(result).coefficients.identity
    mesh = effigy.head_mesh(identity, {"jawOpen": 0.5, "mouthSmileLeft": 1.0}, level="low")
    solid = trimesh.Trimesh(mesh.vertices_expressed, effigy.triangles(mesh), process=False)
    solid.export(out)
    print(f"{len(solid.faces)} triangles, {1000 * solid.extents[1]:.0f} mm high")
