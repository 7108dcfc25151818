"""How far the estimate can be wrong, and in which directions: what moves along with a pin.

The covariance of all unknowns is that of the fit: a prior on each, and the landmarks, which say
that the head lies about right where it is. Errors of neighbouring landmarks are alike, so that they
are worth far fewer than there are, and are larger away from the middle of the face. What depends
only on these is the *shape* of the covariance: how much a pin that is dragged moves everything
else. Pins themselves hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fitting.coherence import Controls, controls_of
from ..head.layer import opened
from ..head.mirror import make_mirror
from ..head.model import HeadModel
from .estimate import Estimate
from .pins import LANDMARKS
from .projection import POSE_NUMBERS, Bases, jacobian, pixels_of

# Standard deviations before the landmarks are seen: of identity, in the population's; of controls;
# of the pose numbers (radians, metres, and the share of the distance).
IDENTITY_SIGMA, CONTROL_SIGMA = 1.0, 0.12
POSE_SIGMA = (0.1, 0.1, 0.1, 0.02, 0.02, 0.1)
# A landmark's standard deviation as a share of the face's extent: in the middle of the face, and
# what every metre from there adds. Of 0.15 to 0.9 the best all in all after three pins, on rendered
# people whom training did not see.
LANDMARK_SIGMA, AWAY = 0.009, 0.3
# Metres over which the errors of two landmarks become independent, and each one's own share.
ALIKE, OWN = 0.01, 1e-3
# Every so manieth landmark is used.
STRIDE = 3
FACE_POINTS = 468


@dataclass(frozen=True)
class Unknowns:
    """Where the unknowns lie in one vector: identity first, then each photo's own.

    Attributes
    ----------
    identity: how many modes. controls: see ml.fitting.coherence. photos: how many.
    """

    identity: int
    controls: Controls
    photos: int

    @classmethod
    def of(cls, model: HeadModel, estimate: Estimate) -> Unknowns:
        """Those of all photos of an estimate."""
        return cls(
            model.identity_count, controls_of(len(model.expression_names)), len(estimate.views)
        )

    @property
    def count(self) -> int:
        """How many there are."""
        return self.identity + self.photos * self.own

    @property
    def own(self) -> int:
        """How many each photo has."""
        return len(self.controls.low) + POSE_NUMBERS

    def controls_of_photo(self, photo: int) -> slice:
        """The controls of one photo."""
        start = self.identity + photo * self.own
        return slice(start, start + len(self.controls.low))

    def pose_of_photo(self, photo: int) -> slice:
        """The pose numbers of one photo."""
        start = self.controls_of_photo(photo).stop
        return slice(start, start + POSE_NUMBERS)

    def seen_by(self, photo: int) -> np.ndarray:
        """Indices of all unknowns that a photo's pixels depend on."""
        own = self.controls_of_photo(photo)
        return np.concatenate([np.arange(self.identity), own.start + np.arange(self.own)])


def information_of(model: HeadModel, estimate: Estimate) -> np.ndarray:
    """(N, N) the inverse of the covariance of the estimate's errors, over :class:`Unknowns`."""
    unknowns = Unknowns.of(model, estimate)
    controls = unknowns.controls
    control_sigma = CONTROL_SIGMA / np.sqrt(controls.stiffness)
    own = np.concatenate([control_sigma, POSE_SIGMA])
    sigma = np.concatenate([np.full(unknowns.identity, IDENTITY_SIGMA), *[own] * unknowns.photos])
    information = np.diag(sigma**-2)
    points = model.landmark_sets[LANDMARKS]
    used = np.arange(0, len(points), STRIDE, dtype=np.int32)
    bases, whitening = Bases.at(model, points.take(used)), _whitening(model, used)
    for number, view in enumerate(estimate.views):
        head = estimate.coefficients(number)
        slope = controls.slope(controls.of(view.expression)).astype(np.float64)
        rows = jacobian(bases, head, view.camera, slope, view.camera)
        face = pixels_of(view.camera, bases.places(head))[used < FACE_POINTS]
        rows = rows.reshape(len(used), -1) / float(np.ptp(face, axis=0).max())
        white = (whitening @ rows).reshape(2 * len(used), -1)
        where = unknowns.seen_by(number)
        # The network errs alike on photos of one person: they are not independent witnesses.
        information[np.ix_(where, where)] += white.T @ white / unknowns.photos
    return information


def antisymmetric_modes(model: HeadModel) -> np.ndarray:
    """(I,) bool: modes that make the two sides of a head differ."""
    return np.asarray(make_mirror(model).identity < 0)


def _whitening(model: HeadModel, used: np.ndarray) -> np.ndarray:
    """(L, L) that turns errors of the landmarks, in shares of the extent, into independent ones."""
    points = model.landmark_sets[LANDMARKS]
    rest = points.on(model.shape.mean).astype(np.float64)
    middle = rest[:FACE_POINTS].mean(0)
    sigma = LANDMARK_SIGMA + AWAY * np.linalg.norm(rest[used] - middle, axis=1)
    places = points.take(used).on(opened(model)).astype(np.float64)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    alike = np.exp(-apart / ALIKE) + OWN * np.eye(len(used))
    return np.linalg.inv(np.linalg.cholesky(alike)) / sigma
