"""Move a person so that pinned points project to where they were put, and the rest stays likely.

Minimises, over the change d of all unknowns from the estimate and over a layer of local
displacements f,

    d' C^-1 d  +  |f|^2 / l^2  +  sum_p |pi(x_p(d) + f(x_p)) - mu_p|^2 / s^2

where C is the covariance of the estimate's errors (``belief.py``), |f| the norm that belongs to the
layer's bumps (ml.head.layer) and s what a hand with a mouse can hit. Each step is a Gaussian
conditional on the pins: a system with two rows a pin, whatever the model's size. What is left at
the pins is then closed by the layer alone. So the model takes what people differ in, and the layer
what no person of the model has: a photo's face lies a pixel or two away from the nearest head of
the model, and pins that had to be held by coefficients alone would bend all of it for that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..data import Camera, FloatArray, HeadCoefficients
from ..head.layer import Layer
from ..head.model import HeadModel
from ..head.population import plausible_share
from .belief import Unknowns, antisymmetric_modes, information_of
from .estimate import Estimate
from .held import HeldPoints, targets_of
from .pins import Pins
from .projection import jacobian, moved_camera

# l, metres: how far a face lies from the model's nearest. s, metres on the face.
LAYER_SIGMA, HAND = 0.001, 0.0001
# Steps, and the change of the unknowns, in sigmas, after which no more are made.
STEPS, SETTLED = 12, 1e-7
# Pixels to which pins hold, and how often what is left is closed.
CLOSED, ROUNDS = 1e-3, 4
_FIXED = 1e-10


@dataclass(frozen=True)
class Solution:
    """A person whose pins hold.

    Attributes
    ----------
    identity: (I,). expressions: of each photo, (E,). cameras: of each photo.
    layer: None where there are no pins.
    """

    identity: FloatArray
    expressions: tuple[FloatArray, ...]
    cameras: tuple[Camera, ...]
    layer: Layer | None = None

    @classmethod
    def of(cls, estimate: Estimate) -> Solution:
        """The person of an estimate, whom nothing holds."""
        expressions, cameras = zip(*((v.expression, v.camera) for v in estimate.views), strict=True)
        return cls(estimate.identity, expressions, cameras)

    def coefficients(self, photo: int) -> HeadCoefficients:
        """The person's coefficients with the expression of a photo."""
        return HeadCoefficients(self.identity, self.expressions[photo])

    @property
    def heads(self) -> list[HeadCoefficients]:
        """The coefficients of all photos."""
        return [HeadCoefficients(self.identity, own) for own in self.expressions]


class Solver:
    """Solves for the pins of one person, again and again as they are dragged.

    What depends only on the estimate is computed once, what depends on which points are pinned
    once until others are.
    """

    def __init__(self, model: HeadModel, estimate: Estimate) -> None:
        self.model, self.estimate = model, estimate
        self._unknowns = Unknowns.of(model, estimate)
        self._information = information_of(model, estimate)
        self._antisymmetric = antisymmetric_modes(model)
        self._covariances: dict[tuple[bool, bool], np.ndarray] = {}
        self._held: HeldPoints | None = None

    def solve(self, pins: Pins) -> Solution:
        """The person whose pins hold; without pins, the estimate."""
        if not pins.count:
            return Solution.of(self.estimate)
        held, target = self.held(pins), targets_of(pins)
        change, pull = self._conditional(held, target, self._covariance(pins))
        # What no person has is left to the layer.
        step = change[: self._unknowns.identity]
        solution = self._at(change * plausible_share(self.estimate.identity, step))
        heights = LAYER_SIGMA**2 * pull
        for _ in range(ROUNDS):
            seen = held.seen(solution.heads, solution.cameras, heights)
            if np.linalg.norm(target - seen.pixels, axis=1).max() < CLOSED:
                break
            heights = held.closed(seen, target, heights)
        return replace(_as_stored(solution), layer=held.layer(heights))

    def held(self, pins: Pins) -> HeldPoints:
        """The points that are pinned."""
        if self._held is None or not self._held.are_of(self.model, pins):
            self._held = HeldPoints(self.model, pins)
        return self._held

    def vertices(self, solution: Solution, photo: int) -> FloatArray:
        """(V, 3) of the base mesh with the expression of a photo, metres.

        Quick, for a person who is being dragged: lids are not settled (ml.head.contact).
        """
        moved = self.model.shape.at(solution.coefficients(photo))
        layer = solution.layer
        if layer is None or self._held is None:
            return moved
        known = layer.points is self._held.points
        return moved + (self._held.bumps.T @ layer.shifts if known else layer.on(self.model))

    def _covariance(self, pins: Pins) -> np.ndarray:
        """(N, N) of the unknowns that the pins may move; 0 for the others."""
        key = pins.mirror, pins.expression
        if key not in self._covariances:
            unknowns, free = self._unknowns, np.ones(self._unknowns.count, bool)
            free[: unknowns.identity] = ~(self._antisymmetric & pins.mirror)
            for photo in range(unknowns.photos):
                free[unknowns.controls_of_photo(photo)] = pins.expression
            covariance = np.zeros_like(self._information)
            known = np.ix_(free, free)
            covariance[known] = np.linalg.inv(self._information[known])
            self._covariances[key] = covariance
        return self._covariances[key]

    def _conditional(
        self, held: HeldPoints, target: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The most likely (N,) change given the pins, and (P, 3) what pulls at each of them."""
        change, pull = np.zeros(self._unknowns.count), np.zeros((len(target), 3))
        at_bound: dict[int, float] = {}
        scale = np.sqrt(np.maximum(np.diag(covariance), 1e-30))
        for _ in range(STEPS):
            before = change
            linear = self._linear(held, target, change)
            change, pull = _step(linear, covariance, change, at_bound)
            beyond = self._beyond(change, covariance)
            new = {index: value for index, value in beyond.items() if index not in at_bound}
            at_bound |= new
            if not new and np.abs((change - before) / scale).max() < SETTLED:
                break
        return change, pull

    def _linear(self, held: HeldPoints, target: np.ndarray, change: np.ndarray) -> _Linear:
        solution, unknowns = self._at(change), self._unknowns
        seen = held.seen(solution.heads, solution.cameras)
        rows = np.zeros((target.size, unknowns.count))
        noise = np.empty(target.size)
        for photo, points, bases in held.photos():
            camera, first = solution.cameras[photo], self.estimate.views[photo].camera
            slope = unknowns.controls.slope(self._controls(change, photo)).astype(np.float64)
            part = jacobian(bases, solution.coefficients(photo), camera, slope, first)
            where = slice(2 * points.start, 2 * points.stop)
            rows[where, unknowns.seen_by(photo)] = part.reshape(2 * len(part), -1)
            noise[where] = (HAND * camera.intrinsics[0, 0] / camera.translation[2]) ** 2
        off = (seen.pixels - target).ravel()
        return _Linear(rows, off, noise, seen.slopes, LAYER_SIGMA**2 * held.gram(seen.slopes))

    def _controls(self, change: np.ndarray, photo: int) -> np.ndarray:
        """(C,) of a photo, within their bounds."""
        controls = self._unknowns.controls
        own = change[self._unknowns.controls_of_photo(photo)]
        return controls.clipped(controls.of(self.estimate.views[photo].expression) + own)

    def _beyond(self, change: np.ndarray, covariance: np.ndarray) -> dict[int, float]:
        """Controls that a change takes beyond their bounds, with the change up to there."""
        controls, found = self._unknowns.controls, dict[int, float]()
        for photo, view in enumerate(self.estimate.views):
            own = self._unknowns.controls_of_photo(photo)
            first = controls.of(view.expression).astype(np.float64)
            wanted = first + change[own]
            for number in np.flatnonzero((wanted < controls.low) | (wanted > controls.high)):
                index = own.start + int(number)
                if covariance[index, index] > 0:
                    low, high = controls.low[number], controls.high[number]
                    found[index] = float((low if wanted[number] < low else high) - first[number])
        return found

    def _at(self, change: np.ndarray) -> Solution:
        """The person and cameras after a change of the unknowns, in float64, without a layer."""
        expressions, cameras = [], []
        for photo, view in enumerate(self.estimate.views):
            expressions.append(self._unknowns.controls.expression(self._controls(change, photo)))
            pose = change[self._unknowns.pose_of_photo(photo)]
            cameras.append(moved_camera(view.camera, pose))
        identity = self.estimate.identity + change[: self._unknowns.identity]
        return Solution(identity, tuple(expressions), tuple(cameras))


@dataclass(frozen=True)
class _Linear:
    """The pins, linearised round a change of the unknowns.

    rows: (2 P, N). off: (2 P,) pixels. noise: (2 P,) square pixels. slopes: (P, 2, 3), see
    held.Seen. gram: (2 P, 2 P) square pixels, the covariance that the layer gives the pins.
    """

    rows: np.ndarray
    off: np.ndarray
    noise: np.ndarray
    slopes: np.ndarray
    gram: np.ndarray


def _step(
    linear: _Linear, covariance: np.ndarray, change: np.ndarray, at_bound: dict[int, float]
) -> tuple[np.ndarray, np.ndarray]:
    """The next change, and what pulls at each pin; ``at_bound``: unknowns whose change is known."""
    pinned = len(linear.off)
    bound = np.zeros((len(at_bound), len(change)))
    bound[np.arange(len(at_bound)), list(at_bound)] = 1.0
    rows = np.concatenate([linear.rows, bound])
    wanted = np.concatenate([linear.rows @ change - linear.off, [*at_bound.values()]])
    spread = covariance @ rows.T
    system = rows @ spread
    system[:pinned, :pinned] += linear.gram
    noise = np.concatenate([linear.noise, np.full(len(at_bound), _FIXED)])
    system[np.diag_indices_from(system)] += noise
    weights = np.linalg.solve(system, wanted)
    pull = (linear.slopes * weights[:pinned].reshape(-1, 2, 1)).sum(1)
    return spread @ weights, pull


def _as_stored(solution: Solution) -> Solution:
    """The solution in float32, as everything else takes it."""
    cameras = tuple(
        replace(
            camera,
            rotation=camera.rotation.astype(np.float32),
            translation=camera.translation.astype(np.float32),
        )
        for camera in solution.cameras
    )
    return replace(solution, identity=solution.identity.astype(np.float32), cameras=cameras)
