"""Fit a head to one face: fit, correct the landmarks on the fitted surface, fit again.

The surface refinement unwraps the photo along the fitted head, says where the landmarks really
are and who the person is, and the next fit starts from that. This is the pipeline's only loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..data import FitResult, Landmarks, Observation, Photo
from ..fitting.evidence import Evidence, check_fit, evidence_of
from ..fitting.gauss_newton import FitSettings, fit_person
from ..fitting.measures import Measures, measure
from ..fitting.quality import Quality, quality_of
from ..fitting.surface_terms import Depths, Normals
from ..head.layer import Layer
from ..head.model import HeadModel, LinearShape
from ..head.storage import load_head_model
from ..photo.crop import box_from_landmarks, crop_face
from ..results.pinned import Pinned
from ..settings import Settings
from .find import enhanced, observe

if TYPE_CHECKING:
    from ..regressor.surface_refinement import SurfaceEstimate, SurfaceRefinement

# Fits before the last only have to lay the surface where it about is, and a refinement says so well
# where to go that few steps lead there. Measured with five steps and every second landmark instead,
# and twelve with all at the end: the same shape, portraits and photos in the wild within 0.03 %.
COARSE = FitSettings(iterations=1, stride=4)
FINAL = FitSettings(iterations=3, stride=2, modes=60)
REFINEMENTS = 2
# From this flag of the face mesh on, its expression is taken.
SEEN = 0.5
# Without any mode, the identity stays as it is.
HELD = FitSettings(iterations=6, stride=2, modes=0)


@dataclass(frozen=True)
class Fitted:
    """One face with the head that was fitted to it.

    Attributes
    ----------
    shape: the head model at the landmarks that ``evidence`` holds.
    evidence: what the last fit was made from. fit: that fit.
    measures: of how far it can be trusted. pinned: the pins that ``fit`` follows; None: none.
    """

    observation: Observation
    shape: LinearShape
    evidence: Evidence
    fit: FitResult
    measures: Measures
    pinned: Pinned | None = None

    @property
    def layer(self) -> Layer | None:
        """What pins add to the coefficients of ``fit``."""
        return self.pinned.layer if self.pinned is not None else None

    @property
    def quality(self) -> Quality:
        """How far the head can be trusted."""
        return quality_of(self.measures)


def fit_photo(photo: Photo, settings: Settings, model: HeadModel | None = None) -> Fitted:
    """The head of the first face that ``settings`` ask for, and its camera.

    model: the head model; None: the one that ships.

    Raises
    ------
    NoFaceFound, WeightsMissing
    """
    return fit_observation(photo, observe(photo, settings)[0], model)


def fit_observation(
    photo: Photo, observation: Observation, model: HeadModel | None = None
) -> Fitted:
    """The head of one face, and its camera.

    Raises
    ------
    NoFaceFound: no head in front of the camera agrees with the landmarks.
    """
    model = model or load_head_model()
    shape, evidence = evidence_of(photo, observation, model)
    # What shows the face to the detector shows it to the refinement, too.
    clear = enhanced(photo, observation.enhancement)
    landmarks = observation.face.output.landmarks
    if observation.landmark_set == "dense":
        evidence, fit = fit_refined(clear, shape, evidence)
        landmarks = evidence.landmarks
    else:
        # The refinement knows the dense landmarks only.
        evidence = expressive(clear, landmarks, evidence)
        fit = fit_person(shape, [evidence])[0]
    fit = check_fit(fit, photo.path)
    measures = measure(clear, observation, landmarks, fit, model)
    return Fitted(observation, shape, evidence, fit, measures)


def expressive(photo: Photo, dense: Landmarks, evidence: Evidence) -> Evidence:
    """``evidence`` with the expression that the photo shows around eyes and lips.

    dense: where the regressor sees the dense landmarks. Where the face mesh sees no face there,
    half covered or from behind, its expression is no evidence.
    """
    from ..regressor.expressions import load_expressions

    seen = load_expressions().predict(photo, [box_from_landmarks(dense.points)])[0]
    if seen.flag < SEEN:
        return evidence
    start = replace(evidence.start, expression=seen.values)
    return replace(evidence, start=start, expression_sigma=seen.sigma)


def with_likeness(fitted: Fitted, likeness: int) -> Fitted:
    """The head with ``likeness`` per cent of what makes the person differ from the mean head.

    Expression and pose are fitted anew, so that it lies on the photo as well as such a head can.
    The focal length stays: another head in its place says nothing of the lens.
    """
    if likeness == 100:
        return fitted
    evidence, fit = fitted.evidence, fitted.fit
    identity = fit.coefficients.identity * np.float32(likeness / 100)
    start = replace(evidence.start, identity=identity)
    held = replace(evidence, start=start, camera=fit.camera, focal_sigma=0.0)
    return replace(fitted, fit=fit_person(fitted.shape, [held], HELD)[0])


def fit_refined(
    photo: Photo,
    shape: LinearShape,
    evidence: Evidence,
    refinement: SurfaceRefinement | None = None,
) -> tuple[Evidence, FitResult]:
    """The head that agrees with ``evidence`` after REFINEMENTS of it, and the last of these.

    shape: the head model at its dense landmarks, which ``evidence`` holds as the regressor sees
    them. refinement: instead of the one that ships.
    """
    if refinement is None:
        from ..regressor.surface_refinement import load_surface_refinement

        refinement = load_surface_refinement()
    evidence = expressive(photo, evidence.landmarks, evidence)
    fit = fit_person(shape, [evidence], COARSE)[0]
    for number in range(REFINEMENTS):
        # Every second one sees the mirror image: its errors are others. On 120 drawn views shape
        # errors fall by 0.6 %, on 60 portraits landmark errors by 2 %, for nothing.
        mirrored = number % 2 == 1
        evidence = refine(photo, shape, evidence, fit, refinement, mirrored=mirrored)
        settings = FINAL if number == REFINEMENTS - 1 else COARSE
        fit = fit_person(shape, [evidence], settings)[0]
    return evidence, fit


def refine_again(photo: Photo, fitted: Fitted, *, mirrored: bool) -> Evidence:
    """What the refinement that ships says along a head that was fitted already."""
    from ..regressor.surface_refinement import load_surface_refinement

    clear = enhanced(photo, fitted.observation.enhancement)
    network = load_surface_refinement()
    return refine(clear, fitted.shape, fitted.evidence, fitted.fit, network, mirrored=mirrored)


def refine(
    photo: Photo,
    shape: LinearShape,
    evidence: Evidence,
    fit: FitResult,
    refinement: SurfaceRefinement,
    *,
    mirrored: bool = False,
) -> Evidence:
    """What the surface refinement says of the photo, perhaps ``mirrored``, along ``fit``."""
    from ..regressor.surface_refinement import PICTURE, box_of_fit

    box = box_of_fit(box_from_landmarks(fit.camera.project(shape.at(fit.coefficients))))
    crop = crop_face(photo, box, PICTURE)
    estimate = refinement.predict([crop], [(fit.coefficients, fit.camera)], mirrored)[0]
    return corrected(evidence, fit, estimate)


def corrected(evidence: Evidence, fit: FitResult, estimate: SurfaceEstimate) -> Evidence:
    """``evidence`` with what the surface refinement says along ``fit``."""
    depths, normals = None, None
    if estimate.depth is not None and estimate.depth_sigma is not None:
        depths = Depths(estimate.depth, estimate.depth_sigma)
    if estimate.normal is not None and estimate.normal_sigma is not None:
        # The refinement speaks of the head that ships.
        edges = load_head_model().edges("dense")
        normals = Normals(estimate.normal, estimate.normal_sigma, edges)
    start = estimate.coefficients
    if evidence.expression_sigma is not None:
        # The refinement passes on what the fit found; what was seen apart from it stays.
        start = replace(start, expression=evidence.start.expression)
    return replace(
        evidence,
        landmarks=estimate.landmarks,
        camera=fit.camera,
        start=start,
        identity_sigma=estimate.identity_sigma,
        depths=depths,
        normals=normals,
    )
