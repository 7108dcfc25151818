"""dlib's face recogniser on a folder of pictures. Runs by itself, in an environment of its own:

    PYTHON ml/evaluation/likeness/dlib_peer.py FOLDER OUT.npz

with ``pip install dlib-bin face-recognition-models``. Its weights are for measuring only: nothing
is learned from them or with them, and they ship nowhere.

FOLDER holds pictures and points.npy (N, 68, 2): each face's landmarks in iBUG's order, pixels,
(0, 0) the corner of the first; pictures in the order of their names. A line is printed for every
picture. OUT holds embeddings (N, 128) float64.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np

WEIGHTS = "dlib_face_recognition_resnet_model_v1.dat"
# dlib's five points among iBUG's 68: outer and inner corner of the left eye, of the right one, and
# the nose's base.
FIVE = (45, 42, 36, 39, 33)


def weights() -> Path:
    """The recogniser's weights in the package face_recognition_models, which is not imported: it
    needs an old setuptools."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'face_recognition_models'")
    return Path(found.submodule_search_locations[0]) / "models" / WEIGHTS


def main(folder: Path, out: Path) -> None:
    """Embed every PNG of ``folder``."""
    dlib = importlib.import_module("dlib")
    network = dlib.face_recognition_model_v1(str(weights()))
    embeddings = []
    paths = sorted(folder.glob("*.png"))
    for path, points in zip(paths, np.load(folder / "points.npy"), strict=True):
        picture = dlib.load_rgb_image(str(path))
        five = dlib.points([dlib.point(*map(int, np.floor(points[k]))) for k in FIVE])
        face = dlib.full_object_detection(dlib.rectangle(0, 0, *picture.shape[1::-1]), five)
        embeddings.append(np.array(network.compute_face_descriptor(picture, face)))
        print(path.name, flush=True)
    np.savez(out, embeddings=np.array(embeddings))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
