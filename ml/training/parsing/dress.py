"""Put glasses, hats and beards on portraits of people without glasses: real pictures, exact masks.

    python -m ml.training.parsing.dress --data DATA --portraits out/parsing/second.npz

What is put on is drawn on the fitted head, with the portrait's own camera, and laid over the
photo. The result holds the portraits as they are and, after them, the dressed ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import FloatArray
from ...parsing.parse import SIZE, head_box
from ...photo.crop import box_from_landmarks, crop_to_photo
from ..arguments import Inputs, file_options
from ..data.picture.draw import FOCAL, WORN, Drawing, Figure, Shot, draw_head
from ..data.picture.kernels import fast_normals
from ..data.picture.scene import Stage, load_stage
from ..data.portraits import Portrait, load_portraits, profile_colours
from ..data.samples import developed, into_crop
from ..data.worn.anchors import Wearer, anchors_of, measure
from ..data.worn.beards import make_beard, moustache
from ..data.worn.extra import Extra
from ..data.worn.glasses import make_glasses, random_frame
from ..data.worn.haircuts import hair_colour
from ..data.worn.headgear import hat_line, make_hat
from .labels import INDEX
from .portraits import SURELY_NOT
from .samples import cover

SEED, TIMES = 17, 2
# Shares of portraits that get a hat and a beard; the others get glasses. Of all, so many are also
# covered by a crude occluder.
HAT, BEARD, COVERED = 0.2, 0.15, 0.3
# What of a lens is glasses, as in labels.py, and what it must hide to be seen at all.
LENS, TRACE = 0.35, 0.02


def dressed_portrait(
    stage: Stage, portrait: Portrait, image: np.ndarray, labels: np.ndarray, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The (S, S, 3) crop of a portrait and its labels, with something put on."""
    rng = np.random.default_rng(seed)
    vertices = stage.shape.at(portrait.coefficients)
    normals = fast_normals(vertices, stage.triangles)
    wearer = measure(anchors_of(stage), vertices, normals)
    name, extras = _put_on(wearer, rng)
    colours = profile_colours(stage, portrait).astype(np.float32)
    grey = float(np.ptp(colours[stage.is_part("Face")], axis=1).mean()) < 6
    light = rng.normal(0, 0.25, 3) + np.array([0, 0.15, 0.1])
    made = tuple(developed(extra, grey, light) for extra in extras)
    shot = Shot(portrait.camera, _crop(portrait), image)
    figure = Figure(vertices, normals, colours, made)
    drawing = draw_head(stage, figure, shot, lambda pixels, _: pixels.colours)
    over = _coverage(drawing)
    mixed = image + (drawing.image.astype(np.float32) - image) * over[0][..., None]
    found = np.where(over[1] > 0.5, np.uint8(INDEX[name]), labels)
    result = np.clip(mixed, 0, 255).astype(np.uint8), found
    if rng.random() < COVERED:
        to_photo = crop_to_photo(head_box(box_from_landmarks(portrait.labels)), SIZE)
        return cover(*result, into_crop(portrait.labels, to_photo), rng)
    return result


def _put_on(wearer: Wearer, rng: np.random.Generator) -> tuple[str, list[Extra]]:
    draw = rng.random()
    if draw < BEARD:
        colour = hair_colour(rng)
        return "beard", [make_beard(wearer, colour, False, rng), moustache(wearer, colour, rng)]
    if draw < BEARD + HAT:
        kind = str(rng.choice(["cap", "beanie", "wide brim", "helmet"]))
        return "hat", make_hat(wearer, kind, hat_line(kind, rng), rng)
    return "glasses", make_glasses(wearer, random_frame(rng), rng)


def _crop(portrait: Portrait) -> FloatArray:
    """The crop's pixels as pixels of a camera like the drawing's; see Shot."""
    to_photo = crop_to_photo(head_box(box_from_landmarks(portrait.labels)), SIZE)
    intrinsics = portrait.camera.intrinsics
    to_photo[:, 2] -= intrinsics[:2, 2]
    return np.asarray(to_photo * (FOCAL / intrinsics[0, 0]), np.float32)


def _coverage(drawing: Drawing) -> tuple[FloatArray, FloatArray]:
    """(S, S) 0..1: where the drawing shows what was put on, and where it is of its class."""
    solid = drawing.kind == WORN
    size = (len(drawing.image), len(drawing.image))
    shown, own = (
        cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        for mask in (solid | (drawing.veil > TRACE), solid | (drawing.veil > LENS))
    )
    return np.asarray(shown), np.asarray(own)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], parents=[file_options("data", "reference", "fits")]
    )
    parser.add_argument("--portraits", type=Path, default=Path("out/parsing/second.npz"))
    parser.add_argument("--out", type=Path, default=Path("out/parsing/dressed.npz"))
    arguments = parser.parse_args()
    inputs = Inputs.of(arguments)
    stage, portraits = load_stage(inputs.reference), load_portraits(inputs.data, inputs.fits)
    with np.load(arguments.portraits) as archive:
        known = {name: archive[name] for name in archive.files}
    images, labels = list(known["images"]), list(known["labels"])
    for row in tqdm(np.flatnonzero(known["glasses"] <= SURELY_NOT)):
        for time in range(TIMES):
            image, found = dressed_portrait(
                stage, portraits[row], images[row], labels[row], (SEED, int(row), time)
            )
            images.append(image)
            labels.append(found)
    np.savez_compressed(arguments.out, images=np.stack(images), labels=np.stack(labels))
    print(f"{arguments.out}: {len(images)} pictures")


if __name__ == "__main__":
    main()
