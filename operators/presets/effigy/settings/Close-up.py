import bpy

settings = bpy.context.scene.effigy

settings.texture_size = "2048"
settings.level = "high"
settings.detail = "relief"
