"""The whole pipeline with the shipped weights, on a public-domain portrait and on other things."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.cli import main
from ml.errors import Cancelled, EngineUnavailable, NoFaceFound, UsageError
from ml.head.storage import load_head_model
from ml.pipeline.single import reconstruct
from ml.rendering import pytorch3d_backend, zbuffer
from ml.settings import Settings

# Where the outer eye corners, the nose's tip and the chin are in the portrait, by eye.
SEEN = {33: (196, 102), 263: (255, 105), 1: (224, 131), 152: (222, 177)}


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def head(portrait):
    (head,) = reconstruct(portrait, Settings(texture_size=256))
    return head


def test_landmarks_lie_on_the_face(head):
    for index, place in SEEN.items():
        assert np.linalg.norm(head.landmarks_478_px[index] - place) < 5, index
    assert head.confidence > 0.9


def test_the_smile_is_expression_not_identity(head):
    values = dict(zip(head.mesh.expression_names, head.coefficients.expression, strict=True))
    assert values["mouthSmileLeft"] > 0.25
    assert values["mouthSmileRight"] > 0.25
    assert values["eyeBlinkLeft"] < 0.4
    neutral, keys = load_head_model().person(head.coefficients.identity)
    np.testing.assert_allclose(head.mesh.vertices, neutral, atol=1e-6)
    np.testing.assert_allclose(head.mesh.shape_keys, keys, atol=1e-6)
    expressed = neutral + np.tensordot(head.coefficients.expression, head.mesh.shape_keys, 1)
    np.testing.assert_allclose(head.mesh.vertices_expressed, expressed, atol=1e-6)


@pytest.mark.parametrize("level", ["low", "high"])
def test_a_level_is_the_same_person_with_other_quads(portrait, head, level):
    (other,) = reconstruct(portrait, Settings(texture_size=256, level=level))
    assert other.provenance.level == level
    np.testing.assert_array_equal(other.coefficients.identity, head.coefficients.identity)
    np.testing.assert_array_equal(other.mesh.landmarks_478, head.mesh.landmarks_478)
    np.testing.assert_array_equal(other.albedo, head.albedo)
    share = len(other.mesh.quads) / len(head.mesh.quads)
    assert share == 4 if level == "high" else 0.3 < share < 0.7


def test_camera_projects_the_expressed_head_onto_the_landmarks(head):
    expressed = load_head_model().landmark_sets["ibug68"].on(head.mesh.vertices_expressed)
    np.testing.assert_allclose(head.camera.project(expressed), head.landmarks_68_px, atol=1e-3)
    assert np.linalg.det(head.camera.rotation) == pytest.approx(1, abs=1e-4)
    assert 0.4 < head.camera.translation[2] < 5


def test_a_photo_turned_on_its_side_shows_the_same_face(portrait, head, tmp_path):
    with Image.open(portrait) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "side.png")
    (turned,) = reconstruct(tmp_path / "side.png", Settings(texture_size=0))
    x, y = turned.landmarks_478_px[[33, 263, 1, 152]].T
    back = np.column_stack([511 - y, x])
    assert np.linalg.norm(back - head.landmarks_478_px[[33, 263, 1, 152]], axis=1).max() < 10


def test_two_people_give_two_heads(portrait, tmp_path):
    with Image.open(portrait) as image:
        face = image.crop((126, 10, 326, 260))
    pair = Image.new("RGB", (760, 400), (120, 130, 140))
    pair.paste(face.resize((280, 350)), (20, 25))
    pair.paste(face.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (480, 100))
    pair.save(tmp_path / "pair.png")
    heads = reconstruct(tmp_path / "pair.png", Settings(face="all", texture_size=0))
    assert len(heads) == 2
    sizes = [np.ptp(item.landmarks_478_px[:, 1]) for item in heads]
    assert sizes[0] > sizes[1]
    (second,) = reconstruct(tmp_path / "pair.png", Settings(face="2", texture_size=0))
    np.testing.assert_allclose(second.landmarks_478_px, heads[1].landmarks_478_px, atol=1e-3)
    with pytest.raises(NoFaceFound, match="has 2 faces"):
        reconstruct(tmp_path / "pair.png", Settings(face="3", texture_size=0))


@pytest.mark.parametrize("name", ["brick", "coins", "page"])
def test_things_without_a_face_say_so(name, tmp_path):
    path = tmp_path / f"{name}.png"
    Image.fromarray(getattr(data, name)()).save(path)
    with pytest.raises(NoFaceFound, match=path.name) as caught:
        reconstruct(path, Settings(texture_size=0))
    assert caught.value.hint


def test_progress_can_cancel(portrait):
    told = []

    def progress(fraction, message):
        told.append(fraction)
        if fraction >= 0.2:
            raise Cancelled("Stopped", "Start again")

    with pytest.raises(Cancelled):
        reconstruct(portrait, Settings(texture_size=0), progress)
    assert told == sorted(told)
    assert told[-1] < 0.5


def test_wrong_settings_are_refused_before_anything_is_read(tmp_path):
    for settings in (
        Settings(landmarks="tea leaves"),
        Settings(texture_size=3),
        Settings(level=""),
    ):
        with pytest.raises(UsageError):
            reconstruct(tmp_path / "absent.jpg", settings)


def test_a_renderer_that_is_not_installed_is_named(portrait):
    if importlib.util.find_spec("pytorch3d") is not None:
        pytest.skip("pytorch3d is installed")
    with pytest.raises(EngineUnavailable, match="pytorch3d could not be loaded"):
        reconstruct(portrait, Settings(texture_size=0, renderer="pytorch3d"))


def test_the_chosen_renderer_draws_for_texture_and_detail(portrait, monkeypatch):
    drawn = []

    def fill(points, triangles, face, weights, depth):
        drawn.append(face.shape)
        zbuffer.fill(points, triangles, face, weights, depth)

    monkeypatch.setattr(pytorch3d_backend, "load", lambda: None)
    monkeypatch.setattr(pytorch3d_backend, "fill", fill)
    plain = Settings(texture_size=128, detail="relief")
    (ours,) = reconstruct(portrait, plain)
    assert not drawn
    (theirs,) = reconstruct(portrait, replace(plain, renderer="pytorch3d"))
    assert len(drawn) == 2
    np.testing.assert_array_equal(ours.albedo, theirs.albedo)
    np.testing.assert_array_equal(ours.detail.offsets, theirs.detail.offsets)


def test_the_command_line_on_a_mixed_folder(portrait, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "me.png").write_bytes(portrait.read_bytes())
    (folder / "cut.png").write_bytes(portrait.read_bytes()[:3000])
    (folder / "empty.jpg").write_bytes(b"")
    Image.fromarray(data.brick()).save(folder / "wall.png")
    out = tmp_path / "out"
    assert main([str(folder), "--out", str(out), "--texture-size", "128", "--preview"]) == 1
    rows = {
        row["photo"].rsplit("/", 1)[-1]: row
        for row in json.loads((out / "report.json").read_text())
    }
    assert [rows[name]["code"] for name in ("cut.png", "empty.jpg", "wall.png", "me.png")] == [
        "image_unreadable",
        "image_unreadable",
        "no_face",
        "",
    ]
    assert (out / "me" / "preview.png").stat().st_size > 50_000


def test_progress_names_the_texture_and_never_runs_back(portrait):
    steps = []
    settings = Settings(texture_size=64, detail="relief")
    reconstruct(portrait, settings, lambda fraction, message: steps.append((fraction, message)))
    assert [fraction for fraction, _ in steps] == sorted(fraction for fraction, _ in steps)
    assert "Making the texture" in [message for _, message in steps]
