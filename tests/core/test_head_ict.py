"""ICT-FaceKit through the head model's interface, from a small invented file of its layout."""

import numpy as np
import pytest

from ml.errors import ModelUnreadable
from ml.head.formats.ict import load_ict_facekit


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    names = ["browInnerUp_L", "browInnerUp_R", "eyeBlink_L", "eyeBlink_R", "jawOpen", "jawLeft"]
    return {
        "neutral": rng.normal(0, 10, (9, 3)).astype(np.float32),
        "faces": np.array([[0, 1, 2, 3], [4, 5, 6, -1]]),
        "uv": rng.random((7, 2)),
        "uv_faces": np.array([[0, 1, 2, 3], [4, 5, 6, -1]]),
        "part_names": np.array(["Face", "Teeth"]),
        "part_face_range": np.array([[0, 1], [1, 2]]),
        "identity": rng.normal(size=(3, 9, 3)).astype(np.float16),
        "expression": rng.normal(size=(6, 9, 3)).astype(np.float16),
        "expression_names": np.array(names),
        "landmarks68": np.arange(68) % 9,
    }


def test_metres_names_and_landmarks(arrays, tmp_path):
    np.savez(tmp_path / "ict.npz", **arrays)
    model = load_ict_facekit(tmp_path / "ict.npz")
    assert model.licence == "MIT"
    assert model.expression_names == (
        "browInnerUp",
        "eyeBlinkLeft",
        "eyeBlinkRight",
        "jawLeft",
        "jawOpen",
    )
    np.testing.assert_allclose(model.shape.mean, arrays["neutral"] / 100, rtol=1e-6)
    halves = arrays["expression"][:2].astype(np.float32).sum(0) / 100
    np.testing.assert_allclose(model.shape.expression[0], halves, atol=1e-6)
    assert model.quads[1].tolist() == [4, 5, 6, 6]
    assert len(model.triangles) == 3
    assert model.part.tolist() == [0, 1]
    np.testing.assert_array_equal(
        model.points("ibug68").mean, model.shape.mean[arrays["landmarks68"]]
    )


@pytest.mark.parametrize("missing", ["neutral", "landmarks68", "expression_names"])
def test_a_file_without_an_array_is_refused_by_name(arrays, tmp_path, missing):
    arrays.pop(missing)
    np.savez(tmp_path / "ict.npz", **arrays)
    with pytest.raises(ModelUnreadable, match=missing):
        load_ict_facekit(tmp_path / "ict.npz")


def test_damaged_and_absent_files(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not really")
    for name in ("bad.npz", "absent.npz"):
        with pytest.raises(ModelUnreadable, match=name):
            load_ict_facekit(tmp_path / name)
