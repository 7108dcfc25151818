"""What is known of the skin vertex by vertex: its hollows, and what the face's regions differ in.

Stored as plain numbers on the mesh's vertices, which Blender's nodes read by name. 0 is skin as it
is on most of the head, so a mesh without them is skin, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ...ml.data import FloatArray, HeadMesh, IntArray
from ...ml.geometry.triangles import edges_of

CAVITY, OIL = "effigy_cavity", "effigy_oil"
THIN, FLUSH = "effigy_thin", "effigy_flush"
# Shares of a region's weight. Order and signs follow what is known of faces: forehead, nose and
# chin have the most sebum, ears and nose the least flesh, and cheeks, nose and ears blush.
REGIONS = {
    OIL: {"nose": 1.0, "realy_forehead": 0.7, "jaw": 0.3, "ears": -0.6, "neck": -0.6},
    THIN: {"ears": 1.0, "mouth": 0.6, "eyes": 0.6, "nose": 0.5},
    FLUSH: {"cheeks": 1.0, "nose": 0.8, "ears": 0.8, "mouth": 0.3},
}
# A hollow counts in full where its radius is this, metres.
_RADIUS = 0.006
# How often values are averaged over neighbours: the layout is finer in some places than others,
# and regions end at edges that no face has.
_HOLLOW_ROUNDS, _REGION_ROUNDS = 2, 12


def store_skin_attributes(mesh: bpy.types.Mesh, head: HeadMesh) -> None:
    """Write the attributes of ``head`` on ``mesh``, which has its vertices."""
    for name, values in skin_attributes(head).items():
        layer = mesh.attributes.get(name)
        if layer is not None and (layer.data_type, layer.domain) != ("FLOAT", "POINT"):
            continue  # the person's own
        layer = layer or mesh.attributes.new(name, "FLOAT", "POINT")
        layer.data.foreach_set("value", np.ascontiguousarray(values, np.float32))


def skin_attributes(head: HeadMesh) -> dict[str, FloatArray]:
    """(V,) of every attribute by name: hollows 0..1, the others -1..1."""
    skin = _Skin.of(head)
    found = {CAVITY: _hollows(head.vertices.astype(np.float64), skin)}
    regions = np.zeros((len(head.vertices), len(REGIONS)))
    for column, shares in enumerate(REGIONS.values()):
        for name, share in shares.items():
            if name in head.masks:
                regions[:, column] += share * head.masks[name]
    smooth = skin.smooth(np.clip(regions, -1, 1), _REGION_ROUNDS)
    return found | dict(zip(REGIONS, smooth.T.astype(np.float32), strict=True))


@dataclass(frozen=True)
class _Skin:
    """The skin's faces and edges.

    Attributes
    ----------
    faces: (F, 4). start, end: (E,) vertices of every edge, each way. degree: (V,) edges at each.
    """

    faces: IntArray
    start: IntArray
    end: IntArray
    degree: IntArray

    @staticmethod
    def of(head: HeadMesh) -> _Skin:
        faces = head.quads[head.part == head.part_names.index("skin")]
        edges = edges_of(faces)
        edges = edges[edges[:, 0] != edges[:, 1]]
        start, end = np.concatenate([edges, edges[:, ::-1]]).T
        degree = np.maximum(np.bincount(start, minlength=len(head.vertices)), 1)
        return _Skin(faces, start, end, degree)

    def around(self, values: FloatArray) -> FloatArray:
        """(V, C): the average of ``values`` over each vertex' neighbours, 0 off the skin."""
        columns = [np.bincount(self.start, each[self.end], len(values)) for each in values.T]
        return np.stack(columns, 1) / self.degree[:, None]

    def smooth(self, values: FloatArray, rounds: int) -> FloatArray:
        """(V, C) values, averaged with their neighbours' so many times."""
        for _ in range(rounds):
            values = 0.5 * values + 0.5 * self.around(values)
        return values


def _hollows(places: FloatArray, skin: _Skin) -> FloatArray:
    """(V,) 0..1: how far the skin is hollow there, 1 where its radius is _RADIUS or less."""
    away = skin.around(places) - places
    lengths = ((places[skin.end] - places[skin.start]) ** 2).sum(1)
    apart = np.bincount(skin.start, lengths, len(places)) / skin.degree
    # Of a sphere of radius r, the neighbours' average lies apart / 2 r below a point.
    bent = 2 * (away * _normals(places, skin.faces)).sum(1) / np.maximum(apart, 1e-12)
    smooth = skin.smooth(bent[:, None], _HOLLOW_ROUNDS)[:, 0]
    return np.asarray(np.clip(_RADIUS * smooth, 0, 1), np.float32)


def _normals(places: FloatArray, faces: IntArray) -> FloatArray:
    """(V, 3) unit normals, 0 where no face is."""
    corners = places[faces]
    across = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    flat = faces[:, 2] == faces[:, 3]
    two = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    across[flat] = two[flat]
    total = np.zeros_like(places)
    for axis in range(3):
        total[:, axis] = np.bincount(
            faces.ravel(), np.repeat(across[:, axis], faces.shape[1]), len(places)
        )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.maximum(length, 1e-12))
