"""Expression and pose of a person who is known, frame by frame.

A batch of frames goes through each network at once: the face mesh says what eyes and lips do, a
first fit lays the person on the regressor's landmarks, the surface refinement corrects them along
it, and the last fit takes all that. The identity and the lens are the clip's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data import (
    Camera,
    FaceBox,
    FitResult,
    FloatArray,
    HeadCoefficients,
    Photo,
    RegressorOutput,
)
from ..fitting.camera import first_camera, make_intrinsics
from ..fitting.evidence import Evidence
from ..fitting.gauss_newton import FitSettings, PoseFit, fit_pose
from ..head.model import HeadModel
from ..photo.crop import box_from_landmarks, crop_face
from ..pipeline.fit import SEEN, corrected
from ..regressor.expressions import ExpressionEstimator
from ..regressor.face_mesh import mesh_crop
from ..regressor.surface_refinement import PICTURE, SurfaceRefinement, box_of_fit
from .acquaintance import Acquaintance
from .track import Sighting

COARSE = FitSettings(iterations=2, stride=4)
FINAL = FitSettings(iterations=3, stride=2)


@dataclass(frozen=True)
class Networks:
    """What is asked about every frame beside the regressor."""

    expressions: ExpressionEstimator
    refinement: SurfaceRefinement


@dataclass(frozen=True)
class Role:
    """What stays the same in a clip.

    identity: (I,). focal: pixels. known: the person in single frames. size: width and height.
    """

    identity: FloatArray
    focal: float
    known: Acquaintance
    size: tuple[int, int]

    @property
    def intrinsics(self) -> FloatArray:
        """(3, 3) of the camera, pixels."""
        return make_intrinsics(self.focal, *self.size)


class Follower:
    """Finds expression and pose in frames, batch by batch."""

    def __init__(self, model: HeadModel, role: Role, networks: Networks) -> None:
        self._shape = model.points("dense")
        self._role, self._networks = role, networks

    def find(self, sightings: Sequence[Sighting]) -> list[PoseFit | None]:
        """One for each sighting; None where there is no face, or none that the person fits."""
        seen = [
            (Photo(item.frame.rgb, Path(f"frame {item.frame.number}"), ""), item.face.output)
            for item in sightings
            if item.face is not None
        ]
        found = iter(self._found(seen) if seen else [])
        return [None if item.face is None else next(found) for item in sightings]

    def _found(self, seen: Sequence[tuple[Photo, RegressorOutput]]) -> list[PoseFit | None]:
        evidence = self._evidence(seen)
        coarse = [fit_pose(self._shape, item, COARSE).fit for item in evidence]
        crops = [
            crop_face(photo, self._box(fit), PICTURE)
            for (photo, _), fit in zip(seen, coarse, strict=True)
        ]
        pairs = [(fit.coefficients, fit.camera) for fit in coarse]
        estimates = self._networks.refinement.predict(crops, pairs)
        found: list[PoseFit | None] = []
        for before, fit, estimate in zip(evidence, coarse, estimates, strict=True):
            last = corrected(before, fit, estimate)
            start = replace(last.start, identity=self._role.identity)
            pose = fit_pose(self._shape, replace(last, start=start), FINAL)
            found.append(pose if _possible(pose.fit.camera) else None)
        return found

    def _evidence(self, seen: Sequence[tuple[Photo, RegressorOutput]]) -> list[Evidence]:
        crops = [
            mesh_crop(photo, box_from_landmarks(output.landmarks.points)) for photo, output in seen
        ]
        estimates = self._networks.expressions.predict_crops(crops)
        found = []
        for (_, output), acts in zip(seen, estimates, strict=True):
            known = acts.flag >= SEEN
            expression = acts.values if known else output.coefficients.expression
            start = HeadCoefficients(self._role.identity, expression)
            camera = first_camera(
                self._shape.at(start),
                output.landmarks.points,
                output.rotation,
                self._role.intrinsics,
                self._role.size,
            )
            sigma = acts.sigma if known else None
            found.append(Evidence(output.landmarks, camera, start, expression_sigma=sigma))
        return found

    def _box(self, fit: FitResult) -> FaceBox:
        points = fit.camera.project(self._shape.at(fit.coefficients))
        return box_of_fit(box_from_landmarks(points))


def _possible(camera: Camera) -> bool:
    return bool(np.isfinite(camera.translation).all() and camera.translation[2] > 0)
