"""Other head models from files of their true schema, invented here: schema, units, refusals."""

import pickle
import sys
import types

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from ml.data import HeadCoefficients
from ml.errors import ModelUnreadable
from ml.head.formats.open import load_model_file
from ml.head.storage import EFFIGY_HEAD

RNG = np.random.default_rng(0)
# A pyramid seen from outside: its tip looks along +Z.
CORNERS = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0], [0, 0, 1]], np.float64) * 0.1
SIDES = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
COUNT = len(CORNERS)


def gnm_arrays() -> dict[str, np.ndarray]:
    groups = np.zeros((2, COUNT), np.float32)
    groups[1, [0, 1, 4]] = 1
    return {
        "version": np.array("3.0"),
        "variant": np.array("head"),
        "template_vertex_positions": CORNERS.astype(np.float32),
        "vertex_identity_basis": RNG.normal(size=(6, COUNT, 3)).astype(np.float32),
        "identity_names": np.array([f"head_{k}" for k in range(6)]),
        "expression_basis": RNG.normal(size=(4, COUNT, 3)).astype(np.float32),
        "expression_names": np.array(["left_eye_region_000", "b", "tongue_mean", "d"]),
        "quads": SIDES[:, [0, 1, 2, 2]].astype(np.int32),
        "quad_uvs": (np.arange(32).reshape(4, 4, 2) / 16).astype(np.float32),
        "triangles": SIDES.astype(np.int32),
        "vertex_group_names": np.array(["skin", "tongue"]),
        "vertex_groups": groups,
    }


def flame_arrays() -> dict[str, np.ndarray]:
    return {
        "v_template": CORNERS,
        "shapedirs": RNG.normal(size=(COUNT, 3, 400)),
        "posedirs": np.zeros((COUNT, 3, 36)),
        "weights": np.full((COUNT, 5), 0.2),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "f": SIDES.astype(np.uint32),
    }


def bfm09_arrays() -> dict[str, np.ndarray]:
    return {
        "shapeMU": (CORNERS * 1e6).reshape(-1, 1).astype(np.float32),
        "shapePC": RNG.normal(size=(3 * COUNT, 4)).astype(np.float32),
        "shapeEV": np.array([[4.0], [3], [2], [1]], np.float32) * 1000,
        # Counted from one, and turned over: the reader makes it look outwards.
        "tl": (SIDES[:, ::-1] + 1).astype(np.float64),
        "texMU": np.zeros((3 * COUNT, 1), np.float32),
    }


def bfm_h5_arrays() -> dict[str, np.ndarray]:
    return {
        "shape/model/mean": (CORNERS * 1e3).ravel().astype(np.float32),
        "shape/model/pcaBasis": RNG.normal(size=(3 * COUNT, 4)).astype(np.float32),
        "shape/model/pcaVariance": np.array([16, 9, 4, 1], np.float32),
        "shape/representer/cells": SIDES.T.astype(np.int32),
        "expression/model/mean": np.full(3 * COUNT, 0.5, np.float32),
        "expression/model/pcaBasis": RNG.normal(size=(3 * COUNT, 2)).astype(np.float32),
        "expression/model/pcaVariance": np.array([4, 1], np.float32),
    }


def write_npz(path, arrays):
    np.savez(path, **arrays)


def write_pkl(path, arrays):
    path.write_bytes(pickle.dumps(arrays, protocol=2))


def write_h5(path, arrays):
    with h5py.File(path, "w") as archive:
        for name, array in arrays.items():
            archive[name] = array


KINDS = {
    "gnm_head.npz": (gnm_arrays, write_npz),
    "flame.npz": (flame_arrays, write_npz),
    "flame.pkl": (flame_arrays, write_pkl),
    "01_MorphableModel.mat": (bfm09_arrays, savemat),
    "model2019_bfm.h5": (bfm_h5_arrays, write_h5),
}
LACKING = [
    ("gnm_head.npz", "vertex_identity_basis"),
    ("gnm_head.npz", "quad_uvs"),
    ("flame.npz", "shapedirs"),
    ("flame.pkl", "v_template"),
    ("01_MorphableModel.mat", "shapeEV"),
    ("model2019_bfm.h5", "expression/model/pcaBasis"),
]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_told_apart_and_is_a_whole_model(tmp_path, name):
    make, write = KINDS[name]
    write(tmp_path / name, make())
    model = load_model_file(tmp_path / name)
    assert model.model_id == {"gnm": "gnm-head", "fla": "flame"}.get(name[:3], "bfm")
    assert (model.licence == "Apache-2.0") if name[:3] == "gnm" else "licence" in model.licence
    offset = 0.0005 if name.endswith(".h5") else 0
    np.testing.assert_allclose(model.shape.mean, CORNERS + offset, atol=1e-6)
    corner = model.shape.mean[model.triangles]
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert (across[:, 2] > 0).all()
    assert model.uv.min() >= 0
    assert model.uv.max() <= 1
    none = HeadCoefficients(
        np.zeros(model.identity_count, np.float32),
        np.zeros(len(model.expression_names), np.float32),
    )
    np.testing.assert_array_equal(model.shape.at(none), model.shape.mean)


@pytest.mark.parametrize(("name", "missing"), LACKING)
def test_what_is_missing_is_named(tmp_path, name, missing):
    make, write = KINDS[name]
    arrays = make()
    del arrays[missing]
    write(tmp_path / name, arrays)
    with pytest.raises(ModelUnreadable, match=missing) as caught:
        load_model_file(tmp_path / name)
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "array", "change"),
    [
        ("gnm_head.npz", "vertex_identity_basis", lambda a: a[:, 1:]),
        ("gnm_head.npz", "quads", lambda a: a + COUNT),
        ("flame.pkl", "shapedirs", lambda a: a[:, :, :10]),
        ("flame.npz", "weights", lambda a: np.zeros((COUNT, 24))),
        ("01_MorphableModel.mat", "tl", lambda a: a - 1),
        ("model2019_bfm.h5", "shape/model/pcaVariance", lambda a: a[1:]),
    ],
)
def test_arrays_of_another_shape_are_named(tmp_path, name, array, change):
    make, write = KINDS[name]
    arrays = make()
    arrays[array] = change(arrays[array])
    write(tmp_path / name, arrays)
    with pytest.raises(ModelUnreadable, match=array.replace("Variance", "")):
        load_model_file(tmp_path / name)


def test_modes_are_metres_per_standard_deviation(tmp_path):
    flame, mat, h5 = flame_arrays(), bfm09_arrays(), bfm_h5_arrays()
    for name, arrays in (
        ("flame.npz", flame),
        ("01_MorphableModel.mat", mat),
        ("model2019_bfm.h5", h5),
    ):
        KINDS[name][1](tmp_path / name, arrays)
    model = load_model_file(tmp_path / "flame.npz")
    assert (len(model.shape.identity), len(model.shape.expression)) == (300, 100)
    np.testing.assert_allclose(
        model.shape.expression[2], flame["shapedirs"][:, :, 302], rtol=1e-5, atol=1e-6
    )
    first = load_model_file(tmp_path / "01_MorphableModel.mat").shape.identity[0]
    np.testing.assert_allclose(first.ravel(), mat["shapePC"][:, 0] * 4000 * 1e-6, rtol=1e-5)
    model = load_model_file(tmp_path / "model2019_bfm.h5")
    basis = h5["shape/model/pcaBasis"][:, 1] * 3 / 1000
    np.testing.assert_allclose(model.shape.identity[1].ravel(), basis, rtol=1e-5)
    basis = h5["expression/model/pcaBasis"][:, 0] * 2 / 1000
    np.testing.assert_allclose(model.shape.expression[0].ravel(), basis, rtol=1e-5)


def test_gnm_has_its_uv_in_one_square_and_its_parts(tmp_path):
    write_npz(tmp_path / "gnm_head.npz", gnm_arrays())
    model = load_model_file(tmp_path / "gnm_head.npz")
    np.testing.assert_allclose(model.uv[model.uv_quads], gnm_arrays()["quad_uvs"] / 2)
    names = [model.part_names[part] for part in model.part]
    assert names == ["tongue", "tongue", "skin", "tongue"]
    assert model.expression_names[2] == "tongue_mean"


def chumpy_file(arrays: dict) -> bytes:
    """A pickle as chumpy and Python 2's scipy left it: expressions instead of arrays."""
    modules = {
        name: types.ModuleType(name) for name in ("chumpy", "chumpy.ch", "chumpy.reordering")
    }
    for module, name in (("chumpy.ch", "Ch"), ("chumpy.reordering", "Select")):
        made = type(name, (), {"__module__": module})
        setattr(modules[module], name, made)
    leaf, select = modules["chumpy.ch"].Ch(), modules["chumpy.reordering"].Select()
    leaf.x, leaf._dirty_vars = arrays["v_template"], {"x"}
    wide = np.concatenate([arrays["shapedirs"], np.ones((COUNT, 3, 7))], 2)
    select.a = modules["chumpy.ch"].Ch()
    select.a.x, select.preferred_shape = wide, (COUNT, 3, 400)
    select.idxs = np.arange(wide.size).reshape(wide.shape)[:, :, :400].ravel()
    content = {
        **arrays,
        "v_template": leaf,
        "shapedirs": select,
        "J_regressor": csc_matrix(np.eye(5, COUNT)),
        "bs_type": "lrotmin",
    }
    sys.modules.update(modules)
    try:
        return pickle.dumps(content, protocol=2)
    finally:
        for name in modules:
            del sys.modules[name]


def test_chumpy_and_sparse_objects_are_read_without_their_packages(tmp_path):
    arrays = flame_arrays()
    (tmp_path / "generic_model.pkl").write_bytes(chumpy_file(arrays))
    model = load_model_file(tmp_path / "generic_model.pkl")
    np.testing.assert_allclose(model.shape.mean, arrays["v_template"], atol=1e-7)
    np.testing.assert_allclose(
        model.shape.identity[7], arrays["shapedirs"][:, :, 7], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_and_both_memory_orders(tmp_path, protocol):
    arrays = flame_arrays()
    arrays["shapedirs"] = np.asfortranarray(arrays["shapedirs"].astype(">f4"))
    (tmp_path / "flame.pkl").write_bytes(pickle.dumps(arrays, protocol))
    model = load_model_file(tmp_path / "flame.pkl")
    np.testing.assert_array_equal(model.shape.identity[3], arrays["shapedirs"][:, :, 3])


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_harmful_pickle_is_refused_and_not_run(tmp_path):
    arrays = flame_arrays() | {"extra": Harmful(tmp_path / "made")}
    write_pkl(tmp_path / "flame.pkl", arrays)
    with pytest.raises(ModelUnreadable, match=r"io\.open") as caught:
        load_model_file(tmp_path / "flame.pkl")
    assert "nothing of it was run" in caught.value.message
    assert not (tmp_path / "made").exists()
    pickle.loads((tmp_path / "flame.pkl").read_bytes())["extra"].close()
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("code", [b"cbuiltins\neval\n(S'1'\ntR.", b"cos\nsystem\n(S'true'\ntR."])
def test_other_harmful_calls_are_named(tmp_path, code):
    (tmp_path / "flame.pkl").write_bytes(code)
    named = code[1:].split(b"(")[0].decode().strip().replace("\n", ".")
    with pytest.raises(ModelUnreadable, match=named):
        load_model_file(tmp_path / "flame.pkl")


def test_objects_in_arrays_are_refused(tmp_path):
    odd = np.array([{"a": 1}, None], dtype=object)
    write_pkl(tmp_path / "flame.pkl", flame_arrays() | {"odd": odd})
    with pytest.raises(ModelUnreadable, match="type"):
        load_model_file(tmp_path / "flame.pkl")
    np.savez(tmp_path / "flame.npz", **(flame_arrays() | {"f": odd}))
    with pytest.raises(ModelUnreadable, match=r"flame\.npz"):
        load_model_file(tmp_path / "flame.npz")


@pytest.mark.parametrize("name", KINDS)
def test_damaged_files(tmp_path, name):
    make, write = KINDS[name]
    write(tmp_path / name, make())
    whole = (tmp_path / name).read_bytes()
    for length in (0, 12, len(whole) // 2):
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(ModelUnreadable, match=name):
            load_model_file(tmp_path / name)


def test_unknown_and_absent_files(tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    for name in ("note.txt", "other.npz", "absent.npz"):
        with pytest.raises(ModelUnreadable, match=name) as caught:
            load_model_file(tmp_path / name)
        assert "GNM Head" in caught.value.hint


def test_a_missing_h5py_says_how_to_get_it(tmp_path, monkeypatch):
    write_h5(tmp_path / "model2019_bfm.h5", bfm_h5_arrays())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModelUnreadable, match="h5py") as caught:
        load_model_file(tmp_path / "model2019_bfm.h5")
    assert "pip install h5py" in caught.value.hint


def test_effigy_itself_is_one_of_them():
    assert load_model_file(EFFIGY_HEAD).model_id == "effigy-head"
