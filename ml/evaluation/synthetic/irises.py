"""Colour of the irises of rendered people, whose eyes are known.

    python -m ml.evaluation irises --data DATA

Errors are CIEDE2000 between the albedo of the texture's irises and the true one, each the mean over
the ring between pupil and dark rim. Both are also told apart as brown, green (with hazel) and blue
(with grey) by their place in CIE Lab. A texture that no person's iris could have, see
:func:`unlikely`, is counted. "always brown" gives everybody a common brown iris.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from ...appearance.atlas import Atlas, atlas_of, parts_of_kind
from ...appearance.eyes import EYE_KINDS, SIDES, eye_of
from ...appearance.texture import make_albedo
from ...data import ByteArray, FloatArray
from ...geometry.colour import linear_of, srgb_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...training.data.people.eyes import Eyes, eye_albedo
from ...training.data.picture.scene import load_stage
from ..benchmark import Outcome
from .kept_out import KeptOut, add_kept_out_options
from .people import Crowd, RenderedView, rendered_views
from .texture import TextureReference

SIZE = 512
# Nobody measures an eye that looks past the camera.
CROWD = Crowd(seed=911, yaws=((0, 12), (12, 30)))
# Of the radius of the iris: the ring whose colour is compared.
RING = (0.5, 0.78)
FAMILIES = ("brown", "green", "blue")
# sRGB of a common iris.
BROWN = np.array([96, 72, 54], np.float32)


class IrisRow(NamedTuple):
    """One eye of one view. found, true: (3,) CIE Lab. way: "Effigy" or "always brown"."""

    way: str
    found: FloatArray
    true: FloatArray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=20)


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out = KeptOut.of(arguments)
    views = rendered_views(kept_out, CROWD)
    rows = list(measure(views, TextureReference(load_stage(kept_out.reference), SIZE)))
    summary = summarise(rows)
    return Outcome(report(summary), {"summary": summary})


def measure(views: Iterable[RenderedView], reference: TextureReference) -> Iterator[IrisRow]:
    """Rows of both eyes of every view, in the true geometry."""
    model = load_head_model()
    for view in views:
        assert view.rendering is not None
        truth, true = reference.truth(view.rendering), true_iris(view.rendering.eyes)
        albedo = make_albedo(view.photo, truth.camera, truth.vertices, model, SIZE)
        for side in SIDES:
            yield IrisRow("Effigy", iris_of(albedo, model, side), true)
            yield IrisRow("always brown", lab_of(linear_of(BROWN)), true)


def iris_of(albedo: ByteArray, model: HeadModel, side: str) -> FloatArray:
    """(3,) CIE Lab of the iris of the ``side`` "left" or "right" in a texture."""
    atlas: Atlas = atlas_of(model, len(albedo))
    eye, texels = eye_of(model, side), atlas.of_parts(parts_of_kind(model, *EYE_KINDS, side=side))
    place = atlas.mean[texels] - eye.centre
    away = np.linalg.norm(place[:, :2], axis=1) / eye.iris
    ring = texels[(away > RING[0]) & (away < RING[1]) & (place[:, 2] > -eye.iris)]
    colours = albedo[atlas.rows[ring], atlas.columns[ring]].astype(np.float32)
    return lab_of(linear_of(colours).mean(0))


def true_iris(eyes: Eyes) -> FloatArray:
    """(3,) CIE Lab of a rendered person's irises."""
    away = np.linspace(*RING, 12) * eyes.radius
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    place = away[:, None, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    return lab_of(eye_albedo(eyes, place.reshape(-1, 2)).mean(0))


def lab_of(linear: FloatArray) -> FloatArray:
    """(3,) linear colour -> CIE Lab."""
    return np.asarray(rgb2lab(srgb_of(np.asarray(linear, np.float32))[None] / 255)[0], np.float32)


def family(lab: FloatArray) -> str:
    """The one of FAMILIES that an iris of this colour is counted to."""
    _, red, yellow = lab
    if yellow < 2:
        return "blue"
    return "brown" if red > 0.15 * yellow else "green"


def unlikely(lab: FloatArray) -> bool:
    """Whether nobody has an iris of this colour: mauve, pink or turquoise, or one that shines."""
    light, red, yellow = lab
    mauve = red > 3 and yellow < 0.4 * red
    return bool(mauve or red < -16 or light > 72)


def summarise(rows: Sequence[IrisRow]) -> dict[str, dict[str, float]]:
    """Means by way."""
    summary = {}
    for way in dict.fromkeys(row.way for row in rows):
        some = [row for row in rows if row.way == way]
        found, true = np.array([row.found for row in some]), np.array([row.true for row in some])
        errors = deltaE_ciede2000(found, true)
        named = [family(row.found) == family(row.true) for row in some]
        summary[way] = {
            "eyes": float(len(some)),
            "mean": float(errors.mean()),
            "median": float(np.median(errors)),
            "hue": float(np.linalg.norm(found[:, 1:] - true[:, 1:], axis=1).mean()),
            "named": float(np.mean(named)),
            "unlikely": float(np.mean([unlikely(row.found) for row in some])),
        }
    return summary


def report(summary: dict[str, dict[str, float]]) -> str:
    """The summary as a table."""
    lines = [f"{'colour of irises':16} eyes  CIEDE2000  median  chroma  family right  unlikely"]
    for way, row in summary.items():
        lines.append(
            f"{way:16} {row['eyes']:4.0f} {row['mean']:10.2f} {row['median']:7.2f} "
            f"{row['hue']:7.2f} {row['named']:13.0%} {row['unlikely']:9.0%}"
        )
    return "\n".join(lines)
