"""MediaPipe's face mesh on a folder of pictures. Runs by itself, in an environment of its own:

    PYTHON ml/evaluation/photos/mediapipe_peer.py FOLDER OUT.npz

Python 3.11 with ``pip install mediapipe==0.10.21``: that wheel brings the face mesh along, so that
nothing is fetched. A line is printed for every picture. OUT holds points (N, 478, 2) float32 in
pixels, (0, 0) the corner of the first, and found (N,) bool; pictures in the order of their names.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

POINTS = 478


def main(folder: Path, out: Path) -> None:
    """Look at every PNG of ``folder``."""
    cv2 = importlib.import_module("cv2")
    meshes = importlib.import_module("mediapipe").solutions.face_mesh
    paths = sorted(folder.glob("*.png"))
    points = np.full((len(paths), POINTS, 2), np.nan, np.float32)
    mesh = meshes.FaceMesh(
        static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.3
    )
    for number, path in enumerate(paths):
        rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        faces = mesh.process(rgb).multi_face_landmarks
        if faces:
            size = (rgb.shape[1], rgb.shape[0])
            points[number] = [(mark.x * size[0], mark.y * size[1]) for mark in faces[0].landmark]
        print(path.name, flush=True)
    np.savez(out, points=points, found=np.isfinite(points).all((1, 2)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
