"""Heads of one's own topology: marks, the request to the engine, and the object that comes back."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ml.data import HeadCoefficients
from ml.head.arkit import EXPRESSION_NAMES
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.wrap.answer import answer
from ml.wrap.marks import MARKS
from tests.support.model_head import write_model_head


@pytest.fixture
def ada(bpy, tmp_path):
    """The object of a head of the head model."""
    write_model_head(tmp_path / "Ada")
    bpy.ops.effigy.build(directory=str(tmp_path / "Ada"))
    return bpy.context.object


@pytest.fixture
def own(bpy, ada):
    """Somebody else's skin in another topology, ten times as large and lying on its back."""
    model = load_head_model()
    identity = np.random.default_rng(4).normal(0, 0.6, model.identity_count).astype(np.float32)
    coefficients = HeadCoefficients(identity, np.zeros(len(EXPRESSION_NAMES), np.float32))
    head = person_mesh(model, person_of(model, coefficients), "low")
    quads = head.quads[head.part == head.part_names.index("skin")]
    quads = quads[quads[:, 2] != quads[:, 3]]
    used, local = np.unique(quads, return_inverse=True)
    mesh = bpy.data.meshes.new("Own")
    mesh.from_pydata((10 * head.vertices[used]).tolist(), [], local.reshape(-1, 4).tolist())
    layer = mesh.uv_layers.new()
    corners = head.vertices[quads.ravel(), :2] * 2 + 0.5
    layer.uv.foreach_set("vector", np.ascontiguousarray(corners, np.float32).ravel())
    obj = bpy.data.objects.new("Own", mesh)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    nearest = cKDTree(head.vertices[used]).query(head.landmarks_68)[1]
    marks = {name: int(nearest[number]) for name, (_, number) in MARKS.items()}
    return SimpleNamespace(obj=obj, marks=marks, vertices=10 * head.vertices[used])


def mark(bpy, own, names):
    for name in names:
        bpy.ops.object.mode_set(mode="EDIT")
        bpy.ops.mesh.select_all(action="DESELECT")
        bpy.ops.object.mode_set(mode="OBJECT")
        own.obj.data.vertices[own.marks[name]].select = True
        bpy.ops.object.mode_set(mode="EDIT")
        assert bpy.ops.effigy.mark_point(point=name) == {"FINISHED"}
        bpy.ops.object.mode_set(mode="OBJECT")


@pytest.fixture
def engine(module, monkeypatch):
    """Answers requests in this process; lists the folders that it was given."""
    wrap, given = module("operators.wrapping.wrap"), []

    def submit(python, kind, data):
        assert kind == "wrap"
        given.append(Path(data["folder"]))
        result = answer(data, Path(data["folder"]), lambda fraction, message: None)
        return SimpleNamespace(poll=lambda: True, result=result, fraction=1.0, message="")

    monkeypatch.setattr(wrap, "engine", SimpleNamespace(submit=submit))
    monkeypatch.setattr(wrap, "engine_python", lambda: SimpleNamespace(executable=Path("python")))
    return given


def points(obj, name):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


FIVE = ("nose_tip", "eye_outer_right", "eye_outer_left", "mouth_right", "mouth_left")


def test_a_mark_is_one_vertex_and_can_be_moved(bpy, own, module):
    marks_of = module("operators.wrapping.marks").marks_of
    mark(bpy, own, FIVE[:2])
    assert marks_of(own.obj) == {name: own.marks[name] for name in FIVE[:2]}
    own.marks["nose_tip"] += 1
    mark(bpy, own, FIVE[:1])
    assert marks_of(own.obj)["nose_tip"] == own.marks["nose_tip"]
    bpy.ops.effigy.clear_marks()
    assert marks_of(own.obj) == {}
    assert len(own.obj.vertex_groups) == 0


def test_a_point_needs_one_selected_vertex(bpy, own):
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    with pytest.raises(RuntimeError, match="vertices are selected"):
        bpy.ops.effigy.mark_point(point="chin")
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_copy_gets_shape_keys_and_texture(bpy, ada, own, engine):
    own.obj.data.materials.append(bpy.data.materials.new("Mine"))
    own.obj.vertex_groups.new(name="Kept")
    mark(bpy, own, MARKS)
    assert bpy.ops.effigy.wrap(texture="512") == {"FINISHED"}
    made = bpy.context.object
    assert made.name == f"Own {ada.name}"
    assert [key.name for key in made.data.shape_keys.key_blocks[1:]] == list(EXPRESSION_NAMES)
    assert all(key.value == 0 for key in made.data.shape_keys.key_blocks[1:])
    assert "Kept" in made.vertex_groups
    # In the own mesh's place and size; tests/model/test_wrap.py measures the shape.
    basis = points(made, "Basis")
    assert 0.01 < np.median(np.linalg.norm(basis - own.vertices, axis=1)) < 0.2
    jaw = points(made, "jawOpen") - basis
    assert 0.1 < np.linalg.norm(jaw, axis=1).max() < 0.8
    # The own mesh is as it was.
    assert own.obj.data.shape_keys is None
    assert [material.name for material in own.obj.data.materials] == ["Mine"]
    assert [material.name for material in made.data.materials] == ["Mine", f"{made.name} skin"]
    assert any(polygon.material_index == 1 for polygon in made.data.polygons)
    image = next(n.image for n in made.data.materials[1].node_tree.nodes if n.type == "TEX_IMAGE")
    assert tuple(image.size) == (512, 512)
    assert image.packed_file
    assert not engine[0].exists()


def test_a_mesh_that_keeps_its_shape_gets_the_keys_alone(bpy, own, engine):
    mark(bpy, own, FIVE)
    bpy.ops.effigy.wrap(keep_shape=True, texture="0")
    made = bpy.context.object
    assert np.allclose(points(made, "Basis"), own.vertices, atol=1e-6)
    assert not made.data.materials
    assert np.abs(points(made, "eyeBlinkLeft") - own.vertices).max() > 0.03


def test_what_lacks_is_said(bpy, ada, own, engine):
    mark(bpy, own, FIVE[:3])
    with pytest.raises(RuntimeError, match="3 marked points"):
        bpy.ops.effigy.wrap()
    with pytest.raises(RuntimeError, match="no Effigy head 'Nobody'"):
        bpy.ops.effigy.wrap(head="Nobody")
    mark(bpy, own, FIVE)
    bpy.data.objects.remove(ada)
    with pytest.raises(RuntimeError, match="0 Effigy heads"):
        bpy.ops.effigy.wrap()
    assert engine == []


def test_a_stopped_job_leaves_no_folder(bpy, module, tmp_path):
    folder = tmp_path / "request"
    folder.mkdir()
    request = SimpleNamespace(fraction=0.0, message="", poll=lambda: False, cancel=list)
    data = {"folder": str(folder)}
    job = module("operators.wrapping.wrap").WrapJob(data, lambda kind, what: request, list)
    assert not job.step()
    assert folder.exists()
    job.cancel()
    assert not folder.exists()
    shutil.rmtree(folder, ignore_errors=True)


def test_sculpted_keys_of_the_own_mesh_are_no_obstacle(bpy, own, engine):
    own.obj.shape_key_add(name="Basis")
    moved = own.obj.shape_key_add(name="Smile")
    moved.points[0].co.x += 1
    mark(bpy, own, FIVE)
    bpy.ops.effigy.wrap(texture="0")
    made = bpy.context.object
    assert len(made.data.shape_keys.key_blocks) == 1 + len(EXPRESSION_NAMES)
    assert [key.name for key in own.obj.data.shape_keys.key_blocks] == ["Basis", "Smile"]
