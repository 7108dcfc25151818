"""Pipelines that need no weights; importable, so that other processes can run them too."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml.data import Camera, HeadCoefficients, HeadMesh
from ml.errors import NoFaceFound
from ml.head.arkit import EXPRESSION_NAMES
from ml.results.estimate import Estimate
from ml.results.person import LeftOut, SamePerson
from ml.results.provenance import Provenance, current_model
from ml.results.reconstruction import Reconstruction
from ml.settings import Settings
from ml.version import effigy_version


def tiny_head(photo: Path) -> Reconstruction:
    """A complete result with four vertices."""
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    keys = np.zeros((len(EXPRESSION_NAMES), 4, 3), np.float32)
    keys[:, 0, 2] = np.linspace(0.001, 0.05, len(keys))
    mesh = HeadMesh(
        vertices=square,
        vertices_expressed=square + 0.5,
        quads=np.array([[0, 1, 2, 3]], np.int32),
        uv=square[:, :2],
        uv_quads=np.array([[0, 1, 2, 3]], np.int32),
        part=np.zeros(1, np.uint8),
        part_names=("skin",),
        shape_keys=keys,
        expression_names=EXPRESSION_NAMES,
        landmarks_68=np.zeros((68, 3), np.float32),
        landmarks_478=np.zeros((478, 3), np.float32),
    )
    expression = np.linspace(0, 1, len(EXPRESSION_NAMES)).astype(np.float32)
    intrinsics = np.array([[700, 0, 320], [0, 700, 240], [0, 0, 1]], np.float32)
    return Reconstruction(
        provenance=Provenance(
            *current_model(), "CC0-1.0", photo.name, _digest(photo), 640, 480, "0.1.0"
        ),
        mesh=mesh,
        coefficients=HeadCoefficients(np.array([0.5, -1.25], np.float32), expression),
        camera=Camera(
            intrinsics, np.eye(3, dtype=np.float32), np.array([0, 0, 1], np.float32), 640, 480
        ),
        face_box=(10.0, 20.0, 110.0, 120.0),
        landmarks_68_px=np.ones((68, 2), np.float32),
        landmarks_478_px=np.ones((478, 2), np.float32),
        confidence=0.75,
        albedo=np.full((64, 64, 3), 200, np.uint8),
        photo_rgb=np.full((48, 64, 3), 90, np.uint8),
    )


def _digest(photo: Path) -> str:
    return hashlib.sha256(photo.read_bytes()).hexdigest() if photo.is_file() else "ab" * 32


def fake_heads(photo: Path, settings: Settings) -> tuple[Reconstruction, ...]:
    """Behaves as the photo's name says (see below, and two*); anything else succeeds."""
    raised = {
        "crash": ZeroDivisionError("a fault in the code"),
        "memory": MemoryError(),
        "interrupted": KeyboardInterrupt(),
        "exits": SystemExit(3),
    }
    for name, error in raised.items():
        if photo.stem.startswith(name):
            raise error
    if photo.stem.startswith("slow"):
        time.sleep(60)
    if photo.stem.startswith("noface"):
        raise NoFaceFound(f"No face was found in {photo}", "Use another photo")
    if photo.stem.startswith("killed"):
        os._exit(9)
    if photo.stem.startswith("torn"):
        # While the head is written.
        np.lib.format.write_array = lambda *_, **__: os._exit(9)
    head = replace(tiny_head(photo), settings=settings)
    if not settings.texture_size:
        head = replace(head, albedo=None)
    both = photo.stem.startswith("two") and settings.face == "all"
    return (head, replace(head, confidence=0.5)) if both else (head,)


def fake_estimates(photo: Path, settings: Settings) -> tuple[Estimate, ...]:
    """The coefficients of :func:`fake_heads`, each photo's own."""
    heads = fake_heads(photo, settings)
    found = []
    for number, head in enumerate(heads, start=1):
        origin = replace(head.provenance, photo_path=str(photo.absolute()), level=settings.level)
        identity = head.coefficients.identity + np.float32(len(photo.name)) / 7
        found.append(
            Estimate(
                provenance=replace(origin, effigy_version=effigy_version()),
                coefficients=HeadCoefficients(identity, head.coefficients.expression),
                camera=head.camera,
                face_box=head.face_box,
                confidence=head.confidence,
                quality=1 / 3,
                quality_reason="a test" * number,
                landmarks_68_px=head.landmarks_68_px,
                landmarks_478_px=head.landmarks_478_px,
                face=(number, len(heads)),
            )
        )
    return tuple(found)


def fake_person(photos: Sequence[Path], settings: Settings) -> SamePerson:
    """Leaves out photos called noface; the others' confidence falls in the order given."""
    heads, used, left_out = [], [], []
    for number, photo in enumerate(photos):
        if photo.stem.startswith("crash"):
            raise ZeroDivisionError("a fault in the code")
        if photo.stem.startswith("noface"):
            error = NoFaceFound(f"No face was found in {photo}", "Use another photo")
            left_out.append(LeftOut(photo, error))
        else:
            used.append(photo)
            heads.append(replace(facing_head(photo), confidence=0.9 - 0.1 * number))
    if not heads:
        raise NoFaceFound("None of the photos can be used", "Use other photos")
    return SamePerson(tuple(used), tuple(heads), tuple(left_out))


def facing_head(photo: Path, turn: float = 0.0) -> Reconstruction:
    """A tiny head that looks ``turn`` radians past the camera."""
    head = tiny_head(photo)
    cos, sin = np.cos(turn), np.sin(turn)
    about_y = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    rotation = np.diag([1.0, -1.0, -1.0]) @ about_y
    return replace(head, camera=replace(head.camera, rotation=rotation.astype(np.float32)))
