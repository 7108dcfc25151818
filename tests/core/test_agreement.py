"""Several photos of one person: one whose identity does not agree is named, and left in."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.cli import main
from ml.data import Observation
from ml.errors import NoFaceFound
from ml.fitting.agreement import BETWEEN, SHARP, WITHIN, likelihood_ratios, strangers
from ml.head.storage import load_head_model
from ml.pipeline import fit as pipeline_fit
from ml.pipeline import same_person
from ml.results.person import Doubt, SamePerson, doubts_in
from ml.settings import Settings
from tests.support.fake_pipeline import facing_head, fake_heads, fake_person
from tests.support.known_faces import SIDE, found_face

FAR = 3 * np.sqrt(np.array(BETWEEN) + WITHIN)


def photos_of(person, count, rng):
    """(count, 160) identities as they are found of a person with these first modes."""
    found = np.zeros((count, 160))
    found[:, : len(WITHIN)] = person + rng.normal(0, np.sqrt(WITHIN), (count, len(WITHIN)))
    return found


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_photos_of_one_person_are_hardly_ever_named(count):
    rng = np.random.default_rng(count)
    people = rng.normal(0, np.sqrt(BETWEEN), (100, len(BETWEEN)))
    named = [strangers(photos_of(person, count, rng), [SHARP] * count) for person in people]
    assert np.mean([bool(some) for some in named]) < 0.05


@pytest.mark.parametrize("count", [3, 5, 9])
def test_a_stranger_is_named_alone(count):
    rng = np.random.default_rng(count)
    group = np.concatenate([photos_of(FAR, 1, rng), photos_of(0 * FAR, count - 1, rng)])
    assert strangers(group, [SHARP] * count) == [0]
    assert strangers(group[::-1], [SHARP] * count) == [count - 1]


def test_two_strangers_are_named_one_after_the_other():
    rng = np.random.default_rng(1)
    group = np.concatenate([photos_of(0 * FAR, 4, rng), photos_of(FAR, 1, rng)])
    group = np.concatenate([group, photos_of(-FAR, 1, rng)])
    assert sorted(strangers(group, [SHARP] * 6)) == [4, 5]


def test_of_two_photos_nobody_can_say_which_is_wrong():
    rng = np.random.default_rng(1)
    pair = np.concatenate([photos_of(0 * FAR, 1, rng), photos_of(FAR, 1, rng)])
    assert strangers(pair, [SHARP] * 2) == [0, 1]


def test_one_photo_agrees_with_itself():
    assert strangers(np.ones((1, 160)), [SHARP]) == []


def test_at_least_half_of_the_photos_stay():
    rng = np.random.default_rng(1)
    people = [photos_of(turn * FAR, 1, rng) for turn in (-4, 0, 4, 8)]
    assert len(strangers(np.concatenate(people), [SHARP] * 4)) == 2


def test_a_vague_photo_needs_to_differ_more():
    rng = np.random.default_rng(1)
    group = np.concatenate([photos_of(0 * FAR, 3, rng), photos_of(FAR, 1, rng)])
    sharp, vague = (likelihood_ratios(group, [SHARP] * 3 + [own])[3] for own in (SHARP, 6 * SHARP))
    assert vague < sharp


def test_the_pipeline_names_the_friend_and_uses_the_photo(tmp_path, monkeypatch):
    model, rng = load_head_model(), np.random.default_rng(5)
    identity = np.zeros(model.identity_count, np.float32)
    identity[:8] = rng.normal(0, 1.2, 8)
    rest = np.zeros(len(model.expression_names), np.float32)
    turns = {"a.png": 0.05, "b.png": -0.4, "c.png": 0.4, "friend.png": 0.1}
    faces = {
        name: found_face(identity * (-1 if name == "friend.png" else 1), rest, turn, rng)
        for name, turn in turns.items()
    }

    def find(photo, settings):
        if photo.path.name not in faces:
            raise NoFaceFound("No face", "")
        face = faces[photo.path.name]
        return [Observation(face, face.output.landmarks, "dense")]

    for name in turns:
        Image.new("RGB", (SIDE, SIDE), (90, 90, 90)).save(tmp_path / name)
    monkeypatch.setattr("ml.pipeline.upright.observe", find)
    monkeypatch.setattr(same_person, "warm_up", lambda renderer: None)
    monkeypatch.setattr(pipeline_fit, "refine", lambda photo, shape, evidence, *_, **__: evidence)
    paths = [tmp_path / name for name in turns]
    person = same_person.reconstruct_person(paths, Settings(texture_size=0))
    assert person.photos == tuple(paths)
    (doubt,) = person.doubts
    assert doubt.photo == paths[3]
    assert doubt.message.startswith("friend.png shows somebody else")
    person = same_person.reconstruct_person(paths[:3], Settings(texture_size=0))
    assert person.doubts == ()
    person = same_person.reconstruct_person(paths[2:], Settings(texture_size=0))
    assert [item.photo for item in person.doubts] == paths[2:]
    assert person.doubts[0].message.startswith("c.png and friend.png do not seem")


def test_the_command_line_warns_and_the_files_say_it(tmp_path, capsys):
    photos = [tmp_path / name for name in ("a.jpg", "b.jpg", "man.jpg")]
    for photo in photos:
        photo.write_bytes(b"x")

    def reconstruct(photos, settings) -> SamePerson:
        doubt = Doubt(photos[2], "man.jpg shows somebody else")
        return replace(fake_person(photos, settings), doubts=(doubt,))

    out = tmp_path / "out"
    arguments = [*map(str, photos), "--out", str(out), "--same-person"]
    assert main(arguments, reconstruct=fake_heads, reconstruct_person=reconstruct) == 0
    assert "    man.jpg shows somebody else\n" in capsys.readouterr().err
    rows = json.loads((out / "report.json").read_text())
    assert [row["warning"] for row in rows] == ["", "", "man.jpg shows somebody else"]
    assert [row["status"] for row in rows] == ["ok"] * 3
    index = json.loads((out / "person.json").read_text())
    assert index["photos"] == ["a", "b", "man"]
    assert index["doubts"] == [{"photo": "man.jpg", "message": "man.jpg shows somebody else"}]


def test_a_stranger_represents_the_person_only_where_there_is_no_other():
    paths = tuple(Path(name) for name in ("man.jpg", "me.jpg"))
    heads = (facing_head(paths[0]), replace(facing_head(paths[1]), confidence=0.5))
    person = SamePerson(paths, heads)
    assert person.main == 0
    doubts = tuple(Doubt(path, "") for path in paths)
    assert replace(person, doubts=doubts[:1]).main == 1
    assert replace(person, doubts=doubts).main == 0


@pytest.mark.parametrize("doubts", [None, "man", [3], [{"message": 4}], {"message": "man"}])
def test_damaged_doubts_are_none(tmp_path, doubts):
    (tmp_path / "person.json").write_text(json.dumps({"doubts": doubts}))
    assert doubts_in(tmp_path) == []
    assert doubts_in(tmp_path / "elsewhere") == []


def test_a_doubt_about_both_photos_is_said_once(tmp_path):
    doubts = [{"photo": name, "message": "a and b differ"} for name in "ab"]
    (tmp_path / "person.json").write_text(json.dumps({"doubts": doubts}))
    assert doubts_in(tmp_path) == ["a and b differ"]
