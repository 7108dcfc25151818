"""A picture of the head model: layout, expressions, random people.

python -m ml.training.head.sheet --out docs/head.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ...data import ByteArray, FloatArray
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...rendering import interpolate, rasterize, vertex_normals

PANEL = 420
COLOURS = {
    "skin": (214, 184, 164),
    "mouth": (140, 60, 60),
    "teeth": (240, 236, 222),
    "tongue": (200, 110, 110),
}
WHITE = (236, 236, 236)
LIGHT = np.array([0.35, 0.45, 0.82])


def draw(
    model: HeadModel,
    vertices: FloatArray,
    turn: tuple[float, float],
    focus: FloatArray,
    span: float,
) -> tuple[ByteArray, FloatArray, FloatArray]:
    """The head turned by (yaw, pitch) degrees, ``span`` metres across, at twice PANEL's size:
    the picture, the vertices' pixels and depth, and the depth of every pixel."""
    size = PANEL * 2
    yaw, pitch = np.radians(turn)
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    seen = ((vertices - focus) @ (about_x @ about_y).T).astype(np.float32)
    flat = np.column_stack(
        [seen[:, 0] / span * size + size / 2, size / 2 - seen[:, 1] / span * size, 2 - seen[:, 2]]
    )
    quads = model.quads
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    fragments = rasterize(flat, triangles, size, size)
    normals = interpolate(fragments, vertex_normals(seen, triangles), triangles)
    palette = np.array([COLOURS.get(name, WHITE) for name in model.part_names])
    part = np.tile(model.part, 2)[np.maximum(fragments.face, 0)]
    shade = 0.35 + 0.7 * np.clip(normals @ LIGHT, 0, 1)
    picture = np.where((fragments.face >= 0)[..., None], palette[part] * shade[..., None], 250)
    return np.clip(picture, 0, 255).astype(np.uint8), flat, fragments.depth


def panel(
    model: HeadModel, vertices: FloatArray, turn: tuple[float, float], focus: FloatArray,
    span: float, wires: bool = False,
) -> ByteArray:  # fmt: skip
    """A drawing at PANEL size, with the quads' edges if ``wires``."""
    picture, flat, depth = draw(model, vertices, turn, focus, span)
    if wires:
        _add_wires(picture, model, flat, depth)
    return cv2.resize(picture, (PANEL, PANEL), interpolation=cv2.INTER_AREA)


def _add_wires(picture: ByteArray, model: HeadModel, flat: FloatArray, depth: FloatArray) -> None:
    edges = np.concatenate([model.quads[:, [k, (k + 1) % 4]] for k in range(4)])
    for a, b in np.unique(np.sort(edges, axis=1), axis=0):
        middle = (flat[a] + flat[b]) / 2
        x, y = int(middle[0]), int(middle[1])
        inside = 0 <= x < depth.shape[1] and 0 <= y < depth.shape[0]
        if inside and middle[2] < depth[y, x] + 0.0012:
            start, end = flat[[a, b], :2].astype(int).tolist()
            cv2.line(picture, start, end, (60, 48, 44), 1, cv2.LINE_AA)


def sheet(model: HeadModel, seed: int = 3) -> ByteArray:
    """Two rows: layout and close-ups; expressions and random people."""
    mean = model.shape.mean
    whole, face = np.array([0, -0.02, 0]), np.array([0, 0.0, 0.05])

    def expressed(**values: float) -> FloatArray:
        moved = mean.copy()
        for name, value in values.items():
            moved += value * model.shape.expression[model.expression_names.index(name)]
        return moved

    rng = np.random.default_rng(seed)
    people = [
        model.shape.neutral(rng.normal(0, 1.2, model.identity_count).astype(np.float32))
        for _ in range(2)
    ]
    smile = expressed(mouthSmileLeft=1, mouthSmileRight=1, jawOpen=0.25)
    blink = expressed(eyeBlinkLeft=1, eyeBlinkRight=1)
    rows = [
        [
            panel(model, mean, (-25, 0), whole, 0.36, wires=True),
            panel(model, mean, (-90, 0), np.array([0, 0.02, 0]), 0.28, wires=True),
            panel(model, mean, (-15, 0), np.array([0.02, 0.02, 0.08]), 0.12, wires=True),
            panel(model, mean, (-10, 0), np.array([0.0, -0.035, 0.1]), 0.11, wires=True),
        ],
        [
            panel(model, smile, (-20, 0), face, 0.22),
            panel(model, expressed(jawOpen=1) + blink - mean, (-20, 0), face, 0.22),
            *(panel(model, person, (-30, 0), whole, 0.36) for person in people),
        ],
    ]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/head.png"))
    arguments = parser.parse_args()
    Image.fromarray(sheet(load_head_model())).save(arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
