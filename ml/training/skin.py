"""Learn the statistics of skin and of the light that harmonics miss.

    python -m ml.training.skin --data ../shared/data --out ml/appearance/assets/skin.npz

Random people are dressed as for training samples: MakeHuman's skins, the light-free detail of
train portraits, blotches, make-up, beards and cropped hair. The main axes of their log albedo on
Effigy Head's vertices, and of what second-order harmonics leave of the log light on them, are all
that is stored: averages over hundreds of people, not the picture of any.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..appearance.skin import SKIN_MODEL, LightModes, SkinModel, save_skin_model
from ..assets.card import write_card
from ..data import FloatArray, HeadCoefficients
from ..geometry.mirror import mirror_twins
from ..head.model import HeadModel, SurfacePoints
from ..head.storage import load_head_model
from ..head.surface import nearest_on_triangles
from ..rendering import harmonics_of
from .arguments import file_options
from .data.people.dressed import dressed
from .data.people.poses import random_camera
from .data.people.skins import training_skins
from .data.picture.draw import Figure, OpaqueMesh, Pixels
from .data.picture.lighting import random_light, shade
from .data.picture.scene import DRAWN, Stage
from .data.studio import Studio, open_studio

PEOPLE, SEED = 1200, 77
ALBEDO_MODES, LIGHT_MODES = 44, 16
SKIN = [DRAWN.index(name) for name in ("Face", "Head and Neck")]
# Colours darker than this are taken for this: logarithms of nothing are of no use.
DARKEST = 0.004
# Light is not known at vertices turned farther from the camera than this (cosine).
STEEPEST = 0.2
# A vertex whose mean log albedo is so far from what is usual round it, on a bust where nothing but
# skin is (metres, on the mean head), sampled a wrong place of the skins: their charts end there.
MISPLACED, BUST, ROUND = 0.04, -0.16, 24


@dataclass(frozen=True)
class Samples:
    """People's (P, V, 3) log albedo and log light left over; lit: (P, V) bool, where known."""

    albedo: FloatArray
    light: FloatArray
    lit: np.ndarray


def vertices_on(model: HeadModel, stage: Stage) -> tuple[SurfacePoints, FloatArray]:
    """The shipped head's vertices as points of the reference, and what is left over on its mean.

    Skin rides on skin, so that a lid never follows the eyeball behind it.
    """
    mean = model.shape.mean
    found = nearest_on_triangles(stage.shape.mean, stage.triangles, mean)
    own = np.unique(model.quads[model.part_faces("skin")])
    better = nearest_on_triangles(stage.shape.mean, skin_triangles(stage), mean[own])
    corners, weights = found.corners.copy(), found.weights.copy()
    corners[own], weights[own] = better.corners, better.weights
    points = SurfacePoints(corners, weights)
    return points, mean - points.on(stage.shape.mean)


def skin_triangles(stage: Stage) -> np.ndarray:
    """(F, 3) of the stage's skin."""
    return np.asarray(stage.triangles[np.isin(stage.part[stage.triangles].max(1), SKIN)])


def draw_samples(studio: Studio, points: SurfacePoints, count: int) -> Samples:
    """``count`` random people, on ``points`` of the stage's skin."""
    albedo, light, lit = [], [], []
    for number in tqdm(range(count), desc="people", leave=False):
        rng = np.random.default_rng([SEED, number])
        shape = studio.stage.shape
        identity = np.clip(rng.normal(0, 1, len(shape.identity)), -2.5, 2.5).astype(np.float32)
        vertices = shape.at(HeadCoefficients(identity, studio.expression(rng)))
        figure = dressed(studio, vertices, rng).figure
        albedo.append(np.log(np.maximum(points.on(figure.colours), DARKEST)))
        left, known = _light_left(studio, figure, points, rng)
        light.append(left)
        lit.append(known)
    return Samples(np.stack(albedo), np.stack(light), np.stack(lit))


def _light_left(
    studio: Studio, figure: Figure, points: SurfacePoints, rng: np.random.Generator
) -> tuple[FloatArray, np.ndarray]:
    """(V, 3) log light beside what harmonics explain, and (V,) where the camera sees it."""
    stage, camera = studio.stage, random_camera(rng)
    solid = [extra for extra in figure.extras if extra.alpha.min() >= 1]
    moved = camera.to_camera_space(np.concatenate([figure.vertices, *[e.vertices for e in solid]]))
    triangles, start = [stage.triangles], len(figure.vertices)
    for extra in solid:
        triangles.append(extra.triangles + start)
        start += len(extra.vertices)
    places = points.on(moved[: len(figure.vertices)])
    normals = points.on(figure.normals) @ camera.rotation.T
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    colours, count = points.on(figure.colours), len(places)
    gloss = figure.gloss
    if gloss is None:
        gloss = np.zeros(len(figure.vertices), np.float32)
    pixels = Pixels(
        normals.astype(np.float32),
        places,
        colours,
        points.on(gloss[:, None])[:, 0],
        np.zeros(count, np.uint8),
        np.ones((count, 2), np.float32),
        np.ones(count, np.float32),
    )
    light = random_light(studio.lights, rng.uniform(0.1, 0.6, 3), rng)
    sent = shade(light, pixels, OpaqueMesh(moved, np.concatenate(triangles).astype(np.int32)))
    ratio = np.maximum(sent / np.maximum(colours, DARKEST), 1e-3)
    facing = -(normals * places).sum(1) / np.linalg.norm(places, axis=1)
    known = facing > STEEPEST
    basis = harmonics_of(normals)
    smooth = basis @ np.linalg.lstsq(basis[known], ratio[known], rcond=None)[0]
    smooth = np.maximum(smooth, 0.1 * np.median(ratio[known], axis=0))
    left = np.log(ratio / smooth)
    left -= np.median(left[known], axis=0)
    return np.clip(left, -1.5, 1.5).astype(np.float32), known


def well_placed(mean: FloatArray, places: FloatArray) -> np.ndarray:
    """(V,) the vertex whose colour each has: its own, or on the bust the nearest trustworthy one's.

    mean: (V, 3) log albedo. places: (V, 3) metres.
    """
    from scipy.spatial import cKDTree

    source = np.arange(len(mean))
    bust = np.flatnonzero(places[:, 1] < BUST)
    near = cKDTree(places[bust]).query(places[bust], ROUND)[1]
    off = np.abs(mean[bust] - np.median(mean[bust][near], axis=1)).max(1)
    good = bust[off < MISPLACED]
    source[bust] = good[cKDTree(places[good]).query(places[bust])[1]]
    return source


def main_axes(
    rows: FloatArray, known: np.ndarray | None, count: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean (V, 3), ``count`` modes (K, V, 3) of one standard deviation each, and noise (V,).

    noise: variance of one channel that the modes leave. Where ``known`` (P, V) is False a row is
    taken for the mean, and the modes are enlarged by how seldom that is not so.
    """
    people = len(rows)
    if known is None:
        share, mean = np.ones(rows.shape[1]), rows.mean(0)
    else:
        share = np.maximum(known.mean(0), 0.05)
        mean = (rows * known[..., None]).sum(0) / (people * share[:, None])
    off = rows - mean
    if known is not None:
        off = off * known[..., None]
    flat = off.reshape(people, -1)
    values, vectors = np.linalg.eigh((flat @ flat.T) / people)
    best = np.argsort(values)[::-1][:count]
    # Scores have variance 1, so that modes are standard deviations.
    scores = vectors[:, best] * np.sqrt(people)
    modes = (scores.T @ flat / people).reshape(count, *rows.shape[1:])
    left = np.square(flat - scores @ modes.reshape(count, -1)).mean(0).reshape(-1, 3).mean(1)
    modes = modes / np.sqrt(share)[None, :, None]
    return mean.astype(np.float32), modes.astype(np.float32), (left / share).astype(np.float32)


def learn(samples: Samples, twin: np.ndarray) -> SkinModel:
    """The statistics of ``samples`` and of their mirror images; twin: (V,) opposite vertices."""
    both = [np.concatenate([rows, rows[:, twin]]) for rows in (samples.albedo, samples.light)]
    lit = np.concatenate([samples.lit, samples.lit[:, twin]])
    mean, modes, noise = main_axes(both[0], None, ALBEDO_MODES)
    _, light, light_noise = main_axes(both[1], lit, LIGHT_MODES)
    return SkinModel(mean, modes, noise, LightModes(light, light_noise))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, parents=[file_options("data", "reference", "fits")]
    )
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--out", type=Path, default=SKIN_MODEL)
    arguments = parser.parse_args()
    model = load_head_model()
    studio = open_studio(arguments.data, arguments.reference, arguments.fits)
    skin = np.unique(model.quads[model.part_faces("skin")])
    points = vertices_on(model, studio.stage)[0].take(skin.astype(np.int32))
    samples = draw_samples(studio, points, arguments.people)
    source = well_placed(samples.albedo.mean(0), model.shape.mean[skin])
    samples = replace(samples, albedo=samples.albedo[:, source])
    learned = learn(samples, mirror_twins(model.shape.mean[skin]))
    store(learned, samples, arguments.out, arguments.data)


def store(learned: SkinModel, samples: Samples, out: Path, data: Path) -> None:
    """Write what was learned and its card."""
    save_skin_model(learned, out)
    model, people = load_head_model(), len(samples.albedo)
    names = ", ".join(path.stem for path in training_skins(data))
    write_card(
        out,
        name="Effigy skin",
        licence="CC0-1.0",
        commercial_use=True,
        sources=(
            f"MakeHuman skins (CC0): {names}",
            "699 official portraits of members of the US Congress (public domain), without light",
            "HDRI Haven (CC0) and ICT-FaceKit (MIT) environment maps",
        ),
        command=f"python -m ml.training.skin --data DATA --people {people}",
        details={
            "head_model": {"id": model.model_id, "version": model.version},
            "people": people,
            "seed": SEED,
            "albedo_modes": ALBEDO_MODES,
            "light_modes": LIGHT_MODES,
            "variance_kept": round(kept(samples.albedo, learned), 4),
        },
    )


def kept(albedo: FloatArray, learned: SkinModel) -> float:
    """Share of the variance of (P, V, 3) log albedo that the modes hold."""
    return float(1 - learned.noise.mean() / (albedo - learned.mean).var(0).mean())


if __name__ == "__main__":
    main()
