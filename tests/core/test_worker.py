"""The worker's protocol, with a fake pipeline and as a real process."""

import io
import json

import pytest

from ml.errors import NoFaceFound
from ml.results.report import Row
from ml.worker import Worker
from tests.support import fake_pipeline
from tests.support.fake_pipeline import tiny_head

STRAY = """
import atexit, runpy
atexit.register(print, "stray")
runpy.run_module("ml.worker", run_name="__main__")
"""


def talk(*requests: object, pipeline=None, person_pipeline=None) -> list[dict]:
    lines = [item if isinstance(item, str) else json.dumps(item) for item in requests]
    answers = io.StringIO()
    Worker(io.StringIO("\n".join(lines) + "\n"), answers, pipeline, person_pipeline).run()
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def reconstruct(tmp_path, number=7, **settings):
    data = {"photo": str(tmp_path / "me.jpg"), "out": str(tmp_path / "out"), "settings": settings}
    return {"id": number, "type": "reconstruct", "data": data}


def good_pipeline(photo, settings, progress):
    progress(0.25, "Finding the face")
    return (tiny_head(photo),)


def test_ready_progress_result(tmp_path):
    ready, progress, result = talk(reconstruct(tmp_path), pipeline=good_pipeline)
    assert ready["type"] == "ready"
    assert {"python", "torch", "effigy_version", "pid"} <= set(ready["data"])
    assert progress == {
        "id": 7,
        "type": "progress",
        "data": {"fraction": 0.25, "message": "Finding the face"},
    }
    assert result["type"] == "result"
    (row,) = [Row(**row) for row in result["data"]["rows"]]
    assert (row.photo, row.status, row.confidence) == (str(tmp_path / "me.jpg"), "ok", 0.75)
    assert list(row.heads) == [str(tmp_path / "out")]
    assert (tmp_path / "out/reconstruction.json").is_file()


def test_several_photos_of_one_person(tmp_path):
    def pipeline(photos, settings, progress):
        progress(0.5, "Fitting")
        return fake_pipeline.fake_person(photos, settings)

    out = tmp_path / "out"
    names = [str(tmp_path / name) for name in ("a.jpg", "noface.jpg", "b.jpg")]
    data = {"photos": names, "out": str(out), "settings": {"texture_size": 0}, "preview": False}
    _, progress, result = talk({"id": 3, "type": "person", "data": data}, person_pipeline=pipeline)
    assert progress["data"] == {"fraction": 0.5, "message": "Fitting"}
    assert result["data"]["person"] == str(out)
    rows = [Row(**row) for row in result["data"]["rows"]]
    assert [(row.photo, row.status) for row in rows] == [
        (names[0], "ok"),
        (names[1], "failed"),
        (names[2], "ok"),
    ]
    assert list(rows[0].heads) == [str(out / "a")]
    assert (out / "person.json").is_file()


def test_settings_arrive(tmp_path):
    seen = []

    def pipeline(photo, settings, progress):
        seen.append((photo.name, settings.face, settings.level, settings.detail))
        return (tiny_head(photo),)

    talk(
        reconstruct(tmp_path, face="2", level="high", detail="best"),
        pipeline=pipeline,
    )
    assert seen == [("me.jpg", "2", "high", "best")]


def test_errors_are_answers_and_the_worker_goes_on(tmp_path):
    def pipeline(photo, settings, progress):
        if settings.face == "2":
            raise NoFaceFound("No face", "Try another")
        if settings.face == "3":
            raise ZeroDivisionError
        return (tiny_head(photo),)

    told = talk(
        reconstruct(tmp_path, 1, face="2"),
        reconstruct(tmp_path, 2, face="3"),
        reconstruct(tmp_path, 3, shape="round"),
        "not json",
        "[]",
        {"id": 5, "type": "sing", "data": {}},
        reconstruct(tmp_path, 6),
        pipeline=pipeline,
    )
    codes = [(item["id"], item["type"], item["data"].get("code")) for item in told[1:]]
    assert codes == [
        (1, "error", "no_face"),
        (2, "error", "unexpected"),
        (3, "error", "usage"),
        (None, "error", "usage"),
        (None, "error", "usage"),
        (5, "error", "usage"),
        (6, "result", None),
    ]
    assert told[1]["data"] == {"code": "no_face", "message": "No face", "hint": "Try another"}


def test_shutdown_ends_it(tmp_path):
    told = talk({"id": 1, "type": "shutdown"}, reconstruct(tmp_path), pipeline=good_pipeline)
    assert [item["type"] for item in told] == ["ready"]


@pytest.mark.parametrize("last_word", ["", '{"id": 1, "type": "shutdown", "data": {}}\n'])
def test_a_real_process_speaks_only_the_protocol(run_code, last_word):
    done = run_code(STRAY, input=last_word, capture_output=True, text=True, timeout=60)
    (ready,) = done.stdout.splitlines()
    assert json.loads(ready)["type"] == "ready"
    assert "stray" in done.stderr


def test_importing_the_core_is_cheap(run_code):
    code = (
        "import sys, ml, ml.errors, ml.data, ml.results.reconstruction, ml.results.report;"
        "import ml.head.arkit, ml.results.person;"
        "heavy = {'torch', 'cv2', 'numba', 'bpy', 'PIL', 'scipy'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    run_code(code)
