"""One photo, from its file to one complete head per face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..data import ByteArray, FloatArray, Photo, Progress
from ..detail.view import PersonView
from ..geometry.mesh_names import mesh_name
from ..hair.look import Hair
from ..head.mesh import Person, person_mesh, person_of
from ..head.storage import load_head_model
from ..parsing.classes import Parse
from ..pins.pins import Pins
from ..results.estimate import Estimate
from ..results.pinned import Pinned
from ..results.provenance import dated
from ..results.reconstruction import Reconstruction
from ..settings import CONSISTENT, Settings, check_settings
from .common import Own
from .estimate import estimated, load_networks
from .fit import Fitted, fit_observation, with_likeness
from .pinned import fitted_to_pins
from .relief import FoundRelief, relief_from, see_relief
from .sight import Sight, parse_face
from .timing import Clock
from .upright import observe_upright

if TYPE_CHECKING:
    from ..appearance.texture import Texture

# The photo behind the camera need not be larger than a screen.
BACKGROUND_SIDE = 2048


def reconstruct(
    path: Path, settings: Settings, progress: Progress | None = None, pins: Pins | None = None
) -> tuple[Reconstruction, ...]:
    """Reconstruct the faces that ``settings`` ask for in the photo at ``path``.

    Returns one head per face, the most prominent first. ``progress`` is called between steps.
    pins: that the head is to follow, of this photo.

    Raises
    ------
    ImageUnreadable, NoFaceFound, WeightsMissing, ModelUnreadable, EngineUnavailable, UsageError
    HeadError: the pins are of another photo.
    """
    from ..photo.read import read_photo

    check_settings(settings)
    progress = progress or ignore_progress
    clock = Clock()
    progress(0.0, f"Reading {path.name}")
    with clock.step("read"):
        photo = read_photo(path)
    progress(0.1, "Loading the network")
    with clock.step("load"):
        warm_up(settings)
    progress(0.2, "Finding the face")
    with clock.step("find"):
        upright = observe_upright(photo, settings)
    photo, observations, heads = upright.photo, upright.observations, list[Reconstruction]()
    for number, observation in enumerate(observations):
        share = 0.4 + 0.6 * number / len(observations)
        progress(share, f"Fitting head {number + 1} of {len(observations)}")
        own = clock.copy()
        with own.step("fit"):
            fitted = with_likeness(fit_observation(photo, observation), settings.likeness)
            fitted = fitted_to_pins(photo, fitted, pins)
        part = part_of(progress, share, 0.6 / len(observations))
        heads.append(complete_head(photo, fitted, settings, own, part))
    progress(1.0, "Done")
    return tuple(heads)


def warm_up(settings: Settings | None = None) -> None:
    """Load weights, head model and renderer once, so that the first photo is as fast as the next.

    settings: networks compute where they say, and what they need besides is loaded, too, so
        that its lack is said before any work.

    Raises
    ------
    WeightsMissing, ModelUnreadable; EngineUnavailable: what is asked for is not installed.
    """
    from ..assets.device import use_device

    settings = settings or Settings()
    use_device(settings.device)
    if settings.detail == CONSISTENT:
        from ..perception.choice import chosen_consistency

        chosen_consistency(settings.clip, settings.clip_folder)
    load_networks()
    if _looks_round_the_face(settings):
        from ..parsing.parse import load_parser
        from ..rendering.rasterizer import load_backend

        load_backend(settings.renderer)
        load_parser()
    if settings.hair:
        from ..hair.solid import cells_of

        cells_of(load_head_model())


def _looks_round_the_face(settings: Settings) -> bool:
    """Whether a head needs more of its photo than the fit: what each pixel shows."""
    return settings.detail != "off" or settings.texture_size > 0 or settings.hair


def complete_head(
    photo: Photo,
    fitted: Fitted,
    settings: Settings,
    clock: Clock,
    progress: Progress,
    own: Own | None = None,
) -> Reconstruction:
    """The steps after the fit: geometry, detail, texture, and the photo behind the camera.

    own: relief and texture, where other photos have a say in them; None: what this photo shows.
    """
    model = load_head_model()
    mesh = mesh_name(settings.level, bust=settings.bust)
    with clock.step("assemble"):
        person = person_of(model, fitted.fit.coefficients, fitted.layer)
        head = assemble(estimated(photo, fitted, mesh), person, fitted.pinned)
    return dressed(head, Sight(photo, head.camera, person), settings, clock, progress, own)


def dressed(
    head: Reconstruction,
    sight: Sight,
    settings: Settings,
    clock: Clock,
    progress: Progress,
    own: Own | None = None,
) -> Reconstruction:
    """``head`` with detail, texture, hair, and the photo behind the camera; see complete_head."""
    photo, camera, person = sight.photo, sight.camera, sight.person
    own, albedo, light = own or Own(), None, None
    if _looks_round_the_face(settings):
        with clock.step("parse"):
            parse = parse_face(photo, camera, person)
    if settings.detail != "off":
        progress(0.0, "Finding the face's relief")
        with clock.step("detail"):
            relief = own.relief
            if relief is None:
                view = PersonView(photo.rgb, camera, person, settings.renderer)
                relief = relief_from([see_relief(view, parse, settings)], settings)
            head = with_relief(head, relief, settings)
    if settings.texture_size:
        progress(0.5, "Making the texture")
        with clock.step("texture"):
            texture = own.texture or _texture_of(sight, parse, settings)
        albedo, light = texture.albedo, texture.harmonics
    if settings.hair:
        progress(0.85, "Growing hair")
        with clock.step("hair"):
            head = replace(head, hair=hair_of(sight, parse, light))
    background = _background(photo)
    origin = dated(head.provenance, settings.consent)
    head = replace(head, albedo=albedo, photo_rgb=background, settings=settings, provenance=origin)
    return replace(head, timings=clock.timings())


def _texture_of(sight: Sight, parse: Parse, settings: Settings) -> Texture:
    """The texture that one photo shows."""
    from ..appearance.texture import make_texture

    size, renderer, model = settings.texture_size, settings.renderer, load_head_model()
    vertices = sight.person.expressed
    return make_texture(sight.photo, sight.camera, vertices, model, size, renderer, parse)


def hair_of(sight: Sight, parse: Parse, light: FloatArray | None) -> Hair:
    """The hair of a person; light: (9, 3) harmonics of the photo's light, None if not known."""
    from ..hair.find import Shown, find_hair

    shown = Shown(sight.photo, sight.camera, sight.person, parse, light)
    return find_hair(shown, load_head_model())


def with_relief(head: Reconstruction, relief: FoundRelief, settings: Settings) -> Reconstruction:
    """The head with the detail of a person's relief."""
    from ..detail.relief import make_detail

    detail = make_detail(relief.relief, head.mesh, load_head_model(), settings.detail)
    return replace(head, detail=detail, detail_strength=relief.choice)


def assemble(estimate: Estimate, person: Person, pinned: Pinned | None = None) -> Reconstruction:
    """All geometry of one head, without its images. person: of the coefficients and the pins."""
    model, camera = load_head_model(), estimate.camera
    ibug, mediapipe = model.landmark_sets["ibug68"], model.landmark_sets["mediapipe478"]
    return Reconstruction(
        provenance=estimate.provenance,
        mesh=person_mesh(model, person, estimate.provenance.level),
        coefficients=estimate.coefficients,
        camera=camera,
        face_box=estimate.face_box,
        landmarks_68_px=camera.project(ibug.on(person.expressed)),
        landmarks_478_px=camera.project(mediapipe.on(person.expressed)),
        confidence=estimate.confidence,
        quality=estimate.quality,
        quality_reason=estimate.quality_reason,
        pinned=pinned,
    )


def _background(photo: Photo) -> ByteArray:
    import cv2

    scale = BACKGROUND_SIDE / max(photo.width, photo.height)
    if scale >= 1:
        return photo.rgb
    size = (round(photo.width * scale), round(photo.height * scale))
    return np.asarray(cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def part_of(progress: Progress, start: float, length: float) -> Progress:
    """Progress of a part of the work, as progress of the whole."""
    return lambda fraction, message: progress(start + length * fraction, message)


def ignore_progress(fraction: float, message: str) -> None:
    """Progress that nobody watches."""
