"""command.py ARGUMENT...: ``blender -b --command effigy ARGUMENT...``; its exit status as JSON."""

import importlib
import json
import sys

command = importlib.import_module("bl_ext.user_default.effigy.operators.command_line")
print(json.dumps(command.run(sys.argv[1:])))
