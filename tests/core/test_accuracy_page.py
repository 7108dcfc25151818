"""The accuracy page from measurements that tests invent, and MediaPipe behind a stand-in."""

import json
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.card import AssetCard
from ml.data import Camera, HeadCoefficients
from ml.errors import EngineUnavailable, NoFaceFound
from ml.evaluation import landmarks
from ml.evaluation.accuracy import command, peer, photos, pictures, renders
from ml.evaluation.accuracy.page import Measured, write_page
from ml.evaluation.accuracy.text import table
from ml.evaluation.labels import LabelledPhoto
from ml.evaluation.people import View
from ml.evaluation.regions import REGIONS
from ml.evaluation.shape import ShapeError
from ml.evaluation.synthetic import STAGES, Row
from ml.head.storage import load_head_model

SIDE = 96
CAMERA = Camera(
    np.array([[300, 0, SIDE / 2], [0, 300, SIDE / 2], [0, 0, 1]], np.float32),
    np.diag([1, -1, -1]).astype(np.float32), np.array([0, 0, 1], np.float32), SIDE, SIDE,
)  # fmt: skip
CARD = AssetCard("Effigy regressor", "w", "ab" * 32, 1, "CC0-1.0", True, (), "train")


def photo_row(name, error=2.0, yaw=5.0, **changes):
    regions = dict.fromkeys(REGIONS, error)
    row = landmarks.Row(
        name, True, 1, True, True, error, error, 4.0, 0.9, yaw=yaw, regions=regions,
        baseline_regions=dict.fromkeys(REGIONS, 4.0),
    )  # fmt: skip
    return replace(row, **changes)


def lost(name):
    return landmarks.Row(name, True, 0, yaw=70.0, problem="nobody")


def rendered(person, yaw, error, *, tone=40.0, age="", borrowed=False):
    """The three stages of one view; the head is nearly the mean one."""
    rgb = np.full((SIDE, SIDE, 3), (200, 30, 30), np.uint8)
    shown = np.zeros((SIDE, SIDE), bool)
    shown[20:70, 30:60] = True
    model = load_head_model()
    points = CAMERA.project(model.points("dense").mean)
    view = View(
        rgb, person, "ict", np.zeros((3, 3)), np.zeros(52), np.eye(3), yaw, points, age, tone,
        borrowed, shown,
    )  # fmt: skip
    identity = np.zeros(model.identity_count, np.float32)
    identity[0] = person + 0.01 * yaw
    found = HeadCoefficients(identity, np.zeros(52, np.float32))
    for number, stage in enumerate(STAGES):
        amount = error * (1.2, 1.1, 1.0)[number]
        names = ("realy_nose", "realy_mouth", "realy_forehead", "realy_cheek")
        shape = ShapeError(
            dict.fromkeys(names, amount), dict.fromkeys(names, 2.0), amount, 2.0, 0.5
        )
        yield Row(
            person, "ict", yaw, stage, shape, 3.0 * amount, 0.1, 0.2, 4.0, 2.5, view, found, CAMERA
        )


def crowd(count=4, **changes):
    return [
        row
        for person in range(count)
        for yaw in (-10, 50)
        for row in rendered(person, yaw, 0.5 + 0.1 * person, **changes)
    ]


def measured(**changes):
    rows = {
        "portraits": [photo_row("X000001.jpg"), photo_row("Y000002.jpg", 20.0), lost("Z3.jpg")],
        "wild": [photo_row("043.jpg", 15.0, 65.0, confidence=0.3), lost("007.jpg")],
    }
    return replace(Measured(CARD, "python -m ml.evaluation report", rows, crowd()), **changes)


def test_tables_show_what_is_missing():
    text = table(("a", "b", "c"), [("x", 1.234, None), ("y", float("nan"), 3)])
    assert text.splitlines()[2:] == ["| x | 1.23 | - |", "| y | - | 3 |"]


def test_the_page_has_all_parts_and_its_pictures(tmp_path):
    path = write_page(measured(), tmp_path)
    text = path.read_text(encoding="utf-8")
    for part in ("## Aims", "### Portraits", "### In the wild", "By skin tone", "By age",
                 "#### Identity", "## MediaPipe", "| jaw | 21 |"):  # fmt: skip
        assert part in text
    shown = {line.split("(")[1][:-1] for line in text.splitlines() if line.startswith("![")}
    assert shown == {path.name for path in tmp_path.glob("accuracy_*")}
    assert {name.split(".")[0] for name in shown} == {
        "accuracy_landmarks", "accuracy_shape", "accuracy_identity", "accuracy_faces",
    }  # fmt: skip
    assert all(Image.open(tmp_path / name).size[0] > 100 for name in shown)


def test_portraits_are_counted_and_wild_failures_named(tmp_path):
    text = write_page(measured(), tmp_path).read_text(encoding="utf-8")
    for name in ("X000001", "Y000002", "Z3"):
        assert name not in text
    assert "Not found: 1. Above 12 %: 1. Their highest confidence is 0.90." in text
    assert "- `043.jpg`: 15.0 %, confidence 0.30" in text
    assert "- `007.jpg`: not found" in text


def test_faces_that_were_not_found_count_where_they_look():
    text = photos.section("Wild", [photo_row("a.jpg", yaw=-20.0), lost("b.jpg")], named=True)
    assert "| 15 to 30° | 1 of 1 | 2.00" in text
    assert "| beyond 60° | 0 of 1 | - |" in text


def test_pieces_left_out_are_said_to_be(tmp_path):
    write_page(measured(), tmp_path)
    text = write_page(measured(photos={}, rows=[]), tmp_path).read_text(encoding="utf-8")
    assert text.count("Left out in this run") == 3
    assert not list(tmp_path.glob("accuracy_*")), "pictures of the earlier run"


def test_stages_are_compared_over_all_views():
    text = renders.section(crowd())
    assert "Refinement lowers the shape error of the coarse head by 8 %" in text
    assert "Fitting lowers the landmark error of the refined one by 9 %" in text


def test_nobody_found_is_a_sentence():
    assert "No face was found in 2 views" in renders.section([None, None])


def test_groups_hold_who_belongs_to_them():
    rows = [*crowd(2, tone=-50.0, age="old"), *crowd(1, tone=40.0)]
    text = renders.section(rows)
    assert "| dark (below -30°) | 4 |" in text
    assert "| light (above 28°) | 2 |" in text
    assert "| tan to brown (-30 to 28°) | 0 | - |" in text
    assert "| old | 4 |" in text
    assert "| not known (ICT-FaceKit) | 2 |" in text


def test_no_face_is_shown_that_borrows_a_real_ones_detail():
    rows = [*crowd(3), *crowd(3, borrowed=True)]
    groups = renders.shown(renders.of_stage(rows, "fitted"))
    shown = [row for group in groups.values() for row in group]
    assert len(shown) == 6
    assert not any(row.view.borrowed for row in shown)
    errors = [[row.shape.mean for row in group] for group in groups.values()]
    assert max(errors[0]) <= min(errors[1])
    assert max(errors[1]) <= min(errors[2])
    assert renders.shown(renders.of_stage(crowd(3, borrowed=True), "fitted")) == {}


def test_backgrounds_are_not_shown_and_clay_lies_on_the_face():
    (row,) = renders.of_stage(rendered(0, 10, 1.0), "fitted")
    picture = pictures.picture_of_faces({"best": [row]})
    assert picture.shape[1] == pictures.TILE
    render = picture[pictures.STRIP : pictures.STRIP + pictures.TILE]
    assert np.ptp(render[2, 2].astype(int)) < 10, "grey instead of the red background"
    plain = np.full((SIDE, SIDE, 3), 235, np.uint8)
    clay = pictures.clay_over(plain, row)
    centre = CAMERA.project(load_head_model().points("dense").mean[1:2])[0].astype(int)
    assert (clay[centre[1], centre[0]] != 235).any()
    assert (clay[0, 0] == 235).all()


def test_histograms_show_every_series_and_take_far_outliers():
    values = {"one": np.random.default_rng(0).normal(3, 1, 200), "other": [4.0] * 50 + [900.0]}
    picture = pictures.histogram(values, "mm")
    for colour in pictures.COLOURS[:2]:
        assert (picture == colour).all(-1).sum() > 500
    assert (pictures.histogram({"none": []}, "mm") != 255).any()


def test_people_are_nearer_to_themselves_than_to_others():
    same, different = renders.distances(renders.of_stage(crowd(), "fitted"))
    assert (len(same), len(different)) == (4, 24)
    assert same.mean() < 0.7 * different.mean()


def test_data_mixes_come_from_the_card(tmp_path):
    text = write_page(measured(), tmp_path).read_text(encoding="utf-8")
    assert "the card of these weights has no such figures" in text
    mixes = {"photos": {"wild %": 9.0}, "photos, profiled": {"wild %": 6.5}}
    card = replace(CARD, details={"figures": {"data_mixes": mixes}})
    text = write_page(measured(card=card), tmp_path).read_text(encoding="utf-8")
    assert "| photos, profiled | 6.50 |" in text


def test_the_command_measures_what_it_is_told_to(tmp_path, monkeypatch):
    model = load_head_model()
    label = CAMERA.project(model.points("mediapipe478").mean)
    read = [LabelledPhoto(tmp_path / "1.jpg", label), LabelledPhoto(tmp_path / "2.jpg", None)]
    monkeypatch.setattr(command, "read_labels", lambda data, name: read)
    monkeypatch.setattr(command.synthetic, "run", lambda *which: crowd(which[3]))

    def nobody(path):
        raise NoFaceFound("nobody")

    walk = landmarks.Walk(nobody, lambda path: [])
    arguments = Namespace(
        data=tmp_path / "private", people=3, out=tmp_path / "docs", reference=Path("r"),
        fits=Path("f"), skip=["wild", "detection"], mediapipe=None,
    )  # fmt: skip
    command.run_report(arguments, walk, lambda photo: [])
    text = (tmp_path / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert "report --data DATA --people 3 --skip wild detection" in text
    assert str(tmp_path) not in text
    assert "0 of 1 labelled faces" in text
    assert "18 views" not in text
    assert "6 views, 0 faces not found" in text


def test_twins_are_each_others():
    other = peer.twins()
    assert (other[other] == np.arange(468)).all()
    assert other[33] == 263


def photo_of(tmp_path):
    """A grey photo, and a label whose face lies where the mean head's would."""
    Image.new("RGB", (SIDE, SIDE), (90, 120, 90)).save(tmp_path / "a.jpg")
    return LabelledPhoto(
        tmp_path / "a.jpg", CAMERA.project(load_head_model().points("mediapipe478").mean)
    )


def test_a_peer_that_sees_the_same_face_in_every_crop_repeats_itself(tmp_path):
    photo = photo_of(tmp_path)
    box = peer.box_from_landmarks(photo.landmarks)
    places = [("plain", peer.PLAIN), *peer.CROPS.items()]

    def look(seen, off=0.0):
        found = []
        for number, (name, place) in enumerate(places[: len(seen)]):
            to_photo = peer._map(box, place, mirrored=name == "mirrored")
            label = photo.landmarks + np.float32(off if number == 1 else 0)
            if name == "mirrored":  # it names what it sees by the picture's sides
                order = np.arange(478)
                order[:468] = peer.twins()
                label = label[order]
            back = np.linalg.inv(to_photo[:, :2])
            found.append(((label - to_photo[:, 2]) @ back.T).astype(np.float32))
        return found

    errors = peer.repeat_errors([photo], look)
    assert set(errors) == {"labels", *peer.CROPS}
    assert all(some[0] < 0.01 for some in errors.values())
    wrong = peer.repeat_errors([photo], lambda seen: look(seen, off=3.0))
    first = next(iter(peer.CROPS))
    assert wrong[first][0] > 3
    assert wrong["labels"][0] < 0.01
    assert peer.repeat_errors([photo], lambda seen: [None] * len(seen))["labels"] == []
    assert "| mirrored, against the plain crop | 0.00 | 1 |" in peer.repeat_table({"wild": errors})


def test_rendered_people_are_measured_where_both_found_them():
    fitted = renders.of_stage(crowd(2), "fitted")

    def look(seen):
        return [fitted[0].view.points[:478], *[None] * (len(seen) - 1)]

    text = peer.rendered_table(fitted, look)
    assert "| to 30 degrees | 1 of 2 | 2.50 | 0.00 |" in text
    assert "| 30 to 60 degrees | 0 of 2 | - | - |" in text


def stand_in(tmp_path, monkeypatch, text):
    script = tmp_path / "stand_in.py"
    script.write_text(text, encoding="utf-8")
    monkeypatch.setattr(peer, "SCRIPT", script)
    return peer.look_with(Path(sys.executable))


def test_the_peer_runs_in_another_interpreter(tmp_path, monkeypatch):
    look = stand_in(
        tmp_path,
        monkeypatch,
        """
import sys, numpy as np
from pathlib import Path
from PIL import Image
paths = sorted(Path(sys.argv[1]).glob("*.png"))
points = np.stack([np.full((478, 2), np.asarray(Image.open(p))[0, 0, 0]) for p in paths])
print(*[p.name for p in paths], sep="\\n")
np.savez(sys.argv[2], points=points.astype(np.float32), found=points[:, 0, 0] > 10)
""",
    )
    seen = [np.full((8, 8, 3), (red, 0, 0), np.uint8) for red in (50, 0)]
    first, second = look(seen)
    assert (first == 50).all()
    assert second is None


def test_an_interpreter_without_mediapipe_has_a_remedy(tmp_path, monkeypatch):
    look = stand_in(tmp_path, monkeypatch, "raise ModuleNotFoundError('no mediapipe here')")
    with pytest.raises(EngineUnavailable, match="no mediapipe here"):
        look([np.zeros((8, 8, 3), np.uint8)])
    with pytest.raises(EngineUnavailable, match="pip install mediapipe"):
        peer.look_with(tmp_path / "absent")([])
    text = peer.attempted(lambda: peer.rendered_table(crowd(1)[2:3], look))
    assert text.startswith("Not measured: MediaPipe could not be run")


def test_rows_stay_plain_values():
    rows = [photo_row("a.jpg")]
    assert json.dumps(landmarks.to_json(rows, landmarks.summarise(rows)))
