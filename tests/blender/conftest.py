"""The extension in the bpy wheel, under its true name ``bl_ext.user_default.effigy``."""

import importlib
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.pinned_head import write_pinned
from tests.support.synthetic_head import write_synthetic

ROOT = Path(__file__).resolve().parents[2]
NAME = "bl_ext.user_default.effigy"
_USER = Path(tempfile.mkdtemp(prefix="effigy-blender-"))
# Blender reads this once, when bpy is imported: before any test module is.
os.environ["BLENDER_USER_RESOURCES"] = str(_USER)
os.environ.pop("EFFIGY_PYTHON", None)


@pytest.fixture(scope="session")
def blender():
    """bpy, with the extension enabled from this working copy."""
    import bpy  # first: it puts Blender's own modules on the path
    import addon_utils  # isort: skip

    repository = Path(bpy.utils.user_resource("EXTENSIONS")) / "user_default"
    repository.mkdir(parents=True)
    (repository / "effigy").symlink_to(ROOT, target_is_directory=True)
    assert addon_utils.enable(NAME, default_set=True) is not None
    return bpy


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder for the test alone: results go to the documents in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


@pytest.fixture
def bpy(blender):
    """bpy with an empty file."""
    blender.ops.wm.read_homefile(use_empty=True)
    return blender


@pytest.fixture
def module(blender):
    """Imports a module of the enabled extension by its name inside it."""
    return lambda name: importlib.import_module(f"{NAME}.{name}")


@pytest.fixture
def saved_head(tmp_path):
    """An invented reconstruction, and the directory that it was saved in."""
    directory = tmp_path / "Ada"
    return SimpleNamespace(head=write_synthetic(directory), directory=directory)


@pytest.fixture
def built_head(bpy, saved_head):
    """The object of an invented head in an otherwise empty file."""
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    return bpy.context.object


@pytest.fixture
def rigged(bpy, built_head):
    """An invented head with its rig, expression at rest, both up to date."""
    bpy.ops.effigy.rig(add=True)
    bpy.ops.effigy.expression(which="NEUTRAL")
    bpy.context.view_layer.update()
    return SimpleNamespace(obj=built_head, rig=built_head.parent)


@pytest.fixture
def shown(bpy):
    """Gives (V, 3) of an object as seen: keys, bones and place applied; world space."""

    def vertices(obj):
        bpy.context.view_layer.update()
        seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        mesh = seen.to_mesh()
        flat = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", flat)
        matrix = np.array(seen.matrix_world)
        return flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]

    return vertices


@pytest.fixture
def bone_weights():
    """Gives (V, 5) weights of an object's vertices: neck, head, jaw, eye.L, eye.R."""

    def weights(obj):
        groups = [obj.vertex_groups[n].index for n in ("neck", "head", "jaw", "eye.L", "eye.R")]
        found = np.zeros((len(obj.data.vertices), len(groups)))
        for vertex in obj.data.vertices:
            for entry in vertex.groups:
                if entry.group in groups:
                    found[vertex.index, groups.index(entry.group)] = entry.weight
        return found

    return weights


@pytest.fixture
def fake_engine(module, saved_head, tmp_path, monkeypatch):
    """Makes the extension's engine a script; call it with "dead" or "mute" for a broken one."""

    def use(template=str(saved_head.directory)):
        script = tmp_path / "python"
        worker = ROOT / "tests/support/fake_worker.py"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{worker}" "{template}"\n')
        script.chmod(0o755)
        monkeypatch.setenv("EFFIGY_PYTHON", str(script))
        return script

    use()
    yield use
    module("operators.runtime").engine.stop()


@pytest.fixture
def photos(tmp_path):
    """Makes files with these names in a folder; only their names matter to the fake engine."""

    def make(*names):
        folder = tmp_path / "photos"
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"photo")
        return folder

    return make


@pytest.fixture
def source(tmp_path):
    """The folder of a head's result, and a file of pins that move its chin and its jaw."""
    return write_pinned(tmp_path)


@pytest.fixture
def pinnable(bpy, source):
    """The object of that head."""
    bpy.ops.effigy.build(directory=str(source.directory))
    return bpy.context.object
