"""``--pins`` on the command line: who gets which pins, and what is refused."""

import io
import json

import pytest

from ml.cli import main
from ml.head.storage import load_head_model
from ml.pins.file import write_pins
from ml.pins.pins import PhotoPins, Pin, Pins
from ml.results.folder import photo_digest
from ml.worker import Worker
from tests.support.fake_pipeline import fake_heads, fake_person


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "ada.jpg"
    path.write_bytes(b"a photo")
    return path


def pins_of(tmp_path, name, digest):
    path = tmp_path / "pins.json"
    own = PhotoPins(name, digest, 640, 480, (Pin((10.0, 20.0), 152),))
    write_pins(Pins((own,)), load_head_model(), path)
    return path


def run(tmp_path, photo, *more):
    """The exit status, and the pins that the pipelines were given."""
    given = []

    def heads(path, settings, pins=None):
        given.append(pins)
        return fake_heads(path, settings)

    def person(paths, settings, pins=None):
        given.append(pins)
        return fake_person(paths, settings)

    words = [str(photo), "--out", str(tmp_path / "out"), *map(str, more)]
    return main(words, heads, person), given


def test_the_pins_reach_the_pipeline_by_the_photo_whatever_it_is_called(tmp_path, photo):
    path = pins_of(tmp_path, "other.jpg", photo_digest(photo))
    status, given = run(tmp_path, photo, "--pins", path)
    assert status == 0
    assert given[0].photos[0].pins[0].position == (10.0, 20.0)
    status, given = run(tmp_path, photo, "--pins", path, "--same-person")
    assert (status, given[0].count) == (0, 1)


def test_pins_of_another_photo_are_refused(tmp_path, photo, capsys):
    path = pins_of(tmp_path, "ada.jpg", "0" * 64)
    assert run(tmp_path, photo, "--pins", path) == (2, [])
    assert f"{path} holds pins of ada.jpg" in capsys.readouterr().err


def test_a_file_that_holds_no_pins_is_named(tmp_path, photo, capsys):
    path = tmp_path / "pins.json"
    path.write_text(json.dumps({"format": 1}))
    assert run(tmp_path, photo, "--pins", path)[0] == 2
    assert run(tmp_path, photo, "--pins", tmp_path / "none.json")[0] == 2
    words = capsys.readouterr().err
    assert str(path) in words
    assert "none.json is not there" in words


@pytest.mark.parametrize("option", [("--skip-existing",), ("--face", "all")])
def test_what_does_not_go_with_pins(tmp_path, photo, capsys, option):
    path = pins_of(tmp_path, "ada.jpg", photo_digest(photo))
    assert run(tmp_path, photo, "--pins", path, *option)[0] == 2
    assert "--pins does not go with" in capsys.readouterr().err


def engine(photo, out, pins):
    """The engine's answer to a request with pins, and the pins that its pipeline was given."""
    given, answers = [], io.StringIO()

    def heads(path, settings, progress, pins=None):
        given.append(pins)
        return fake_heads(path, settings)

    data = {"photo": str(photo), "out": str(out), "pins": pins}
    lines = io.StringIO(json.dumps({"id": 1, "type": "reconstruct", "data": data}) + "\n")
    Worker(lines, answers, heads).run()
    return json.loads(answers.getvalue().splitlines()[-1]), given


def test_the_engine_follows_the_pins_of_a_request(tmp_path, photo):
    own = json.loads(pins_of(tmp_path, "x.jpg", photo_digest(photo)).read_text())
    answer, given = engine(photo, tmp_path / "own", own)
    assert answer["type"] == "result"
    assert given[0].photos[0].pins[0].position == (10.0, 20.0)
    others = json.loads(pins_of(tmp_path, "x.jpg", "0" * 64).read_text())
    assert engine(photo, tmp_path / "others", others)[1] == [None]


@pytest.mark.parametrize("damaged", [3, {}, {"format": 1}, {"format": 99}])
def test_the_engine_refuses_damaged_pins(tmp_path, photo, damaged):
    answer, given = engine(photo, tmp_path / "out", damaged)
    assert (answer["type"], answer["data"]["code"]) == ("error", "usage")
    assert given == []
