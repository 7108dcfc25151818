"""Pictures of the head model: layout, expressions, modes, random people.

python -m ml.training.head.sheet --out docs
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ...data import ByteArray, FloatArray
from ...geometry.triangles import quad_of_triangle, triangulate
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
    triangles = triangulate(model.quads)
    fragments = rasterize(flat, triangles, size, size)
    normals = interpolate(fragments, vertex_normals(seen, triangles), triangles)
    palette = np.array([COLOURS.get(name, WHITE) for name in model.part_names])
    part = model.part[quad_of_triangle(model.quads)][np.maximum(fragments.face, 0)]
    shade = 0.35 + 0.7 * np.clip(normals @ LIGHT, 0, 1)
    picture = np.where((fragments.face >= 0)[..., None], palette[part] * shade[..., None], 250)
    return np.clip(picture, 0, 255).astype(np.uint8), flat, fragments.depth


def panel(
    model: HeadModel,
    vertices: FloatArray,
    turn: tuple[float, float],
    focus: FloatArray,
    span: float,
    wires: bool = False,
) -> ByteArray:
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


def layout_sheet(model: HeadModel) -> ByteArray:
    """Three rows: the mesh from four sides, close-ups of it, and the same shaded."""
    mean, _ = model.person(np.zeros(model.identity_count, np.float32))
    whole = np.array([0, -0.02, 0])
    close = (
        ((-15, 0), (0.02, 0.02, 0.08), 0.12), ((-10, 0), (0.0, -0.035, 0.1), 0.11),
        ((60, 0), (0.07, 0.012, 0.0), 0.1), ((20, 0), (0.03, 0.028, 0.09), 0.07),
    )  # fmt: skip
    sides = [panel(model, mean, (yaw, 0), whole, 0.36, wires=True) for yaw in (0, 45, 90, 180)]
    rows = [np.concatenate(sides, axis=1)]
    for wires in (True, False):
        found = [panel(model, mean, turn, np.array(at), span, wires) for turn, at, span in close]
        rows.append(np.concatenate(found, axis=1))
    return np.concatenate(rows)


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
    at, span = ((0, -0.02, 0), 0.36) if whole else ((0, -0.015, 0.05), 0.22)
    picture = panel(model, vertices, (20, 0), np.array(at), span)
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
