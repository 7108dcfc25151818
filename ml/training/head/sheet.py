"""Pictures of the head model: layout, expressions, modes, random people.

python -m ml.training.head.sheet --out docs
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ...data import ByteArray, FloatArray
from ...geometry.rotations import rotation_from_vector
from ...geometry.triangles import edges_of, quad_of_triangle, triangulate
from ...head.model import HeadModel
from ...head.storage import EFFIGY_HEAD, load_head_model
from ...rendering import interpolate, rasterize, vertex_normals

PANEL, SMALL = 370, 200
# How many panels a row of the small ones holds; standard deviations that modes are shown at; how
# many modes and people.
COLUMNS, DEVIATIONS, MODES, PEOPLE = 8, 2.5, 12, 24
COLOURS = {
    "skin": (214, 184, 164),
    "mouth": (140, 60, 60),
    "tongue": (200, 110, 110),
    **dict.fromkeys(("teeth_upper", "teeth_lower"), (240, 236, 222)),
    **dict.fromkeys(("gums_upper", "gums_lower"), (190, 110, 110)),
    **dict.fromkeys(("iris_left", "iris_right"), (110, 130, 150)),
    **dict.fromkeys(("pupil_left", "pupil_right"), (30, 30, 30)),
    **dict.fromkeys(("lashes_left", "lashes_right"), (60, 48, 44)),
    **dict.fromkeys(("tear_left", "tear_right"), (214, 140, 130)),
    "bust": (214, 184, 164),
}
WHITE = (236, 236, 236)
LIGHT = np.array([0.35, 0.45, 0.82])


@dataclass(frozen=True)
class Viewpoint:
    """Where a head is drawn from.

    Attributes
    ----------
    turn: yaw and pitch of the head, degrees. focus: (x, y, z) the picture's middle; span: its
    width; metres.
    """

    turn: tuple[float, float]
    focus: tuple[float, float, float]
    span: float


def draw(
    model: HeadModel, vertices: FloatArray, at: Viewpoint
) -> tuple[ByteArray, FloatArray, FloatArray]:
    """The picture at twice PANEL's size, the vertices' pixels and depth, and all pixels' depth."""
    size = PANEL * 2
    yaw, pitch = np.radians(at.turn)
    turn = rotation_from_vector(np.array([pitch, 0, 0])) @ rotation_from_vector(
        np.array([0, -yaw, 0])
    )
    seen = ((vertices - np.array(at.focus)) @ turn.T).astype(np.float32)
    x, y = (seen[:, :2] / np.float32(at.span) * size).T
    flat = np.column_stack([size / 2 + x, size / 2 - y, 2 - seen[:, 2]])
    triangles = triangulate(model.quads)
    fragments = rasterize(flat, triangles, size, size)
    normals = interpolate(fragments, vertex_normals(seen, triangles), triangles)
    palette = np.array([COLOURS.get(name, WHITE) for name in model.part_names])
    part = model.part[quad_of_triangle(model.quads)][np.maximum(fragments.face, 0)]
    shade = 0.35 + 0.7 * np.clip(normals @ LIGHT, 0, 1)
    picture = np.where((fragments.face >= 0)[..., None], palette[part] * shade[..., None], 250)
    return np.clip(picture, 0, 255).astype(np.uint8), flat, fragments.depth


def panel(
    model: HeadModel, vertices: FloatArray, at: Viewpoint, *, wires: bool = False
) -> ByteArray:
    """A drawing at PANEL size, with the quads' edges if ``wires``."""
    picture, flat, depth = draw(model, vertices, at)
    if wires:
        _add_wires(picture, model, flat, depth)
    return cv2.resize(picture, (PANEL, PANEL), interpolation=cv2.INTER_AREA)


def _add_wires(picture: ByteArray, model: HeadModel, flat: FloatArray, depth: FloatArray) -> None:
    for a, b in np.unique(np.sort(edges_of(model.quads), axis=1), axis=0):
        middle = (flat[a] + flat[b]) / 2
        x, y = int(middle[0]), int(middle[1])
        inside = 0 <= x < depth.shape[1] and 0 <= y < depth.shape[0]
        if inside and middle[2] < depth[y, x] + 0.0012:
            start, end = flat[[a, b], :2].astype(int).tolist()
            cv2.line(picture, start, end, (60, 48, 44), 1, cv2.LINE_AA)


WHOLE = (0.0, -0.02, 0.0)
# An eye, the mouth, an ear, and an eye's corner.
CLOSE = (
    Viewpoint((-15, 0), (0.02, 0.02, 0.08), 0.12),
    Viewpoint((-10, 0), (0.0, -0.035, 0.1), 0.11),
    Viewpoint((60, 0), (0.07, 0.012, 0.0), 0.1),
    Viewpoint((20, 0), (0.03, 0.028, 0.09), 0.07),
)


def layout_sheet(model: HeadModel) -> ByteArray:
    """Three rows: the mesh from four sides, close-ups of it, and the same shaded."""
    mean, _ = model.person(np.zeros(model.identity_count, np.float32))
    sides = [Viewpoint((yaw, 0), WHOLE, 0.36) for yaw in (0, 45, 90, 180)]
    rows = [[panel(model, mean, at, wires=True) for at in sides]]
    rows += [[panel(model, mean, at, wires=wires) for at in CLOSE] for wires in (True, False)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def expression_sheet(model: HeadModel) -> ByteArray:
    """All keys at 1 on the mean head, by name. mouthClose is meant for an open jaw and shown so."""
    mean, keys = model.person(np.zeros(model.identity_count, np.float32))
    moved = dict(zip(model.expression_names, mean + keys, strict=True))
    moved["mouthClose"] += moved["jawOpen"] - mean
    return tiled(
        [
            small(model, vertices, "mouthClose + jawOpen" if name == "mouthClose" else name)
            for name, vertices in moved.items()
        ]
    )


def mode_sheet(model: HeadModel) -> ByteArray:
    """The first modes, each at minus and plus DEVIATIONS, side by side."""
    panels = []
    for mode in range(MODES):
        for sign in (-1, 1):
            identity = np.zeros(model.identity_count, np.float32)
            identity[mode] = sign * DEVIATIONS
            name = f"{mode + 1}: {sign * DEVIATIONS:+.1f}"
            panels.append(small(model, model.person(identity)[0], name, whole=True))
    return tiled(panels)


def people_sheet(model: HeadModel, seed: int = 3) -> ByteArray:
    """People drawn from the model's own distribution."""
    rng = np.random.default_rng(seed)
    crowd = rng.normal(size=(PEOPLE, model.identity_count)).astype(np.float32)
    return tiled([small(model, model.person(row)[0], "", whole=True) for row in crowd])


def small(model: HeadModel, vertices: FloatArray, name: str, *, whole: bool = False) -> ByteArray:
    """A panel of SMALL pixels with its ``name``: the face, or the ``whole`` head."""
    focus, span = (WHOLE, 0.36) if whole else ((0, -0.015, 0.05), 0.22)
    picture = panel(model, vertices, Viewpoint((20, 0), focus, span))
    picture = cv2.resize(picture, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    font = cv2.FONT_HERSHEY_SIMPLEX
    return np.asarray(cv2.putText(picture, name, (6, 14), font, 0.42, (40, 40, 40), 1, cv2.LINE_AA))


def tiled(panels: list[ByteArray]) -> ByteArray:
    """Rows of COLUMNS panels; the last one is filled up with white."""
    missing = -len(panels) % COLUMNS
    panels = [*panels, *[np.full_like(panels[0], 250)] * missing]
    rows = [panels[start : start + COLUMNS] for start in range(0, len(panels), COLUMNS)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


SHEETS = {
    "head": layout_sheet,
    "head_expressions": expression_sheet,
    "head_modes": mode_sheet,
    "head_people": people_sheet,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--model", type=Path, default=EFFIGY_HEAD)
    arguments = parser.parse_args()
    model = load_head_model(arguments.model)
    for name, make in SHEETS.items():
        path = arguments.out / f"{name}.png"
        Image.fromarray(make(model)).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
