"""Hair on development photos: outlines against the parse, by length, time, and a sheet to look at.

    python -m ml.evaluation hair --data DATA --sheet out/evaluation/hair.jpg

The sheet shows people, so it belongs in out/, never in docs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import ByteArray
from ...errors import HeadError
from ...hair.find import Shown, find_hair
from ...hair.ground import ground_of
from ...hair.look import LENGTHS, Hair
from ...hair.preview import draw_hair, reduced, side_camera
from ...head.mesh import person_of
from ...head.storage import load_head_model
from ...photo.read import read_photo
from ...pipeline.fit import fit_observation
from ...pipeline.sight import parse_face
from ...pipeline.upright import observe_upright
from ..benchmark import ONE_FACE, Outcome, add_data_options
from ..photos.labels import PHOTO_SETS
from ..pictures import save_picture
from .overlap import overlaps

TILE, SIDES = 260, (0, 60, 180, -90)
SKIN = np.array([205.0, 165.0, 140.0], np.float32)


@dataclass(frozen=True)
class Measured:
    """One photo: the length class found, both overlaps of :func:`.overlap.overlaps`, the time."""

    photo: str
    length: str
    whole: float
    hair: float
    milliseconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument("--sheet", type=Path, help="picture of all photos and heads")


def run(arguments: argparse.Namespace) -> Outcome:
    model, found, rows = load_head_model(), list[Measured](), list[ByteArray]()
    ground_of(model)
    for name, shown in photos_of(arguments.data):
        # The first strands load what later ones find loaded.
        if not found:
            find_hair(shown, model)
        begun = time.perf_counter()
        hair = find_hair(shown, model)
        spent = 1000 * (time.perf_counter() - begun)
        whole, own = overlaps(shown, hair.strands, model)
        found.append(Measured(name, hair.look.length, whole, own, spent))
        if arguments.sheet:
            rows.append(pictured(shown, hair))
    if arguments.sheet:
        save_picture(np.vstack(rows), arguments.sheet)
    return Outcome(report(found), [asdict(item) for item in found])


def photos_of(data: Path) -> Iterator[tuple[str, Shown]]:
    """The fitted faces of the development photos, by name; photos without one are left out."""
    paths = [path for folder, _ in PHOTO_SETS.values() for path in (data / folder).glob("*.jpg")]
    for path in tqdm(sorted(paths), desc="hair", leave=False):
        try:
            upright = observe_upright(read_photo(path), ONE_FACE)
        except HeadError:
            continue
        photo = upright.photo
        fitted = fit_observation(photo, upright.observations[0])
        person, camera = person_of(load_head_model(), fitted.fit.coefficients), fitted.fit.camera
        yield path.stem, Shown(photo, camera, person, parse_face(photo, camera, person))


def report(found: list[Measured]) -> str:
    """Means by length class: photos, both overlaps, the least of the first, milliseconds."""
    lines = [f"{'':8}{'photos':>8}{'whole':>8}{'least':>8}{'hair':>8}{'ms':>8}"]
    for name in (*LENGTHS, "all"):
        some = [item for item in found if name in (item.length, "all")]
        if not some:
            continue
        whole = [item.whole for item in some]
        own = [item.hair for item in some if np.isfinite(item.hair)]
        spent = np.median([item.milliseconds for item in some])
        hair = np.mean(own) if own else np.nan
        lines.append(
            f"{name:8}{len(some):8}{np.mean(whole):8.3f}{min(whole):8.3f}{hair:8.3f}{spent:8.0f}"
        )
    return "\n".join(lines)


def pictured(shown: Shown, hair: Hair) -> ByteArray:
    """The photo, and the head with its hair in the photo's camera and from SIDES."""
    model = load_head_model()
    triangles, person = ground_of(model).triangles, shown.person
    photo, camera = shown.photo.rgb, reduced(shown.camera, TILE)
    tiles = [
        cv2.resize(photo, (camera.width, camera.height), interpolation=cv2.INTER_AREA),
        draw_hair(hair.strands, (person.expressed, triangles), camera, SKIN),
    ]
    framed = [np.zeros((TILE, TILE, 3), np.uint8) for _ in tiles]
    for frame, tile in zip(framed, tiles, strict=True):
        frame[: tile.shape[0], : tile.shape[1]] = tile
    for degrees in SIDES:
        view = side_camera(degrees, TILE)
        framed.append(draw_hair(hair.strands, (person.rest, triangles), view, SKIN))
    return np.hstack(framed)
