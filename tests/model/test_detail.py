"""Detail in the pipeline, and what the benchmark holds it against."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from ml.detail.window import window_of
from ml.errors import Cancelled
from ml.evaluation.synthetic.carry import nearest, to_window
from ml.evaluation.synthetic.detail import LIGHTS, DetailReference, conditions, perfect_offsets
from ml.head.mesh import person_mesh
from ml.head.storage import load_head_model
from ml.pipeline.same_person import reconstruct_person
from ml.pipeline.single import reconstruct
from ml.rendering import vertex_normals
from ml.settings import Settings
from tests.support.lit_head import mean_person

MODEL = load_head_model()


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(pictures.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def heads(portrait):
    """The portrait without and with detail, the same in all else."""
    return [
        reconstruct(portrait, Settings(texture_size=0, detail=mode))[0]
        for mode in ("off", "relief")
    ]


def test_detail_is_beside_the_head_not_in_it(heads):
    plain, detailed = heads
    assert plain.detail is None
    assert "detail" not in plain.timings.steps
    np.testing.assert_array_equal(detailed.mesh.vertices, plain.mesh.vertices)
    np.testing.assert_array_equal(detailed.coefficients.identity, plain.coefficients.identity)
    moved = np.linalg.norm(detailed.detail.offsets, axis=1)
    assert 2e-4 < moved.max() < 2e-3
    skin = np.unique(detailed.mesh.quads[detailed.mesh.part == 0])
    assert not np.delete(moved, skin).any()
    assert detailed.timings.steps["detail"] > 0
    assert detailed.to_json()["detail"] == "relief"


def test_detail_is_on_unless_it_is_switched_off():
    assert Settings().detail == "relief"


def test_detail_can_be_cancelled(portrait):
    shares = []

    def progress(fraction, message):
        shares.append(fraction)
        if "relief" in message:
            raise Cancelled("Stopped", "")

    with pytest.raises(Cancelled):
        reconstruct(portrait, Settings(texture_size=0), progress)
    assert shares == sorted(shares)


def test_photos_of_one_person_share_their_relief(portrait, tmp_path, heads):
    """A second photo that shows half of the face in darkness."""
    rgb = pictures.astronaut().copy()
    rgb[:, 240:] //= 6
    other = tmp_path / "dark.png"
    Image.fromarray(rgb).save(other)
    found = reconstruct_person([portrait, other], Settings(texture_size=0))
    first, second = (head.detail.offsets for head in found.heads)
    np.testing.assert_array_equal(first, second)
    assert first.any()
    assert not np.array_equal(first, heads[1].detail.offsets)


def test_a_perfect_field_is_what_the_head_lacks():
    """Ridges in the band come back; a wide bend of the head, which is not detail's, does not."""
    mesh = person_mesh(MODEL, mean_person(), "base")
    skin = np.unique(mesh.quads[mesh.part == 0])
    plain, normals = MODEL.shape.mean, vertex_normals(MODEL.shape.mean, MODEL.triangles)
    ridges = 5e-4 * np.sin(2 * np.pi * plain[:, 1:2] / 0.03) * normals
    everywhere = SimpleNamespace(regions={"face": np.ones(len(plain), bool)})
    reference = DetailReference(
        everywhere, None, (), None, to_window(plain, skin, window_of(MODEL))
    )
    cheek = skin[(plain[skin, 2] > 0.06) & (np.abs(plain[skin, 0]) > 0.03)]

    def said(missing):
        view = SimpleNamespace(neutral=(plain + missing).astype(np.float32))
        return perfect_offsets(view, plain, reference, mesh)[cheek]

    found = said(ridges)
    assert np.corrcoef(found.ravel(), ridges[cheek].ravel())[0, 1] > 0.9
    bent = 5e-4 * np.sin(2 * np.pi * plain[:, 1:2] / 0.5) * normals
    assert np.abs(said(bent)).mean() < 0.2 * np.abs(found).mean()


def test_nearest_vertices_share_by_distance():
    points = np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9]])
    found, weights = nearest(points, np.float32([[0.1, 0, 0]]))
    assert found[0, 0] == 0
    assert weights[0].sum() == pytest.approx(1)
    assert weights[0, 0] > 0.8


def test_every_view_has_one_light_and_either_paint_or_none():
    named = conditions()
    for hard in (0.0, 0.35, 0.5, 0.6, 1.0):
        for painted in (False, True):
            row = SimpleNamespace(hard=hard, painted=painted, yaw=0)
            assert sum(named[light](row) for light in LIGHTS) == 1
            assert named["bare skin"](row) != named["paint that is not shape"](row)
