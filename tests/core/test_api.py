"""The public interface: its names, its page, and what it does without PyTorch."""

import re
from pathlib import Path

import numpy as np
import pytest

import ml
from ml import api
from ml.errors import UsageError
from ml.head.storage import load_head_model

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/manual/python.md").read_text(encoding="utf-8")


def test_the_package_gives_the_names_of_the_interface_and_no_others():
    assert sorted(ml.__all__) == sorted(api.__all__)
    for name in ("__version__", *api.__all__):
        assert getattr(ml, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="no attribute 'Row'"):
        ml.Row  # noqa: B018


def test_importing_the_package_and_its_interface_stays_cheap(run_code):
    run_code(
        "import sys, ml; assert 'numpy' not in sys.modules;"
        "ml.Settings(); assert not {'torch', 'numba', 'cv2', 'bpy'} & {*sys.modules}"
    )


def test_every_public_name_stands_on_the_page_and_has_a_docstring():
    table = PAGE.partition("## Public names")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)(?:\(.*?\))?`", table))
    assert {*api.__all__, "__version__"} <= named
    assert [name for name in api.__all__ if not getattr(api, name).__doc__] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples/python").glob("*.py")), ids=lambda p: p.stem
)
def test_the_page_shows_the_examples_as_they_are(path):
    code = path.read_text(encoding="utf-8").rstrip().splitlines()
    assert "\n".join(f"    {line}".rstrip() for line in code) in PAGE


def test_a_mesh_of_coefficients_is_the_head_models():
    model = load_head_model()
    identity = np.linspace(-1, 1, api.identity_count(), dtype=np.float32)
    still = api.head_mesh(identity, level="low")
    moved = api.head_mesh(identity, {"jawOpen": 0.5}, level="low")
    assert np.array_equal(still.vertices, moved.vertices)
    key = moved.shape_keys[api.expression_names().index("jawOpen")]
    assert np.allclose(moved.vertices_expressed - moved.vertices, 0.5 * key, atol=1e-6)
    base = api.head_mesh(identity)
    assert np.allclose(base.vertices, model.person(identity)[0])
    corners = base.vertices[api.triangles(base)]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert len(corners) > len(base.quads)
    assert normals[np.argmax(corners[:, :, 2].mean(1))][2] > 0  # the nose's tip looks to +z


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(3),), "has the shape"),
        ((np.full(load_head_model().identity_count, np.nan),), "not finite"),
        ((np.zeros(load_head_model().identity_count), {"smile": 1.0}), "no expression 'smile'"),
        ((np.zeros(load_head_model().identity_count), {}, "finest"), "finest"),
    ],
)
def test_coefficients_that_are_none_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        api.head_mesh(*arguments)
