"""The rig on Effigy Head itself: bones do what the keys do, at every level."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ml.data import HeadCoefficients
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.results.reconstruction import save_reconstruction
from ml.settings import LEVELS
from tests.support.synthetic_head import synthetic_reconstruction, without_images

# Radians of the bones that show what the keys at 1 show, and the axis that they turn about.
JAW_OPEN = 0.4
LOOKS = {"Up": ("x", -0.38), "Down": ("x", 0.42), "In": ("z", 0.5), "Out": ("z", -0.5)}
BONES = ("neck", "head", "jaw", "eye.L", "eye.R")


@pytest.fixture(scope="session", params=LEVELS)
def real_head(request, tmp_path_factory):
    """A saved person of the shipped head model at rest, at every level."""
    model = load_head_model()
    identity = np.random.default_rng(4).normal(0, 0.7, model.identity_count).astype(np.float32)
    coefficients = HeadCoefficients(identity, np.zeros(52, np.float32))
    mesh = person_mesh(model, person_of(model, coefficients), request.param)
    head = without_images(synthetic_reconstruction())
    origin = replace(head.provenance, level=request.param)
    head = replace(head, mesh=mesh, coefficients=coefficients, provenance=origin)
    directory = tmp_path_factory.mktemp("real") / request.param
    save_reconstruction(head, directory)
    return SimpleNamespace(mesh=mesh, directory=directory)


@pytest.fixture
def real(bpy, real_head):
    """That head in an empty file with its rig."""
    bpy.ops.effigy.build(directory=str(real_head.directory))
    obj = bpy.context.object
    bpy.ops.effigy.rig()
    return SimpleNamespace(obj=obj, rig=obj.parent, mesh=real_head.mesh)


def part(mesh, *names):
    """The vertices of parts whose names begin so."""
    wanted = [i for i, name in enumerate(mesh.part_names) if name.startswith(names)]
    return np.unique(mesh.quads[np.isin(mesh.part, wanted)])


def by_key(shown, real, name):
    """(V, 3) how a key at 1 moves the head."""
    rest = shown(real.obj)
    real.rig[name] = 1.0
    real.rig.update_tag()
    moved = shown(real.obj) - rest
    real.rig[name] = 0.0
    real.rig.update_tag()
    return moved


def by_bone(shown, real, name, axis, angle):
    """(V, 3) how a bone's turn moves it."""
    rest = shown(real.obj)
    setattr(real.rig.pose.bones[name].rotation_euler, axis, angle)
    moved = shown(real.obj) - rest
    setattr(real.rig.pose.bones[name].rotation_euler, axis, 0)
    return moved


def apart(one, other):
    return np.linalg.norm(one - other, axis=1)


def test_the_jaw_opens_the_mouth_as_the_key_does(real, shown):
    key = by_key(shown, real, "jawOpen")
    bone = by_bone(shown, real, "jaw", "x", JAW_OPEN)
    lower = part(real.mesh, "teeth_lower", "gums_lower", "tongue")
    assert np.linalg.norm(key[lower], axis=1).mean() > 0.02
    assert apart(key, bone)[lower].max() < 0.005
    upper = part(real.mesh, "teeth_upper", "gums_upper", "eye", "iris", "pupil")
    assert np.abs(bone[upper]).max() < 1e-6
    assert np.abs(bone[part(real.mesh, "lashes")]).max() < 3e-4  # they follow their lid
    assert apart(key, bone)[part(real.mesh, "skin")].mean() < 0.003


@pytest.mark.parametrize("way", LOOKS)
def test_eyes_look_as_the_keys_do(real, shown, way):
    axis, angle = LOOKS[way]
    real.rig.pose.bones["eyes.target"]["lids"] = 0.0
    key = by_key(shown, real, f"eyeLook{way}Left")
    bone = by_bone(shown, real, "eye.L", axis, angle)
    iris = part(real.mesh, "iris_left", "pupil_left")
    assert np.linalg.norm(key[iris], axis=1).mean() > 0.004
    assert apart(key, bone)[iris].max() < 0.0015
    others = np.setdiff1d(np.arange(len(bone)), part(real.mesh, "eye_left", "iris_l", "pupil_l"))
    assert np.abs(bone[others]).max() < 1e-6
    real.rig.pose.bones["eyes.target"]["lids"] = 1.0
    lid = by_bone(shown, real, "eye.L", axis, angle)[others]
    if way == "Down":
        assert lid[:, 2].min() < -0.003  # the upper lid goes down, too


def test_every_vertex_hangs_on_bones_that_sum_to_one(real, bone_weights):
    weights = bone_weights(real.obj)
    assert np.abs(weights.sum(1) - 1).max() < 1e-6
    for side, bone in (("left", "eye.L"), ("right", "eye.R")):
        eye = part(real.mesh, f"eye_{side}", f"iris_{side}", f"pupil_{side}")
        assert (weights[eye, BONES.index(bone)] == 1).all()
    assert (weights[part(real.mesh, "tongue", "teeth_lower"), BONES.index("jaw")] == 1).all()
    assert (weights[part(real.mesh, "teeth_upper", "gums_upper"), BONES.index("head")] == 1).all()


def test_head_and_neck_turn_without_tearing(real, shown):
    mesh, rest = real.mesh, shown(real.obj)
    real.rig.pose.bones["neck"].rotation_euler = (0.25, 0.2, 0)
    real.rig.pose.bones["head"].rotation_euler = (0.2, 0.3, 0.1)
    posed = shown(real.obj)
    edges = mesh.quads[np.isin(mesh.part, [mesh.part_names.index("skin")])][:, :2]
    before, after = (np.linalg.norm(v[edges[:, 0]] - v[edges[:, 1]], axis=1) for v in (rest, posed))
    long = before > 0.001
    assert np.percentile(after[long] / before[long], 99.5) < 1.6
    assert np.percentile(after[long] / before[long], 0.5) > 0.5
    teeth = part(mesh, "teeth_upper")
    sizes = [np.linalg.norm(v[teeth] - v[teeth].mean(0), axis=1) for v in (rest, posed)]
    np.testing.assert_allclose(*sizes, atol=1e-5)


def test_nothing_is_left_behind(bpy, real, shown):
    groups = {group.name for group in real.obj.vertex_groups} - set(BONES)
    before = shown(real.obj)
    bpy.ops.effigy.rig(add=False)
    assert np.abs(shown(real.obj) - before).max() < 1e-6
    assert {group.name for group in real.obj.vertex_groups} == groups
    assert not bpy.data.armatures
    assert not real.obj.modifiers
    assert not len(real.obj.data.shape_keys.animation_data.drivers)
    assert {obj.type for obj in bpy.data.objects} == {"MESH", "CAMERA"}


def test_its_files_are_as_small_as_promised(real, real_head):
    level = real.obj["effigy"]["level"]
    size = (real_head.directory / "reconstruction.npz").stat().st_size
    assert size < (14e6 if level == "high" else 5e6)
