"""Enabling adds what is promised, disabling takes all of it back."""

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


def test_disabling_in_the_middle_of_a_job_leaves_nothing_busy(bpy):
    import addon_utils

    bpy.context.window_manager.effigy_job.begin()
    addon_utils.disable(NAME)
    addon_utils.enable(NAME)
    assert not bpy.context.window_manager.effigy_job.running


def test_importing_the_extension_pulls_in_no_engine_packages(blender):
    import subprocess
    import sys
    from pathlib import Path

    code = (
        "import sys, importlib.util as u\n"
        "import bpy\n"
        f"spec = u.spec_from_file_location('effigy', r'{Path(__file__).parents[2]}/__init__.py')\n"
        "effigy = u.module_from_spec(spec); sys.modules['effigy'] = effigy\n"
        "spec.loader.exec_module(effigy); effigy.register()\n"
        "heavy = {'torch', 'cv2', 'numba', 'scipy', 'PIL'} & set(sys.modules)\n"
        "effigy.unregister()\n"
        "print('heavy', heavy)\n"
        "import os; sys.stdout.flush(); os._exit(0)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "heavy set()" in told.stdout, told.stderr
