"""The UV layout: one island of skin, cut at the back of the head, and small ones for the rest.

The left half is flattened with little stretch (see flatten.py) and mirrored, so both sides agree
exactly. The face, which the photo shows, is given more room than what hair and clothes hide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import edges_of
from .flatten import Sheet, flattened_evenly, harmonic, wanted_shapes
from .layout import HalfLayout
from .parts import smoothstep
from .skin import SkinMesh

SKIN_BOX = (0.004, 0.15, 0.996, 0.996)
ISLANDS = {
    "eye_left": (0.004, 0.004, 0.136, 0.136),
    "eye_right": (0.144, 0.004, 0.276, 0.136),
    "teeth_upper": (0.284, 0.074, 0.496, 0.136),
    "teeth_lower": (0.284, 0.004, 0.496, 0.066),
    "gums_upper": (0.504, 0.074, 0.716, 0.136),
    "gums_lower": (0.504, 0.004, 0.716, 0.066),
    "tongue": (0.724, 0.004, 0.846, 0.136),
    "mouth": (0.854, 0.074, 0.956, 0.136),
    "bust": (0.854, 0.004, 0.956, 0.066),
    "lashes_left": (0.964, 0.110, 0.996, 0.136),
    "lashes_right": (0.964, 0.076, 0.996, 0.102),
    "tear_left": (0.964, 0.040, 0.996, 0.068),
    "tear_right": (0.964, 0.004, 0.996, 0.032),
}
# Texels per area of the face against those of what lies behind the ears and below the jaw.
FACE_DENSITY = 3.1
LIPS_LESS = 0.15
# How far the lips are opened, in metres, for what fills the mouth; how much the fill of eyes and
# mouth counts beside the skin.
OPENING, FILL_WEIGHT = 0.005, 0.3
ROUNDS = (50, 15, 15, 15, 15)
# The cut along the midline ends here (height in metres), where hair usually hides it.
SEAM_TOP = 0.12
# How much of the box the skin should want: the rest lies in its corners.
FILLED = 0.93


@dataclass(frozen=True)
class SkinUnwrap:
    """UV of the skin: (T, 2) coordinates and (F, 4) indices into them."""

    uv: FloatArray
    uv_quads: IntArray


def into_box(uv: FloatArray, box: tuple[float, float, float, float]) -> FloatArray:
    """Unit-square UV placed in (left, bottom, right, top)."""
    low, high = np.array(box[:2]), np.array(box[2:])
    return (low + uv * (high - low)).astype(np.float32)


def unwrap_skin(mesh: SkinMesh, mean: FloatArray, half: HalfLayout) -> SkinUnwrap:
    """Flatten the skin of ``mesh``, whose left half is ``half``; ``mean`` (N, 3) in metres."""
    seam = half.upper[_seam_start(half, mean) :]
    # The last vertex of the seam is also the neck's first.
    count = len(half.places)
    flat = flatten_half(half, mean[:count], seam)
    on_right = np.flatnonzero(mesh.flipped)
    mirrored = flat[mesh.half[on_right]] * [-1, 1]
    copies = np.full(len(mean), -1, np.int32)
    copies[seam[1:]] = len(mean) + np.arange(len(seam) - 1)
    uv = np.concatenate([flat, mirrored, flat[seam[1:]] * [-1, 1]])
    uv_quads = mesh.quads.copy()
    right = uv_quads[len(half.quads) :]
    right[copies[right] >= 0] = copies[right[copies[right] >= 0]]
    left, bottom, width, top = SKIN_BOX[0], SKIN_BOX[1], SKIN_BOX[2] - SKIN_BOX[0], SKIN_BOX[3]
    corner = np.array([left + width / 2, bottom])
    return SkinUnwrap((uv + corner).astype(np.float32).clip(0, top), uv_quads)


def _seam_start(half: HalfLayout, mean: FloatArray) -> int:
    """Row of the upper midline where the cut begins: behind the crown, going down."""
    height = mean[half.upper, 1]
    crown = int(height.argmax())
    return crown + int(np.argmax(height[crown:] < SEAM_TOP))


def flatten_half(half: HalfLayout, mean: FloatArray, seam: IntArray) -> np.ndarray:
    """(N, 2) of the left half in the right half of SKIN_BOX, x from the box's middle, y from its
    bottom."""
    size = np.array([(SKIN_BOX[2] - SKIN_BOX[0]) / 2, SKIN_BOX[3] - SKIN_BOX[1]])
    hubs = [mean[rim].mean(0) for rim in (half.mouth_rim[[0, -1]], half.eye_rings[-1])]
    places = np.concatenate([mean, hubs]).astype(np.float64)
    fans = [_fan(half.mouth_rim, len(mean), closed=False)]
    fans.append(_fan(half.eye_rings[-1], len(mean) + 1, closed=True))
    front = half.upper[: len(half.upper) - len(seam) + 1]
    middle = np.concatenate([front[::-1], [len(mean)], half.lower]).astype(np.int32)
    start = _harmonic(half.quads, places, fans, np.concatenate([seam, half.neck[1:]]), middle)
    fill = np.concatenate([fan if _turns_left(start, fan) else fan[:, ::-1] for fan in fans])
    sheet = _sheet(half, places, fill, middle, size)
    return flattened_evenly(sheet, start * 0.9 * size + 0.05 * size * [0, 1], ROUNDS)[: len(mean)]


def _sheet(
    half: HalfLayout, places: np.ndarray, fill: IntArray, middle: IntArray, size: np.ndarray
) -> Sheet:
    """All four triangles at the corners of every quad, and ``fill`` as a weak membrane that keeps
    eye and mouth open."""
    corners = np.concatenate([np.roll(half.quads, -k, axis=1)[:, :3] for k in range(4)])
    density, area = face_density(places)[half.quads].mean(1), _areas(places, half.quads)
    density *= FILLED * size.prod() / (density * area).sum()
    opened = places.copy()
    opened[half.mouth_rim, 1] += OPENING * np.cos(np.linspace(0, np.pi, len(half.mouth_rim)))
    scale = np.full(len(fill), np.sqrt(density.max()))
    wanted = [
        wanted_shapes(places, corners, np.tile(np.sqrt(density), 4)),
        wanted_shapes(opened, fill, scale),
    ]
    weights = np.sqrt(np.tile(density * area, 4))
    weights = np.append(weights, np.full(len(fill), FILL_WEIGHT * np.median(weights)))
    triangles = np.concatenate([corners, fill])
    return Sheet(triangles, np.concatenate(wanted), weights / weights.sum(), middle, size)


def _areas(places: np.ndarray, quads: IntArray) -> np.ndarray:
    corner = places[quads]
    across = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    return np.asarray(np.linalg.norm(across, axis=1) / 2)


def face_density(places: FloatArray) -> np.ndarray:
    """(N,) wanted texels per area at (N, 3) places of the mean head: 1 behind, FACE_DENSITY on
    the face."""
    x, y, z = places.T.astype(np.float64)
    ahead = smoothstep((z - 0.008) / 0.016)
    below = smoothstep((y + 0.115) / 0.014)
    above = smoothstep((0.115 - y) / 0.014)
    # Lips are drawn apart to be laid flat and get more than they want.
    lips = smoothstep(1.6 - (x / 0.034) ** 2 - ((y + 0.034) / 0.018) ** 2) * (z > 0.08)
    return (1 + (FACE_DENSITY - 1) * ahead * below * above) * (1 - LIPS_LESS * lips)


def _fan(rim: IntArray, hub: int, *, closed: bool) -> IntArray:
    """Triangles from every edge of ``rim`` to ``hub``."""
    ends = np.roll(rim, -1)
    fan = np.column_stack([rim, ends, np.full(len(rim), hub)])
    return (fan if closed else fan[:-1]).astype(np.int32)


def _turns_left(places: np.ndarray, triangles: IntArray) -> bool:
    corner = places[triangles]
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    return bool(np.median(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) > 0)


def _harmonic(
    quads: IntArray, places: np.ndarray, fans: list[IntArray], arc: IntArray, middle: IntArray
) -> np.ndarray:
    """Every free vertex at a weighted mean of its neighbours: a map of the half without folds
    (Tutte's theorem) that keeps shapes where it can.

    ``places`` (N + 2, 3): of the half's vertices and the holes' hubs, metres. ``middle``, from the
    top of the cut over the mouth's hub to the throat, is the straight side of half a disc, ``arc``,
    from the top along cut and neck to the throat, its round one.
    """
    pairs, weights = _edge_weights(places, quads, np.concatenate(fans))
    count = len(places)
    flat = np.full((count, 2), np.nan)
    flat[middle] = np.column_stack([np.zeros(len(middle)), 1 - _along(places[middle])])
    angle = np.pi * (0.5 - _along(places[arc]))
    flat[arc] = np.column_stack([np.cos(angle), 0.5 + 0.5 * np.sin(angle)])
    return harmonic(pairs, weights, flat)


def _edge_weights(
    places: np.ndarray, quads: IntArray, fill: IntArray
) -> tuple[IntArray, np.ndarray]:
    """(E, 2) edges and (E,) weights: how wide what lies on both sides is, per length. Edges of the
    holes' ``fill`` to its hubs count as much as the median edge."""
    edges = edges_of(quads)
    length = np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1)
    weight = np.tile(_areas(places, quads), 4) / np.maximum(length, 1e-5) ** 2
    weight = np.clip(weight / np.median(weight), 0.1, 10)
    spokes = np.unique(np.sort(np.concatenate([fill[:, [0, 2]], fill[:, [1, 2]]]), axis=1), axis=0)
    pairs = np.concatenate([np.sort(edges, axis=1), spokes])
    return pairs, np.concatenate([weight, np.ones(len(spokes))])


def _along(line: np.ndarray) -> np.ndarray:
    """(N, 3) -> (N,) share of the line's length at each of its points."""
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    return np.asarray(length / length[-1])
