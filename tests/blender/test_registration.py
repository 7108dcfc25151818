"""Enabling adds what is promised, disabling takes all of it back."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.layout import Layout

ROOT = Path(__file__).resolve().parents[2]
NAME = "bl_ext.user_default.effigy"


def ours(bpy):
    """Everything in Blender that carries Effigy's name."""
    types = {name for name in dir(bpy.types) if name.startswith("EFFIGY_")}
    operators = set(dir(bpy.ops.effigy))
    properties = {
        f"{owner.__name__}.{prop.identifier}"
        for owner in (bpy.types.Scene, bpy.types.WindowManager, bpy.types.Object)
        for prop in owner.bl_rna.properties
        if prop.identifier.startswith("effigy")
    }
    return types | operators | properties


def test_enable_disable_enable(blender):
    import addon_utils

    before = ours(blender)
    assert {"EFFIGY_OT_reconstruct", "EFFIGY_PT_photo", "EFFIGY_FH_photo"} <= before
    assert {"Scene.effigy", "WindowManager.effigy_job"} <= before
    addon_utils.disable(NAME)
    assert ours(blender) == set()
    assert addon_utils.enable(NAME) is not None
    assert ours(blender) == before


def test_disabling_ends_the_worker_and_takes_the_command_back(
    bpy, fake_engine, module, monkeypatch
):
    import addon_utils

    runtime = module("operators.runtime")
    worker = runtime.engine.start(runtime.engine_python().executable)
    gone = []
    real = bpy.utils.unregister_cli_command
    monkeypatch.setattr(
        bpy.utils, "unregister_cli_command", lambda handle: gone.append(real(handle))
    )
    addon_utils.disable(NAME)
    try:
        assert not worker.alive
        assert len(gone) == 1
    finally:
        addon_utils.enable(NAME)


def test_disabling_forgets_which_files_were_opened(bpy, module, tmp_path):
    import addon_utils

    for name in ("a.blend", "b.blend"):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / name))
        bpy.ops.wm.read_homefile(use_empty=True)
    opened = module("operators.opened")
    assert str(tmp_path / "a.blend") in opened.other_files()
    addon_utils.disable(NAME)
    try:
        assert opened.other_files() == []
    finally:
        addon_utils.enable(NAME)


def test_disabling_in_the_middle_of_a_job_leaves_nothing_busy(bpy):
    import addon_utils

    bpy.context.window_manager.effigy_job.begin()
    addon_utils.disable(NAME)
    addon_utils.enable(NAME)
    assert not bpy.context.window_manager.effigy_job.running


# Registers the extension from ROOT, takes it back, and says after each what of Blender's process
# is no longer as it was.
_HOST = """
import importlib.util, json, logging, os, signal, sys, warnings
import bpy

def state():
    root = logging.getLogger()
    return {
        **{f"variable {name}": value for name, value in os.environ.items()},
        "path": list(sys.path),
        "hooks": [str(hook) for hook in (sys.excepthook, sys.displayhook, sys.unraisablehook)],
        "streams": [id(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "filters": [str(entry) for entry in warnings.filters],
        "logging": [root.level, [str(handler) for handler in root.handlers], logging.root.disabled],
        "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "folder": os.getcwd(),
        "switches": [sys.getrecursionlimit(), sys.getswitchinterval()],
    }

before, modules = state(), dict(sys.modules)

def changes():
    now = state()
    found = {name: now.get(name) for name in before | now if now.get(name) != before.get(name)}
    replaced = [name for name, module in modules.items() if sys.modules.get(name) is not module]
    added = {name.split(".")[0] for name in set(sys.modules) - set(modules)}
    # __mp_main__ is the standard library's own second name for __main__; bpy loads some of its
    # parts when they are asked for.
    foreign = added - {"effigy", "numpy", "bpy", "__mp_main__"} - set(sys.stdlib_module_names)
    return found | {kind: names for kind, names in (
        ("replaced", replaced), ("foreign", sorted(foreign))) if names}

spec = importlib.util.spec_from_file_location("effigy", sys.argv[1])
sys.modules["effigy"] = effigy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(effigy)
effigy.register()
while_on = changes()
effigy.unregister()
print(json.dumps([while_on, changes()]))
sys.stdout.flush()
os._exit(0)
"""


def test_enabling_and_disabling_leave_blenders_process_as_it_was():
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "OPENBLAS_"))}
    done = subprocess.run(
        [sys.executable, "-c", _HOST, str(ROOT / "__init__.py")],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [{}, {}]


@pytest.mark.parametrize(
    ("menu", "entries"),
    [
        (
            "TOPBAR_MT_file_import",
            [
                ("effigy.reconstruct", "Effigy: photo (.jpg, .png, ...)"),
                ("effigy.build", "Effigy: reconstruction (.json)"),
                ("effigy.import_performance", "Effigy: performance (.csv)"),
                ("effigy.import_speech", "Effigy: lip sync (.json, .tsv, .xml, .TextGrid)"),
            ],
        ),
        (
            "TOPBAR_MT_file_export",
            [("effigy.export_performance", "Effigy: performance (.csv)")],
        ),
        (
            "VIEW3D_MT_mesh_add",
            [
                ("effigy.add_head", "Effigy head"),
                ("effigy.add_head", "Effigy random head"),
                ("effigy.reconstruct", "Effigy head from photo"),
            ],
        ),
    ],
)
def test_menus_offer_photos_heads_and_earlier_results(bpy, menu, entries):
    """F3 finds what is in a menu, by these words."""
    ours = [
        entry
        for entry in getattr(bpy.types, menu)._dyn_ui_initialize()
        if entry.__module__.endswith("effigy.panels.menus")
    ]
    assert len(ours) == 1
    layout = Layout()
    ours[0](SimpleNamespace(layout=layout), bpy.context)
    assert [(name, how["text"]) for name, how, _ in layout.drawn] == entries
