"""before_upgrade.py RESULTS: set and save the installed extension's preferences, as a person does.

Prints the folder that the extension keeps for the person.
"""

import json
import sys

import bpy

own = bpy.context.preferences.addons["bl_ext.user_default.effigy"].preferences
own.results_folder = sys.argv[1]
own.keep_engine_ready = False
folder = bpy.utils.extension_path_user("bl_ext.user_default.effigy", path="engine", create=True)
bpy.ops.wm.save_userpref()
print(json.dumps(folder))
