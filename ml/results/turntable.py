"""``turntable.js``: a small head that the page of a report turns.

A page opened from a folder may load scripts from it, but read no files. So the head, a binary glTF,
is text in a script.
"""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ..data import FloatArray, IntArray
from ..rendering import vertex_normals
from .glb import chunk_of, pack_glb
from .origin import stamp_content, statement_of
from .preview import CLAY, uv_triangles, without_lashes
from .reconstruction import Reconstruction

LARGEST, JPEG_QUALITY = 512, 85
# Of numbers and of what they are for, as glTF names them.
_FLOAT, _LONG, _SHORT = 5126, 5125, 5123
_VERTICES, _INDICES = 34962, 34963


def save_turntable(head: Reconstruction, path: Path) -> None:
    """Write ``head`` with its expression, a texture of at most 512 texels a side, as a script."""
    text = base64.b64encode(turntable_glb(head)).decode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'effigyTurntable("{text}");\n', encoding="ascii")


def turntable_glb(head: Reconstruction) -> bytes:
    """The head with its expression as binary glTF 2. Lashes, which need transparency, are left out.

    Metres, +Y up, +Z out of the face, as both sides have it; clay where it has no texture.
    """
    mesh = without_lashes(head.mesh)
    triangles, flat = uv_triangles(mesh)
    normals = vertex_normals(mesh.vertices_expressed, triangles)
    # A vertex at a seam of the texture is one vertex for each of its places there.
    pairs, corners = np.unique(
        np.column_stack([triangles.ravel(), flat.ravel()]), axis=0, return_inverse=True
    )
    uv = mesh.uv[pairs[:, 1]]
    parts = _Parts()
    attributes = {
        "POSITION": parts.floats(mesh.vertices_expressed[pairs[:, 0]]),
        "NORMAL": parts.floats(normals[pairs[:, 0]]),
        # glTF counts rows from the top.
        "TEXCOORD_0": parts.shares(np.column_stack([uv[:, 0], 1 - uv[:, 1]])),
    }
    indices = parts.indices(corners.reshape(-1))
    primitive = {"attributes": attributes, "indices": indices, "material": 0}
    content = _content(primitive, parts, _surface(head, parts))
    stamp_content(content, statement_of(head.provenance.to_json()))
    return pack_glb(content, chunk_of(bytes(parts.data)))


class _Parts:
    """The buffer of a glTF, its views and its accessors, as they are added."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def view(self, data: bytes, **how: int) -> int:
        """Append bytes; return the number of their view."""
        self.data += b"\0" * (-len(self.data) % 4)
        about = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        self.views.append(about | how)
        self.data += data
        return len(self.views) - 1

    def floats(self, values: FloatArray) -> int:
        """Append (N, 3) numbers; return the number of their accessor."""
        values = values.astype("<f4")
        bounds = {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        return self._add(values, {"componentType": _FLOAT, "type": "VEC3", **bounds}, _VERTICES)

    def shares(self, values: FloatArray) -> int:
        """Append (N, 2) numbers from 0 to 1, rounded to 1/65535."""
        whole = np.rint(np.clip(values, 0, 1) * 65535).astype("<u2")
        kind = {"componentType": _SHORT, "type": "VEC2", "normalized": True}
        return self._add(whole, kind, _VERTICES)

    def indices(self, values: IntArray) -> int:
        """Append (N,) indices, in half the bytes where they fit."""
        # The largest short is kept for other uses.
        short = int(values.max()) < 65535
        kind = {"componentType": _SHORT if short else _LONG, "type": "SCALAR"}
        return self._add(values.astype("<u2" if short else "<u4"), kind, _INDICES)

    def _add(self, values: np.ndarray, kind: dict[str, Any], target: int) -> int:
        view = self.view(values.tobytes(), target=target)
        self.accessors.append({"bufferView": view, "count": len(values), **kind})
        return len(self.accessors) - 1


def _surface(head: Reconstruction, parts: _Parts) -> dict[str, Any]:
    """The colour of the material."""
    if head.albedo is None:
        linear = (CLAY / 255.0) ** 2.2
        return {"baseColorFactor": [*map(float, linear), 1.0]}
    picture = head.albedo
    if len(picture) > LARGEST:
        picture = cv2.resize(picture, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA)
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY)
    parts.view(file.getvalue())
    return {"baseColorTexture": {"index": 0}}


def _content(primitive: dict[str, Any], parts: _Parts, surface: dict[str, Any]) -> dict[str, Any]:
    """The JSON of the file. The texture, if there is one, is the last view."""
    look = {**surface, "metallicFactor": 0.0, "roughnessFactor": 0.6}
    content: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "Effigy"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Head"}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"pbrMetallicRoughness": look, "doubleSided": True}],
        "buffers": [{"byteLength": len(parts.data)}],
        "bufferViews": parts.views,
        "accessors": parts.accessors,
    }
    if "baseColorTexture" in surface:
        content["images"] = [{"bufferView": len(parts.views) - 1, "mimeType": "image/jpeg"}]
        content["textures"] = [{"source": 0}]
    return content
