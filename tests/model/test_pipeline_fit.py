"""Fit, look at the surface, fit again: what the last look says is what counts."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from ml.data import Camera, HeadCoefficients, Landmarks, Photo
from ml.fitting.camera import FACING, make_intrinsics
from ml.fitting.evidence import Evidence
from ml.head.storage import load_head_model
from ml.pipeline import fit as pipeline_fit
from ml.pipeline.fit import REFINEMENTS, fit_refined
from ml.pipeline.single import reconstruct
from ml.regressor import surface_refinement
from ml.regressor.surface_refinement import PICTURE, SurfaceEstimate
from ml.results.reconstruction import load_reconstruction, save_reconstruction
from ml.settings import Settings


class FakeRefinement:
    """Stands for the network: returns the truth from its second call on."""

    def __init__(self, truth, camera, shape):
        self.truth, self.camera, self.shape = truth, camera, shape
        self.crops, self.fits, self.mirrored = [], [], []

    def predict(self, crops, fits, mirrored):
        self.mirrored.append(mirrored)
        self.crops += crops
        self.fits += fits
        points = self.camera.project(self.shape.at(self.truth))
        if len(self.crops) == 1:
            points = points + 4
        sigma = np.full(len(points), 0.02, np.float32)
        modes = np.full(len(self.truth.identity), 0.9, np.float32)
        return [SurfaceEstimate(Landmarks(points.astype(np.float32), sigma), fits[0][0], modes)]


@pytest.fixture
def scene(tmp_path):
    shape = load_head_model().points("dense")
    rng = np.random.default_rng(0)
    identity = np.zeros(len(shape.identity), np.float32)
    identity[:8] = rng.normal(0, 1, 8)
    truth = HeadCoefficients(identity, np.zeros(len(shape.expression), np.float32))
    camera = Camera(
        make_intrinsics(900, 400, 300), FACING, np.array([0.03, 0.02, 0.8], np.float32), 400, 300
    )
    photo = Photo(rng.integers(0, 256, (300, 400, 3), np.uint8), tmp_path / "x.png", "")
    nobody = HeadCoefficients(0 * identity, truth.expression)
    rough = camera.project(shape.at(nobody)) + rng.normal(0, 3, (len(shape.mean), 2))
    landmarks = Landmarks(rough.astype(np.float32), np.full(len(rough), 3, np.float32))
    return photo, shape, Evidence(landmarks, camera, nobody, np.ones(160, np.float32)), truth


def test_the_last_look_decides(scene, monkeypatch):
    photo, shape, evidence, truth = scene
    refinement = FakeRefinement(truth, evidence.camera, shape)
    monkeypatch.setattr(surface_refinement, "load_surface_refinement", lambda: refinement)
    seen, fit = fit_refined(photo, shape, evidence)
    assert len(refinement.crops) == REFINEMENTS
    true, found = (shape.neutral(c.identity) for c in (truth, fit.coefficients))
    mean = shape.neutral(0 * truth.identity)
    assert np.linalg.norm(found - true, axis=1).mean() < 0.35 * (
        np.linalg.norm(mean - true, axis=1).mean()
    )
    # What comes back is what the fit was made from.
    same = pipeline_fit.fit_person(shape, [seen], pipeline_fit.FINAL)[0]
    np.testing.assert_array_equal(same.coefficients.identity, fit.coefficients.identity)
    # Another fit, to all that was seen and to the end, comes to the same place.
    again = pipeline_fit.fit_person(shape, [seen], pipeline_fit.FitSettings())[0]
    moved = again.camera.project(shape.at(again.coefficients))
    assert np.abs(moved - fit.camera.project(shape.at(fit.coefficients))).max() < 0.3


def test_depths_and_normals_of_the_last_look_are_used(scene):
    photo, shape, evidence, truth = scene
    camera, edges = evidence.camera, load_head_model().edges("dense")
    vague = np.full(len(shape.mean), 6, np.float32)

    class Deep(FakeRefinement):
        def predict(self, crops, fits, mirrored):
            estimate = super().predict(crops, fits, mirrored)[0]
            landmarks = Landmarks(estimate.landmarks.points, vague)
            first, second = np.split(edges.at(self.truth) @ camera.rotation.T, 2)
            normals = np.cross(first, second)
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            deep = camera.to_camera_space(shape.at(self.truth))[:, 2]
            little = np.full(len(deep), 1e-3, np.float32)
            self.said = replace(
                estimate,
                landmarks=landmarks,
                depth=deep,
                depth_sigma=little,
                normal=normals[:, :2].astype(np.float32),
                normal_sigma=30 * little,
            )
            return [self.said]

    class Flat(Deep):
        def predict(self, crops, fits, mirrored):
            super().predict(crops, fits, mirrored)
            none = dict.fromkeys(("depth", "depth_sigma", "normal", "normal_sigma"))
            return [replace(self.said, **none)]

    errors = {}
    for kind in (Deep, Flat):
        seen, fit = fit_refined(photo, shape, evidence, kind(truth, camera, shape))
        assert (seen.depths is None) == (seen.normals is None) == (kind is Flat)
        true, found = (shape.neutral(c.identity) for c in (truth, fit.coefficients))
        errors[kind] = np.linalg.norm(true - found, axis=1).mean()
    assert errors[Deep] < 0.7 * errors[Flat]


def test_each_refinement_sees_the_face_of_the_fit_before_it(scene, monkeypatch):
    photo, shape, evidence, truth = scene
    refinement = FakeRefinement(truth, evidence.camera, shape)
    monkeypatch.setattr(surface_refinement, "load_surface_refinement", lambda: refinement)
    fit_refined(photo, shape, evidence)
    for crop, (coefficients, camera) in zip(refinement.crops, refinement.fits, strict=True):
        face = camera.project(shape.at(coefficients))[:468]
        inside = np.linalg.solve(crop.to_photo[:, :2], (face - crop.to_photo[:, 2]).T)
        assert inside.min() > 0.1 * PICTURE
        assert inside.max() < 0.9 * PICTURE
    assert refinement.fits[0][1] is not refinement.fits[1][1]
    # By turns at the photo and at its mirror image, whose errors are others.
    assert refinement.mirrored == [False, True]


@pytest.mark.parametrize(
    ("equivalent", "source", "words"),
    [(0, "guess", ""), (85, "exif", ""), (5, "guess", "m from the camera")],
)
def test_the_focal_length_and_its_source_are_told(tmp_path, equivalent, source, words):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = equivalent
    path = tmp_path / "photo.jpg"
    Image.fromarray(astronaut()[:256, 96:352]).save(path, exif=exif)
    head = reconstruct(path, Settings(texture_size=0))[0]
    told = head.to_json()["photo"]
    assert told["focal_source"] == source
    assert words in told["focal_refused"]
    assert bool(words) == bool(told["focal_refused"])
    assert (head.camera.intrinsics[0, 0] == pytest.approx(85 / 36 * 256)) == (source == "exif")
    save_reconstruction(head, tmp_path / "head")
    assert load_reconstruction(tmp_path / "head").provenance == head.provenance
