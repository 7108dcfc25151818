"""after_upgrade.py RESULT: what the extension that was installed over another found, as JSON."""

import importlib
import json
import sys

import bpy

NAME = "bl_ext.user_default.effigy"
own = bpy.context.preferences.addons[NAME].preferences
runtime = importlib.import_module(f"{NAME}.operators.runtime")
version = importlib.import_module(f"{NAME}.ml.version").effigy_version()
engine = runtime.engine_python()
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.effigy.build(directory=sys.argv[1])
print(
    json.dumps(
        {
            "version": version,
            "results_folder": own.results_folder,
            "keep_engine_ready": own.keep_engine_ready,
            "engine": str(engine.executable),
            "source": engine.source,
            "head": bpy.context.object.name,
        }
    )
)
