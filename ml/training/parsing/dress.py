"""Put glasses, hats and beards on portraits of people without glasses: real pictures, exact masks.

    python -m ml.training.parsing.dress --data DATA --portraits out/parsing/second.npz

What is put on is drawn on the fitted head, with the portrait's own camera, and laid over the
photo. The result holds the portraits as they are and, after them, the dressed ones.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import FloatArray
from ...geometry.colour import srgb_of
from ...parsing.parse import SIZE, head_box
from ...photo.crop import box_from_landmarks, crop_to_photo
from ..arguments import Inputs, file_options
from ..data.picture.draw import FOCAL, WORN, Drawing, Figure, Shot, draw_head
from ..data.picture.kernels import fast_normals
from ..data.picture.scene import Stage, load_stage
from ..data.portraits import Portrait, load_portraits, profile_colours
from ..data.samples import developed
from ..data.worn.anchors import Wearer, anchors_of, measure
from ..data.worn.beards import beard_area, make_beard, moustache
from ..data.worn.extra import Extra
from ..data.worn.glasses import make_glasses, random_frame
from ..data.worn.haircuts import hair_colour
from ..data.worn.headgear import hat_line, make_hat
from .labels import INDEX
from .portraits import SURELY_NOT

SEED, TIMES = 17, 2
# Shares of portraits that get a hat and a beard; the others get glasses.
HAT, BEARD = 0.17, 0.28
# What of a lens is glasses, as in labels.py, and what it must hide to be seen at all.
LENS, TRACE = 0.35, 0.02
# What of a pixel must be covered by what was put on to be of its class.
SHOWN = 0.4
# Kinds of beards that are put on, and how often.
KINDS = {"full": 0.5, "goatee": 0.2, "moustache": 0.3}


def dressed_portrait(
    stage: Stage, portrait: Portrait, image: np.ndarray, labels: np.ndarray, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The (S, S, 3) crop of a portrait and its labels, with something put on."""
    rng = np.random.default_rng(seed)
    vertices = stage.shape.at(portrait.coefficients)
    normals = fast_normals(vertices, stage.triangles)
    wearer = measure(anchors_of(stage), vertices, normals)
    worn = _put_on(wearer, rng)
    colours = profile_colours(stage, portrait).astype(np.float32)
    grey = float(np.ptp(colours[stage.is_part("Face")], axis=1).mean()) < 6
    light = rng.normal(0, 0.25, 3) + np.array([0, 0.15, 0.1])
    made = tuple(developed(extra, grey, light) for extra in worn.extras)
    shot = Shot(portrait.camera, _crop(portrait), image)
    figure = Figure(vertices, normals, colours, made)
    drawing = draw_head(stage, figure, shot, lambda pixels, _: pixels.colours)
    paint = _painted(stage, drawing, worn.area, len(image))
    # Hair darkens the skin under it, whose own light stays.
    tint = srgb_of(worn.colour) / max(float(colours[stage.is_part("Face")].mean()), 1.0)
    grain = rng.normal(1, 0.25, paint.shape).clip(0, 1.6) * paint
    under = image * (1 + (np.clip(tint, 0, 1.6) - 1) * grain[..., None].clip(0, 1))
    over = _coverage(drawing)
    mixed = under + (drawing.image.astype(np.float32) - under) * over[0][..., None]
    shown = (over[1] > SHOWN) | (paint > SHOWN)
    found = np.where(shown, np.uint8(INDEX[worn.name]), labels)
    return np.clip(mixed, 0, 255).astype(np.uint8), found


@dataclass(frozen=True)
class _Worn:
    """What is put on: the name of its class, its meshes, and for beards the (3,) linear colour and
    the (D,) 0..1 amount of hair on the skin."""

    name: str
    extras: list[Extra]
    colour: FloatArray
    area: FloatArray


def _put_on(wearer: Wearer, rng: np.random.Generator) -> _Worn:
    draw, colour = rng.random(), hair_colour(rng)
    nothing = np.zeros(len(wearer.vertices), np.float32)
    if draw < BEARD:
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
        extras = [] if kind == "moustache" else [make_beard(wearer, colour, kind == "goatee", rng)]
        if kind == "moustache" or rng.random() < 0.8:
            extras.append(moustache(wearer, colour, rng))
        area = beard_area(wearer, kind) * np.float32(rng.uniform(0.6, 0.95))
        return _Worn("beard", extras, colour, area)
    if draw < BEARD + HAT:
        hat = str(rng.choice(["cap", "beanie", "wide brim", "helmet"]))
        return _Worn("hat", make_hat(wearer, hat, hat_line(hat, rng), rng), colour, nothing)
    return _Worn("glasses", make_glasses(wearer, random_frame(rng), rng), colour, nothing)


def _painted(stage: Stage, drawing: Drawing, area: FloatArray, size: int) -> FloatArray:
    """(size, size) 0..1: the (D,) amounts on the head where the drawing shows the head itself."""
    face = drawing.solid.face
    head = (face >= 0) & (face < len(stage.triangles))
    fine = np.zeros(face.shape, np.float32)
    corners = stage.triangles[face[head]]
    fine[head] = (area[corners] * drawing.solid.barycentric[head]).sum(1)
    return np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA))


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
