import bpy

op = bpy.context.active_operator

op.neutral = True
op.animation = True
op.one_material = True
op.root_bone = True
