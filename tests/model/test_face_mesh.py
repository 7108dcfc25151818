"""MediaPipe's attention mesh: the network in our format says what MediaPipe itself says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut

from ml.assets.card import read_card
from ml.data import FaceBox, FaceCrop, Photo
from ml.errors import UsageError
from ml.geometry.mirror import mirror_twins
from ml.head.storage import load_head_model
from ml.regressor.face_mesh import MARGIN, WEIGHTS, FaceMesh, load_face_mesh
from ml.regressor.face_mesh_network import CROP, FEATURES, POINTS, FaceMeshNetwork
from ml.training import face_mesh as conversion

WHOLE = np.eye(2, 3, dtype=np.float32)
LEFT, TOP = 128, 20
# What MediaPipe 0.10.21 says of the pixels of `portrait`, given as its whole crop: x, y, z.
RECORDED = {
    1: (96.857, 110.318, -23.488),
    10: (100.404, 45.386, -12.441),
    152: (94.989, 159.241, 9.451),
    234: (47.962, 89.296, 41.854),
    454: (145.936, 95.225, 41.809),
    70: (58.827, 70.175, 3.116),
    300: (137.569, 74.600, 2.958),
    33: (66.525, 80.733, 3.882),
    159: (74.929, 77.558, -2.171),
    145: (75.199, 84.502, -0.781),
    386: (120.416, 80.611, -2.324),
    374: (118.745, 86.695, -1.003),
    61: (74.030, 119.199, 7.811),
    13: (95.415, 123.779, -5.479),
    14: (95.056, 130.080, -2.878),
    468: (75.657, 81.077, 0.075),
    471: (70.897, 80.739, 0.075),
    473: (118.558, 83.623, -0.116),
    476: (114.483, 83.460, -0.116),
}


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return load_face_mesh()


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(astronaut()[TOP : TOP + CROP, LEFT : LEFT + CROP])


def test_points_are_mediapipes_own(mesh, portrait):
    found = mesh.predict_crops([FaceCrop(portrait, WHOLE)])[0]
    assert found.points.shape == (POINTS, 3)
    assert found.features.shape == (FEATURES,)
    off = found.points[list(RECORDED)] - np.array(list(RECORDED.values()), np.float32)
    assert np.abs(off).max() < 0.01
    assert found.flag > 0.99


def test_a_mirrored_picture_has_mirrored_points(mesh, portrait):
    flipped = np.ascontiguousarray(portrait[:, ::-1])
    plain, other = mesh.predict_crops([FaceCrop(portrait, WHOLE), FaceCrop(flipped, WHOLE)])
    twins = mirror_twins(load_head_model().points("mediapipe478").mean)
    back = other.points[twins] * [-1, 1, 1] + [CROP, 0, 0]
    off = np.linalg.norm((back - plain.points)[:, :2], axis=1)
    # The network was not made symmetric; on this face it differs from itself by 0.8 on average.
    assert off.mean() < 1.2
    assert off.max() < 3


@pytest.mark.parametrize("larger", [1, 2])
def test_points_are_in_the_photo_however_the_face_lies_in_it(mesh, larger):
    rgb = astronaut()[:256, 64:384]
    upright = Photo(np.ascontiguousarray(rgb), Path("a.png"), "")
    box = FaceBox((LEFT - 64 + CROP / 2, TOP + CROP / 2), CROP / MARGIN)
    expected = mesh.predict(upright, [box])[0]
    # Clockwise by a quarter: (x, y) comes to lie at (256 - y, x).
    turned = cv2.resize(np.rot90(rgb, -1), None, fx=larger, fy=larger)
    x, y = box.center
    there = FaceBox((larger * (256 - y), larger * x), larger * box.size, np.pi / 2)
    found = mesh.predict(replace(upright, rgb=np.ascontiguousarray(turned)), [there])[0]
    x, y, z = expected.points.T
    off = found.points / larger - np.column_stack([256 - y, x, z])
    assert np.abs(off).mean() < 0.2
    assert np.abs(off).max() < 1


def test_faces_of_one_batch_do_not_change_each_other(mesh, portrait):
    grey = np.full_like(portrait, 127)
    alone = mesh.predict_crops([FaceCrop(portrait, WHOLE)])[0]
    nobody, found = mesh.predict_crops([FaceCrop(grey, WHOLE), FaceCrop(portrait, WHOLE)])
    np.testing.assert_allclose(found.points, alone.points, atol=1e-2)
    np.testing.assert_allclose(found.features, alone.features, atol=1e-3)
    assert nobody.flag < 0.1 < 0.99 < found.flag
    assert mesh.predict_crops([]) == []


def test_the_weights_are_small_and_name_their_source():
    card = read_card(WEIGHTS)
    assert card.size < 2_500_000
    assert card.licence == "Apache-2.0"
    assert conversion.SHA256 in card.sources[0]


def _as_in_the_file(network: FaceMeshNetwork) -> dict[str, np.ndarray]:
    """The constants of a file of this network: as TensorFlow orders axes, one array a group."""
    constants = {"multiply_by_constant/Constant": np.ones(1, np.float32)}
    for name, layer, group, groups in conversion.named_layers(network):
        weight = layer.weight.detach().chunk(groups)[group].numpy()
        if isinstance(layer, torch.nn.PReLU):
            constants[f"{name}/Alpha"] = weight.reshape(1, 1, -1)
            continue
        # Depthwise: one, down, across, channel. Otherwise: out, down, across, in.
        axes = (1, 2, 3, 0) if name.startswith("depthwise") else (0, 2, 3, 1)
        constants[f"{name}/Kernel"] = weight.transpose(axes)
        constants[f"{name}/Bias"] = layer.bias.detach().chunk(groups)[group].numpy()
    return constants


def test_every_weight_is_filled_from_the_file():
    torch.manual_seed(3)
    given, filled = FaceMeshNetwork(), FaceMeshNetwork()
    constants = _as_in_the_file(given)
    # As the file has it: 73 numbered convolutions, 66 depthwise ones, 73 activations and 7 heads.
    assert len(constants) == 1 + 2 * (73 + 66 + 7) + 73
    conversion.fill(filled, constants)
    for name, value in given.state_dict().items():
        assert torch.equal(value, filled.state_dict()[name]), name
    with pytest.raises(ValueError, match="conv2d_72/Bias"):
        conversion.fill(filled, {k: v for k, v in constants.items() if k != "conv2d_72/Bias"})
    with pytest.raises(ValueError, match="conv2d_73/Bias"):
        conversion.fill(filled, {**constants, "conv2d_73/Bias": constants["conv2d_72/Bias"]})


def test_another_file_is_refused_before_anything_is_written(tmp_path):
    source, target = tmp_path / "other.tflite", tmp_path / "face_mesh.safetensors"
    source.write_bytes(b"TFL3")
    with pytest.raises(
        UsageError, match=r"other\.tflite is not the network of mediapipe 0\.10\.21"
    ):
        conversion.convert(source, target)
    assert not target.exists()
