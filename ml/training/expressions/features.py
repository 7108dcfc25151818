"""What the face mesh sees of training samples: computed once, since the mesh is not trained.

    python -m ml.training.expressions.features --samples out/data/acted --out out/data/acted_seen

Every sample is seen twice, as it is and mirrored, framed and coloured at random. Run it again for
samples finished since; with another folder and ``--seed``, to see all of them otherwise; with
``--closing``, to see the photos among them with lids closed (closing.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import FaceBox, FaceCrop, FloatArray, IntArray
from ...head.arkit import EXPRESSION_NAMES
from ...head.mirror import make_mirror
from ...head.storage import load_head_model
from ...photo.crop import box_from_landmarks, crop_to_photo, warp_crop
from ...regressor.face_mesh import FaceMesh, box_of_mesh, load_face_mesh
from ...regressor.face_mesh_network import CROP
from ..arguments import file_options
from ..data.stored import PHOTO, PROFILED, RENDER, finished_rows, open_samples
from .closing import close_lids, random_closing

# Rows of the network's batches, and of the files that they are written in.
AT_ONCE, PER_FILE = 32, 4000
# How much kinds teach. Portraits' expressions are fits to landmarks, which say little of lids and
# eyes. What profiled portraits act is known, but folds of what the person did stay on the skin.
WEIGHTS = {PHOTO: 0.3, PROFILED: 0.8, RENDER: 1.0}
# Half of a face from the side cannot be seen.
SIDE_WEIGHT, SIDE = 0.5, np.cos(np.radians(50))
# The keys of the left and the right lid, and those that no closed eye shows.
LIDS = [EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
WIDE = [EXPRESSION_NAMES.index(f"eyeWide{side}") for side in ("Left", "Right")]


@dataclass(frozen=True)
class Seen:
    """N views.

    Attributes
    ----------
    features: (N, FEATURES) float16. expression: (N, E). weight: (N,) how much each teaches.
    row: (N,) the sample that each shows.
    """

    features: np.ndarray
    expression: FloatArray
    weight: FloatArray
    row: IntArray

    @classmethod
    def read(cls, folders: list[Path]) -> Seen:
        """What this command wrote into some folders."""
        paths = [path for folder in folders for path in sorted(folder.glob("seen*.npz"))]
        parts = [np.load(path) for path in paths]
        return cls(*(np.concatenate([p[n] for p in parts]) for n in cls.__annotations__))


def seen_rows(folder: Path) -> IntArray:
    """The samples that the files in ``folder`` hold."""
    rows = [np.load(path)["row"] for path in sorted(folder.glob("seen*.npz"))]
    return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Shown:
    """Some rows of stored samples.

    Attributes
    ----------
    rows: (R,). closed: for each, how far its left and right lid are closed; None: as they are.
    """

    samples: dict[str, np.ndarray]
    rows: IntArray
    closed: list[tuple[float, float] | None]


def see(mesh: FaceMesh, shown: Shown, rng: np.random.Generator) -> Seen:
    """Both views of each row."""
    crops = [
        crop
        for row, lids in zip(shown.rows, shown.closed, strict=True)
        for crop in views(shown.samples, int(row), rng, lids)
    ]
    features = [
        face.features
        for start in range(0, len(crops), AT_ONCE)
        for face in mesh.predict_crops(crops[start : start + AT_ONCE])
    ]
    return Seen(np.stack(features).astype(np.float16), *_labels(shown))


def views(
    samples: dict[str, np.ndarray],
    row: int,
    rng: np.random.Generator,
    closed: tuple[float, float] | None = None,
) -> Iterator[FaceCrop]:
    """The sample as it is or with ``closed`` lids, and its mirror image."""
    picture, points = np.array(samples["images"][row]), samples["points"][row].astype(np.float32)
    if closed is not None:
        picture = close_lids(picture, points, closed)
    box = box_of_mesh(box_from_landmarks(points))
    for image, (x, roll) in (
        (picture, (box.center[0], box.roll)),
        (picture[:, ::-1].copy(), (picture.shape[1] - box.center[0], -box.roll)),
    ):
        shift = rng.normal(0, 0.03, 2) * box.size
        framed = FaceBox(
            (x + float(shift[0]), box.center[1] + float(shift[1])),
            box.size * float(np.exp(rng.normal(0, 0.07))),
            roll + float(rng.normal(0, 0.06)),
        )
        to_photo = crop_to_photo(framed, CROP)
        yield FaceCrop(discoloured(warp_crop(image, to_photo, CROP), rng), to_photo)


def discoloured(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(S, S, 3) uint8 in other light, sometimes grey, sometimes coarse."""
    shown = picture.astype(np.float32) / 255
    if rng.random() < 0.15:
        shown = shown.mean(2, keepdims=True).repeat(3, 2)
    shown = shown * np.exp(rng.normal(0, 0.25)) * rng.normal(1, 0.06, 3)
    shown = np.clip(shown, 1e-3, 1) ** np.exp(rng.normal(0, 0.25))
    if rng.random() < 0.25:
        side, size = len(shown), (int(rng.integers(70, 150)),) * 2
        small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
        shown = cv2.resize(small, (side, side))
    return np.asarray(np.clip(shown * 255, 0, 255), np.uint8)


def _labels(shown: Shown) -> tuple[FloatArray, FloatArray, IntArray]:
    """Expression, weight and row of both views of each sample."""
    samples, rows, mirror = shown.samples, shown.rows, make_mirror(load_head_model())
    own = np.array(samples["expression"][rows], np.float32)
    shut = np.array([lids is not None for lids in shown.closed])
    for row in np.flatnonzero(shut):
        own[row, LIDS] = shown.closed[row]
        own[row, WIDE] = 0
    both = np.stack([own, own[:, mirror.expression]], 1).reshape(-1, own.shape[1])
    # The head's forward axis against the line of sight.
    facing = -np.asarray(samples["rotation"][rows], np.float32)[:, 2, 2]
    weight = np.where(facing < SIDE, SIDE_WEIGHT, 1.0)
    weight = weight * [WEIGHTS[kind] for kind in samples["kind"][rows].tolist()]
    weight = np.where(shut, WEIGHTS[PROFILED], weight)
    return both, weight.repeat(2).astype(np.float32), rows.repeat(2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[file_options()],
    )
    parser.add_argument("--samples", type=Path, default=Path("out/data/acted"))
    parser.add_argument("--out", type=Path, default=Path("out/data/acted_seen"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--closing", action="store_true", help="photos with closed lids only")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    samples, mesh = open_samples(arguments.samples), load_face_mesh()
    rows = finished_rows(arguments.samples, len(samples["kind"]))
    if arguments.closing:
        rows = rows[np.asarray(samples["kind"])[rows] == PHOTO]
    rows = np.setdiff1d(rows, seen_rows(arguments.out))
    for start in tqdm(range(0, len(rows), PER_FILE), unit="file"):
        some = rows[start : start + PER_FILE]
        rng = np.random.default_rng([arguments.seed, int(some[0])])
        closed = [random_closing(rng) if arguments.closing else None for _ in some]
        seen = see(mesh, Shown(samples, some, closed), rng)
        np.savez(arguments.out / f"seen{some[0]:06d}.npz", **vars(seen))


if __name__ == "__main__":
    main()
