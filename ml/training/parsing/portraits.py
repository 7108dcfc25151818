"""Real portraits with the class of each pixel, as far as it can be told without a teacher.

    python -m ml.training.parsing.portraits --data DATA --out out/parsing/first.npz

Features come from the landmarks, skin, ears and neck from the fitted head, the person's outline
from outlines.py, glasses and beards, if any, from what the face CLIP says of the whole portrait,
and hair, skin and clothes beside each other from the photo's own colours. Whatever these do not
settle is left unknown; teacher.py fills it in with the steadiest answers of a first network.

The file holds images (N, S, S, 3) and labels (N, S, S) uint8, glasses and beard (N,) 0..1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import FloatArray
from ...parsing.parse import SIZE, head_box
from ...photo.crop import box_from_landmarks, crop_to_photo, warp_crop
from ...rendering import rasterize
from ..arguments import Inputs, file_options
from ..data.picture.scene import Stage, load_stage
from ..data.portraits import Portrait, load_portraits
from ..data.samples import into_crop
from .bare import QUESTIONS, odds
from .labels import INDEX, LIDS, LIPS, NOSE, regions_of
from .losses import UNKNOWN
from .outlines import OUTLINES

INNER_LIPS = (
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
# Round both eyes: where glasses would be.
EYES = (21, 68, 104, 9, 333, 298, 251, 356, 454, 323, 280, 4, 50, 93, 234, 127)
# Of 0..1, how likely a portrait shows glasses or a beard (see bare.odds) to be believed without
# them, and with them.
SURELY_NOT, SURELY = 0.5, 0.9
# Where the outline says so (0..255), a pixel is the background's or the person's.
OUTSIDE, INSIDE = 20, 235
# Outlines are filled in so many times finer: brows and lips are a few pixels high, and OpenCV fills
# every pixel that an outline touches.
_FINER = 4
# Natural logarithm of how much likelier one colour model must be than the other.
SURE = 2.0


@dataclass(frozen=True)
class Seen:
    """A portrait's crop and what is known of it.

    Attributes
    ----------
    rgb: (S, S, 3). points: (478, 2) pixels of the crop. person: (S, S) 0..255. head: (S, S) class
    that the fitted head shows, UNKNOWN beyond it. glasses, beard: see SURELY.
    """

    rgb: np.ndarray
    points: FloatArray
    person: np.ndarray
    head: np.ndarray
    glasses: float
    beard: float


def seen_portraits(inputs: Inputs, outlines: Path) -> Iterator[Seen]:
    """The training portraits, in order."""
    stage = load_stage(inputs.reference)
    portraits = load_portraits(inputs.data, inputs.fits)
    chances = [odds(portraits, question) for question in QUESTIONS]
    with np.load(inputs.data / "portraits" / "train.npz") as archive:
        names = archive["photo"]
    with np.load(outlines) as masks:
        for portrait, name, glasses, beard in zip(portraits, names, *chances, strict=True):
            to_photo = crop_to_photo(head_box(box_from_landmarks(portrait.labels)), SIZE)
            yield Seen(
                warp_crop(portrait.rgb, to_photo, SIZE),
                into_crop(portrait.labels, to_photo),
                warp_crop(masks[Path(str(name)).name], to_photo, SIZE),
                head_classes(stage, portrait, to_photo),
                float(glasses),
                float(beard),
            )


def head_classes(stage: Stage, portrait: Portrait, to_photo: FloatArray) -> np.ndarray:
    """(S, S) uint8: the class of the fitted head in the crop, UNKNOWN where it is not."""
    vertices = stage.shape.at(portrait.coefficients)
    depth = portrait.camera.to_camera_space(vertices)[:, 2]
    flat = into_crop(portrait.camera.project(vertices), to_photo)
    drawn = rasterize(
        np.column_stack([flat, depth]).astype(np.float32), stage.triangles, SIZE, SIZE
    )
    seen = drawn.face >= 0
    corners = stage.triangles[drawn.face[seen]]
    nearest = corners[np.arange(len(corners)), drawn.barycentric[seen].argmax(1)]
    classes = np.full(seen.shape, UNKNOWN, np.uint8)
    classes[seen] = regions_of(stage)[nearest]
    return classes


def first_labels(seen: Seen) -> np.ndarray:
    """(S, S) uint8: the class of each pixel, UNKNOWN where nothing settles it."""
    labels = np.full(seen.head.shape, UNKNOWN, np.uint8)
    face = filled(seen.points[list(_OVAL)])
    core = cv2.erode(face, _disc(3)) > 0
    labels[core] = INDEX["skin"]
    _by_colour(labels, seen, face > 0)
    labels[seen.person < OUTSIDE] = INDEX["background"]
    _features(labels, seen.points)
    _worn(labels, seen)
    return labels


_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip


def filled(outline: FloatArray) -> np.ndarray:
    """(SIZE, SIZE) uint8: 1 where most of a pixel is within the (N, 2) outline."""
    fine = np.zeros((_FINER * SIZE, _FINER * SIZE), np.uint8)
    # OpenCV's (0, 0) is the first pixel's centre; ours is its corner.
    cv2.fillPoly(fine, [np.round(_FINER * outline - 0.5).astype(np.int32)], 255)
    return (cv2.resize(fine, (SIZE, SIZE), interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)


def _disc(reach: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))


def _by_colour(labels: np.ndarray, seen: Seen, face: np.ndarray) -> None:
    """Hair, neck and clothes, and what of the forehead is hair; in place."""
    lab = cv2.cvtColor(seen.rgb, cv2.COLOR_RGB2Lab).astype(np.float32)
    lab = cv2.GaussianBlur(lab, (0, 0), 0.7)
    person = seen.person > INSIDE
    x, y = seen.points[:, 0], seen.points[:, 1]
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    height = y[152] - y[10]
    cheeks = filled(seen.points[[50, 205, 4, 425, 280, 6]]) > 0
    on_head = seen.head != UNKNOWN
    near = (columns > x[234] - 0.45 * height) & (columns < x[454] + 0.45 * height)
    beside = person & ~face & ~on_head & near & (rows < y[152] - 0.25 * height)
    skin = _Colours.of(lab[cheeks])
    shoulders = person & ~face & (rows > y[152] + 0.45 * height)
    labels[shoulders & ~_near(skin.distance(lab), 3.0)] = INDEX["clothes"]
    labels[beside] = INDEX["hair"]
    bald_top = person & ~face & on_head & (rows < y[10])
    if beside.sum() > 40:
        hair = _Colours.of(lab[beside])
        below = person & ~face & (rows > y[152] + 0.08 * height)
        unlike = ~_near(skin.distance(lab), 4.0) & ~_near(hair.distance(lab), 4.0)
        labels[below & unlike] = INDEX["clothes"]
        if _long_haired(seen, person & ~face & ~on_head & _near(hair.distance(lab), 4.0)):
            # What looks like hair on the shoulders may be the coat's or the hair's.
            labels[below & _near(hair.distance(lab), 5.0)] = UNKNOWN
        likelier = hair.distance(lab) - skin.distance(lab)
        above = (rows < y[[105, 334]].min()) & person & (face | on_head)
        labels[above & (likelier > SURE)] = INDEX["skin"]
        labels[above & (likelier < -SURE)] = INDEX["hair"]
        labels[above & (np.abs(likelier) <= SURE)] = UNKNOWN
    else:
        labels[bald_top & _near(skin.distance(lab), 3.0)] = INDEX["skin"]
    throat = (seen.head == INDEX["neck"]) & (rows > y[152])
    wide = (columns > x[172]) & (columns < x[397])
    is_skin = _near(skin.distance(lab), 2.5)
    labels[throat & wide & is_skin & person] = INDEX["neck"]
    labels[(seen.head == INDEX["ears"]) & is_skin & person & ~face] = INDEX["ears"]


def _long_haired(seen: Seen, hair: np.ndarray) -> bool:
    """Whether pixels like hair (S, S) lie beside the jaw, where collars do not reach."""
    x, y = seen.points[:, 0], seen.points[:, 1]
    height = y[152] - y[10]
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    level = (rows > y[152] - 0.22 * height) & (rows < y[152] - 0.04 * height)
    near = (columns > x[234] - 0.3 * height) & (columns < x[454] + 0.3 * height)
    return float((hair & level & near).sum()) > 0.018 * height**2


def _near(distance: FloatArray, reach: float) -> np.ndarray:
    return np.asarray(distance < reach**2)


@dataclass(frozen=True)
class _Colours:
    """Colours of one thing: (3,) mean and (3, 3) inverse covariance in CIE Lab."""

    mean: FloatArray
    inverse: FloatArray

    @classmethod
    def of(cls, colours: FloatArray) -> _Colours:
        spread = np.cov(colours.T) + np.diag([60.0, 12.0, 12.0])
        return cls(np.median(colours, axis=0), np.linalg.inv(spread))

    def distance(self, lab: FloatArray) -> FloatArray:
        """(...,) squared Mahalanobis distance."""
        away = lab - self.mean
        return np.asarray(np.einsum("...i,ij,...j->...", away, self.inverse, away))


def _features(labels: np.ndarray, points: FloatArray) -> None:
    """Nose, brows, eyes, lips and mouth, in place."""
    skin = labels == INDEX["skin"]
    labels[(filled(points[list(NOSE)]) > 0) & skin] = INDEX["nose"]
    for brow in BROWS:
        labels[(filled(points[list(brow)]) > 0) & (skin | (labels == UNKNOWN))] = INDEX["brows"]
    for lids in LIDS:
        labels[filled(points[list(lids)]) > 0] = INDEX["eyes"]
    labels[filled(points[list(LIPS)]) > 0] = INDEX["lips"]
    inner = points[list(INNER_LIPS)]
    if np.linalg.norm(points[13] - points[14]) > 0.02 * SIZE * 0.5:
        labels[filled(inner) > 0] = INDEX["inner mouth"]


def _worn(labels: np.ndarray, seen: Seen) -> None:
    """Unknown where glasses or a beard may be, in place."""
    if seen.glasses > SURELY_NOT:
        round_eyes = filled(seen.points[list(EYES)]) > 0
        lens = np.zeros(labels.shape, bool)
        for lids in LIDS:
            lens |= cv2.dilate(filled(seen.points[list(lids)]), _disc(3)) > 0
        labels[round_eyes & ~(lens & (labels == INDEX["eyes"]))] = UNKNOWN
    if seen.beard > SURELY_NOT:
        jaw = filled(seen.points[list(_JAW)]) > 0
        inner = np.isin(labels, [INDEX["lips"], INDEX["inner mouth"]])
        labels[cv2.dilate(jaw.astype(np.uint8), _disc(4)).astype(bool) & ~inner] = UNKNOWN


# Where beards grow: from the ears down, with the upper lip.
_JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361,
        323, 454, 425, 327, 2, 98, 205)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], parents=[file_options("data", "reference", "fits")]
    )
    parser.add_argument("--outlines", type=Path, default=OUTLINES)
    parser.add_argument("--out", type=Path, default=Path("out/parsing/first.npz"))
    arguments = parser.parse_args()
    found = list(tqdm(seen_portraits(Inputs.of(arguments), arguments.outlines), total=699))
    images = np.stack([seen.rgb for seen in found])
    labels = np.stack([first_labels(seen) for seen in found])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    chances = {name: [getattr(seen, name) for seen in found] for name in ("glasses", "beard")}
    np.savez_compressed(arguments.out, images=images, labels=labels, **chances)
    print(f"{arguments.out}: {len(labels)} portraits, {(labels == UNKNOWN).mean():.1%} unknown")


if __name__ == "__main__":
    main()
