"""Things held before a face, laid over a sample: hands, phones, cups, microphones, loose hair.

Unlike the occluders of the data engine these are drawn anew in every batch, shaded, and partly
coloured with pieces of another sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...data import FloatArray
from .hands import draw_hand
from .labels import INDEX

# How often each thing comes.
KINDS = {"hand": 0.45, "card": 0.15, "cup": 0.12, "stick": 0.12, "piece": 0.04, "locks": 0.12}
# What belongs to a face or lies near it.
_FACE = ("skin", "nose", "brows", "eyes", "lips", "inner mouth", "beard", "glasses")
# A pixel shows what covers at least this much of it.
_SHOWN = 0.5


@dataclass(frozen=True)
class Layer:
    """Something to be laid over a picture.

    Attributes
    ----------
    colour: (S, S, 3) 0..255. alpha: (S, S) 0..1. name: of its class.
    """

    colour: FloatArray
    alpha: FloatArray
    name: str = "other"


@dataclass(frozen=True)
class Scene:
    """What a thing is held before: the (S, S, 3) picture, its (S, S) labels, and the (S, S, 3)
    picture of another sample. reach: side in pixels of a square as large as the face."""

    image: np.ndarray
    labels: np.ndarray
    other: np.ndarray
    reach: float

    def somewhere(self, rng: np.random.Generator, *names: str) -> FloatArray | None:
        """(2,) a random pixel that shows one of the named classes; None if there is none."""
        rows, columns = np.nonzero(np.isin(self.labels, [INDEX[name] for name in names]))
        if not len(rows):
            return None
        pick = rng.integers(len(rows))
        return np.array([columns[pick], rows[pick]], np.float32)

    def colour_of(self, name: str) -> FloatArray | None:
        """(3,) the median colour of a class; None where hardly any pixel shows it."""
        shown = self.image[self.labels == INDEX[name]]
        return np.median(shown, axis=0).astype(np.float32) if len(shown) > 40 else None


def hold(
    image: np.ndarray, labels: np.ndarray, other: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The (S, S, 3) picture and its (S, S) labels with something before the face.

    other: picture of another sample. Without a face the sample is returned as it is.
    """
    face = np.isin(labels, [INDEX[name] for name in _FACE])
    if face.sum() < 200:
        return image, labels
    scene = Scene(image, labels, other, float(np.sqrt(face.sum())))
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    picture, found = image.astype(np.float32), labels.copy()
    for layer in _MAKERS[kind](scene, rng):
        _shadow(picture, layer, scene.reach, rng)
        picture += (layer.colour - picture) * layer.alpha[..., None]
        found[layer.alpha > _SHOWN] = INDEX[layer.name]
    return np.clip(picture, 0, 255).astype(np.uint8), found


def _shadow(picture: FloatArray, layer: Layer, reach: float, rng: np.random.Generator) -> None:
    """Darken what lies beside the layer, in place."""
    blur, (right, down) = reach * rng.uniform(0.02, 0.1), rng.normal(0, 0.06, 2) * reach
    moved = np.array([[1, 0, right], [0, 1, down]], np.float32)
    cast = cv2.warpAffine(cv2.GaussianBlur(layer.alpha, (0, 0), blur), moved, picture.shape[1::-1])
    picture *= 1 - rng.uniform(0, 0.55) * cast[..., None]


def _hand(scene: Scene, rng: np.random.Generator) -> list[Layer]:
    place = scene.somewhere(rng, *_FACE, "neck", "hair", "ears")
    assert place is not None
    skin = scene.colour_of("skin")
    if skin is None or rng.random() < 0.1:
        skin = np.array([205, 160, 135], np.float32) * rng.uniform(0.25, 1.15)
    skin = skin * np.exp(rng.normal(0, 0.15)) * rng.normal(1, 0.03, 3)
    size = len(scene.image)
    hand = draw_hand((size, size), place, scene.reach * rng.uniform(0.7, 1.15), rng)
    sleeve = hand.along > (rng.uniform(0.25, 1.2) if rng.random() < 0.7 else 9.0)
    return [
        Layer(skin * hand.tone, hand.alpha * ~sleeve),
        Layer(_painted(scene, rng) * hand.tone, hand.alpha * sleeve, "clothes"),
    ]


def _card(scene: Scene, rng: np.random.Generator) -> list[Layer]:
    """A phone, a card, a sheet of paper, a camera."""
    height, width = scene.reach * rng.uniform(0.3, 1.1), scene.reach * rng.uniform(0.25, 0.7)
    alpha = _quadrangle(scene, (width, height), rng, rng.uniform(0, 1))
    colour = _painted(scene, rng)
    if rng.random() < 0.5:
        # A screen, a label, a lens: a smaller part of another colour.
        inner = cv2.erode(alpha, np.ones((3, 3)), iterations=int(rng.integers(1, 5)))
        colour += (_painted(scene, rng) - colour) * inner[..., None]
    return [Layer(colour, alpha)]


def _cup(scene: Scene, rng: np.random.Generator) -> list[Layer]:
    """A cup or a glass before the mouth, or a scarf or mask's worth of something round."""
    width = scene.reach * rng.uniform(0.35, 0.75)
    alpha = _quadrangle(scene, (width, width * rng.uniform(0.8, 1.8)), rng, 1.0, "lips", "beard")
    colour = _painted(scene, rng)
    columns = np.nonzero(alpha.max(0))[0]
    if len(columns):
        across = np.clip((np.arange(len(alpha)) - columns[0]) / max(np.ptp(columns), 1), 0, 1)
        colour *= (1 - 0.6 * (across - rng.uniform(0.2, 0.8)) ** 2)[None, :, None]
    return [Layer(colour, alpha)]


def _stick(scene: Scene, rng: np.random.Generator) -> list[Layer]:
    """A microphone, a pen, a straw, a cigarette: a shaft, often with a head."""
    place = scene.somewhere(rng, "lips", "inner mouth", "beard", "neck", "skin")
    assert place is not None
    size = len(scene.image)
    turn = rng.normal(np.pi / 2, 0.8)
    far = place + 3 * scene.reach * np.array([np.cos(turn), np.sin(turn)])
    shaft = np.zeros((size, size), np.uint8)
    wide = max(1, round(scene.reach * float(rng.choice([0.02, 0.04, 0.12]))))
    cv2.line(shaft, _at(place), _at(far), 255, wide, cv2.LINE_AA)
    layers = [Layer(_painted(scene, rng), shaft.astype(np.float32) / 255)]
    if rng.random() < 0.7:
        ball = np.zeros((size, size), np.uint8)
        radius = max(2, round(scene.reach * rng.uniform(0.07, 0.18)))
        cv2.circle(ball, _at(place), radius, 255, -1, cv2.LINE_AA)
        rows, columns = np.mgrid[:size, :size].astype(np.float32)
        lit = ((columns - place[0]) * rng.normal() + (rows - place[1]) * -1) / radius
        mesh = 1 + 0.25 * np.sin(columns * 2.1) * np.sin(rows * 2.1)
        tone = rng.uniform(10, 110) * np.clip(1 + 0.5 * lit, 0.2, 2) * mesh
        grey = np.repeat(tone[..., None], 3, 2).astype(np.float32)
        layers.append(Layer(grey, ball.astype(np.float32) / 255))
    return layers


def _piece(scene: Scene, rng: np.random.Generator) -> list[Layer]:
    """A blob of anything."""
    size = len(scene.image)
    place = scene.somewhere(rng, *_FACE)
    assert place is not None
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    waves = sum(rng.normal(0, 0.25 / k) * np.cos(k * around + rng.uniform(0, 6)) for k in (1, 2, 3))
    far = scene.reach * rng.uniform(0.12, 0.45) * np.exp(waves)
    outline = place + far[:, None] * np.stack([np.cos(around), np.sin(around)], 1)
    alpha = np.zeros((size, size), np.uint8)
    cv2.fillPoly(alpha, [outline.astype(np.int32)], 255, cv2.LINE_AA)
    return [Layer(_painted(scene, rng), alpha.astype(np.float32) / 255)]


def _locks(scene: Scene, rng: np.random.Generator) -> list[Layer]:
    """Strands that fall from the hair over the face."""
    root, colour = scene.somewhere(rng, "hair"), scene.colour_of("hair")
    end = scene.somewhere(rng, "skin", "brows", "eyes")
    if root is None or colour is None or end is None:
        return []
    size = len(scene.image)
    painted, alpha = np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)
    along = np.linspace(0, 1, 10)[:, None]
    spread, bend = rng.uniform(0.03, 0.3), rng.normal(0, 0.25, 2) * scene.reach
    for _ in range(int(rng.integers(3, 40))):
        away = rng.normal(0, spread, 2) * scene.reach
        turned = bend + rng.normal(0, 0.05, 2) * scene.reach
        line = root + 0.6 * away + along * (end + away - root) + along**2 * (1 - along) * turned
        strand = np.zeros((size, size), np.uint8)
        wide = int(rng.integers(1, 3))
        cv2.polylines(strand, [np.round(line).astype(np.int32)], False, 255, wide, cv2.LINE_AA)
        share = strand.astype(np.float32) / 255
        painted += (colour * rng.lognormal(0, 0.25) - painted) * share[..., None]
        alpha = np.maximum(alpha, share)
    return [Layer(painted, alpha, "hair")]


def _quadrangle(
    scene: Scene,
    sides: tuple[float, float],
    rng: np.random.Generator,
    upright: float,
    *names: str,
) -> FloatArray:
    """(S, S) alpha of a rectangle seen a little askew, its edge near one of the named classes."""
    place = scene.somewhere(rng, *(names or _FACE))
    if place is None:
        place = scene.somewhere(rng, *_FACE)
    assert place is not None
    half = np.array(sides) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1.0]]) * half
    corners += rng.normal(0, 0.06, (4, 2)) * scene.reach
    turn = rng.normal(0, 0.2) if upright > 0.4 else rng.uniform(0, np.pi)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = corners @ turned.T + place + np.array([0, rng.uniform(0, 1) * half[1]])
    alpha = np.zeros(scene.labels.shape, np.uint8)
    cv2.fillConvexPoly(alpha, cv2.convexHull(corners.astype(np.int32)), 255, cv2.LINE_AA)
    return cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.3, 1.0)).astype(np.float32) / 255


def _painted(scene: Scene, rng: np.random.Generator) -> FloatArray:
    """(S, S, 3) colours: of one thing lit unevenly, or of a piece of the other picture."""
    size = len(scene.image)
    if rng.random() < 0.4:
        side = int(rng.uniform(0.2, 0.7) * size)
        y, x = rng.integers(0, size - side, 2)
        piece = scene.other[y : y + side, x : x + side]
        large = cv2.resize(piece, (size, size), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, np.float32) * np.float32(rng.uniform(0.6, 1.1))
    colour = rng.uniform(0, 255, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(5, 240))
    coarse = int(rng.integers(3, 30))
    grain = rng.normal(0, rng.uniform(2, 20), (coarse, coarse)).astype(np.float32)
    first, last = rng.uniform(0.7, 1.2, 2)
    slope = np.linspace(first, last, size)[:, None, None]
    uneven = cv2.resize(grain, (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    return np.asarray((colour + uneven) * slope, np.float32)


def _at(point: FloatArray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


_MAKERS = {
    "hand": _hand,
    "card": _card,
    "cup": _cup,
    "stick": _stick,
    "piece": _piece,
    "locks": _locks,
}
