"""The shipped head, ready for the data engine to draw."""

import numpy as np

from ml.geometry.triangles import triangulate
from ml.head.storage import load_head_model
from ml.training.data.picture import scene
from ml.training.data.picture.scene import Stage, eyes_at_rest


def shipped_stage() -> Stage:
    """The shipped head as a stage; the data engine's own reference is not shipped."""
    model = load_head_model()
    wanted = {
        "Face": ("skin",),
        "Mouth socket": ("mouth",),
        "Gums and tongue": ("tongue", "gums_"),
        "Teeth": ("teeth",),
        "Eyeball left": ("eye_left", "iris_left", "pupil_left"),
        "Eyeball right": ("eye_right", "iris_right", "pupil_right"),
    }
    part = np.zeros(model.vertex_count, np.uint8)
    quads = []
    for drawn, starts in reversed(wanted.items()):
        names = [name for name in model.part_names if name.startswith(starts)]
        quads.append(model.quads[model.part_faces(*names)])
        part[np.unique(quads[-1])] = scene.DRAWN.index(drawn)
    triangles = triangulate(np.concatenate(quads))
    dense = model.points("mediapipe478")
    anchor = np.array([np.linalg.norm(model.shape.mean - p, axis=1).argmin() for p in dense.mean])
    return Stage(
        model.shape,
        dense,
        triangles.astype(np.int32),
        part,
        np.arange(model.vertex_count),
        np.arange(model.vertex_count),
        scene._brows(model, model.shape.mean),
        anchor,
        eyes_at_rest(model.shape.mean, part),
    )
