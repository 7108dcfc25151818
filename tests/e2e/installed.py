"""Install ZIP into this process's Blender, run SCRIPT there with the other arguments.

Leaves without Blender's exit handlers, which do not return while an extension is enabled.
"""

import os
import runpy
import sys
import traceback

import bpy

archive, script = sys.argv[1:3]
code = 1
try:
    # As a module Blender starts with the factory's preferences, not with those that were saved.
    bpy.ops.wm.read_userpref()
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True
    )
    # The operator says FINISHED even when nothing was installed.
    if "bl_ext.user_default.effigy" not in bpy.context.preferences.addons:
        raise SystemExit("the extension was not enabled")
    sys.argv = sys.argv[2:]
    runpy.run_path(script, run_name="__main__")
    code = 0
finally:
    # os._exit would swallow the exception that brought us here.
    traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
