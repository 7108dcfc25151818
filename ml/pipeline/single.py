"""The walk: one photo in, one head a face out. Every room is entered once, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..data import ByteArray, FitResult, Landmarks, Photo
from ..errors import NoFaceFound
from ..fitting.camera import first_camera, guess_focal, make_intrinsics
from ..fitting.gauss_newton import fit_person
from ..fitting.view import Evidence
from ..head.mesh import Person, person_mesh, person_of
from ..head.model import HeadModel, LinearShape
from ..head.storage import load_head_model
from ..results.reconstruction import Provenance, Reconstruction
from ..settings import Settings, check_settings
from ..version import effigy_version
from .find import FoundFace, find_faces
from .refine import fit_looking_again
from .timing import Clock

Progress = Callable[[float, str], None]
# The photo behind the camera need not be larger than a screen.
BACKGROUND_SIDE = 2048
FACE_POINTS = 468


def reconstruct(
    path: Path, settings: Settings, progress: Progress | None = None
) -> tuple[Reconstruction, ...]:
    """Reconstruct the faces that ``settings`` ask for in the photo at ``path``.

    Returns one head a face, the most prominent first. ``progress(fraction, message)`` is called
    between rooms and may raise :class:`~ml.errors.Cancelled`.

    Raises
    ------
    ImageUnreadable, NoFaceFound, WeightsMissing, ModelUnreadable, UsageError
    """
    from ..photo.read import read_photo

    check_settings(settings)
    tell = progress or _silent
    clock = Clock()
    tell(0.0, f"Reading {path.name}")
    with clock.room("read"):
        photo = read_photo(path)
    tell(0.1, "Loading the network")
    with clock.room("load"):
        warm_up()
    tell(0.2, "Finding the face")
    with clock.room("find"):
        faces = wanted_faces(photo, settings)
    heads = []
    for number, (face, landmarks, embedding) in enumerate(faces):
        share = 0.4 + 0.6 * number / len(faces)
        tell(share, f"Fitting head {number + 1} of {len(faces)}")
        within = part_of(tell, share, 0.6 / len(faces))
        heads.append(_head(photo, face, landmarks, embedding, settings, clock.copy(), within))
    tell(1.0, "Done")
    return tuple(heads)


def warm_up() -> None:
    """Load weights and head model once, so that the first photo is as quick as the next."""
    from ..photo.detector import load_detector
    from ..regressor.regressor import load_regressor
    from ..regressor.surface_refinement import load_surface_refinement

    load_head_model()
    load_detector()
    load_regressor()
    load_surface_refinement()


def wanted_faces(photo: Photo, settings: Settings) -> list[tuple[FoundFace, Landmarks, str]]:
    """The faces asked for, with the landmarks to fit and the embedding that these belong to."""
    from ..photo.faces import choose, prominence, propose_faces, propose_harder
    from ..regressor.regressor import load_regressor

    predict = load_regressor().predict
    if settings.landmarks == "face-alignment":
        return _faces_by_alignment(photo, settings)
    faces = find_faces(photo, propose_faces(photo, settings.face), predict)
    if not faces:
        faces = find_faces(photo, propose_harder(photo), predict)
    faces.sort(key=lambda face: -prominence(face.box, photo))
    return [
        (faces[index], faces[index].output.landmarks, "dense")
        for index in choose(len(faces), settings.face, photo.path)
    ]


def _faces_by_alignment(photo: Photo, settings: Settings) -> list[tuple[FoundFace, Landmarks, str]]:
    """face-alignment finds the faces and their 68 points; the network gives the first guess."""
    from ..photo.crop import crop_face
    from ..photo.face_alignment_source import FaceAlignmentSource
    from ..photo.faces import choose, prominence
    from ..regressor.regressor import load_regressor

    source = FaceAlignmentSource(allow_download=settings.allow_download)
    found = sorted(source.detect(photo), key=lambda face: -prominence(face.box, photo))
    chosen = [found[index] for index in choose(len(found), settings.face, photo.path)]
    outputs = load_regressor().predict([crop_face(photo, face.box) for face in chosen])
    return [
        (FoundFace(replace(face.box, score=output.confidence), output), face.landmarks, "ibug68")
        for face, output in zip(chosen, outputs, strict=True)
    ]


def fit_face(
    photo: Photo, model: HeadModel, face: FoundFace, landmarks: Landmarks, embedding: str
) -> FitResult:
    """A head and a camera that agree with ``landmarks`` of the model's set ``embedding``, and with
    what the surface refinement sees along them."""
    shape, evidence = evidence_of(photo, model, face, landmarks, embedding)
    return fit_alone(photo, shape, evidence, embedding)[1]


def fit_alone(
    photo: Photo, shape: LinearShape, evidence: Evidence, embedding: str
) -> tuple[Evidence, FitResult]:
    """The head that one photo's ``evidence`` asks for, and the evidence that was last looked at."""
    if embedding == "dense":
        evidence, fit = fit_looking_again(photo, shape, evidence)
    else:
        # The refinement knows the dense landmarks only.
        fit = fit_person(shape, [evidence])[0]
    return evidence, checked_fit(fit, photo.path)


def evidence_of(
    photo: Photo, model: HeadModel, face: FoundFace, landmarks: Landmarks, embedding: str
) -> tuple[LinearShape, Evidence]:
    """What one face tells a fit, and the model at the landmarks that it tells of."""
    # A network may know only the first points of the dense set.
    shape = model.points(embedding).first(len(landmarks.points))
    extent = float(np.ptp(face.output.landmarks.points[:FACE_POINTS], axis=0).max())
    focal = guess_focal(photo.width, photo.height, extent, photo.focal_px)
    size = (photo.width, photo.height)
    start = face.output.coefficients
    camera = first_camera(
        shape.at(start),
        landmarks.points,
        face.output.rotation,
        make_intrinsics(focal, *size),
        size,
    )
    return shape, Evidence(landmarks, camera, start, face.output.identity_sigma)


def checked_fit(fit: FitResult, path: Path) -> FitResult:
    """``fit``, if it puts the head of the photo at ``path`` before the camera."""
    if not np.isfinite(fit.camera.translation).all() or fit.camera.translation[2] <= 0:
        raise NoFaceFound(
            f"The face found in {path} could not be fitted",
            "Use a photo where the face is larger or less covered",
        )
    return fit


def _head(
    photo: Photo,
    face: FoundFace,
    landmarks: Landmarks,
    embedding: str,
    settings: Settings,
    clock: Clock,
    tell: Progress,
) -> Reconstruction:
    with clock.room("fit"):
        fit = fit_face(photo, load_head_model(), face, landmarks, embedding)
    return finish_head(photo, face, fit, settings, clock, tell)


def finish_head(
    photo: Photo, face: FoundFace, fit: FitResult, settings: Settings, clock: Clock, tell: Progress
) -> Reconstruction:
    """The rooms after the fit: geometry, detail, texture, and the photo behind the camera."""
    model = load_head_model()
    with clock.room("assemble"):
        person = person_of(model, fit.coefficients)
        head = assemble(photo, model, face, fit, person, settings.level)
    detail = None
    if settings.detail != "off":
        from ..detail.detailer import make_detail
        from ..detail.view import Sight

        with clock.room("detail"):
            sight = Sight(photo.rgb, head.camera, person)
            detail = make_detail(sight, head.mesh, model, settings.detail, tell)
    albedo = None
    if settings.texture_size:
        from ..appearance.texture import make_albedo

        with clock.room("texture"):
            size = settings.texture_size
            albedo = make_albedo(photo, head.camera, person.expressed, model, size)
    background = _background(photo)
    return replace(
        head, albedo=albedo, detail=detail, photo_rgb=background, timings=clock.timings()
    )


def assemble(
    photo: Photo, model: HeadModel, face: FoundFace, fit: FitResult, person: Person, level: str
) -> Reconstruction:
    """All geometry of one head, without its images."""
    ibug, mediapipe = model.embeddings["ibug68"], model.embeddings["mediapipe478"]
    return Reconstruction(
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
        ),
        mesh=person_mesh(model, person, level),
        coefficients=fit.coefficients,
        camera=fit.camera,
        face_box=face.box.as_xyxy(),
        landmarks_68_px=fit.camera.project(ibug.on(person.expressed)),
        landmarks_478_px=fit.camera.project(mediapipe.on(person.expressed)),
        confidence=face.output.confidence,
    )


def _background(photo: Photo) -> ByteArray:
    import cv2

    scale = BACKGROUND_SIDE / max(photo.width, photo.height)
    if scale >= 1:
        return photo.rgb
    size = (round(photo.width * scale), round(photo.height * scale))
    return np.asarray(cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def part_of(tell: Progress, start: float, length: float) -> Progress:
    """Progress of a part of the walk, told as progress of the whole."""
    return lambda fraction, message: tell(start + length * fraction, message)


def _silent(fraction: float, message: str) -> None:
    """Progress that nobody watches."""
