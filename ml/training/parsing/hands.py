"""Random hands: bones with soft flesh round them, shaded, in two dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...data import FloatArray

# On a right hand's back, of the palm's length 1: knuckles from the index to the little finger,
# bones of each finger, and radii at knuckle and tip.
_KNUCKLES = np.array([[-0.36, -0.98], [-0.12, -1.05], [0.12, -1.0], [0.34, -0.88]])
_BONES = np.array([[0.44, 0.28, 0.22], [0.49, 0.31, 0.23], [0.45, 0.29, 0.22], [0.35, 0.22, 0.2]])
_THICK, _THIN = 0.125, 0.09
_THUMB_ROOT, _THUMB_BONES = np.array([-0.3, -0.2]), np.array([0.42, 0.36, 0.28])


@dataclass(frozen=True)
class _Bone:
    """A piece of a hand: its ends (2,), its radii there, and how far it lies before the palm."""

    first: FloatArray
    last: FloatArray
    radii: tuple[float, float]
    ahead: float = 0.0


@dataclass(frozen=True)
class Hand:
    """A drawn hand and its arm.

    Attributes
    ----------
    tone: (H, W, 3) its shading, about 1 in the light. alpha: (H, W) 0..1.
    along: (H, W) distance from the wrist down the arm, of the palm's length.
    """

    tone: FloatArray
    alpha: FloatArray
    along: FloatArray


def draw_hand(
    shape: tuple[int, int], place: FloatArray, length: float, rng: np.random.Generator
) -> Hand:
    """A hand with some part at ``place``. length: of the whole hand in pixels."""
    bones = _posed(rng)
    turn, mirrored = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
    scale = length / 2
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    joints = np.array([bone.last for bone in bones])
    shift = joints[rng.integers(len(joints))] * rng.uniform(0.4, 1)

    def put(point: FloatArray) -> FloatArray:
        return np.asarray(turned @ ((point - shift) * [mirrored, 1]) * scale + place)

    placed = [
        _Bone(put(b.first), put(b.last), (b.radii[0] * scale, b.radii[1] * scale), b.ahead * scale)
        for b in bones
    ]
    height, edge = _solid(shape, placed)
    # A pixel at the outline is covered as far as the outline lies beyond its middle.
    alpha = np.clip(edge + 0.5, 0, 1)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    along = ((x - place[0]) * turned[0, 1] + (y - place[1]) * turned[1, 1]) / scale + shift[1]
    return Hand(_shading(height, scale, rng), alpha.astype(np.float32), along)


def _posed(rng: np.random.Generator) -> list[_Bone]:
    """Bones of a hand with its wrist at (0, 0), fingers towards -y; some fingers bent."""
    wrist, elbow = np.zeros(2, np.float32), np.array([0, 3.2], np.float32)
    bones = [_Bone(elbow, wrist, (0.42, 0.26)), _Bone(wrist, wrist, (0.27, 0.27))]
    spread, common = rng.uniform(-0.1, 0.35), rng.choice([0.0, rng.uniform(0, 1)])
    for number, (knuckle, lengths) in enumerate(zip(_KNUCKLES, _BONES, strict=True)):
        bones.append(_Bone(wrist + 0.3 * knuckle, knuckle, (0.24, 0.16)))
        bent = float(np.clip(common + rng.normal(0, 0.2), 0, 1.1))
        angle = -np.pi / 2 + (number - 1.5) * spread * 0.5 + rng.normal(0, 0.06)
        bones += _finger(knuckle, angle, lengths, bent, rng)
    angle = -np.pi / 2 - rng.uniform(0.1, 1.1)
    bones += _finger(_THUMB_ROOT, angle, _THUMB_BONES, rng.uniform(0, 0.4), rng)
    return bones


def _finger(
    root: FloatArray, angle: float, lengths: FloatArray, bent: float, rng: np.random.Generator
) -> list[_Bone]:
    """Three bones; a bent finger is foreshortened and comes forward."""
    bones, point, ahead = [], root, 0.04
    thick = np.linspace(_THICK, _THIN, 4) * rng.uniform(0.92, 1.1)
    for number, length in enumerate(lengths):
        lean = bent * (number + 0.6)
        seen = length * np.cos(min(lean, 2.6))
        angle += rng.normal(0, 0.05)
        end = point + seen * np.array([np.cos(angle), np.sin(angle)])
        bones.append(_Bone(point, end, (thick[number], thick[number + 1]), ahead))
        point, ahead = end, ahead + 0.12 * np.sin(min(lean, np.pi))
    return bones


def _solid(shape: tuple[int, int], bones: list[_Bone]) -> tuple[FloatArray, FloatArray]:
    """(H, W) height towards the camera in pixels, and how far inside the outline pixels are."""
    height, edge = np.full(shape, -1e3, np.float32), np.full(shape, -1e3, np.float32)
    for bone in bones:
        most = max(bone.radii) + 2
        ends = np.stack([bone.first, bone.last])
        x0, y0 = np.maximum(np.floor(ends.min(0) - most), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(ends.max(0) + most), shape[::-1]).astype(int)
        if x1 <= x0 or y1 <= y0:
            continue
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        way = bone.last - bone.first
        share = ((x - bone.first[0]) * way[0] + (y - bone.first[1]) * way[1]) / max(way @ way, 1e-6)
        share = np.clip(share, 0, 1)
        far = np.hypot(x - bone.first[0] - share * way[0], y - bone.first[1] - share * way[1])
        radius = bone.radii[0] + share * (bone.radii[1] - bone.radii[0])
        inside = radius - far
        # Flatter than round: hands are.
        rise = np.sqrt(np.clip(inside * (radius + far), 0, None)) * 0.8 + bone.ahead
        part = (slice(y0, y1), slice(x0, x1))
        height[part] = np.where(inside > 0, np.maximum(height[part], rise), height[part])
        edge[part] = np.maximum(edge[part], inside)
    return np.maximum(height, 0), edge


def _shading(height: FloatArray, scale: float, rng: np.random.Generator) -> FloatArray:
    """(H, W, 3) the light on flesh whose surface has the (H, W) ``height``."""
    smooth = cv2.GaussianBlur(height, (0, 0), max(0.4, scale * 0.02))
    slopes = [cv2.Sobel(smooth, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1))]
    across, down = rng.normal(0, 0.5), rng.uniform(-0.9, 0.3)
    # Lambert's law for the surface's normal (-slope, -slope, 1).
    lit = 1 - slopes[0] * across - slopes[1] * down
    lit /= np.sqrt((1 + slopes[0] ** 2 + slopes[1] ** 2) * (1 + across**2 + down**2))
    # Between fingers less light arrives.
    depth = np.clip(cv2.GaussianBlur(height, (0, 0), scale * 0.12) - smooth, 0, None)
    ambient = rng.uniform(0.35, 0.75)
    tone = (ambient + (1 - ambient) * np.clip(lit, 0, None)) * np.clip(
        1 - depth / (scale * 0.35), 0.35, 1
    )
    tone *= 1.08 + rng.normal(0, 0.025, height.shape)
    red = cv2.resize(rng.normal(0, 0.05, (9, 9)).astype(np.float32), height.shape[::-1])
    warm = np.stack([1 + 0.4 * red, 1 - 0.6 * red, 1 - 0.6 * red], -1)
    # Shadows of skin are redder than its lights.
    return np.asarray(tone[..., None] ** np.array([0.85, 1.05, 1.1]) * warm, np.float32)
