"""face-alignment: silent without weights, and working with a checkpoint of its own make."""

import hashlib
import socket
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch

from ml.data import Photo
from ml.errors import EngineUnavailable, WeightsMissing
from ml.photo import face_alignment_source
from ml.photo.face_alignment_source import (
    WEIGHT_FILES,
    FaceAlignmentSource,
    detected_face,
    download,
)
from ml.settings import DOWNLOAD_PROXY


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def hub(tmp_path):
    """torch's hub folder, moved to an empty place."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    yield tmp_path / "hub" / "checkpoints"
    torch.hub.set_dir(before)


def test_without_weights_it_says_what_to_do(hub, no_network):
    with pytest.raises(WeightsMissing) as caught:
        FaceAlignmentSource()
    assert WEIGHT_FILES[0] in caught.value.message
    assert str(hub) in caught.value.message
    # Whoever works in Blender has no command line.
    assert "Blender's preferences" in caught.value.hint
    assert "--allow-download" in caught.value.hint


@pytest.fixture
def served(tmp_path):
    """Serves a file; gives its address and the first digits of its SHA-256."""
    content = b"weights" * 1000
    (tmp_path / "file").write_bytes(content)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/file", hashlib.sha256(content).hexdigest()[:10]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv(DOWNLOAD_PROXY, "")


def test_a_download_is_checked_by_its_hash(tmp_path, served):
    address, digits = served
    right, wrong = (tmp_path / f"hub/net-{name}.pth.tar" for name in (digits, "0123456789"))
    download(address, right)
    assert right.read_bytes() == b"weights" * 1000
    with pytest.raises(WeightsMissing, match="another file"):
        download(address, wrong)
    assert [path.name for path in right.parent.iterdir()] == [right.name]


def test_a_download_that_fails_leaves_nothing(tmp_path, served, monkeypatch):
    target = tmp_path / "hub/net-0123456789.pth"
    for address, proxy in ((served[0] + "-absent", ""), (served[0], "http://127.0.0.1:9")):
        monkeypatch.setenv(DOWNLOAD_PROXY, proxy)
        with pytest.raises(WeightsMissing, match="could not be downloaded"):
            download(address, target)
        assert not list(target.parent.iterdir())


def test_only_consent_lets_missing_weights_be_fetched(hub, monkeypatch):
    """And then all of them, before the package itself is asked."""
    asked = []

    def fetch(address, target):
        asked.append((address.rpartition("/")[2], target.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"not a checkpoint")

    monkeypatch.setattr(face_alignment_source, "download", fetch)
    with pytest.raises(WeightsMissing, match="are not in"):
        FaceAlignmentSource()
    assert not asked
    with pytest.raises(WeightsMissing, match="cannot be used"):
        FaceAlignmentSource(allow_download=True)
    assert asked == [(name, name) for name in WEIGHT_FILES]


def test_without_the_package_it_says_what_to_do(hub, monkeypatch):
    hub.mkdir(parents=True)
    for name in WEIGHT_FILES:
        (hub / name).touch()
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(EngineUnavailable, match="not installed") as caught:
        FaceAlignmentSource()
    assert "--landmarks effigy" in caught.value.hint


def test_damaged_weights_are_named(hub, no_network):
    hub.mkdir(parents=True)
    for name in WEIGHT_FILES:
        (hub / name).write_bytes(b"not a checkpoint")
    with pytest.raises(WeightsMissing, match=WEIGHT_FILES[0]):
        FaceAlignmentSource()


def test_weights_that_are_there_are_checked_by_their_hash(hub, no_network, tmp_path, monkeypatch):
    """Even such as the package itself would load."""
    right = hashlib.sha256(b"right").hexdigest()[:10]
    names = tuple(f"{kind}-{right}.pth" for kind in ("net", "other"))
    monkeypatch.setattr(face_alignment_source, "WEIGHT_FILES", names)
    hub.mkdir(parents=True)
    for name, content in zip(names, (b"right", b"wrong"), strict=True):
        (hub / name).write_bytes(content)
    loaded = []
    monkeypatch.setattr("face_alignment.FaceAlignment", lambda *_, **__: loaded.append(1))
    for allowed in (False, True):
        with pytest.raises(WeightsMissing, match=f"{names[1]} is not the file") as refused:
            FaceAlignmentSource(allow_download=allowed)
        assert "Delete it" in refused.value.hint
    assert not loaded
    (hub / names[1]).write_bytes(b"right")
    FaceAlignmentSource()
    assert loaded


def test_a_checkpoint_of_its_own_architecture_runs_offline(hub, no_network, monkeypatch):
    """The whole path from files to landmarks, with random weights."""
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models import FAN

    torch.manual_seed(0)
    hub.mkdir(parents=True)
    torch.save(FAN(4).state_dict(), hub / WEIGHT_FILES[0])
    detector = s3fd()
    with torch.no_grad():
        for parameter in detector.parameters():
            parameter.mul_(0.01)
    torch.save(detector.state_dict(), hub / WEIGHT_FILES[1])
    # Only the published files have the hashes in these names.
    monkeypatch.setattr(face_alignment_source, "check_weights", lambda path: None)
    try:
        source = FaceAlignmentSource()
    except (RuntimeError, AttributeError, TypeError) as error:
        pytest.fail(f"face-alignment did not take its own checkpoint: {error}")
    photo = Photo(np.full((96, 96, 3), 127, np.uint8), Path("grey.png"), "")
    # What random weights see is nothing to rely on, only that it has the right form.
    assert all(face.landmarks.points.shape == (68, 2) for face in source.detect(photo))
    # With a box given, landmarks come back in photo pixels.
    points = source.landmarks_in(photo, [(20.0, 20.0, 80.0, 80.0, 0.9)])
    assert points[0].landmarks.points.shape == (68, 2)


def test_box_and_sigma_follow_the_points():
    angle = np.linspace(0, np.pi, 17)
    points = np.zeros((68, 2), np.float32)
    points[:17] = np.column_stack([200 - 60 * np.cos(angle), 150 + 70 * np.sin(angle)])
    points[17:] = [200, 150]
    points[36], points[45] = [165, 140], [235, 140]
    face = detected_face(points, 0.9)
    assert face.box.center[0] == pytest.approx(200, abs=1)
    assert 120 < face.box.size < 240
    assert face.box.roll == pytest.approx(0, abs=1e-6)
    assert face.landmarks.sigma.min() > 0.5
    quarter = (points - [200, 150]) @ np.array([[0, 1], [-1, 0]]) + [200, 150]
    turned = detected_face(quarter.astype(np.float32), 0.9)
    assert turned.box.roll == pytest.approx(np.pi / 2, abs=1e-5)
    assert turned.box.size == pytest.approx(face.box.size, rel=1e-4)
