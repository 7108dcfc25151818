"""Results that are damaged, edited or made to do harm: one error that says what is wrong."""

from __future__ import annotations

import io
import json
import random
import resource
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.errors import HeadError
from ml.results.images import check_images
from ml.results.person import photo_folders, read_view
from ml.results.reconstruction import load_reconstruction, read_about, save_reconstruction
from tests.support.fake_pipeline import tiny_head

REMEDY = "Reconstruct the photo again"


@pytest.fixture
def saved(tmp_path) -> Path:
    save_reconstruction(tiny_head(Path("me.jpg")), tmp_path)
    return tmp_path


def edit(directory: Path, change) -> None:
    path = directory / "reconstruction.json"
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))


def rewrite(directory: Path, **arrays) -> None:
    """Store the same arrays with ``arrays`` in the place of some; None leaves one out."""
    path = directory / "reconstruction.npz"
    with np.load(path) as archive:
        every = {**dict(archive), **arrays}
    np.savez(path, **{name: array for name, array in every.items() if array is not None})


def raw_npz(path: Path, header: bytes, data: bytes = b"", version: bytes = b"\x01\x00") -> None:
    """An archive whose array "vertices" has this header."""
    member = b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + data
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vertices.npy", member)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("vertices", np.zeros((5, 3), np.float32)),
        ("vertices", np.full((4, 3), np.nan, np.float32)),
        ("vertices_expressed", np.full((4, 3), 1e30, np.float32)),
        ("quads", np.array([[0, 1, 2, 4]], np.int32)),
        ("quads", np.array([[0, 1, 2, -1]], np.int32)),
        ("quads", np.zeros((1, 4), np.float32)),
        ("uv_quads", np.array([[0, 1, 2, 9]], np.int32)),
        ("uv", np.zeros((4, 3), np.float32)),
        ("part", np.ones(1, np.uint8)),
        ("part_names", np.zeros(1, np.float32)),
        ("shape_keys", np.zeros((52, 3, 3), np.float32)),
        ("shape_key_names", np.array(["a"] * 52)),
        ("shape_key_names", None),
        ("masks", np.zeros((1, 4), np.uint8)),
        ("mask_names", None),
        ("joints", np.zeros((0, 2), np.float32)),
        ("landmarks_68", np.zeros((67, 3), np.float32)),
        ("landmarks_478", np.float32(3)),
        ("detail_offsets", np.zeros((9, 3), np.float32)),
    ],
)
def test_an_array_that_does_not_fit_is_named(saved, name, array):
    rewrite(saved, **{name: array})
    with pytest.raises(HeadError, match=name.removesuffix("s")) as refused:
        load_reconstruction(saved)
    assert str(saved) in refused.value.message
    assert refused.value.hint == REMEDY


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("photo", None),
        ("photo", {"name": "a", "sha256": "b", "width": 640, "height": "480"}),
        ("photo", {"name": "a", "sha256": "b", "width": 10**12, "height": 480}),
        ("model", None),
        ("model", {"id": 3, "version": "1", "licence": "x"}),
        ("camera", []),
        ("camera", {"intrinsics": [[1, 0, 0]] * 3, "rotation": 1, "translation": [0, 0, 1]}),
        ("identity", "none"),
        ("identity", [1, None]),
        ("expression", {"jawOpen": "wide"}),
        ("expression", {}),
        ("confidence", float("nan")),
        ("confidence", True),
        ("face_box", [1, 2, 3]),
        ("landmarks_478", [[0, 0]]),
        ("timings_ms", 4),
        ("effigy_version", None),
        ("detail", 1),
    ],
)
def test_an_entry_that_does_not_fit_is_named(saved, entry, value):
    edit(saved, lambda about: about.update({entry: value}))
    with pytest.raises(HeadError) as refused:
        load_reconstruction(saved)
    assert refused.value.hint == REMEDY


def test_a_camera_must_turn_and_have_a_focal_length(saved):
    edit(saved, lambda about: about["camera"].update(rotation=(2 * np.eye(3)).tolist()))
    for read in (load_reconstruction, read_view):
        with pytest.raises(HeadError, match="no rotation"):
            read(saved)


def test_a_failure_says_its_recorded_reason(tmp_path):
    error = {"code": "no_face", "message": "No face in me.jpg", "hint": "Use another photo"}
    about = {"status": "failed", "photo": {"name": "me.jpg"}, "error": error}
    (tmp_path / "reconstruction.json").write_text(json.dumps(about))
    for read in (load_reconstruction, read_view):
        with pytest.raises(HeadError, match=r"No face in me\.jpg") as refused:
            read(tmp_path)
        assert refused.value.hint == "Use another photo"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100000,
        b"[1]",
        b"",
        b"\xff\xfe{",
        b'{"format": [2]}',
        b'{"status": "failed"}',
        b'{"status":"ok","model":null}',
        b'{"format": {}}',
        b" " * (5 << 20),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_any_json_is_refused_in_words(saved, content):
    (saved / "reconstruction.json").write_bytes(content)
    (saved / "person.json").write_bytes(content)
    for read in (load_reconstruction, read_view, read_about, photo_folders):
        with pytest.raises(HeadError) as refused:
            read(saved)
        assert str(saved) in refused.value.message


def test_a_damaged_list_of_members_is_damage_and_no_fault_of_the_disk(saved):
    path = saved / "reconstruction.npz"
    content = path.read_bytes()
    # With bytes lost before the list, the first member would begin before the file does.
    path.write_bytes(content[:100] + content[150:])
    with pytest.raises(HeadError, match="is not a complete reconstruction") as found:
        load_reconstruction(saved)
    assert found.value.hint == REMEDY


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1125899906842624, 3), }\n",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (60000000, 3), }\n",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 3), }\n",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (4, 3), }\n",
        b"{'descr': '<U0', 'fortran_order': False, 'shape': (1125899906842624,), }\n",
        b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }\n",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3) \n",
        b"(" * 3000,
        b"{'descr': 'nonsense', 'fortran_order': 1, 'shape': 'x'}",
        b"\x00" * 20,
    ],
    ids=lambda header: repr(header[:70]),
)
def test_a_hostile_header_takes_no_memory(saved, header):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    raw_npz(saved / "reconstruction.npz", header)
    with pytest.raises(HeadError, match="not a complete reconstruction"):
        load_reconstruction(saved)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_what_is_not_needed_is_not_read(saved):
    with zipfile.ZipFile(saved / "reconstruction.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", b"not an array")
        archive.writestr("../evil.npy", b"nor this")
    assert len(load_reconstruction(saved).mesh.vertices) == 4


def test_a_needed_array_that_is_a_bomb_is_refused(saved):
    large = io.BytesIO()
    np.save(large, np.zeros((70_000_000, 3), np.uint8))
    with zipfile.ZipFile(saved / "reconstruction.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("masks.npy", large.getvalue())
    with pytest.raises(HeadError, match="200 MB, more than 160 MB"):
        load_reconstruction(saved)


def test_damage_anywhere_is_an_error_in_words_or_harmless(saved):
    rng = random.Random(5)
    for name in ("reconstruction.npz", "reconstruction.json", "photo.jpg", "albedo.png"):
        path = saved / name
        whole = path.read_bytes()
        for number in range(200):
            damaged = bytearray(whole)
            if number % 4 == 0:
                del damaged[rng.randrange(len(damaged)) :]
            for _ in range(rng.choice((1, 1, 8))):
                if damaged:
                    damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
            path.write_bytes(damaged)
            try:
                load_reconstruction(saved)
            except HeadError:
                continue
        path.write_bytes(whole)
    load_reconstruction(saved)


def claim(path: Path, width: int, height: int) -> None:
    """Write ``width`` and ``height`` into the header of a small image."""
    data = bytearray(path.read_bytes())
    if path.suffix == ".png":
        data[16:24] = struct.pack(">II", width, height)
    else:
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [
        ("photo.jpg", 60000, 60000),
        ("photo.jpg", 64, 64),
        ("photo.jpg", 6400, 4800),
        ("albedo.png", 60000, 64),
        ("albedo.png", 0, 64),
        ("photo.jpg", 0, 0),
    ],
)
def test_images_of_another_size_are_refused_by_their_headers(saved, name, width, height):
    claim(saved / name, width, height)
    for read in (load_reconstruction, lambda path: check_images(path, read_about(path))):
        with pytest.raises(HeadError, match=name):
            read(saved)


@pytest.mark.parametrize("size", [(640, 480), (333, 250), (1, 1), (37, 28)])
def test_reduced_photos_and_markers_before_the_size_are_read(saved, size):
    Image.new("RGB", size).save(saved / "photo.jpg", exif=b"Exif\0\0" + b"x" * 5000, quality=20)
    check_images(saved, read_about(saved))
    (saved / "photo.jpg").unlink()
    check_images(saved, read_about(saved))


@pytest.mark.parametrize(
    "about",
    [{"main": "a", "photos": []}, {"main": "b", "photos": ["a"]}, {"main": 1, "photos": [1]}],
)
def test_an_index_of_nothing_is_damaged(tmp_path, about):
    (tmp_path / "person.json").write_text(json.dumps(about))
    with pytest.raises(HeadError, match="damaged"):
        photo_folders(tmp_path)
