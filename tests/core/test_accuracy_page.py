"""The accuracy page from measurements that tests invent."""

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ml.assets.card import AssetCard
from ml.errors import NoFaceFound
from ml.evaluation import pictures as shared
from ml.evaluation.photos import landmarks
from ml.evaluation.photos.labels import LabelledPhoto
from ml.evaluation.photos.pipeline import Pipeline
from ml.evaluation.report import command, photos, pictures, renders
from ml.evaluation.report.page import Measured, write_page
from ml.evaluation.report.text import table
from ml.head.storage import load_head_model
from tests.support.accuracy_rows import CAMERA, SIDE, crowd, lost, photo_row, rendered

CARD = AssetCard("Effigy regressor", "w", "ab" * 32, 1, "CC0-1.0", True, (), "train")


def measured(**changes):
    rows = {
        "portraits": [photo_row("X000001.jpg"), photo_row("Y000002.jpg", 20.0), lost("Z3.jpg")],
        "wild": [photo_row("043.jpg", 15.0, 65.0, confidence=0.3), lost("007.jpg")],
    }
    command = "python -m ml.evaluation report"
    return replace(Measured(CARD, CARD, command, rows, crowd()), **changes)


def test_tables_show_what_is_missing():
    text = table(("a", "b", "c"), [("x", 1.234, None), ("y", float("nan"), 3)])
    assert text.splitlines()[2:] == ["| x | 1.23 | - |", "| y | - | 3 |"]


def test_the_page_has_all_parts_and_its_pictures(tmp_path):
    path = write_page(measured(), tmp_path)
    text = path.read_text(encoding="utf-8")
    for part in (
        "## Aims",
        "### Portraits",
        "### In the wild",
        "By skin tone",
        "By age",
        "#### Identity",
        "## MediaPipe",
        "| jaw | 21 |",
    ):
        assert part in text
    shown = {line.split("(")[1][:-1] for line in text.splitlines() if line.startswith("![")}
    assert shown == {path.name for path in tmp_path.glob("accuracy_*")}
    assert {name.split(".")[0] for name in shown} == {
        "accuracy_landmarks",
        "accuracy_shape",
        "accuracy_identity",
        "accuracy_faces",
    }
    assert all(Image.open(tmp_path / name).size[0] > 100 for name in shown)


def test_the_page_in_the_documents_is_what_the_command_writes(tmp_path):
    """Its headings and its sentences that hold no figure."""
    found = measured(detection={"x": 1.0}, calibration={"x": 1.0})
    written = write_page(found, tmp_path).read_text(encoding="utf-8").splitlines()
    page = (Path(__file__).parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    fixed = [
        line for line in page.splitlines() if line.startswith(("#", "The labels", "Portraits"))
    ]
    assert len(fixed) > 15
    assert set(fixed) <= set(written)


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
    assert text.count("Left out in this run") == 4
    assert not list(tmp_path.glob("accuracy_*")), "pictures of the earlier run"


def test_stages_are_compared_over_all_views():
    text = renders.section(crowd())
    assert "Refinement lowers the shape error of the coarse head by 12 %" in text
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
    render = picture[shared.STRIP : shared.STRIP + pictures.TILE]
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


def test_axes_have_round_numbers():
    assert [pictures.round_step(x) for x in (0.3, 0.1, 7, 1.2, 0.051)] == [0.5, 0.1, 10, 2, 0.1]


def test_people_are_nearer_to_themselves_than_to_others():
    same, different = renders.distances(renders.of_stage(crowd(), "fitted"))
    assert (len(same), len(different)) == (4, 24)
    assert same.mean() < 0.7 * different.mean()


def test_data_mixes_come_from_the_card(tmp_path):
    text = write_page(measured(), tmp_path).read_text(encoding="utf-8")
    assert "the card of these weights has no such figures" in text
    mixes = {"photos": {"wild %": 9.0}, "photos, profiled": {"wild %": 6.5}}
    card = replace(CARD, details={"figures": {"data_mixes": mixes}})
    text = write_page(measured(surface=card), tmp_path).read_text(encoding="utf-8")
    assert "| photos, profiled | 6.50 |" in text


def test_learning_curves_come_from_the_card(tmp_path):
    curve = [{"step": n, "minutes": float(n), "points": 3.0 - n} for n in range(3)]
    card = replace(CARD, details={"curve": curve})
    text = write_page(measured(surface=card), tmp_path).read_text(encoding="utf-8")
    assert "![Learning curves](accuracy_curves.png)" in text
    assert (tmp_path / "accuracy_curves.png").exists()


def test_several_photos_and_confidence_have_their_tables(tmp_path):
    way = {"regions_mm": 1.5, "mean_face_mm": 2.0, "ratio": 0.75, "recovered": 0.4}
    summary = {
        "people": 9,
        "together": way,
        "together better than best view": 0.25,
        "together better than most frontal view": None,
    }
    found = measured(same_person=summary, calibration={"Brier score": 0.0123})
    text = write_page(found, tmp_path).read_text(encoding="utf-8")
    assert "| together | 1.50 | 0.75 | 0.40 |" in text
    assert "better than the best view for 25 % of the people" in text
    assert "| Brier score | 0.0123 |" in text
    assert "(`--skip same-person`)" in write_page(measured(), tmp_path).read_text(encoding="utf-8")


def test_the_command_measures_what_it_is_told_to(tmp_path, monkeypatch):
    model = load_head_model()
    label = CAMERA.project(model.points("mediapipe478").mean)
    read = [LabelledPhoto(tmp_path / "1.jpg", label), LabelledPhoto(tmp_path / "2.jpg", None)]
    monkeypatch.setattr(command, "read_labels", lambda data, name: read)
    monkeypatch.setattr(command, "read_card", lambda path: CARD)
    monkeypatch.setattr(command.heads, "measure_people", lambda kept: crowd(kept.people))

    def nobody(path):
        raise NoFaceFound("nobody")

    pipeline = Pipeline(nobody, lambda path: [], lambda photo: [])
    arguments = Namespace(
        data=tmp_path / "private",
        people=3,
        out=tmp_path / "docs",
        reference=Path("r"),
        fits=Path("f"),
        skip=["wild", "detection", "same-person"],
        mediapipe=None,
        samples=None,
    )
    found = command.measure(arguments, pipeline)
    write_page(found, arguments.out)
    figures = json.loads(json.dumps(command.figures_of(found)))
    assert (figures["portraits"]["labelled"], figures["synthetic"]["views"]) == (1, 6)
    assert "wild" not in figures
    text = (tmp_path / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert "report --data DATA --people 3 --skip wild detection same-person" in text
    assert str(tmp_path) not in text
    assert "0 of 1 labelled faces" in text
    assert "18 views" not in text
    assert "6 views, 0 faces not found" in text


def test_rows_stay_plain_values():
    rows = [photo_row("a.jpg")]
    assert json.dumps(landmarks.to_json(rows, landmarks.summarise(rows)))
