"""One photo, from its file to coefficients and camera; the head can be made of them later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..data import Photo
from ..geometry.mesh_names import mesh_name
from ..head.storage import load_head_model
from ..results.estimate import Estimate
from ..results.provenance import Provenance
from ..settings import Settings, check_settings
from ..version import effigy_version
from .fit import Fitted, fit_observation, with_likeness
from .upright import observe_upright


def estimate_photo(path: Path, settings: Settings) -> tuple[Estimate, ...]:
    """The faces that ``settings`` ask for in the photo at ``path``, the most prominent first.

    Raises
    ------
    ImageUnreadable, NoFaceFound, WeightsMissing, ModelUnreadable, EngineUnavailable, UsageError
    """
    from ..assets.device import use_device
    from ..photo.read import read_photo

    check_settings(settings)
    use_device(settings.device)
    photo = read_photo(path)
    upright = observe_upright(photo, settings)
    mesh = mesh_name(settings.level, bust=settings.bust)
    photo, of, found = upright.photo, len(upright.observations), list[Estimate]()
    for number, observation in enumerate(upright.observations, start=1):
        fitted = with_likeness(fit_observation(photo, observation), settings.likeness)
        estimate = with_landmarks(estimated(photo, fitted, mesh))
        found.append(replace(estimate, face=(number, of)))
    return tuple(found)


def estimated(photo: Photo, fitted: Fitted, level: str) -> Estimate:
    """What the fit to one face of ``photo`` found. level: the name of its mesh."""
    model, face, fit = load_head_model(), fitted.observation.face, fitted.fit
    return Estimate(
        provenance=Provenance(
            model_id=model.model_id,
            model_version=model.version,
            model_licence=model.licence,
            photo_name=photo.path.name,
            photo_sha256=photo.sha256,
            width=photo.width,
            height=photo.height,
            effigy_version=effigy_version(),
            level=level,
            focal_source=fitted.evidence.focal_source,
            focal_refused=fitted.evidence.focal_refused,
            orientation_refused=photo.orientation_refused,
            photo_path=str(photo.path.absolute()) if photo.sha256 else "",
        ),
        coefficients=fit.coefficients,
        camera=fit.camera,
        face_box=face.box.as_xyxy(),
        confidence=face.output.confidence,
        quality=fitted.quality.value,
        quality_reason=fitted.quality.reason,
    )


def with_landmarks(estimate: Estimate) -> Estimate:
    """With its landmarks in the photo, by the head model's linear bases."""
    model, camera = load_head_model(), estimate.camera
    ibug, mediapipe = (
        camera.project(model.points(name).at(estimate.coefficients))
        for name in ("ibug68", "mediapipe478")
    )
    return replace(estimate, landmarks_68_px=ibug, landmarks_478_px=mediapipe)


def load_networks() -> None:
    """Load what finds coefficients once: the head model and the networks.

    Raises
    ------
    WeightsMissing, ModelUnreadable
    """
    from ..photo.detector import load_detector
    from ..regressor.expressions import load_expressions
    from ..regressor.regressor import load_regressor
    from ..regressor.surface_refinement import load_surface_refinement

    load_head_model()
    load_detector()
    load_regressor()
    load_expressions()
    load_surface_refinement()
