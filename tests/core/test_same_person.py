"""Several photos of one person: the pipeline on known heads, the command line and the files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.cli import main
from ml.data import Observation
from ml.errors import Cancelled, HeadError, ImageUnreadable, NoFaceFound, UsageError
from ml.fitting.camera import FACING
from ml.geometry.alignment import best_similarity
from ml.geometry.rotations import rotation_from_vector
from ml.head.storage import load_head_model
from ml.photo.read import read_photo
from ml.pins.heads import no_pins
from ml.pins.pins import PhotoPins, Pin, Pins
from ml.pipeline import fit as pipeline_fit
from ml.pipeline import same_person
from ml.pipeline.timing import Clock
from ml.results import person as person_files
from ml.results.person import SamePerson, photo_folders, read_person, read_view
from ml.results.reconstruction import load_reconstruction
from ml.settings import Settings
from tests.support.fake_pipeline import facing_head, fake_heads, fake_person
from tests.support.known_faces import SIDE, found_face

PLAIN = Settings(texture_size=0)
CHIN = 152
TURNS = {"front.png": 0.05, "left.png": -0.5, "right.png": 0.5}


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Photos of somebody whose face is found without a network: paths, identity."""
    model = load_head_model()
    rng = np.random.default_rng(5)
    identity = np.zeros(model.identity_count, np.float32)
    identity[:8] = rng.normal(0, 1.2, 8)
    faces = {}
    for name, turn in TURNS.items():
        expression = rng.uniform(0, 0.6, len(model.expression_names)).astype(np.float32)
        faces[name] = found_face(identity, expression, turn, rng)

    def find(photo, settings):
        if photo.path.name not in faces:
            raise NoFaceFound(f"No face was found in {photo.path}", "Use another photo")
        face = faces[photo.path.name]
        return [Observation(face, face.output.landmarks, "dense")]

    for number, name in enumerate((*TURNS, "wall.png")):
        Image.new("RGB", (SIDE, SIDE), (90, 90, 90 + number)).save(tmp_path / name)
    monkeypatch.setattr("ml.pipeline.upright.observe", find)
    monkeypatch.setattr(same_person, "warm_up", lambda renderer: None)
    # Grey pictures have nothing that another look could see.
    monkeypatch.setattr(pipeline_fit, "refine", lambda photo, shape, evidence, *_, **__: evidence)
    return [tmp_path / name for name in TURNS], identity


def test_every_photo_is_refined_again_along_the_common_head(seen, monkeypatch):
    paths, _ = seen
    looks = []

    def refine(photo, shape, evidence, fit, network, *, mirrored=False):
        looks.append((photo.path, fit.coefficients.identity, mirrored))
        return evidence

    monkeypatch.setattr(pipeline_fit, "refine", refine)
    same_person.reconstruct_person(paths, PLAIN)
    alone, again = pipeline_fit.REFINEMENTS * len(paths), looks[-2 * len(paths) :]
    assert len(looks) == alone + len(again)
    assert [path for path, _, _ in again] == 2 * paths
    assert [mirrored for _, _, mirrored in again] == [False] * len(paths) + [True] * len(paths)
    for part in (again[: len(paths)], again[len(paths) :]):
        for _, identity, _ in part:
            np.testing.assert_array_equal(identity, part[0][1])
    looks.clear()
    same_person.reconstruct_person(paths[:1], PLAIN)
    assert len(looks) == pipeline_fit.REFINEMENTS


def test_the_common_fit_comes_with_what_it_was_made_from(seen, monkeypatch):
    paths, _ = seen
    said = []

    def refine(photo, shape, evidence, *_, **__):
        said.append(replace(evidence))
        return said[-1]

    monkeypatch.setattr(pipeline_fit, "refine", refine)
    photos = [read_photo(path) for path in paths]
    alone = [same_person.fit_alone(photo, PLAIN, Clock()) for photo in photos]
    together = same_person.fit_together(alone, lambda place: photos[place])
    for fitted, last in zip(together, said[-len(paths) :], strict=True):
        assert fitted.evidence is last


@pytest.mark.parametrize("likeness", [0, 150])
def test_likeness_scales_what_makes_the_person_differ(seen, likeness):
    paths, _ = seen
    plain = same_person.reconstruct_person(paths, PLAIN)
    other = same_person.reconstruct_person(paths, replace(PLAIN, likeness=likeness))
    model = load_head_model()
    for one, two in zip(plain.heads, other.heads, strict=True):
        wanted = likeness / 100 * one.coefficients.identity
        np.testing.assert_allclose(two.coefficients.identity, wanted, atol=1e-6)
        np.testing.assert_array_equal(two.camera.intrinsics, one.camera.intrinsics)
        # It still lies on the photo.
        points = model.landmark_sets["mediapipe478"]
        ours, theirs = (
            head.camera.project(points.on(head.mesh.vertices_expressed)) for head in (two, one)
        )
        extent = np.ptp(theirs, axis=0).max()
        assert np.linalg.norm(ours - theirs, axis=1).mean() < 0.03 * extent


def test_pins_hold_and_leave_the_focal_lengths_as_they_were_fitted(seen):
    paths, _ = seen
    settings = replace(PLAIN, likeness=150)
    plain = same_person.reconstruct_person(paths, settings)
    x, y = (float(value) for value in plain.heads[0].landmarks_478_px[CHIN])
    place = (x + 1, y + 4)
    pins = no_pins([head.to_json() for head in plain.heads]).placed(0, Pin(place, CHIN))
    pinned = same_person.reconstruct_person(paths, settings, pins=pins)
    assert np.abs(pinned.heads[0].landmarks_478_px[CHIN] - place).max() < 0.1
    for one, two in zip(plain.heads, pinned.heads, strict=True):
        # They are as they would be read back from a file.
        np.testing.assert_allclose(two.camera.intrinsics, one.camera.intrinsics, rtol=1e-5)
        assert two.provenance.focal_source == "guess"


def test_pins_hold_on_the_head_whose_likeness_was_changed(seen):
    """As with one photo: pins are placed on the head that is shown, and scale nothing."""
    paths, _ = seen
    caricature = replace(PLAIN, likeness=150)
    without = same_person.reconstruct_person(paths, caricature)
    photo, head = paths[1], without.heads[1]
    x, y = map(float, head.landmarks_478_px[152])
    own = PhotoPins(photo.name, "", SIDE, SIDE, (Pin((x + 4, y + 9), 152),))
    pinned = same_person.reconstruct_person(paths, caricature, pins=Pins((own,)))
    there = pinned.heads[1].landmarks_478_px[152]
    np.testing.assert_allclose(there, (x + 4, y + 9), atol=0.1)
    # What the pins started from is what the photos give at this likeness, in all heads alike.
    for one in pinned.heads:
        start = np.array(one.pinned.estimate["identity"])
        np.testing.assert_allclose(start, head.coefficients.identity, atol=1e-5)
        np.testing.assert_array_equal(one.mesh.vertices, pinned.heads[0].mesh.vertices)
    assert np.abs(pinned.heads[1].mesh.vertices - head.mesh.vertices).max() > 1e-4


def test_photos_share_an_identity_and_keep_their_own_expression_and_camera(seen):
    paths, _ = seen
    person = same_person.reconstruct_person(paths, PLAIN)
    assert person.photos == tuple(paths)
    first = person.heads[0]
    for path, head in zip(paths, person.heads, strict=True):
        assert head.provenance.photo_name == path.name
        np.testing.assert_array_equal(head.coefficients.identity, first.coefficients.identity)
        np.testing.assert_array_equal(head.mesh.vertices, first.mesh.vertices)
        straight = FACING @ rotation_from_vector(np.array([0, TURNS[path.name], 0]))
        np.testing.assert_allclose(head.camera.rotation, straight, atol=0.1)
    expressions = [head.coefficients.expression for head in person.heads]
    assert np.abs(expressions[0] - expressions[1]).max() > 0.05
    assert paths[person.main].name == "front.png"


def test_together_they_tell_more_than_each_alone(seen):
    paths, identity = seen
    groups = (paths, *([path] for path in paths))
    errors = [_off(same_person.reconstruct_person(group, PLAIN), identity) for group in groups]
    assert errors[0] < min(errors[1:])
    assert errors[0] < 0.5 * _off(None, identity)


def _off(person: SamePerson | None, identity: np.ndarray) -> float:
    """Mean distance of the face in mm, of the mean face without a person. Size is not known."""
    shape = load_head_model().points("mediapipe478")
    found = np.zeros_like(identity) if person is None else person.heads[0].coefficients.identity
    ours, true = (shape.neutral(values).astype(np.float64) for values in (found, identity))
    return 1000 * float(
        np.linalg.norm(best_similarity(ours, true).apply(ours) - true, axis=1).mean()
    )


def test_photos_without_a_face_are_left_out_by_name(seen, tmp_path):
    paths, _ = seen
    (tmp_path / "cut.png").write_bytes(b"no image")
    person = same_person.reconstruct_person(
        [tmp_path / "wall.png", *paths, tmp_path / "cut.png"], PLAIN
    )
    assert person.photos == tuple(paths)
    assert [item.photo.name for item in person.left_out] == ["wall.png", "cut.png"]
    assert isinstance(person.left_out[1].error, ImageUnreadable)


def test_where_no_photo_is_left_all_are_named(seen, tmp_path):
    wall, gone = tmp_path / "wall.png", tmp_path / "gone.png"
    with pytest.raises(NoFaceFound, match=r"None of the 2 photos .*wall\.png.*gone\.png") as no:
        same_person.reconstruct_person([wall, gone], PLAIN)
    assert no.value.hint == "Use another photo"
    with pytest.raises(ImageUnreadable, match=r"gone\.png"):
        same_person.reconstruct_person([gone], PLAIN)


def test_all_faces_are_not_one_person(seen):
    paths, _ = seen
    with pytest.raises(UsageError, match="same person"):
        same_person.reconstruct_person(paths, replace(PLAIN, face="all"))
    with pytest.raises(UsageError, match="No photo"):
        same_person.reconstruct_person([], PLAIN)


def test_progress_rises_and_can_stop_it(seen):
    paths, _ = seen
    told = []
    same_person.reconstruct_person(paths, PLAIN, lambda fraction, message: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1

    def stop(fraction, message):
        if "front.png" in message:
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        same_person.reconstruct_person(paths, PLAIN, stop)


def test_the_main_photo_faces_the_camera_and_is_large_and_sure():
    path = Path("me.jpg")
    head = facing_head(path)
    small = replace(head, face_box=(0.0, 0.0, 20.0, 20.0))
    others = (facing_head(path, 1.0), small, replace(head, confidence=0.3))
    for other in others:
        assert SamePerson((path, path), (other, head)).main == 1


def run(*arguments: object) -> int:
    return main(
        [str(argument) for argument in arguments],
        reconstruct=fake_heads,
        reconstruct_person=fake_person,
    )


def files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_bytes(b"x")
    return [folder / name for name in names]


def test_the_command_line_writes_a_folder_a_photo_and_an_index(tmp_path, capsys):
    out = tmp_path / "out"
    assert run(*files(tmp_path, "b.jpg", "noface.jpg", "a.jpg"), "--out", out, "--same-person") == 1
    index = json.loads((out / "person.json").read_text())
    assert (index["main"], index["photos"]) == ("b", ["b", "a"])
    assert index["left_out"][0]["photo"] == "noface.jpg"
    assert index["left_out"][0]["code"] == "no_face"
    assert photo_folders(out) == [out / "b", out / "a"]
    assert load_reconstruction(out / "a").confidence == pytest.approx(0.7)
    rows = json.loads((out / "report.json").read_text())
    assert [row["status"] for row in rows] == ["ok", "failed", "ok"]
    assert "noface.jpg" in rows[1]["error"]
    assert "2 ok, 1 failed" in capsys.readouterr().err
    assert run(*files(tmp_path, "b.jpg", "a.jpg"), "--out", out, "--same-person") == 0


def test_a_person_that_is_replaced_while_read_is_refused(tmp_path, monkeypatch):
    """All heads are whole, but of two runs: the main photo's of one, the others' of the next."""
    photos = [tmp_path / name for name in ("a.jpg", "b.jpg")]
    command = [*map(str, photos), "--out", str(tmp_path / "out"), "--same-person"]
    for photo in photos:
        photo.write_bytes(b"x")

    def run():
        assert main(command, reconstruct_person=fake_person) == 0

    def swapped(directory):
        run()
        return read_view(directory)

    run()
    folder, head, (view,) = read_person(tmp_path / "out")
    assert (folder.name, head.provenance.photo_name, view.name) == ("a", "a.jpg", "b.jpg")
    monkeypatch.setattr(person_files, "read_view", swapped)
    with pytest.raises(HeadError, match="was replaced while it was read"):
        read_person(tmp_path / "out")


def test_a_head_made_alone_takes_the_place_of_a_person_in_its_folder(tmp_path):
    out = tmp_path / "out"
    photos = files(tmp_path, "a.jpg", "b.jpg")
    run(*photos, "--out", out / "a", "--same-person")
    assert photo_folders(out / "a") == [out / "a/a", out / "a/b"]
    run(photos[0], "--out", out)
    assert photo_folders(out / "a") == [out / "a"]


@pytest.mark.parametrize("name", ["noface.jpg", "crash.jpg"])
def test_a_person_that_fails_fails_in_every_photo_and_leaves_no_index(tmp_path, name):
    out = tmp_path / "out"
    assert run(*files(tmp_path, name), "--out", out, "--same-person") == 1
    rows = json.loads((out / "report.json").read_text())
    assert [row["status"] for row in rows] == ["failed"]
    assert rows[0]["hint"]
    assert not (out / "person.json").exists()


@pytest.mark.parametrize("option", [["--jobs", "2"], ["--skip-existing"], ["--face", "all"]])
def test_options_that_make_no_sense_for_one_person(tmp_path, capsys, option):
    out = tmp_path / "out"
    assert run(*files(tmp_path, "a.jpg"), "--out", out, "--same-person", *option) == 2
    assert "--same-person does not go with" in capsys.readouterr().err


def test_a_sight_is_what_the_head_says_about_its_photo(tmp_path):
    run(*files(tmp_path, "a.jpg"), "--out", tmp_path, "--same-person")
    head, sight = load_reconstruction(tmp_path / "a"), read_view(tmp_path / "a")
    assert sight.name == "a.jpg"
    assert list(sight.expression) == list(head.mesh.expression_names)
    np.testing.assert_allclose(list(sight.expression.values()), head.coefficients.expression)
    np.testing.assert_array_equal(sight.camera.rotation, head.camera.rotation)


def test_damaged_files_are_refused_with_a_remedy(tmp_path):
    with pytest.raises(HeadError, match="not a complete reconstruction"):
        read_view(tmp_path)
    (tmp_path / "person.json").write_text('{"photos": 3}')
    with pytest.raises(HeadError, match="damaged") as no:
        photo_folders(tmp_path)
    assert no.value.hint == "Reconstruct the photos again"
    assert photo_folders(tmp_path / "alone") == [tmp_path / "alone"]
