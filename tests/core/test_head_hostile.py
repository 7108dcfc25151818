"""Head models that are damaged or made to do harm: one error that names what is wrong."""

from __future__ import annotations

import random
import resource
import warnings

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from ml.errors import ModelUnreadable, WeightsMissing
from ml.head import storage
from ml.head.formats.ict import load_ict_facekit
from ml.head.formats.matlab import read_mat
from ml.head.formats.open import load_model_file
from ml.head.storage import EFFIGY_HEAD, load_head_model
from tests.core.test_head_files import COUNT, KINDS, bfm_h5_arrays, gnm_arrays, write_h5, write_npz


def ict_arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "neutral": rng.normal(0, 10, (9, 3)).astype(np.float32),
        "faces": np.array([[0, 1, 2, 3], [4, 5, 6, -1]]),
        "uv": rng.random((7, 2)),
        "uv_faces": np.array([[0, 1, 2, 3], [4, 5, 6, -1]]),
        "part_names": np.array(["Face", "Teeth"]),
        "part_face_range": np.array([[0, 1], [1, 2]]),
        "identity": rng.normal(size=(3, 9, 3)).astype(np.float16),
        "expression": rng.normal(size=(2, 9, 3)).astype(np.float16),
        "expression_names": np.array(["jawOpen", "jawLeft"]),
        "landmarks68": np.arange(68) % 9,
    }


def effigy_arrays() -> dict[str, np.ndarray]:
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    quads = np.array([[0, 1, 2, 3]], np.int32)
    return {
        "model_id": np.array("mine"),
        "version": np.array("1"),
        "licence": np.array("CC0-1.0"),
        "mean": square,
        "identity": np.ones((2, 4, 3), np.float16),
        "identity_scale": np.ones(2, np.float32),
        "expression": np.ones((1, 4, 3), np.float16),
        "expression_scale": np.ones(1, np.float32),
        "expression_names": np.array(["jawOpen"]),
        "quads": quads,
        "uv": square[:, :2],
        "uv_quads": quads,
        "part": np.zeros(1, np.uint8),
        "part_names": np.array(["skin"]),
        "embedding/ibug68/corners": np.zeros((68, 3), np.int32),
        "embedding/ibug68/weights": np.ones((68, 3), np.float32),
        "mask/nose": np.zeros(4, np.uint8),
        "joint/jaw": np.array([0, 1], np.int32),
        "lids/Left/rings": np.zeros((2, 3), np.int32),
        "lids/Left/lashes": np.zeros(5, np.int32),
        "lids/Left/lash_columns": np.array([0, 1, 2, 0, 1], np.int32),
        "lids/Left/ball": np.zeros(2, np.int32),
        "low/quads": np.array([[0, 1, 2, 2]], np.int32),
        "low/uv": square[:, :2],
        "low/uv_quads": quads,
        "low/part": np.zeros(1, np.uint8),
        "low/corners": np.zeros((3, 3), np.int32),
        "low/weights": np.ones((3, 3), np.float32),
    }


EVERY = {
    **KINDS,
    "ict.npz": (ict_arrays, write_npz),
    "effigy.npz": (effigy_arrays, write_npz),
}


@pytest.mark.parametrize("name", EVERY)
def test_every_array_of_another_kind_is_refused_in_words(tmp_path, name):
    """Each array in turn: text, a scalar, empty, one longer, not finite, of huge indices."""
    make, write = EVERY[name]
    write(tmp_path / name, make())
    load_model_file(tmp_path / name)
    refused = 0
    for array, value in make().items():
        wrong = [np.array([b"x"]), np.float32(3), value[:0] if value.ndim else value[None]]
        if value.dtype.kind in "iuf" and value.ndim:
            wrong += [np.concatenate([value, value]), value.astype(np.float32) * np.nan]
            wrong += [value.astype(np.int64) + 10**12, -1 - value.astype(np.int64)]
        for other in wrong:
            write(tmp_path / name, {**make(), array: other})
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model = load_model_file(tmp_path / name)
            except ModelUnreadable as error:
                refused += name in error.message
                continue
            assert np.isfinite(model.shape.mean).all()
            assert np.isfinite(model.shape.identity).all()
            assert model.quads.max() < len(model.shape.mean)
    assert refused > 15


@pytest.mark.parametrize(
    ("array", "value"),
    [
        ("version", np.array([0x110000], np.uint32).view("<U1")[0:1].reshape(())),
        ("quads", np.array([[0, 1, 2, 4]], np.int32)),
        ("uv_quads", np.array([[0, 1, 2, -1]], np.int32)),
        ("part", np.ones(1, np.uint8)),
        ("identity_scale", np.full(2, np.inf, np.float32)),
        ("expression", np.full((1, 4, 3), np.nan, np.float16)),
        ("embedding/ibug68/corners", np.full((68, 3), 4, np.int32)),
        ("embedding/ibug68/weights", np.ones((67, 3), np.float32)),
        ("mask/nose", np.zeros(5, np.uint8)),
        ("joint/jaw", np.array([9], np.int32)),
        ("lids/Left/lash_columns", np.full(5, 3, np.int32)),
        ("lids/Left/ball", np.full(2, 4, np.int32)),
        ("low/quads", np.array([[0, 1, 2, 3]], np.int32)),
        ("low/corners", np.full((3, 3), 4, np.int32)),
    ],
)
def test_an_array_of_our_own_format_is_named(tmp_path, array, value):
    write_npz(tmp_path / "mine.npz", {**effigy_arrays(), array: value})
    with pytest.raises(ModelUnreadable, match=array.replace("_scale", "")):
        load_head_model(tmp_path / "mine.npz")


@pytest.mark.parametrize(
    ("array", "value"),
    [
        ("faces", np.array([[0, 1, 2, 9], [4, 5, 6, -1]])),
        ("faces", np.array([[0, -1, 2, 3], [4, 5, 6, -1]])),
        ("uv_faces", np.array([[0, 1, 2, 3], [4, 5, 7, -1]])),
        ("part_face_range", np.array([[0, 1], [1, 10**15]])),
        ("landmarks68", np.full(68, 9)),
        ("expression_names", np.array(["a", "b"])),
        ("identity", np.zeros((3, 8, 3))),
    ],
)
def test_an_array_of_ict_is_named(tmp_path, array, value):
    write_npz(tmp_path / "ict.npz", {**ict_arrays(), array: value})
    with pytest.raises(ModelUnreadable, match=array):
        load_ict_facekit(tmp_path / "ict.npz")


@pytest.mark.parametrize("name", EVERY)
def test_damage_anywhere_is_an_error_in_words_or_harmless(tmp_path, name):
    make, write = EVERY[name]
    path = tmp_path / name
    write(path, make())
    whole, rng = path.read_bytes(), random.Random(3)
    for number in range(150):
        damaged = bytearray(whole)
        if number % 3 == 0:
            del damaged[rng.randrange(len(damaged)) :]
        for _ in range(rng.choice((1, 1, 8))):
            if damaged:
                damaged[min(rng.randrange(1 << rng.randrange(6, 16)), len(damaged) - 1)] ^= (
                    1 << rng.randrange(8)
                )
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                load_model_file(path)
            except ModelUnreadable:
                continue


def test_numbers_that_are_not_stored_take_no_memory(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    arrays = bfm_h5_arrays()
    basis = "shape/model/pcaBasis"
    del arrays[basis]
    write_h5(tmp_path / "fill.h5", arrays)
    with h5py.File(tmp_path / "fill.h5", "a") as archive:
        archive.create_dataset(basis, (3 * COUNT, 10**9), "f4", fillvalue=1.0)
    with pytest.raises(ModelUnreadable, match=f"{basis}.* is not in the file"):
        load_model_file(tmp_path / "fill.h5")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_numbers_in_other_files_are_not_read(tmp_path):
    write_h5(tmp_path / "secret.h5", bfm_h5_arrays())
    arrays = bfm_h5_arrays()
    del arrays["shape/model/mean"]
    write_h5(tmp_path / "link.h5", arrays)
    with h5py.File(tmp_path / "link.h5", "a") as archive:
        archive["shape/model/mean"] = h5py.ExternalLink("secret.h5", "shape/model/mean")
    with pytest.raises(ModelUnreadable, match="not in the file"):
        load_model_file(tmp_path / "link.h5")


def test_what_is_no_file_or_too_large_is_not_opened(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    with (tmp_path / "large.mat").open("wb") as stream:
        stream.truncate(2 << 30)
    for name, words in (("folder.npz", "no file"), ("large.mat", "MB")):
        with pytest.raises(ModelUnreadable, match=words):
            load_model_file(tmp_path / name)


def test_a_matrix_of_other_things_is_no_basis(tmp_path):
    savemat(tmp_path / "a.mat", {"shapeMU": {"x": 1}, "shapePC": 1, "shapeEV": 1, "tl": 1})
    with pytest.raises(ModelUnreadable, match="Basel Face Model 2009"):
        load_model_file(tmp_path / "a.mat")


@pytest.mark.parametrize("packed", [False, True])
def test_matrices_are_read_as_scipy_reads_them(tmp_path, packed):
    kinds = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
    arrays = {f"a_{kind}": np.arange(60).reshape(5, 12).astype(kind) for kind in kinds}
    arrays |= {"one": np.array([[7]], np.uint8), "long_name_of_more_than_8": np.eye(300)}
    savemat(tmp_path / "a.mat", {**arrays, "text": "abc"}, do_compression=packed)
    found, known = read_mat(tmp_path / "a.mat", arrays, lambda _: None), loadmat(tmp_path / "a.mat")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], known[name])
        assert found[name].dtype == array.dtype


def test_a_large_array_is_refused_by_its_header(tmp_path):
    arrays = gnm_arrays()
    write_npz(tmp_path / "gnm.npz", {**arrays, "quads": np.zeros((COUNT, 4, 2), np.int32)})
    with pytest.raises(ModelUnreadable, match=r"'quads' has shape \(5, 4, 2\)"):
        load_model_file(tmp_path / "gnm.npz")


def test_the_shipped_head_is_compared_with_its_card(tmp_path, monkeypatch):
    copy = tmp_path / "effigy_head.npz"
    arrays = dict(np.load(EFFIGY_HEAD))
    write_npz(copy, {**arrays, "mean": arrays["mean"] * np.float32([1.5, 1, 1])})
    card = EFFIGY_HEAD.with_suffix(".card.json").read_text()
    copy.with_suffix(".card.json").write_text(card)
    monkeypatch.setattr(storage, "EFFIGY_HEAD", copy)
    with pytest.raises(WeightsMissing, match="not the file that its card describes"):
        load_head_model(copy)


def test_a_pickle_that_numbers_its_objects_absurdly_takes_no_memory(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (tmp_path / "flame.pkl").write_bytes(b"\x80\x02}r\xff\xff\xff\x03.")
    with pytest.raises(ModelUnreadable, match="absurdly"):
        load_model_file(tmp_path / "flame.pkl")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
