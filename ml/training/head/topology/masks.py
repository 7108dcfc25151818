"""Regions for sliders, REALY's regions, and weights for the rig, drawn on the mean head."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray, IntArray
from ....head.arkit import EXPRESSION_NAMES
from ....head.model import HeadModel
from .parts import smoothstep

# Points of MediaPipe's face mesh in the middle of each region, and how far it reaches (metres).
SEEDS: dict[str, tuple[tuple[int, ...], float, float]] = {
    "brows": ((46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 276, 283, 282, 295, 285, 300, 293, 334,
               296, 336), 0.004, 0.013),
    "eyes": ((33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7, 263, 466,
              388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249), 0.005, 0.012),
    "nose": ((168, 6, 197, 195, 5, 4, 1, 2, 48, 64, 98, 97, 278, 294, 327, 326, 115, 220, 344, 440,
              45, 275, 218, 438), 0.006, 0.014),
    "cheeks": ((50, 205, 187, 147, 117, 118, 101, 36, 207, 280, 425, 411, 376, 346, 347, 330, 266,
                427, 123, 352), 0.012, 0.026),
    "mouth": ((61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91,
               146, 13, 14, 78, 308), 0.008, 0.018),
    "jaw": ((152, 148, 176, 149, 150, 136, 172, 58, 377, 400, 378, 379, 365, 397, 288, 199, 175,
             200, 135, 364), 0.014, 0.03),
}  # fmt: skip
REALY: dict[str, tuple[str, ...]] = {"realy_nose": ("nose",), "realy_mouth": ("mouth",)}
# Where the head turns about: between the ear canals, the third of the neck, its foot.
JAW_HINGE, NECK_TOP, NECK_FOOT = (0.058, 0.010, 0.018), -0.06, -0.135
# Radians that the jaw's bone turns for what jawOpen at 1 shows, and how far (metres) from JAW_HINGE
# its joint may lie.
JAW_TURN, HINGE_REACH = 0.4, 0.016


def make_masks(model: HeadModel) -> dict[str, FloatArray]:
    """All masks of HeadModel.masks, (V,) each, 0..1."""
    mean = model.shape.mean
    skin = np.zeros(len(mean), bool)
    skin[np.unique(model.quads[model.part_faces("skin")])] = True
    points = model.landmark_sets["mediapipe478"].on(mean)
    masks = {}
    for name, (seeds, full, none) in SEEDS.items():
        distance = np.linalg.norm(mean[:, None] - points[list(seeds)][None], axis=2).min(1)
        masks[name] = _falling(distance, full, none) * skin
    masks["ears"] = ear_share(mean) * skin
    masks["neck"] = _falling(mean[:, 1] + 0.35 * mean[:, 2], -0.075, -0.055) * skin
    masks |= {name: (masks[parts[0]] > 0.5).astype(np.float32) for name, parts in REALY.items()}
    masks["realy_cheek"] = _cheek(mean, masks) * skin
    masks["realy_forehead"] = _forehead(mean, points, masks) * skin
    return {name: np.asarray(mask, np.float32) for name, mask in (masks | _bones(model)).items()}


def _falling(values: FloatArray, full: float, none: float) -> FloatArray:
    """1 up to ``full``, 0 from ``none`` on, smooth between."""
    return smoothstep((values - none) / (full - none))


def ear_share(mean: FloatArray) -> FloatArray:
    """(N,) how much each place (N, 3) of the mean head is the ear, 0..1."""
    x, y, z = np.abs(mean[:, 0]), mean[:, 1], mean[:, 2]
    inside = _falling(np.abs(y - 0.01), 0.034, 0.042) * _falling(np.abs(z + 0.003), 0.018, 0.026)
    return np.asarray(inside * _falling(-x, -0.068, -0.064))


def _cheek(mean: FloatArray, masks: dict[str, FloatArray]) -> FloatArray:
    """From the lower lid to the jaw, beside nose and mouth."""
    x, y, z = np.abs(mean[:, 0]), mean[:, 1], mean[:, 2]
    inside = (y < 0.022) & (y > -0.062) & (z > 0.045) & (x > 0.012) & (x < 0.066)
    return np.asarray(inside & (masks["realy_nose"] == 0) & (masks["realy_mouth"] == 0), float)


def _forehead(mean: FloatArray, points: FloatArray, masks: dict[str, FloatArray]) -> FloatArray:
    """From the eyes up to where hair begins."""
    x, y, z = np.abs(mean[:, 0]), mean[:, 1], mean[:, 2]
    inside = (y > points[6, 1] - 0.004) & (y < points[10, 1]) & (z > 0.055) & (x < 0.062)
    return np.asarray(inside & (masks["realy_nose"] == 0), float)


def _bones(model: HeadModel) -> dict[str, FloatArray]:
    """Skinning weights of neck, head and jaw; the eyes belong to bones of their own."""
    mean = model.shape.mean
    jaw = _jaw_share(mean, model.shape.expression[EXPRESSION_NAMES.index("jawOpen")])
    for name, share in (
        ("teeth_lower", 1),
        ("gums_lower", 1),
        ("tongue", 1),
        ("teeth_upper", 0),
        ("gums_upper", 0),
    ):
        jaw[np.unique(model.quads[model.part_faces(name)])] = share
    height = mean[:, 1] + 0.25 * mean[:, 2]
    neck = _falling(height, NECK_FOOT, NECK_TOP) * (1 - jaw)
    others = [n for n in model.part_names if n.split("_")[0] in ("eye", "iris", "pupil")]
    eyes = np.zeros(len(mean), bool)
    eyes[np.unique(model.quads[model.part_faces(*others)])] = True
    weights = {"bone_neck": neck, "bone_head": 1 - neck - jaw, "bone_jaw": jaw}
    return {name: np.where(eyes, 0, weight) for name, weight in weights.items()}


def _jaw_share(mean: FloatArray, jaw_open: FloatArray) -> FloatArray:
    """How much of a turn about the hinge every vertex shares when the jaw opens."""
    arm = mean - np.array([0, *JAW_HINGE[1:]], np.float32)
    arm[:, 0] = 0
    turn = np.cross([1.0, 0, 0], arm)
    chin = np.linalg.norm(jaw_open, axis=1).argmax()
    angle = (jaw_open[chin] @ turn[chin]) / (turn[chin] @ turn[chin])
    full = angle * turn
    share = (jaw_open * full).sum(1) / np.maximum((full * full).sum(1), 1e-9)
    return np.asarray(np.clip(share, 0, 1))


def make_joints(model: HeadModel) -> dict[str, IntArray]:
    """Vertices whose mean is each joint; see HeadModel.joints."""
    mean = model.shape.mean
    skin = np.unique(model.quads[model.part_faces("skin")])

    def nearest(*places: tuple[float, float, float]) -> IntArray:
        return np.array(
            [skin[np.linalg.norm(mean[skin] - np.array(p), axis=1).argmin()] for p in places],
            np.int32,
        )

    chin = nearest((0, -0.09, 0.1))
    joints = {
        "jaw": _jaw_joint(model, skin),
        "chin": chin,
        # Midway between nape and throat.
        "head": nearest((0, -0.015, -0.075), (0, -0.085, 0.055)),
        "neck": nearest((0, -0.13, -0.06), (0, -0.15, 0.04)),
    }
    for side in ("left", "right"):
        ball = np.unique(model.quads[model.part_faces(f"eye_{side}")])
        # The ends of its widest circle: the ball lacks its back, so its own mean lies too far out.
        ends = [pick(mean[ball, axis]) for axis in (0, 1) for pick in (np.argmin, np.argmax)]
        joints[f"eye_{side}"] = ball[ends].astype(np.int32)
    return joints


def _jaw_joint(model: HeadModel, skin: IntArray) -> IntArray:
    """The vertex near the left ear, and its twin, between which a turn moves the lower teeth and
    the tongue most as jawOpen does."""
    mean = model.shape.mean
    lower = np.unique(model.quads[model.part_faces("teeth_lower", "gums_lower", "tongue")])
    key = model.shape.expression[EXPRESSION_NAMES.index("jawOpen")][lower]
    near = skin[np.linalg.norm(mean[skin] - np.array(JAW_HINGE), axis=1) < HINGE_REACH]
    cosine, sine = np.cos(JAW_TURN) - 1, np.sin(JAW_TURN)
    y, z = (mean[lower, None, axis] - mean[near, axis] for axis in (1, 2))
    off = np.hypot(cosine * y - sine * z - key[:, None, 1], sine * y + cosine * z - key[:, None, 2])
    left = near[off.max(0).argmin()]
    right = skin[np.linalg.norm(mean[skin] - mean[left] * [-1, 1, 1], axis=1).argmin()]
    return np.array([left, right], np.int32)
